/** The list of a screen's keys: `<dialog data-keys>`, opened by `?` and by buttons `data-keys-open`;
 * see templates/modelhub/parts/keys.html. Returns a function that opens it. */
export function keysHelp(root) {
  const help = root.querySelector("[data-keys]");
  const open = () => help.showModal();
  root.addEventListener("click", (event) => {
    if (event.target.closest("[data-keys-open]")) open();
    else if (event.target === help) help.close(); // outside of its content
  });
  return open;
}
