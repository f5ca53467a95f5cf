/**
 * The rule form: says the values while they are dragged, takes a value that the preview proposes,
 * shows how alike a meaning must be only while one is asked for; asks before a rule is deleted.
 */
export default function start(form) {
  const likeness = form.querySelector("[data-likeness]");
  const meaning = form.elements.meaning;
  const fit = () => {
    likeness.hidden = !meaning.value.trim();
  };
  meaning.addEventListener("input", fit);
  fit();
  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-take]");
    if (!button) return;
    const range = form.elements[button.dataset.take];
    range.value = button.dataset.value;
    range.dispatchEvent(new Event("input", { bubbles: true }));
  });
  for (const output of form.querySelectorAll("output[data-of]")) {
    const range = form.elements[output.dataset.of];
    range.addEventListener("input", () => {
      output.textContent = `${range.value}%`;
    });
  }
  for (const other of document.querySelectorAll("form[data-confirm]")) {
    other.addEventListener("submit", (event) => {
      if (!confirm(other.dataset.confirm)) event.preventDefault();
    });
  }
}
