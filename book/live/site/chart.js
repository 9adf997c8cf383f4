// Draws a chart of a live notebook in the element `place`; on a narrow screen its narrow form, its words wrapped to fit.
window.drawChart = function (place, spec) {
  const at = document.getElementById(place), narrow = at.clientWidth < 480, phone = narrow && spec.usermeta?.figure?.phone;
  const wrap = (words, width) => [words].flat().join(" ").match(new RegExp(`.{1,${width}}(?:\\s|$)|\\S+`, "g"));
  if (phone) spec = { ...Object.fromEntries(["$schema", "config", "datasets", "title", "description"].map(part => [part, spec[part]])), ...phone };
  if (narrow && spec.title?.text) spec = { ...spec, title: { ...spec.title, text: wrap(spec.title.text, 34), subtitle: spec.title.subtitle && wrap(spec.title.subtitle, 44) } };
  return vegaEmbed(at, spec, { actions: false, renderer: "svg" }).catch(error => { at.textContent = "This chart could not be drawn: " + error.message; });
};
