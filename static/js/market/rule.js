/** The rule form: says the values while they are dragged; asks before a rule is deleted. */
export default function start(form) {
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
