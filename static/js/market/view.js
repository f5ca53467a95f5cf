/**
 * How pages look to this person: colours of news, clock, density; and their saved layouts.
 *
 *   <details class="menu" data-controller="market-view" data-layouts-url="…">
 *     <select data-view="scheme">…</select>
 *     <form data-layout-form><input name="name"></form> <ul data-layouts></ul>
 *   </details>
 *
 * The choices are kept in the browser (`trefoil-scheme` and so on); js/theme.js sets them on
 * `<html>` before the first paint.
 */
import { api } from "../http.js";
import { refresh } from "../time.js";
import { toast } from "../toast.js";
import { translate } from "../words.js";

const NAMES = ["scheme", "clock", "density"];

export function look() {
  return Object.fromEntries(NAMES.map((name) => [name, document.documentElement.dataset[name] || ""]));
}

export function setLook(view) {
  for (const name of NAMES) {
    const value = view[name] || "";
    document.documentElement.dataset[name] = value;
    localStorage.setItem(`trefoil-${name}`, value);
  }
  for (const select of document.querySelectorAll("[data-view]")) select.value = look()[select.dataset.view];
  refresh();
}

export function openLayout(layout) {
  setLook(layout.view);
  location.assign(layout.path);
}

export default function start(root) {
  const url = root.dataset.layoutsUrl;
  const list = root.querySelector("[data-layouts]");
  setLook(look());
  root.addEventListener("change", (event) => {
    const { view } = event.target.dataset;
    if (view) setLook({ ...look(), [view]: event.target.value });
  });
  root.addEventListener("toggle", () => root.open && show());
  root.querySelector("[data-layout-form]").addEventListener("submit", async (event) => {
    event.preventDefault();
    const { name } = event.target.elements;
    try {
      await api("POST", url, { name: name.value, path: here(), view: look() });
      name.value = "";
      await show();
    } catch (error) {
      toast(error.message, { kind: "danger" });
    }
  });

  async function show() {
    const { results } = await api("GET", url);
    list.replaceChildren(...results.map(row));
  }

  function row(layout) {
    const item = document.createElement("li");
    const open = document.createElement("button");
    open.type = "button";
    open.textContent = layout.name;
    open.addEventListener("click", () => openLayout(layout));
    const forget = document.createElement("button");
    forget.type = "button";
    forget.textContent = "×";
    forget.setAttribute("aria-label", translate("Delete {name}", { name: layout.name }));
    forget.addEventListener("click", async (event) => {
      event.stopPropagation(); // the menu closes on clicks on what is not in it any more
      await api("DELETE", `${url}${Number(layout.id)}/`);
      await show();
    });
    item.append(open, forget);
    return item;
  }
}

/** This page with what its filters say, whether or not they were sent. */
function here() {
  const filters = document.querySelector("[data-filters]");
  if (!filters) return location.pathname + location.search;
  const set = [...new FormData(filters)].filter(([, value]) => value);
  return set.length ? `${location.pathname}?${new URLSearchParams(set)}` : location.pathname;
}
