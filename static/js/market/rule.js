/** The rule form: says the threshold while it is dragged; asks before a rule is deleted. */
export default function start(form) {
  const range = form.querySelector('[name="threshold"]');
  const output = form.querySelector("[data-threshold]");
  range.addEventListener("input", () => {
    output.textContent = `${range.value}%`;
  });
  for (const other of document.querySelectorAll("form[data-confirm]")) {
    other.addEventListener("submit", (event) => {
      if (!confirm(other.dataset.confirm)) event.preventDefault();
    });
  }
}
