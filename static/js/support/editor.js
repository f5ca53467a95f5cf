/** The article editor: Ctrl/Cmd+S saves as it is, and text that is not saved is not lost unasked. */
export default function start(form) {
  let saved = true;
  form.addEventListener("input", () => (saved = false));
  form.addEventListener("submit", () => (saved = true));
  addEventListener("beforeunload", (event) => {
    if (!saved) event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "s" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    form.requestSubmit(form.querySelector('[name="save"]'));
  });
}
