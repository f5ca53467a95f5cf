/** Labelling by keys: `<div data-controller="hub-label">` with buttons and boxes that have
 * `data-key`, a field `data-other` that `/` goes to, a button `data-submit` for Enter, and a JSON
 * script `queue-live` that names the stream which tells how far all are (`data-done`,
 * `data-progress`); `?` lists the keys. See templates/modelhub/label.html. */
import { LiveSocket } from "../socket.js";
import { keysHelp } from "./help.js";

export default function start(root) {
  const other = root.querySelector("[data-other]");
  const help = keysHelp(root);
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
    if (event.key === "/" && other) {
      event.preventDefault();
      other.focus();
      return;
    }
    if (event.key === "Enter") {
      if (!event.target.closest("a, button")) root.querySelector("[data-submit]")?.click();
      return;
    }
    const key = CSS.escape(event.key.toLowerCase());
    root.querySelector(`[data-key="${key}"]`)?.click();
  });
  follow(root);
}

function follow(root) {
  const live = JSON.parse(document.getElementById("queue-live").textContent);
  new LiveSocket("/ws/models/label/").follow(live.stream, {
    after: live.seq,
    onEvent: ({ payload }) => {
      root.querySelector("[data-done]").textContent = `${payload.done} / ${payload.total}`;
      Object.assign(root.querySelector("[data-progress]"), { max: payload.total, value: payload.done });
    },
  });
}
