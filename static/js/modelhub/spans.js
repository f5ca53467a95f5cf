/** Entities in a text, marked by mouse or keys: `<div data-controller="hub-spans"
 * data-source="<id of a JSON script: text, labels, spans [start, end, label]>">` with a `data-text`
 * that takes the keys, buttons with `data-span-label`, and the field `spans` of a form that the
 * entities go into; see templates/modelhub/parts/spans.html.
 *
 * Places count characters as Python does, not UTF-16 units. Arrows go from word to word, with Shift
 * they extend the selection, a digit labels it, Backspace removes what it touches. */
const WORD = /[\p{L}\p{N}\p{M}_]/u;

export default function start(root) {
  const source = JSON.parse(document.getElementById(root.dataset.source).textContent);
  const characters = Array.from(source.text);
  const words = wordsOf(characters);
  const shown = root.querySelector("[data-text]");
  const field = root.querySelector("[name=spans]");
  const buttons = [...root.querySelectorAll("[data-span-label]")];
  let spans = source.spans.map(([begin, end, label]) => ({ start: begin, end, label }));
  let anchor = 0;
  let focus = 0;

  const chosen = () => {
    const [first, last] = [Math.min(anchor, focus), Math.max(anchor, focus)];
    return { first, last, start: words[first].start, end: words[last].end };
  };
  const apart = ({ start: begin, end }) => spans.filter((one) => one.end <= begin || one.start >= end);

  function draw() {
    spans.sort((a, b) => a.start - b.start);
    field.value = JSON.stringify(spans);
    shown.replaceChildren(...pieces(characters, words, spans, words.length ? chosen() : null));
  }
  function label(name) {
    if (!words.length) return;
    const place = chosen();
    spans = [...apart(place), { start: place.start, end: place.end, label: name }];
    draw();
  }
  function remove() {
    if (!words.length) return;
    spans = apart(chosen());
    draw();
  }
  function move(step, extend) {
    focus = Math.max(0, Math.min(words.length - 1, focus + step));
    if (!extend) anchor = focus;
    draw();
  }

  shown.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const button = buttons.find((one) => one.dataset.key === event.key);
    if (step) move(step, event.shiftKey);
    else if (event.key === "Backspace" || event.key === "Delete") remove();
    else if (event.key === "Enter") field.form.requestSubmit(root.querySelector("[data-submit]"));
    else if (button) label(button.dataset.spanLabel);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  shown.addEventListener("mouseup", () => {
    const selection = document.getSelection();
    const at = (node) => node?.parentElement?.closest("[data-word]")?.dataset.word;
    const [from, to] = [at(selection.anchorNode), at(selection.focusNode)];
    if (from === undefined || to === undefined) return;
    [anchor, focus] = [Number(from), Number(to)];
    selection.removeAllRanges();
    draw();
  });
  for (const button of buttons) {
    button.addEventListener("click", () => {
      label(button.dataset.spanLabel);
      shown.focus();
    });
  }
  root.querySelector("[data-remove]")?.addEventListener("click", () => {
    remove();
    shown.focus();
  });
  draw();
  if (root.hasAttribute("data-first")) shown.focus();
}

/** Words and signs with their first character and the one behind the last. */
function wordsOf(characters) {
  const words = [];
  characters.forEach((character, at) => {
    if (/\s/u.test(character)) return;
    const last = words.at(-1);
    const joins = WORD.test(character) && last?.end === at && WORD.test(characters[at - 1]);
    if (joins) last.end = at + 1;
    else words.push({ start: at, end: at + 1 });
  });
  return words;
}

/** The text as nodes: words that can be chosen, entities as marks around theirs. */
function pieces(characters, words, spans, chosen) {
  const text = (from, to) => characters.slice(from, to).join("");
  const nodes = [];
  let at = 0;
  let mark = null;
  let inside = null;
  words.forEach((word, index) => {
    const span = spans.find((one) => one.start < word.end && one.end > word.start);
    if (span !== inside) mark = null;
    const gap = text(at, word.start);
    if (mark) mark.lastChild.before(gap);
    else nodes.push(gap);
    if (span && !mark) nodes.push((mark = marked(span.label)));
    inside = span;
    const part = document.createElement("span");
    part.dataset.word = index;
    part.textContent = text(word.start, word.end);
    if (chosen && index >= chosen.first && index <= chosen.last) part.className = "is-chosen";
    if (mark) mark.lastChild.before(part);
    else nodes.push(part);
    at = word.end;
  });
  nodes.push(text(at));
  return nodes;
}

/** An empty mark that ends with its label. */
function marked(label) {
  const node = document.createElement("mark");
  const name = document.createElement("b");
  name.textContent = label;
  node.append(name);
  return node;
}
