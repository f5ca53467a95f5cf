/**
 * A palette: Ctrl+K (⌘K) or a button opens a field that finds things to go to or do.
 *
 *   <dialog class="palette" data-controller="…">  see templates/components/palette.html
 *     <input data-palette-input> <ul data-palette-list role="listbox"></ul>
 *   </dialog>  <button data-palette-open>
 *
 * An entry is `{ words, kind, run }`. `own()` gives those that are always there, `opening()` loads
 * more of them at opening, `search(wanted)` asks the server; what a later key has asked for wins.
 */
import { translate } from "./words.js";

const WAIT = 150; // milliseconds after the last key

export function palette(dialog, { own, opening = async () => {}, search = async () => [], slash = false }) {
  const input = dialog.querySelector("[data-palette-input]");
  const list = dialog.querySelector("[data-palette-list]");
  let shown = [];
  let at = 0;
  let asked = 0;
  let timer = 0;

  async function open() {
    if (dialog.open) return;
    input.value = "";
    dialog.showModal();
    show(own());
    await opening();
    if (!input.value) show(own());
  }

  async function find() {
    const wanted = input.value.trim();
    const near = own().filter((one) => one.words.toLowerCase().includes(wanted.toLowerCase()));
    show(near);
    if (!wanted) return;
    asked += 1;
    const mine = asked;
    const found = await search(wanted).catch(() => []);
    if (mine === asked) show([...found, ...near]);
  }

  function show(found) {
    shown = found;
    at = 0;
    list.replaceChildren(
      ...found.map((one, index) => {
        const item = document.createElement("li");
        item.id = `palette-${index}`;
        item.setAttribute("role", "option");
        const words = document.createElement("span");
        words.textContent = one.words;
        const kind = document.createElement("span");
        kind.className = "small muted";
        kind.textContent = one.kind;
        item.append(words, kind);
        item.addEventListener("click", () => take(index));
        return item;
      }),
    );
    mark();
  }

  function mark() {
    for (const [index, item] of [...list.children].entries()) item.setAttribute("aria-selected", String(index === at));
    input.setAttribute("aria-activedescendant", shown.length ? `palette-${at}` : "");
    list.children[at]?.scrollIntoView({ block: "nearest" });
  }

  function take(index) {
    dialog.close();
    shown[index]?.run();
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(find, WAIT);
  });
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      at = Math.max(0, Math.min(shown.length - 1, at + step));
      mark();
    }
    if (event.key === "Enter") {
      event.preventDefault();
      take(at);
    }
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close(); // outside of its content
  });
  for (const button of document.querySelectorAll("[data-palette-open]")) button.addEventListener("click", open);
  document.addEventListener("keydown", (event) => {
    const chord = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k";
    const key = slash && event.key === "/" && !event.target.matches("input, textarea, select");
    if (!chord && !key) return;
    event.preventDefault();
    open();
  });
}

/** The links of the page's own navigation as entries. */
export function pages(selector) {
  return [...document.querySelectorAll(selector)].map((link) => ({
    words: link.textContent.replace(/\s+/g, " ").trim(),
    kind: translate("page"),
    run: () => location.assign(link.href),
  }));
}
