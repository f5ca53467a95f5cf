/** Deciding by keys: `<div data-controller="hub-decide">` with articles `data-pair` that can be
 * focused, in each buttons `data-side-key` and a `details`; see templates/modelhub/disagreements.html.
 * The first that is undecided is focused, `j` and `k` go on and back, `n` opens one's own answer. */
import { keysHelp } from "./help.js";

export default function start(root) {
  const help = keysHelp(root);
  const pairs = [...root.querySelectorAll("[data-pair]")];
  const current = () => pairs.indexOf(document.activeElement?.closest("[data-pair]"));
  const go = (index) => {
    const pair = pairs[Math.max(0, Math.min(pairs.length - 1, index))];
    pair?.focus();
    pair?.scrollIntoView({ block: "nearest" });
  };
  const actions = {
    j: () => go(current() + 1),
    k: () => go(current() - 1),
    "?": help,
    n: () => {
      const details = pairs[current()]?.querySelector("details");
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
      pairs[current()]?.querySelector(`[data-side-key="${CSS.escape(event.key)}"]`)?.click();
    }
  });
  if (document.activeElement === document.body && pairs.some((pair) => pair.hasAttribute("data-open"))) go(0);
}
