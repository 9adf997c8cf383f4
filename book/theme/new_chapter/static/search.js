// Sphinx's search, in the book's words. Loaded between doctools.js and searchtools.js, on the search page only.
const SPHINX_HIGHLIGHT_ENABLED = false;
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false; // pages on disk cannot be fetched
Object.assign(Documentation.TRANSLATIONS, { // addTranslations() evaluates a string, which the security policy refuses
  "Searching": "Looking",
  "Search Results": "Results",
  "Preparing search...": "",
  "Search finished, found ${resultCount} page(s) matching the search query.": "Pages found: ${resultCount}",
  "Your search did not match any documents. Please make sure that all words are spelled correctly and that you've selected enough categories.": "Nothing found. Try fewer or shorter words.",
});
_ready(() => {
  const status = document.getElementById("search-status"), results = document.getElementById("search-results");
  new MutationObserver(() => {
    const text = (results.querySelector(".search-summary") || {}).textContent || "";
    if (status.textContent !== text) status.textContent = text;
  }).observe(results, { childList: true, subtree: true, characterData: true });
  if (!new URLSearchParams(location.search).get("q")) document.querySelector("input[name=q]").focus();
});
