/**
 * The palette: Ctrl+K (⌘K, or `/`) opens a field that finds pages, companies and layouts.
 *
 *   <dialog data-controller="market-palette" data-companies-url data-company-url data-layouts-url>
 *     <input data-palette-input> <ul data-palette-list role="listbox"></ul>
 *   </dialog>  <button data-palette-open>
 */
import { api } from "../http.js";
import { look, openLayout, setLook } from "./view.js";

const WAIT = 150; // milliseconds after the last key
const LOOKS = [
  ["Colours: Western (green up)", { scheme: "" }],
  ["Colours: Chinese (red up)", { scheme: "chinese" }],
  ["Colours: for colour-blind eyes (blue up)", { scheme: "blind" }],
  ["Times: how long ago", { clock: "" }],
  ["Times: UTC", { clock: "utc" }],
  ["Times: local", { clock: "local" }],
  ["Rows: compact", { density: "compact" }],
  ["Rows: roomy", { density: "" }],
];

export default function start(dialog) {
  const input = dialog.querySelector("[data-palette-input]");
  const list = dialog.querySelector("[data-palette-list]");
  const pages = [...document.querySelectorAll(".subnav a")].map((link) => ({
    words: link.textContent.trim(),
    kind: "page",
    run: () => location.assign(link.href),
  }));
  const looks = LOOKS.map(([words, change]) => ({
    words,
    kind: "view",
    run: () => setLook({ ...look(), ...change }),
  }));
  let layouts = [];
  let shown = [];
  let at = 0;
  let asked = 0;
  let timer = 0;

  async function open() {
    if (dialog.open) return;
    input.value = "";
    dialog.showModal();
    show([...pages, ...looks]);
    const { results } = await api("GET", dialog.dataset.layoutsUrl);
    layouts = results.map((layout) => ({ words: layout.name, kind: "layout", run: () => openLayout(layout) }));
    if (!input.value) show([...layouts, ...pages, ...looks]);
  }

  async function find() {
    const wanted = input.value.trim().toLowerCase();
    const own = [...layouts, ...pages, ...looks].filter((one) => one.words.toLowerCase().includes(wanted));
    show(own);
    if (!wanted) return;
    asked += 1;
    const mine = asked;
    const { results } = await api("GET", `${dialog.dataset.companiesUrl}?q=${encodeURIComponent(wanted)}`);
    if (mine !== asked) return; // a later key has asked since
    show([...results.slice(0, 8).map(company), ...own]);
  }

  function company({ id, ticker, name }) {
    const url = dialog.dataset.companyUrl.replace("/0/", `/${Number(id)}/`);
    return { words: `${ticker} · ${name}`, kind: "company", run: () => location.assign(url) };
  }

  function show(found) {
    shown = found;
    at = 0;
    list.replaceChildren(
      ...found.map((one, index) => {
        const item = document.createElement("li");
        item.id = `palette-${index}`;
        item.setAttribute("role", "option");
        const kind = document.createElement("span");
        kind.className = "small muted";
        kind.textContent = one.kind;
        item.append(one.words, kind);
        item.addEventListener("click", () => take(index));
        return item;
      }),
    );
    mark();
  }

  function mark() {
    for (const [index, item] of [...list.children].entries()) item.setAttribute("aria-selected", String(index === at));
    input.setAttribute("aria-activedescendant", shown.length ? `palette-${at}` : "");
    list.children[at]?.scrollIntoView({ block: "nearest" });
  }

  function take(index) {
    dialog.close();
    shown[index]?.run();
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(find, WAIT);
  });
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      at = Math.max(0, Math.min(shown.length - 1, at + step));
      mark();
    }
    if (event.key === "Enter") {
      event.preventDefault();
      take(at);
    }
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close(); // outside of its content
  });
  for (const button of document.querySelectorAll("[data-palette-open]")) button.addEventListener("click", open);
  document.addEventListener("keydown", (event) => {
    const chord = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k";
    const slash = event.key === "/" && !event.target.matches("input, textarea, select");
    if (!chord && !slash) return;
    event.preventDefault();
    open();
  });
}
