/**
 * Single keys press what is marked with them, outside of fields; `j` and `k` walk through a list.
 *
 *   <section data-controller="market-keys">
 *     <li data-item tabindex="-1"> <button data-key="1">…</button> </li>
 *
 * With items, a key belongs to the current one: that with the focus, else the first.
 */
export default function start(root) {
  const items = () => [...root.querySelectorAll("[data-item]")];
  const current = () => document.activeElement.closest("[data-item]") || items()[0];

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input, textarea, select") || document.querySelector("dialog[open]")) return;
    if (event.key === "j" || event.key === "k") return walk(event);
    const region = items().length ? current() : root;
    const marked = region?.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (!marked) return;
    event.preventDefault();
    if (marked.matches("input, select")) marked.focus();
    else marked.click();
  });
  // What was decided makes room: the next one is current.
  root.addEventListener("htmx:afterSwap", () => items()[0]?.focus());
  items()[0]?.focus({ preventScroll: true });

  function walk(event) {
    const list = items();
    if (!list.length) return;
    event.preventDefault();
    const at = list.indexOf(document.activeElement.closest("[data-item]"));
    list[Math.min(list.length - 1, Math.max(0, at + (event.key === "j" ? 1 : -1)))].focus();
  }
}
