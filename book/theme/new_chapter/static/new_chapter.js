// Asynchronous, so that no page waits for it; what has to be known before the first paint is in first.js.
(function () {
  "use strict";
  var root = document.documentElement, self = document.currentScript;
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", furnish); else furnish();

  function furnish() {
  var $ = function (s, e) { return (e || document).querySelector(s); };

  // Light and dark: the system's choice until the reader makes one.
  var button = $("button.theme"), system = matchMedia("(prefers-color-scheme: dark)");
  var dark = function () { return root.dataset.theme ? root.dataset.theme === "dark" : system.matches; };
  var bars = document.querySelectorAll('meta[name="theme-color"]'), colours = [bars[0].content, bars[1].content]; // the browser's own bar
  var show = function () {
    button.setAttribute("aria-pressed", dark());
    bars.forEach(function (bar) { bar.content = colours[dark() ? 1 : 0]; });
  };
  button.addEventListener("click", function () {
    root.dataset.theme = dark() ? "light" : "dark";
    try { localStorage.setItem("theme", root.dataset.theme); } catch (e) { /* for this page only */ }
    show();
  });
  system.addEventListener("change", show);
  show();

  // Contents: a <details> that also closes on Escape, on a click outside and when the focus leaves.
  var drawer = $("details.contents"), close = function () { drawer.open = false; };
  document.addEventListener("keydown", function (e) {
    if (e.key !== "Escape" || !drawer.open) return;
    close(); $("summary", drawer).focus();
  });
  document.addEventListener("click", function (e) { if (!drawer.contains(e.target)) close(); });
  drawer.addEventListener("focusout", function (e) { if (e.relatedTarget && !drawer.contains(e.relatedTarget)) close(); });

  // A table that fits needs no scrolling region. All are measured before any is changed.
  var fit = new ResizeObserver(function (seen) {
    seen.map(function (s) { return [s.target, s.target.scrollWidth > s.target.clientWidth + 1]; }).forEach(function (s) {
      var t = s[0], wide = s[1];
      if (wide) { t.tabIndex = 0; t.setAttribute("role", "region"); }
      else { t.removeAttribute("tabindex"); t.removeAttribute("role"); }
      if (!t.dataset.label) t.dataset.label = t.getAttribute("aria-label");
      if (wide) t.setAttribute("aria-label", t.dataset.label); else t.removeAttribute("aria-label");
    });
  });

  // Once the text is on the screen: tables are measured, and the page's other scripts asked for (a page in the background is not painted, and waits a second).
  var rest = function () {
    document.querySelectorAll(".table-scroll").forEach(function (t) { fit.observe(t); });
    if (!self.dataset.later) return;
    self.dataset.later.split(" ").forEach(function (src) { document.head.appendChild(Object.assign(document.createElement("script"), { src: src, async: false })); });
    self.removeAttribute("data-later");
  };
  var drawn = function () { new PerformanceObserver(rest).observe({ type: "paint", buffered: true }); setTimeout(rest, 1000); };
  if (document.readyState === "complete") drawn(); else addEventListener("load", drawn);

  // Sections and drawings below the window are laid out one by one when the page has time: then its length is right, and a picture of the whole of it has no blanks.
  var below = document.querySelectorAll(".afresh main section > section, .afresh main figure svg"), laid = 0;
  var idle = window.requestIdleCallback || setTimeout;
  var lay = function () { if (laid === below.length) root.classList.remove("afresh"); else { below[laid++].style.contentVisibility = "visible"; idle(lay); } };
  setTimeout(lay, 2000);
  document.addEventListener("click", function (e) { if (e.target.closest('a[href^="#"]')) root.classList.remove("afresh"); }, true); // a jump needs the true places

  // Where on the page the reader is.
  var list = $(".on-page");
  if (list && "IntersectionObserver" in window) {
    var links = {};
    list.querySelectorAll("a").forEach(function (a) { links[decodeURIComponent(a.hash.slice(1))] = a; });
    var watch = new IntersectionObserver(function (seen) {
      seen.forEach(function (s) {
        if (!s.isIntersecting) return;
        list.querySelectorAll("[aria-current]").forEach(function (a) { a.removeAttribute("aria-current"); });
        links[s.target.id].setAttribute("aria-current", "true");
      });
    }, { rootMargin: "-15% 0px -75% 0px" });
    Object.keys(links).forEach(function (id) { var s = document.getElementById(id); if (s) watch.observe(s); });
  }
  }
})();
