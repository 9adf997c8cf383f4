// Before anything is drawn: whether scripts run, whether the page is opened at its top, and the reader's choice of light or dark.
document.documentElement.classList.add("js");
if (!location.hash && (performance.getEntriesByType("navigation")[0] || {}).type === "navigate") document.documentElement.classList.add("afresh");
try { (function (kept) { if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept; })(localStorage.getItem("theme")); } catch (e) { /* storage is off: follow the system */ }
// On disk Chromium refuses the preload that follows, and says so twice; as the text of a script that is none it is not asked for.
if (location.protocol === "file:") document.write('<script type="text/plain">');
