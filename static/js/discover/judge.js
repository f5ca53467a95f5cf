/**
 * Whether items fit a query or another item, as a team lead says with one click or one key.
 *
 *   <ol data-controller="judge" data-url="/api/v1/recommend/matches/" data-query="…" (or data-of="…")>
 *     <li data-item="…"> … <div data-judge="…" data-said="fits"><button data-fits="true"> <button data-fits="false">
 *
 * `f` says that the item with the focus fits, `d` that it does not; the same again, or `z`, takes it
 * back.
 */
import { api } from "../http.js";
import { toast } from "../toast.js";

const KEYS = { f: "fits", d: "does_not_fit" };

export default function start(root) {
  const against = root.dataset.of ? { of: root.dataset.of } : { query: root.dataset.query };

  root.addEventListener("click", (event) => {
    const button = event.target.closest("[data-fits]");
    if (button) say(button.closest("[data-judge]"), button.dataset.fits === "true" ? "fits" : "does_not_fit");
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, dialog") || document.querySelector("dialog[open]")) return;
    const box = document.activeElement.closest("[data-item], [data-judged]")?.querySelector("[data-judge]");
    if (!box || !root.contains(box)) return;
    if (event.key in KEYS) say(box, KEYS[event.key]);
    else if (event.key === "z" && box.dataset.said) say(box, box.dataset.said);
    else return;
    event.preventDefault();
  });

  async function say(box, wanted) {
    const before = box.dataset.said;
    const said = before === wanted ? "" : wanted;
    show(box, said);
    try {
      if (said) await api("POST", root.dataset.url, { item_id: box.dataset.judge, fits: said === "fits", ...against });
      else await api("DELETE", `${root.dataset.url}?${new URLSearchParams({ item_id: box.dataset.judge, ...against })}`);
    } catch (error) {
      show(box, before);
      toast(error.message, { kind: "danger" });
    }
  }
}

function show(box, said) {
  box.dataset.said = said;
  for (const button of box.querySelectorAll("[data-fits]")) {
    const mine = button.dataset.fits === "true" ? "fits" : "does_not_fit";
    button.setAttribute("aria-pressed", String(mine === said));
  }
}
