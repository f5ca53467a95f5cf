/** Labelling by keys: `<div data-controller="hub-label">` with buttons and boxes that have
 * `data-key`, a field `data-other` that `/` goes to, a button `data-submit` for Enter, and
 * `data-stream`, which tells how far all are (`data-done`, `data-progress`) from `data-seq` on; `?`
 * lists the keys. See templates/modelhub/label.html.
 *
 * The next text comes in place of `#labelling`, so that keys are heard at once. Until it is there
 * they do nothing: nobody labels a text that he has not seen. It gets the focus, `data-next`. */
import { LiveSocket } from "../socket.js";
import { keysHelp } from "./help.js";
import { replaced } from "./replaced.js";

export default function start(root) {
  const help = keysHelp(root);
  const find = (selector) => root.querySelector(selector);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (document.querySelector("dialog[open]")) return;
    if (event.target.closest("input:not([type=checkbox]), textarea, select")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (event.key === "?") {
      event.preventDefault();
      help();
      return;
    }
    if (event.key === "/" && find("[data-other]")) {
      event.preventDefault();
      find("[data-other]").focus();
      return;
    }
    if (event.key === "Enter") {
      if (!event.target.closest("a, button")) find("[data-submit]")?.click();
      return;
    }
    const key = CSS.escape(event.key.toLowerCase());
    find(`[data-key="${key}"]`)?.click();
  });
  const show = follow(root);
  replaced(root, "labelling", () => {
    show();
    find("[data-next]")?.focus();
  });
}

/** Returns a function that shows how far all are, unless the page knows more or is about to. */
function follow(root) {
  const part = () => root.querySelector("#labelling");
  let last = null;
  const show = () => {
    const shown = part();
    if (!last || last.seq <= Number(shown.dataset.seq) || shown.querySelector(".htmx-request")) return;
    const { done, total } = last.payload;
    shown.querySelector("[data-done]").textContent = `${done} / ${total}`;
    Object.assign(shown.querySelector("[data-progress]"), { max: total, value: done });
  };
  new LiveSocket("/ws/models/label/").follow(root.dataset.stream, {
    after: Number(part().dataset.seq),
    onEvent: (event) => {
      last = event;
      show();
    },
  });
  return show;
}
