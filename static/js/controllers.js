/**
 * Attaches behaviour to markup: an element with `data-controller="name"` gets the default export
 * of the module `name`, called once with the element. The map of names to modules is the page's:
 *
 *   <script type="application/json" id="controllers">{"console": "/static/js/support/console.js"}</script>
 *
 * Elements that htmx swaps in are attached too. An element that has its behaviour gets an event
 * "attached", on which early.js does what was held until then.
 */
const attached = new WeakSet();

async function attach(root) {
  const source = document.getElementById("controllers");
  const modules = source ? JSON.parse(source.textContent) : {};
  for (const element of root.querySelectorAll("[data-controller]")) {
    if (attached.has(element)) continue;
    attached.add(element);
    try {
      if (!(await begin(element, modules[element.dataset.controller]))) continue;
    } catch (error) {
      reportError(error); // the others, and what was held for early.js, go on
    }
    element.dispatchEvent(new Event("attached", { bubbles: true }));
  }
}

/** Whether the element is still in the page, with its behaviour. */
async function begin(element, url) {
  if (!url) return true;
  const { default: start } = await import(url);
  if (element.isConnected) await start(element);
  else attached.delete(element); // swapped out while its module came
  return element.isConnected;
}

attach(document);
document.addEventListener("htmx:load", (event) => attach(event.target));
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = false;
});
