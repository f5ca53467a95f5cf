/** Labelling by keys: `<div data-controller="hub-label">` with buttons that have `data-key`, and
 * a field `data-other` that `/` goes to; see templates/modelhub/label.html. */
export default function start(root) {
  const other = root.querySelector("[data-other]");
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.target.closest("input, textarea, select")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (event.key === "/" && other) {
      event.preventDefault();
      other.focus();
      return;
    }
    const key = CSS.escape(event.key.toLowerCase());
    root.querySelector(`[data-key="${key}"]`)?.click();
  });
}
