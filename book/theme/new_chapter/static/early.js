// Before the first paint: the reader's own choice of light or dark, and the fonts (not from a folder on disk, where Chromium refuses preloads).
(function (d) {
  var root = d.documentElement, here = d.currentScript.src;
  root.classList.add("js");
  try { var t = localStorage.getItem("theme"); if (t === "light" || t === "dark") root.dataset.theme = t; } catch (e) { /* storage is off: follow the system */ }
  if (location.protocol === "file:") return;
  ["display", "text"].forEach(function (name) {
    var link = d.createElement("link");
    link.rel = "preload"; link.as = "font"; link.type = "font/woff2"; link.crossOrigin = "";
    link.href = new URL("fonts/" + name + ".woff2", here).href;
    d.head.appendChild(link);
  });
})(document);
