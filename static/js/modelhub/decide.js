/** Deciding by keys: `<div data-controller="hub-decide">` with articles `data-pair` that can be
 * focused, in each buttons `data-side-key` and a `details`; see templates/modelhub/disagreements.html.
 * The first that is undecided is focused, `j` and `k` go on and back, `n` opens one's own answer.
 * What was decided comes in place of `#agreement`, so that keys are heard at once. */
import { keysHelp } from "./help.js";
import { replaced } from "./replaced.js";

export default function start(root) {
  const help = keysHelp(root);
  const all = () => [...root.querySelectorAll("[data-pair]")];
  const current = () => document.activeElement?.closest("[data-pair]");
  const go = (step) => {
    const pairs = all();
    const index = current() ? pairs.indexOf(current()) + step : 0;
    const pair = pairs[Math.max(0, Math.min(pairs.length - 1, index))];
    pair?.focus();
    pair?.scrollIntoView({ block: "nearest" });
  };
  const actions = {
    j: () => go(1),
    k: () => go(-1),
    "?": help,
    n: () => {
      const details = current()?.querySelector("details");
      if (!details) return;
      details.open = true;
      details.querySelector("[data-text], input:not([type=hidden])").focus();
    },
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (document.querySelector("dialog[open]")) return;
    if (event.target.closest("input:not([type=checkbox]), textarea, select")) {
      if (event.key === "Escape") event.target.closest("[data-pair]")?.focus();
      return;
    }
    if (actions[event.key]) {
      event.preventDefault();
      actions[event.key]();
    } else if (!event.target.closest("details")) {
      current()?.querySelector(`[data-side-key="${CSS.escape(event.key)}"]`)?.click();
    }
  });
  if (document.activeElement === document.body && root.querySelector("[data-open]")) go(0);
  replaced(root, "agreement", () => go(0));
}
