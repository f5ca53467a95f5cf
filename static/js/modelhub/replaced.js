/** What happens once htmx has put a new `#id` into `root`. An answer without one is that of somebody
 * who was signed out meanwhile: the page asks him to sign in and comes back. */
export function replaced(root, id, onReplaced) {
  root.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr } = event.detail;
    if (xhr.status >= 400 || xhr.responseText.includes(`id="${id}"`)) return;
    event.detail.shouldSwap = false;
    location.reload();
  });
  root.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id === id) onReplaced();
  });
}
