/**
 * A newcomer's way in: up to three liked items, from a grid or found by words; the third sends them.
 *
 *   <section data-part="starters" data-url="…/starters/" data-search="…/search/">
 *     <input type="search" data-part="starter-q"> <p data-part="starter-said" role="status"></p>
 *     <ul data-part="starter-grid"><li><button class="starter" data-starter="id">…</button></li></ul>
 *     <ul data-part="starter-tray"></ul> <button data-part="starter-go">…</button>
 *     <template data-part="starter-template"><li>…</li></template>
 *   </section>
 */
import { api } from "../http.js";
import { offerUndo } from "./cards.js";
import { translate } from "../words.js";

const MOST = 3;
const TYPING = 250; // milliseconds

export function chooseStarters(root, session) {
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  const grid = part("starter-grid");
  const chosen = new Map(); // item id to title
  let first = [...grid.children];
  let timer = null;
  let asked = 0;

  root.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-starter]");
    if (button) toggle(button.dataset.starter, button.dataset.title);
  });
  part("starter-go").addEventListener("click", send);
  part("starter-q").addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(find, TYPING);
  });

  function toggle(item, title) {
    if (chosen.has(item)) chosen.delete(item);
    else if (chosen.size < MOST) chosen.set(item, title);
    showChosen();
    if (chosen.size === MOST) send();
  }

  function showChosen() {
    for (const button of grid.querySelectorAll("[data-starter]")) {
      button.setAttribute("aria-pressed", String(chosen.has(button.dataset.starter)));
    }
    part("starter-tray").replaceChildren(...[...chosen].map(([item, title]) => trayLine(item, title)));
    part("starter-go").hidden = chosen.size === 0;
    part("starter-said").textContent = chosen.size ? translate("{n} of {most} chosen", { n: chosen.size, most: MOST }) : "";
  }

  async function send() {
    const items = [...chosen.keys()];
    const id = crypto.randomUUID();
    part("starter-go").disabled = true;
    try {
      await session.start(items, id);
      scrollTo({ top: 0, behavior: "instant" }); // the grid makes room for the rows
      const undo = () => Promise.all(items.map((_, at) => session.undo(`${id}:${at + 1}`)));
      offerUndo(translate("Liked {title}", { title: [...chosen.values()].join(", ") }), undo);
      chosen.clear();
      part("starter-q").value = "";
    } catch {
      // the session has shown the error; what was chosen stays
    }
    part("starter-go").disabled = false;
    showChosen();
  }

  async function find() {
    const query = part("starter-q").value.trim();
    const turn = ++asked;
    if (!query) return fill(first);
    try {
      const { items } = await api("GET", `${root.dataset.search}?${new URLSearchParams({ q: query })}`);
      if (turn !== asked) return;
      fill(items.slice(0, 12).map(line));
      if (!items.length) part("starter-said").textContent = translate("Nothing found for “{query}”", { query });
    } catch (error) {
      if (turn === asked) part("starter-said").textContent = error.message;
    }
  }

  function fill(lines) {
    grid.replaceChildren(...lines);
    showChosen();
  }

  function line(card) {
    const node = part("starter-template").content.firstElementChild.cloneNode(true);
    const button = node.querySelector("button");
    Object.assign(button.dataset, { starter: card.id, title: card.title });
    button.setAttribute("aria-label", [card.title, card.byline].filter(Boolean).join(", "));
    const cover = node.querySelector(".cover");
    cover.className = `cover tone-${card.cover.tone} form-${card.cover.form}`;
    const image = node.querySelector("img");
    if (card.image) image.src = card.image;
    image.hidden = !card.image;
    node.querySelector(".cover-title").textContent = card.title;
    node.querySelector(".cover-author").textContent = card.authors[0] || "";
    return node;
  }

  return {
    /** The grid is for a newcomer; one who becomes one again gets it from the server. */
    async show(cold) {
      root.hidden = !cold;
      if (!cold || first.length) return;
      const { items } = await api("GET", root.dataset.url).catch(() => ({ items: [] }));
      first = items.map(line);
      fill(first);
    },
  };
}

function trayLine(item, title) {
  const node = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "chip accent";
  button.textContent = `${title} ×`;
  button.setAttribute("aria-label", translate("Take out {title}", { title }));
  Object.assign(button.dataset, { starter: item, title });
  node.append(button);
  return node;
}
