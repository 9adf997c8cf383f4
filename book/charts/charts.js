/* Brings the drawn charts of a page to life when a reader wants them. A classic script, so that it works from a folder on disk. */
(function () {
  "use strict";
  const figures = [...document.querySelectorAll("figure.chart")].filter((figure) => figure.dataset.spec);
  const live = new Map(), scripts = new Map();
  let tip, timer, said = false, armed = false;

  // ---- loading -------------------------------------------------------------------------------------------------
  function load(url, found) {
    return scripts.get(url) || scripts.set(url, new Promise((done, fail) => {
      document.head.append(Object.assign(document.createElement("script"), { src: url,
        onload: () => found() ? done(found()) : fail(new Error(`${url} is damaged`)),
        onerror: () => fail(null) })); // the browser has said so already
    })).get(url);
  }

  function giveUp(figure, error) {
    figure.dataset.live = "failed";
    figure.querySelector(".chart-live")?.remove();
    if (error && !said) console.warn(`Chart ${figure.dataset.chart} stays a drawing: ${error.message}`);
    said = true;
  }

  async function wake(figure) {
    if (figure.dataset.live) return;
    figure.dataset.live = "loading";
    try {
      const [text] = await Promise.all([load(figure.dataset.spec, () => window.chartSpecs?.[figure.dataset.chart]), load(figure.dataset.runtime, () => window.vegaEmbed)]);
      const spec = JSON.parse(text);
      const chart = { figure, spec, drawing: figure.querySelector(".chart-drawing"), at: -1 };
      live.set(figure, chart);
      await draw(chart);
      controls(chart);
      keyboard(chart);
      await restore(chart);
      new ResizeObserver(() => redraw(chart)).observe(chart.drawing);
    } catch (error) { giveUp(figure, error); }
  }

  const fitting = (chart) => Math.max(0, [...chart.drawing.querySelectorAll(".chart-static")].findIndex((one) => one.getClientRects().length));
  async function draw(chart) {
    const index = fitting(chart), still = chart.drawing.querySelectorAll(".chart-static")[index].querySelector("svg");
    const whole = JSON.parse(JSON.stringify(chart.spec)); // Vega writes into what it is given
    for (const [path, value] of chart.spec.patches[index]) ["vega", ...path].slice(0, -1).reduce((node, key) => node[key], whole)[path.at(-1) ?? "vega"] = value;
    const vega = whole.vega;
    for (const source of vega.data || []) if (typeof source.values === "number") source.values = structuredClone(whole.data[source.values]);
    const holder = chart.drawing.appendChild(Object.assign(document.createElement("div"), { className: "chart-live" }));
    const { view, finalize } = await window.vegaEmbed(holder, vega, { mode: "vega", ast: true, renderer: "svg", actions: false, defaultStyle: false, logLevel: 0,
      tooltip: (handler, event, item, value) => (event?.type === "mouseout" && matchMedia("(hover: none)").matches) // where nothing hovers, what a finger touched stays told until it touches elsewhere
        || tooltip(value, event?.clientX, event?.clientY) });
    const svg = holder.querySelector("svg"), box = svg && svg.viewBox.baseVal, was = still.viewBox.baseVal;
    if (!box || !(Math.abs(box.width - was.width) < 24) || !(Math.abs(box.height - was.height) < 0.2 * was.height + 24) || !svg.querySelector("path[d], text, line, image")) {
      finalize();
      throw new Error("its live form does not match");
    }
    svg.setAttribute("aria-hidden", "true");
    unscale(svg);
    view.addResizeListener(() => { chart.drawing.dataset.grown = ""; }); // a list that a control makes longer pushes the text below it down
    chart.old?.remove();
    chart.done?.();
    Object.assign(chart, { view, index, holder, svg, done: finalize, old: holder });
    name(chart);
    chart.figure.dataset.live = "ready";
  }

  async function redraw(chart) {
    if (chart.busy || chart.figure.dataset.live !== "ready" || fitting(chart) === chart.index) return;
    const state = read(chart);
    chart.busy = true;
    try { await draw(chart); listen(chart); keyboard(chart); await apply(chart, state); } catch (error) { giveUp(chart.figure, error); } finally { chart.busy = false; }
    redraw(chart); // once more where the width changed meanwhile
  }

  // Vega takes a pixel of the page for a pixel of the drawing; CSS scales the drawing, so its box is shifted to make up for it.
  let pointer = { clientX: 0, clientY: 0 };
  for (const kind of ["pointermove", "pointerdown", "mousemove", "mousedown", "touchstart", "touchmove", "wheel"]) {
    window.addEventListener(kind, (event) => { pointer = event.changedTouches ? event.changedTouches[0] : event; }, { capture: true, passive: true });
  }
  const scale = (svg) => Element.prototype.getBoundingClientRect.call(svg).width / svg.viewBox.baseVal.width || 1;
  function unscale(svg) {
    svg.getBoundingClientRect = () => {
      const box = Element.prototype.getBoundingClientRect.call(svg), by = scale(svg);
      return new DOMRect(pointer.clientX - (pointer.clientX - box.left) / by, pointer.clientY - (pointer.clientY - box.top) / by, box.width / by, box.height / by);
    };
  }

  // ---- tooltips and points -------------------------------------------------------------------------------------
  const PARTS = { month: "long", year: "numeric", timeZone: "UTC" };
  const plain = (value) => typeof value === "boolean" ? value ? "yes" : "no" // as the data table writes it, and days in words
    : typeof value === "number" ? (Math.abs(value) < 1e4 ? String(+value.toPrecision(4)) : Math.round(value).toLocaleString("en-GB")).replace("-", "−")
    : /^\d{4}-\d\d(-\d\d(T00:00:00)?)?$/.test(value) ? new Date(value.slice(0, 10)).toLocaleDateString("en-GB", { ...PARTS, day: value[7] && "numeric" }) : String(value);
  const pairs = (value) => typeof value === "object" ? Object.entries(value).filter(([, text]) => !["", "null", "NaN", "undefined"].includes(String(text))).map(([key, text]) => [key, plain(text)])
    : String(value).split("; ").map((part) => part.split(/: (.*)/s));
  const words = (value) => pairs(value).map(([key, text]) => text === undefined ? key : `${key}: ${text}`).join("; ");
  function tooltip(value, x, y) {
    tip ||= document.body.appendChild(Object.assign(document.createElement("div"), { className: "chart-tip", hidden: true }));
    tip.setAttribute("aria-hidden", "true"); // the readout says it to screen readers
    tip.hidden = value == null || value === "";
    if (tip.hidden) return;
    const list = document.createElement("dl");
    for (const [key, text] of pairs(value)) for (const [tag, say] of [["dt", text === undefined ? "" : key], ["dd", text ?? key]]) list.append(Object.assign(document.createElement(tag), { textContent: say }));
    tip.replaceChildren(list);
    const { width, height } = tip.getBoundingClientRect();
    tip.style.transform = `translate(${Math.max(8, Math.min(x + 12, innerWidth - width - 8))}px, ${y - height - 14 > 8 ? y - height - 14 : y + 18}px)`;
  }

  function points(chart) {
    const found = [], { view, svg } = chart, padding = view.padding(), origin = view.origin(), by = scale(svg);
    (function walk(mark, x, y) {
      for (const item of mark.items || []) {
        if (mark.marktype === "group") {
          for (const inner of item.items || []) if (!/axis|legend|title|header|footer/.test(inner.role || "")) walk(inner, x + (item.x || 0), y + (item.y || 0));
        } else if (item.datum && item.opacity !== 0 && (item.tooltip || item.description)) {
          const line = /line|area|trail/.test(mark.marktype), box = item.bounds;
          found.push({ value: item.tooltip || item.description, told: !!item.tooltip, x: by * (x + (line ? item.x : (box.x1 + box.x2) / 2)), y: by * (y + (line ? item.y : (box.y1 + box.y2) / 2)) });
        }
      }
    })(view.scenegraph().root, padding.left + origin[0], padding.top + origin[1]);
    const told = found.some((point) => point.told), seen = new Set();
    return found.filter((point) => point.told === told && !seen.has(words(point.value)) && seen.add(words(point.value)))
      .sort((a, b) => Math.round(a.x - b.x) || a.y - b.y);
  }
  function nearest(chart, { clientX, clientY }) { // within reach of a finger
    const box = chart.holder.getBoundingClientRect(), far = (point) => Math.hypot(point.x - clientX + box.left, point.y - clientY + box.top);
    return points(chart).map((point) => [far(point), point]).reduce((best, one) => one[0] < best[0] ? one : best, [44, null])[1];
  }
  function show(chart, point) {
    chart.cursor?.remove();
    tooltip(null);
    if (!point) return;
    const box = chart.holder.getBoundingClientRect();
    chart.cursor = chart.holder.appendChild(Object.assign(document.createElement("div"), { className: "chart-cursor" }));
    Object.assign(chart.cursor.style, { left: `${point.x}px`, top: `${point.y}px` });
    tooltip(point.value, box.left + point.x, box.top + point.y);
  }

  function name({ figure, holder }) {
    const alt = figure.querySelector(".chart-static svg").getAttribute("aria-label");
    for (const [key, value] of Object.entries({ role: "application", tabindex: "0", "aria-roledescription": "chart",
      "aria-label": `${alt} Arrow keys read the values one by one; the table below has them all.` })) holder.setAttribute(key, value);
  }

  function keyboard(chart) {
    const { holder, figure } = chart;
    chart.readout ||= figure.appendChild(Object.assign(document.createElement("p"), { className: "chart-readout" }));
    chart.readout.setAttribute("aria-live", "polite");
    holder.addEventListener("keydown", (event) => {
      const all = points(chart), step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -1e6, End: 1e6 }[event.key];
      if (event.key === "Escape") show(chart, null);
      if (!step || !all.length) return;
      event.preventDefault();
      chart.at = Math.max(0, Math.min(all.length - 1, chart.at + step));
      show(chart, all[chart.at]);
      chart.readout.textContent = `${words(all[chart.at].value)} (${chart.at + 1} of ${all.length})`;
    });
    holder.addEventListener("blur", () => show(chart, null));
    holder.addEventListener("pointerup", (event) => {
      if (event.pointerType === "touch") setTimeout(() => show(chart, nearest(chart, event)), 60); // after Vega's own leave event
    });
  }

  // ---- controls and state --------------------------------------------------------------------------------------
  const inputs = (chart, param) => [...chart.figure.querySelectorAll(`.chart-controls [data-param="${CSS.escape(param)}"]:not([data-clear])`)];
  const rows = (chart, one) => { try { return chart.view.data(one.param + "_store"); } catch { return []; } };
  const told = (one, value) => one.time ? new Date(value).toLocaleDateString("en-GB", { month: "short", year: "numeric" }) : String(+(+value).toPrecision(4));

  function get(chart, one) {
    if (one.kind === "clear") return null;
    if (one.kind !== "point" && one.kind !== "interval") return chart.view.signal(one.param);
    const store = rows(chart, one);
    return !store.length ? null : one.kind === "point" ? store[0].values[0] : store[0].values[0].map(Number);
  }

  async function set(chart, one, value) {
    const { view } = chart;
    if (one.kind === "point") view.data(one.param + "_store", value == null ? [] : [{ unit: "", fields: one.fields, values: [value] }]);
    else if (one.kind === "interval" || one.kind === "clear") {
      const axis = one.channel || "x";
      let outer = true; // a brush of an inner view has no signal that can be set: its store is
      try { view.signal(`${one.param}_${axis}`, value ? value.map(view.scale(axis)) : [0, 0]); } catch { outer = false; }
      if (!outer || !value) view.data(one.param + "_store", value ? [{ unit: "", fields: one.fields, values: [value] }] : []);
    } else view.signal(one.param, value);
    await view.runAsync();
    chart.at = -1;
  }

  function mirror(chart, one) { // the form shows what the chart does
    const value = get(chart, one);
    for (const input of inputs(chart, one.param)) {
      if (one.kind === "interval") {
        const [low, high] = value ? [...value].sort((a, b) => a - b) : [one.low, one.high], now = +input.dataset.end ? high : low;
        input.value = Math.round(200 * (now - one.low) / (one.high - one.low));
        input.nextElementSibling.textContent = told(one, now);
        input.setAttribute("aria-valuetext", told(one, now));
      } else if (input.type === "checkbox") input.checked = !!value;
      else if (input.type === "radio") input.checked = input.value === JSON.stringify(value);
      else if (input.tagName === "SELECT") input.value = JSON.stringify(value ?? null);
      else { input.value = value ?? ""; if (input.nextElementSibling) input.nextElementSibling.textContent = value; }
    }
  }

  function wanted(chart, one, input) {
    if (one.kind === "interval") {
      const [a, b] = inputs(chart, one.param).map((end) => one.low + (one.high - one.low) * end.value / 200);
      return a === one.low && b === one.high ? null : a < b ? [a, b] : +input.dataset.end ? [b, b + (one.high - one.low) / 200] : [a, a + (one.high - one.low) / 200];
    }
    return input.type === "checkbox" ? input.checked : input.type === "range" || input.type === "number" ? +input.value
      : input.type === "radio" || input.tagName === "SELECT" ? JSON.parse(input.value) : input.value;
  }

  function listen(chart) {
    for (const one of chart.spec.controls) {
      const heard = () => { mirror(chart, one); if (!chart.quiet) remember(chart); };
      if (["point", "interval", "clear"].includes(one.kind)) { try { chart.view.addDataListener(one.param + "_store", heard); } catch { /* none */ } }
      else chart.view.addSignalListener(one.param, heard);
    }
  }

  function controls(chart) {
    chart.start = {};
    for (const one of chart.spec.controls) {
      if (one.time) for (const end of ["low", "high"]) one[end] += 60000 * new Date(one[end]).getTimezoneOffset(); // Vega reads dates as local
      chart.start[one.param] = get(chart, one);
      for (const input of inputs(chart, one.param)) input.addEventListener("input", () => set(chart, one, wanted(chart, one, input)));
      chart.figure.querySelector(`[data-clear][data-param="${CSS.escape(one.param)}"]`)?.addEventListener("click", () => set(chart, one, null));
      mirror(chart, one);
    }
    listen(chart);
    for (const form of chart.figure.querySelectorAll(".chart-controls")) form.disabled = false;
  }

  const read = (chart) => Object.fromEntries(chart.spec.controls.map((one) => [one.param, get(chart, one)]));
  function fits(chart, one, value) { // an address can ask for no more than the form offers
    const offers = inputs(chart, one.param), [{ type, min, max } = {}] = offers;
    if (one.kind === "interval") return value === null || [].concat(value).length === 2 && value.every(Number.isFinite) && Math.min(...value) < one.high && Math.max(...value) > one.low;
    if (one.kind === "clear") return value === null;
    if (type === "range" || type === "number") return Number.isFinite(value) && value >= (min || -Infinity) && value <= (max || Infinity);
    if (type === "radio" || type === "select-one") return offers.flatMap((input) => [...input.options || [input]]).some((option) => JSON.parse(option.value) === value);
    return type === "checkbox" ? typeof value === "boolean" : typeof value !== "object";
  }
  async function apply(chart, state) {
    chart.quiet = true;
    for (const one of chart.spec.controls) if (one.param in state && fits(chart, one, state[one.param])) { await set(chart, one, state[one.param]); mirror(chart, one); }
    chart.quiet = false;
  }

  function remember(chart) {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const now = read(chart), query = new URLSearchParams();
      for (const [key, value] of Object.entries(now)) if (JSON.stringify(value) !== JSON.stringify(chart.start[key])) query.set(key, JSON.stringify(value));
      history.replaceState(history.state, "", `#${chart.figure.id}${query.size ? "?" + query : ""}`);
    }, 250);
  }

  function asked() {
    const [id, query] = location.hash.slice(1).split(/\?(.*)/s);
    return query ? [figures.find((figure) => figure.id === id), new URLSearchParams(query)] : [];
  }
  function restore(chart) {
    const [figure, said] = asked();
    if (figure !== chart.figure || figure.dataset.live !== "ready") return;
    const state = {};
    for (const [key, text] of said) try { state[key] = JSON.parse(text); } catch { state[key] = text; }
    return apply(chart, state);
  }
  function follow() {
    const [figure] = asked();
    if (!figure) return;
    figure.scrollIntoView({ block: "start" });
    live.has(figure) ? restore(live.get(figure)) : wake(figure);
  }

  // ---- when ----------------------------------------------------------------------------------------------------
  function arm({ type, movementX, movementY }) {
    if (armed || type === "pointermove" && !movementX && !movementY) return; // browsers tell of a pointer at rest, too
    armed = true;
    const near = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) if (isIntersecting) { near.unobserve(target); wake(target); }
    }, { rootMargin: "300px" });
    figures.forEach((figure) => near.observe(figure));
  }
  for (const kind of ["scroll", "pointerdown", "pointermove", "keydown", "touchstart", "wheel"]) window.addEventListener(kind, arm, { capture: true, passive: true });
  for (const figure of figures) for (const kind of ["focusin", "pointerdown"]) figure.addEventListener(kind, () => wake(figure), { once: true });
  window.addEventListener("hashchange", follow);
  window.addEventListener("scroll", () => tip && (tip.hidden = true), { passive: true });
  follow();

  for (const button of document.querySelectorAll(".chart-copy")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const text = button.previousElementSibling, selection = getSelection();
      selection.selectAllChildren(text);
      try { await navigator.clipboard.writeText(text.textContent); } catch { document.execCommand("copy"); }
      button.nextElementSibling.textContent = "Copied.";
    });
  }
})();
