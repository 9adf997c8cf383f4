// Sphinx's search, in the book's words. The index and all that reads it are fetched once there are words to look for.
const SPHINX_HIGHLIGHT_ENABLED = false;
(async () => {
  if (!new URLSearchParams(location.search).get("q")) return document.querySelector("input[name=q]").focus();
  const get = (name) => new Promise((done, fail) => {
    const script = Object.assign(document.createElement("script"), { src: document.documentElement.dataset.content_root + name, onload: done, onerror: fail });
    document.head.append(script);
  });
  const status = document.getElementById("search-status"), results = document.getElementById("search-results");
  try {
    await get("_static/documentation_options.js");
    await get("_static/doctools.js");
    if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false; // pages on disk cannot be fetched
    Object.assign(Documentation.TRANSLATIONS, { // addTranslations() evaluates a string, which the security policy refuses
      "Searching": "Looking",
      "Search Results": "Results",
      "Preparing search...": "",
      "Search finished, found ${resultCount} page(s) matching the search query.": "Pages found: ${resultCount}",
      "Your search did not match any documents. Please make sure that all words are spelled correctly and that you've selected enough categories.": "Nothing found. Try fewer or shorter words.",
    });
    new MutationObserver(() => {
      const text = (results.querySelector(".search-summary") || {}).textContent || "";
      if (status.textContent !== text) status.textContent = text;
    }).observe(results, { childList: true, subtree: true, characterData: true });
    await get("_static/language_data.js");
    await get("_static/searchtools.js");
    const whole = Search.htmlToText, cut = Search.makeSearchSummary; // an excerpt is cut from what a reader sees: no drawings, controls, code, nor what is folded away
    Search.htmlToText = (html, anchor) => {
      const page = new DOMParser().parseFromString(html, "text/html");
      for (const unread of page.querySelectorAll("svg, fieldset, pre, .chart-source, .chart-links, details:not([open])")) unread.remove();
      for (const block of page.querySelectorAll("p, li, h1, h2, h3, h4, dt, dd, th, td, figcaption")) block.append(" ");
      return whole(page.documentElement.outerHTML, anchor).replace(/\s+/g, " ").trim();
    };
    Search.makeSearchSummary = (...about) => { // of whole words
      const summary = cut(...about);
      if (summary) summary.textContent = summary.textContent.replace(/^\.{3}\S* */, "… ").replace(/ *\S*\.{3}$/, " …");
      return summary;
    };
    Scorer.score = (item) => { // pages of tables come last, and are not fetched for an excerpt
      if (!item[0].startsWith("tables/")) return item[4];
      item[3] = "a table";
      return item[4] - 100;
    };
    await get("searchindex.js");
  } catch {
    status.textContent = "The index of this book did not arrive. Load the page again to search.";
  }
})();
