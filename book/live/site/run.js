// Opens one chapter in JupyterLite below a line that says what is going on, until its first cell can be run.
(async () => {
  "use strict";
  const $ = id => document.getElementById(id), wait = ms => new Promise(done => setTimeout(done, ms));
  const path = new URLSearchParams(location.search).get("path") || "", home = new URL(".", location).pathname;
  const say = (words, share) => { $("said").textContent = words; $("bar").hidden = share === null; if (share === undefined) $("bar").removeAttribute("value"); else if (share !== null) $("bar").value = share; };
  let frame;

  const known = /^chapters\/\w[\w.-]*\.ipynb$/.test(path), page = known ? "../" + path.replace(/\.ipynb$/, ".html") : "../";
  let missing = !known;
  const chapter = fetch(page).then(got => { missing ||= got.status === 404; return got.ok ? got.text() : Promise.reject(); }).then(text => new DOMParser().parseFromString(text, "text/html")).catch(() => null);
  await chapter;
  if (missing) return stop("There is no such chapter.");
  $("back").href = page;
  $("back").onclick = async event => {  // what the reader wrote is kept, without being asked about it
    event.preventDefault();
    try { await panel()?.context.save(); } catch { /* then it is not */ }
    frame?.remove();
    location.href = page;
  };
  chapter.then(read => { const title = read?.querySelector("h1")?.firstChild?.textContent.trim(); if (title) { document.title = title + " — running"; $("back").textContent = "Back to “" + title + "”"; } });

  // ---- can this browser run it? ----
  async function lacking() {
    if (location.protocol === "file:") return "The book was opened from a disk. A chapter runs when the book comes from a server, as with “make serve”.";
    if (!isSecureContext) return "A chapter runs here only when the book is opened over https.";
    if (typeof WebAssembly !== "object") return "This browser does not run WebAssembly, which Python in the browser is made of.";
    if (!("serviceWorker" in navigator) || !("caches" in window)) return "This browser keeps pages here from storing anything (a private window, or its settings), and a chapter cannot run without.";
    try {
      await new Promise((done, failed) => { const asked = indexedDB.open("a-new-chapter-try"); asked.onsuccess = () => { asked.result.close(); indexedDB.deleteDatabase("a-new-chapter-try"); done(); }; asked.onerror = failed; });
      await caches.open("a-new-chapter");
      await navigator.serviceWorker.register("service-worker.js?enableCache=false");  // as JupyterLite will name it
      await Promise.race([navigator.serviceWorker.ready, wait(10000).then(() => { throw 0; })]);
    } catch { return "This browser keeps pages here from storing anything (a private window, or its settings), and a chapter cannot run without."; }
    if (!navigator.serviceWorker.controller) await Promise.race([new Promise(done => navigator.serviceWorker.addEventListener("controllerchange", done)), wait(1500)]);
    return "";
  }

  // ---- an end, with the other ways ----
  async function stop(words, again) {
    frame?.remove();
    frame = undefined;
    say("", null);
    $("all").hidden = $("reset").hidden = true;
    const note = document.createElement("div"), first = document.createElement("p"), list = document.createElement("ul");
    note.className = "note";
    note.setAttribute("role", "alert");
    first.textContent = words;
    const links = [...(await chapter)?.querySelectorAll("p.run a:not(.here)") || []].map(link => [link.textContent, new URL(link.getAttribute("href"), new URL(page, location)), link.hasAttribute("download")]);
    for (const [text, href, download] of [...(again ? [["Try again", location.href]] : []), ...links, ["Back to the book", page]]) {
      const item = list.appendChild(document.createElement("li")), link = item.appendChild(document.createElement("a"));
      link.textContent = download ? "Download the notebook" : links.some(one => one[0] === text) ? "Run it in " + text : text;
      link.href = href;
      if (download) link.download = "";
    }
    note.append(first, list);
    $("main").replaceChildren(note);
  }

  // ---- loading ----
  async function load() {
    const parts = JSON.parse($("parts").textContent), names = Object.keys(parts).sort((a, b) => parts[b] - parts[a]);
    const total = names.reduce((sum, name) => sum + parts[name], 0);
    const kept = await caches.open("a-new-chapter"), have = (await kept.keys()).map(request => new URL(request.url));
    have.filter(url => url.pathname.startsWith(home + "static/") && !(url.pathname.slice(home.length) in parts)).forEach(url => kept.delete(url.href));  // an older edition's
    const first = !names.every(name => have.some(url => url.pathname === home + name));
    const mine = frame;
    if (!first) names.length = 0;
    let done = 0;
    async function one() {
      for (let name; (name = names.shift());) {
        const got = await fetch(name).catch(() => null);
        if (!got?.ok) throw new Error(name.split("/").pop());
        const reader = got.body.getReader();
        for (let piece; !(piece = await reader.read().catch(() => { throw new Error(name.split("/").pop()); })).done;) {
          done += piece.value.length;
          if (first && !started && mine === frame) say(`Loading Python, once: ${Math.min(99, Math.round(100 * done / total))} %.${panel() ? " The chapter below can be read meanwhile." : ""}`, 100 * done / total);
        }
      }
    }
    await Promise.all([one(), one(), one(), one()]);
    if (!started && mine === frame) say("Starting Python …");
    for (let seconds = 1; !started && mine === frame; seconds += 1) {  // once a second: a bar that moves by itself takes a tenth of Python's time where no graphics card draws it
      $("bar").value = 100 * (1 - Math.exp(-seconds / 12));
      await wait(1000);
    }
  }
  let started = false;

  // ---- the notebook ----
  const app = () => frame?.contentWindow?.jupyterapp;
  const panel = () => { for (const widget of app()?.shell?.widgets("main") || []) if (widget.sessionContext) return widget; };
  function open() {
    frame?.remove();
    frame = document.createElement("iframe");
    frame.title = "The chapter as a notebook";
    frame.src = "notebooks/index.html?path=" + encodeURIComponent(path);
    $("main").replaceChildren(frame);
  }

  async function start() {
    const mine = frame, until = Date.now() + 180000;
    while (!panel()?.sessionContext.session?.kernel) {
      if (mine !== frame) return;
      if (Date.now() > until) throw new Error("late");
      await wait(100);
    }
    const session = panel().sessionContext;
    session.statusChanged.connect((_, status) => { if (mine === frame && status === "dead") say("Python has stopped. “Reset this notebook” starts it anew.", null); });
    const reply = await Promise.race([session.session.kernel.requestExecute({ code: "import altair, ipywidgets, pandas", silent: true, store_history: false }).done, wait(until - Date.now())]);
    if (reply?.content.status !== "ok") throw new Error("late");
    if (mine !== frame) return;
    started = true;
    say("Ready. Click into a cell, change it, and press Shift and Enter to run it.", null);
    $("all").hidden = $("reset").hidden = false;
  }

  $("all").onclick = () => {
    const { content } = panel(), at = content.activeCellIndex;
    app().commands.execute("notebook:run-all-cells");
    content.activeCellIndex = at;  // the reader stays where they are
    content.scrollToItem(at);
  };
  $("reset").onclick = async () => {
    if (!confirm("Bring back the chapter as the book has it? What you changed in it, in house.py and in the tables is lost.")) return;
    frame.remove();
    started = false;
    $("all").hidden = $("reset").hidden = true;
    say("Starting Python anew …");
    await new Promise(done => {
      const asked = indexedDB.open("JupyterLite Storage - " + home);
      asked.onerror = done;
      asked.onsuccess = () => {
        const base = asked.result, stores = ["files", "checkpoints"].filter(name => base.objectStoreNames.contains(name));
        if (!stores.length) { base.close(); return done(); }
        const change = base.transaction(stores, "readwrite");
        for (const name of stores) { const store = change.objectStore(name); store.getAllKeys().onsuccess = event => event.target.result.filter(key => key === path || !String(key).endsWith(".ipynb")).forEach(key => store.delete(key)); }
        change.oncomplete = change.onabort = () => { base.close(); done(); };
      };
    });
    run();
  };

  async function run() {
    open();
    try { await Promise.all([load(), start()]); } catch (error) {
      stop(error.message === "late" ? "Python has not started in three minutes." : `The connection was lost while loading ${error.message}.`, true);
    }
  }

  const fault = await lacking();
  if (fault) stop(fault + " There are other ways:"); else run();
})();
