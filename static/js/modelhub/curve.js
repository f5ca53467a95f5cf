/** Draws how a run goes on as small charts: its loss, while training and on held-out rows, and its
 * accuracy on those. */
import { translate } from "../words.js";

const [HEIGHT, LEFT, BOTTOM, TOP] = [220, 44, 26, 10];
const SPACE = "http://www.w3.org/2000/svg";

function make(tag, attributes, text = "") {
  const element = document.createElementNS(SPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
}

/**
 * `readings` are objects with `step` and numbers, of which those called `names` are drawn: the first
 * whole, others dashed; nothing is drawn without, and `[data-curve-empty]` of `root` says so. The
 * chart is as wide as `root` is now, so that words keep their size, and reaches to `most` or to the
 * largest number.
 */
export function curve(root, readings, { names, title, most: top }) {
  const first = readings.filter((row) => row.phase === readings.at(-1)?.phase);
  const lines = names.map((name) => points(first, name));
  const all = lines.flat();
  root.querySelector("[data-curve-empty]").hidden = all.length > 0;
  root.querySelector("svg")?.remove();
  if (!all.length) return;
  const width = root.clientWidth || 640;
  const steps = Math.max(...all.map(([step]) => step), 1);
  const most = top ?? Math.max(...all.map(([, value]) => value), 1e-9);
  const x = (step) => LEFT + (step / steps) * (width - LEFT - 8);
  const y = (value) => TOP + (1 - value / most) * (HEIGHT - TOP - BOTTOM);
  const last = lines.find((line) => line.length).at(-1)[1];
  const chart = make("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": translate("{title} {value} at step {step}", { title, value: last.toFixed(3), step: steps }) });
  for (const share of [0, 0.5, 1]) {
    chart.append(make("line", { class: "axis", x1: LEFT, x2: width - 8, y1: y(share * most), y2: y(share * most) }));
    chart.append(make("text", { x: LEFT - 6, y: y(share * most) + 4, "text-anchor": "end" }, (share * most).toFixed(2)));
  }
  chart.append(make("text", { x: LEFT, y: HEIGHT - 6 }, translate("step {step}", { step: 0 })));
  chart.append(make("text", { x: width - 8, y: HEIGHT - 6, "text-anchor": "end" }, translate("step {step}", { step: steps })));
  lines.forEach((found, index) => {
    const path = found.map(([step, value]) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
    if (found.length > 1) chart.append(make("polyline", { class: index ? "line held" : "line", points: path }));
    else if (found.length) chart.append(make("circle", { class: "dot", cx: x(found[0][0]), cy: y(found[0][1]), r: 4 }));
  });
  root.append(chart);
}

const points = (rows, name) => rows.filter((row) => Number.isFinite(row[name])).map((row) => [row.step, row[name]]);
