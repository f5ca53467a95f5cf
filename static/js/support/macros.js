/**
 * `/` at the start of an empty reply opens the macros; typing narrows them, Enter or Tab inserts.
 *
 *   <ul data-macros role="listbox" hidden></ul>
 */
import { make } from "./bubbles.js";
import { translate } from "../words.js";

const SHOWN = 8;

/** The text with `{customer}` and the like filled in; what is not known stays to be seen. */
export function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] || whole);
}

/** `values()` gives what fills the variables in at that moment. */
export function offerMacros(box, list, macros, values) {
  let found = [];
  let at = 0;

  function close() {
    list.hidden = true;
    box.removeAttribute("aria-activedescendant");
  }

  function insert(macro) {
    box.value = filled(macro.text, values());
    close();
    box.dispatchEvent(new Event("input", { bubbles: true }));
    box.focus();
  }

  function draw() {
    list.replaceChildren(
      ...found.map((macro, index) => {
        const item = make("li", "macro-option");
        Object.assign(item, { id: `macro-${index}` });
        item.setAttribute("role", "option");
        item.setAttribute("aria-selected", String(index === at));
        item.append(make("b", "", macro.name), make("span", "small muted", macro.text));
        item.addEventListener("mousedown", (event) => {
          event.preventDefault(); // the box keeps the focus
          insert(macro);
        });
        return item;
      }),
    );
    box.setAttribute("aria-activedescendant", `macro-${at}`);
    list.hidden = false;
  }

  /** Nothing to choose from: said in the place of the list. */
  function hint(words) {
    const item = make("li", "macro-option muted small", words);
    item.setAttribute("role", "option");
    item.setAttribute("aria-disabled", "true");
    list.replaceChildren(item);
    list.hidden = false;
  }

  box.addEventListener("input", () => {
    const asked = /^\/([^\n]*)$/.exec(box.value);
    const words = asked?.[1].trim().toLowerCase();
    found = asked ? macros.filter(({ name }) => name.toLowerCase().includes(words)).slice(0, SHOWN) : [];
    at = 0;
    if (found.length) draw();
    else close();
    if (asked && !found.length) hint(macros.length ? translate("No macro has that in its name.") : translate("There are no macros yet; they are written under Macros."));
  });
  box.addEventListener("blur", close);
  box.form.addEventListener("submit", close);
  // Before the composer's own listener, which would send the "/".
  box.addEventListener(
    "keydown",
    (event) => {
      if (list.hidden || !found.length) return;
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step && !["Enter", "Tab", "Escape"].includes(event.key)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (step) {
        at = (at + step + found.length) % found.length;
        draw();
      } else if (event.key === "Escape") close();
      else insert(found[at]);
    },
    { capture: true },
  );
}
