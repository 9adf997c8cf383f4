"""What a page's charts may get wrong and a browser can see. For tests: `label_faults(page)` with a Playwright page."""

SCRIPT = """([smallest, within]) => {
  const faults = [];
  const mixed = (colour, share, below) => colour.match(/[\\d.]+/g).slice(0, 3).map((part, index) => part * share + below[index] * (1 - share));
  const page = getComputedStyle(document.body).backgroundColor, paper = mixed(page, /, 0\\)$/.test(page) ? 0 : 1, [255, 255, 255]);
  const light = (colour) => colour.map((part) => (part /= 255) <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4).reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
  // axe does not read what SVG text is filled with: its colour against the topmost mark that is filled under its middle, else the page.
  const contrast = (text, marks) => {
    const style = getComputedStyle(text), box = text.getBBox(), middle = new DOMPoint(box.x + box.width / 2, box.y + box.height / 2).matrixTransform(text.getScreenCTM());
    const under = marks.findLast(({ mark }) => mark.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING && mark.isPointInFill(middle.matrixTransform(mark.getScreenCTM().inverse())));
    const ground = under ? mixed(under.style.fill, under.style.fillOpacity * under.style.opacity, paper) : paper;
    const [one, other] = [light(ground), light(mixed(style.fill, style.fillOpacity * style.opacity, ground))].sort((a, b) => a - b);
    return (other + 0.05) / (one + 0.05);
  };
  for (const svg of document.querySelector(within).querySelectorAll(".chart-static svg[role], .chart-live svg")) {
    const frame = Element.prototype.getBoundingClientRect.call(svg), shown = svg.checkVisibility({ visibilityProperty: true });
    if (!frame.width || !shown) continue;
    const chart = svg.closest("[data-chart]").dataset.chart;
    const texts = [...svg.querySelectorAll("text")].filter((text) => text.textContent.trim() && +getComputedStyle(text).opacity && +getComputedStyle(text).fillOpacity);
    const boxes = texts.map((text) => {
      // The box of the turned text itself: its own corners, brought to the page. The em box is taller than the letters.
      const box = text.getBBox(), matrix = text.getScreenCTM(), trim = box.height * 0.18;
      const corners = [[box.x, box.y + trim], [box.x + box.width, box.y + trim], [box.x + box.width, box.y + box.height - trim], [box.x, box.y + box.height - trim]]
        .map(([x, y]) => new DOMPoint(x, y).matrixTransform(matrix));
      return { says: text.textContent, size: parseFloat(getComputedStyle(text).fontSize) * Math.hypot(matrix.a, matrix.b), corners };
    });
    const inside = (p) => p.x > frame.left - 1.5 && p.x < frame.right + 1.5 && p.y > frame.top - 1.5 && p.y < frame.bottom + 1.5;
    // Two convex shapes are apart when some side of one has the whole other shape on its far side.
    const apart = (one, other) => [one, other].some((shape) => shape.some((a, index) => {
      const b = shape[(index + 1) % 4], along = (p) => (p.x - a.x) * (b.y - a.y) - (p.y - a.y) * (b.x - a.x);
      const slack = Math.hypot(b.x - a.x, b.y - a.y);
      const [mine, others] = [one, other].map((shape) => shape.map(along));
      return Math.max(...mine) <= Math.min(...others) + slack || Math.max(...others) <= Math.min(...mine) + slack;
    }));
    const marks = [...svg.querySelectorAll("path, rect, circle")].map((mark) => ({ mark, style: getComputedStyle(mark) })).filter(({ style }) => /^rgb\\(/.test(style.fill) && style.fillOpacity * style.opacity > 0.1);
    texts.forEach((text) => { const found = contrast(text, marks); if (found < 4.5) faults.push(`${chart}: "${text.textContent}" has a contrast of ${found.toFixed(1)} to 1`); });
    boxes.forEach((box, index) => {
      if (!box.corners.every(inside)) faults.push(`${chart}: "${box.says}" leaves the drawing`);
      if (box.size < smallest - 0.05) faults.push(`${chart}: "${box.says}" is ${box.size.toFixed(1)} px high`);
      for (const other of boxes.slice(index + 1)) {
        const halo = other.says === box.says && Math.hypot(other.corners[0].x - box.corners[0].x, other.corners[0].y - box.corners[0].y) < 2;
        if (!halo && !apart(box.corners, other.corners)) faults.push(`${chart}: "${box.says}" overlaps "${other.says}"`);
      }
    });
  }
  return [...new Set(faults)];
}"""


def label_faults(page, smallest=11, within="body"):
    """Labels of the drawings shown now that overlap, leave their drawing, are under `smallest` px or paler than 4.5 to 1, as sentences.

    `page` is a Playwright page at the width to be judged; live charts are judged as they stand. `within` is a CSS
    selector of the part that is judged. Empty means none.
    """
    return page.evaluate(SCRIPT, [smallest, within])
