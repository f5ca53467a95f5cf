/**
 * The console's single keys; `?` shows them. Outside of fields only.
 *
 *   <dialog data-keys>…</dialog>   <button data-keys-open>…</button>
 */
import { toast } from "../toast.js";
import { translate } from "../words.js";

export function listenToKeys(root, { list, openPanel, closePanel }) {
  const help = document.querySelector("[data-keys]");
  const press = (name) => root.querySelector(`[data-action="conversation.${name}"]:not([hidden])`)?.click();
  const actions = {
    t: () => press("take"),
    b: () => press("release"),
    e: () => press("resolve"),
    r: () => root.querySelector('[data-mode-of="reply"]:not(:disabled)')?.click(),
    n: () => root.querySelector('[data-mode-of="note"]')?.click(),
    "/": () => macros(),
    s: () => root.querySelector("[data-snooze]:not([hidden]) summary")?.click(),
    p: () => root.querySelector("[data-transfer-open]:not([hidden])")?.click(),
    d: () => root.querySelector("[data-panel-toggle]")?.click(),
    c: () => correct("#correction", "[name=label]"),
    a: () => correct("#article-correction", "[name=q]"),
    m: () => correct("#entities", "[data-text]"),
    u: () => {
      openPanel?.();
      root.querySelector('#tone [data-tone="negative"][aria-pressed="false"], #tone [data-tone="neutral"]')?.click();
    },
    f: () => {
      root.querySelector(".filters").open = true;
      root.querySelector("[data-filters] [name=q]").focus();
    },
    j: () => move(list.beside(1)),
    k: () => move(list.beside(-1)),
    "?": () => help.showModal(),
    Escape: closePanel,
  };
  /** Open one control of the panel and go into it. */
  const correct = (control, field) => {
    const details = root.querySelector(`${control} [data-correct]`);
    if (!details) return toast(translate("There is nothing to correct here: the bot has not read a message yet."));
    openPanel?.();
    details.open = true;
    details.querySelector(field).focus();
  };
  /** The macros, in a reply if one may write it, else in a note. */
  const macros = () => {
    const box = root.querySelector("[data-composer] textarea");
    if (!box) return;
    actions.r();
    box.focus();
    if (box.value) return;
    box.value = "/";
    box.dispatchEvent(new Event("input", { bubbles: true }));
  };
  for (const [index, tab] of [...root.querySelectorAll("[data-tab-name]")].entries()) {
    actions[index + 1] = () => tab.click();
  }
  for (const button of root.querySelectorAll("[data-keys-open]")) button.addEventListener("click", () => help.showModal());
  help.addEventListener("click", (event) => {
    if (event.target === help) help.close(); // outside of its content
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape" && event.target.matches("[data-composer] textarea")) return event.target.blur();
    if (event.target.matches("input, textarea, select")) return;
    const action = actions[event.key];
    if (!action || (event.key === "Escape" && !root.hasAttribute("data-panel-open"))) return;
    event.preventDefault();
    action();
  });
}

function move(href) {
  if (href) location.href = href;
}
