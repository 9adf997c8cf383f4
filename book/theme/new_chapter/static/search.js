// The search, over the index that Sphinx writes. The index and its stemmer are fetched once there are words to look for, pages for their order and their excerpts.
(async () => {
  const query = (new URLSearchParams(location.search).get("q") || "").trim(), box = document.querySelector("input[name=q]"), home = document.documentElement.dataset.content_root;
  if (!query) return box.focus();
  box.value = query;
  const status = document.getElementById("search-status"), list = document.createElement("ul");
  const say = (words) => { status.textContent = words; };
  const get = (name) => new Promise((done, fail) => document.head.append(Object.assign(document.createElement("script"), { src: home + name, onload: done, onerror: fail })));
  const fold = (text) => text.toLowerCase().replace(/[‘’]/g, "'").replace(/[“”]/g, '"');
  const british = (text) => text.replace(/\b(lab|col|neighb|hon|fav|harb|rum|behavi)or/g, "$1our").replace(/\b(defen|offen|licen)se(?=s?\b)/g, "$1ce").replace(/\bprogram(?=s?\b)/g, "programme")
    .replace(/(?<=\w{3})iz(e[sd]?|ing|ations?)\b/g, "is$1").replace(/\b(cent|theat|met|kilomet)er(?=s?\b)/g, "$1re").replace(/(anal|paral)yz/g, "$1ys").replace(/\b(travel|cancel|model|label)(er|ed|ing)/g, "$1l$2");
  const start = "(?<![\\p{L}\\p{N}])", exact = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/\s+/g, "\\s+");
  let index;
  window.Search = { setIndex: (made) => { index = made; } };
  say("Looking …");
  try {
    await Promise.all([get("_static/language_data.js"), get("searchindex.js")]);
  } catch {
    return say("The index of this book did not arrive. Load the page again to search.");
  }

  // Each word by its stems, as typed and as the book spells it; a phrase both ways too.
  const stemmer = new Stemmer(), said = fold(query), both = (text) => [...new Set([text, british(text)])];
  const words = [...new Set(said.split(/[^\p{L}\p{N}_]+/u))].filter((word) => word && !stopwords.includes(word)).map((word) => {
    const stems = both(word).map((one) => stemmer.stemWord(one));
    const begins = [...both(word).map((one) => one.length > 8 ? one.slice(0, -3) : one), ...stems.map((stem) => stem.replace(/[iy]$/, "")).filter((stem) => stem.length >= word.length - 5)]; // "normal" is no part of "normalization" to show
    const tail = word.length < 5 && stems.some((stem) => Object.hasOwn(index.terms, stem)) ? "(?:e?s)?(?!\\p{L})" : ""; // "sea" is not shown by "seat"
    return { stems, needed: /[^\d]/.test(word) && (word.length > 2 || /[^a-z]/.test(word)), pattern: new RegExp(start + `(?:${begins.map(exact).join("|")})${tail}`, "gu") };
  });
  const phrase = words.length > 1 ? new RegExp(start + `(?:${both(said).map(exact).join("|")})(?![\\p{L}\\p{N}])`, "gu") : (words[0] || {}).pattern;

  // Pages that have every word: whole, or else one that begins with it.
  const scores = words.map(({ stems }) => {
    const found = new Map();
    for (const [terms, whole, part] of [[index.terms, 5, 2], [index.titleterms, 15, 7]]) {
      let hits = stems.filter((stem) => Object.hasOwn(terms, stem)), score = whole;
      if (!hits.length) [hits, score] = [Object.keys(terms).filter((term) => stems.some((stem) => stem.length > 2 && term.startsWith(stem))), part];
      for (const file of hits.flatMap((term) => terms[term])) found.set(file, Math.max(score, found.get(file) || 0));
    }
    return found;
  });
  const needed = scores.filter((_, n) => words[n].needed), must = needed.length ? needed : scores, results = [];
  if (must.length) for (const file of must[0].keys()) if (must.every((found) => found.has(file))) {
    results.push({ file, title: index.titles[file], anchor: "", score: scores.reduce((sum, found) => sum + (found.get(file) || 0), 0) });
  }
  for (const [title, places] of Object.entries(index.alltitles)) {
    if (!phrase || fold(title).search(phrase) < 0 || said.length < title.length / 2) continue;
    for (const [file, id] of places) {
      const page = results.find((one) => one.file === file && !one.anchor);
      if (page && index.titles[file] === title) page.score += 50;
      else if (id) results.push({ file, title: `${index.titles[file]} &gt; ${title}`, anchor: `#${id}`, score: 15 * said.length / title.length });
    }
  }

  // What a reader sees of a page or a section: no drawings, controls, code, nor what is folded away.
  const pages = {}, table = (one) => index.docnames[one.file].startsWith("tables/");
  const page = (file) => pages[file] ||= fetch(`${home}${index.docnames[file]}.html`).then((answer) => answer.text()).then((html) => {
    const main = new DOMParser().parseFromString(html, "text/html").querySelector("main");
    for (const unread of main.querySelectorAll("svg, fieldset, pre, script, .headerlink, .chart-source, .chart-links, details:not([open])")) unread.remove();
    for (const block of main.querySelectorAll("p, li, h1, h2, h3, h4, dt, dd, th, td, figcaption")) block.append(" ");
    return main;
  });
  const read = async (one) => {
    const main = await page(one.file), part = one.anchor && main.querySelector(`[id="${one.anchor.slice(1)}"]`);
    one.text = (part || main).textContent.replace(/\s+/g, " ").trim();
    const times = [...fold(one.text).matchAll(phrase)].length;
    one.score += times ? 100 + Math.min(times, 20) : words.every(({ pattern }) => fold(one.text).search(pattern) >= 0) ? 50 : 0;
  };
  // An excerpt of whole words: about the phrase, or where most of the words stand together.
  const excerpt = (text) => {
    const low = fold(text), whole = [...low.matchAll(phrase)][0];
    const spots = words.flatMap(({ pattern }, n) => [...low.matchAll(pattern)].map((match) => [match.index, n])), near = (at) => new Set(spots.filter(([other]) => other >= at && other < at + 160).map(([, n]) => n)).size;
    const [best] = spots.sort((a, b) => a[0] - b[0]).map(([at]) => [at, near(at)]).reduce((one, other) => other[1] > one[1] ? other : one, [0, 0]);
    const first = Math.max(0, whole ? whole.index + Math.min(whole[0].length, 120) / 2 - 120 : best - 60) | 0, end = first + 240;
    return (first ? "… " + text.slice(first, end).replace(/^\S* /, "") : text.slice(0, end)).replace(...(end < text.length ? [/ \S*$/, " …"] : [/ $/, ""]));
  };
  const reading = location.protocol === "file:" ? [] : results.filter((one) => !table(one)).map((one) => one.read = read(one).catch(() => {})); // pages on disk cannot be fetched
  await Promise.race([Promise.all(reading), new Promise((done) => setTimeout(done, 1500))]); // a slow line has results in the order of the index
  results.sort((a, b) => table(a) - table(b) || b.score - a.score || (a.title < b.title ? -1 : 1));
  for (const one of results) {
    const item = list.appendChild(document.createElement("li")), about = document.createElement("p");
    item.append(Object.assign(document.createElement("a"), { href: `${index.docnames[one.file]}.html${one.anchor}`, innerHTML: one.title }), about);
    about.className = "context";
    if (table(one)) about.textContent = "(a table)";
    else if (one.read) one.read.then(() => { about.textContent = one.text ? excerpt(one.text) : ""; });
  }
  document.getElementById("search-results").append(list);
  say(results.length ? `Pages found: ${results.length}` : "Nothing found. Try fewer or shorter words.");
})();
