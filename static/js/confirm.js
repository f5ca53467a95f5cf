/** Asks before a form with `data-confirm` inside the element is sent. */
export default function start(root) {
  root.addEventListener("submit", (event) => {
    const words = event.submitter?.dataset.confirm || event.target.dataset.confirm;
    if (words && !confirm(words)) event.preventDefault();
  });
}
