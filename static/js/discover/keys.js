/**
 * Single keys on cards; `?` lists them, and there they can be turned off for this browser.
 *
 *   <dialog data-keys>… <input type="checkbox" data-keys-on> …</dialog>   <button data-keys-open>…</button>
 *
 * `j` and `k` walk through the cards; the arrow keys do so only from a card that has the focus, where
 * up and down go to the next row. The others act on the card that has the focus.
 */
import { undoLast } from "./cards.js";

const STORED = "trefoil-discover-keys";
const STEPS = { j: 1, k: -1, ArrowRight: 1, ArrowLeft: -1 };
const LEAPS = { ArrowDown: 1, ArrowUp: -1 };
const ACTS = { s: "save", l: "like", x: "not_interested" };

export function listenToKeys(root) {
  const help = document.querySelector("[data-keys]");
  const box = help.querySelector("[data-keys-on]");
  box.checked = stored() !== "off";
  box.addEventListener("change", () => store(box.checked ? "on" : "off"));
  for (const button of document.querySelectorAll("[data-keys-open]")) {
    button.hidden = false;
    button.addEventListener("click", () => help.showModal());
  }
  help.addEventListener("click", ({ target }) => {
    if (target === help) help.close(); // outside of its content
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !box.checked) return;
    if (event.target.closest("input, textarea, select, dialog, details[open]")) return;
    if (document.querySelector("dialog[open]")) return;
    if (pressed(event.key)) event.preventDefault();
  });

  function pressed(key) {
    const card = document.activeElement.closest("[data-item]");
    if (key === "?") return help.showModal() ?? true;
    if (key === "u") return undoLast();
    if (key in STEPS && (card || key.length === 1)) return step(card, STEPS[key]);
    if (!card) return false;
    if (key in LEAPS) return leap(card, LEAPS[key]);
    if (key in ACTS) return act(card, ACTS[key]);
    if (key === "w") return open(card);
    return false;
  }

  const cards = () => [...root.querySelectorAll("[data-item]")].filter((card) => link(card) && card.offsetParent);

  function step(card, by) {
    const all = cards();
    const at = card ? all.indexOf(card) + by : firstInSight(all);
    return focus(all[Math.min(Math.max(at, 0), all.length - 1)]);
  }

  function leap(card, by) {
    const rows = [...root.querySelectorAll(".shelf-items, .results")].filter((row) => cardsOf(row).length);
    const row = card.closest(".shelf-items, .results");
    const next = rows[rows.indexOf(row) + by];
    if (!next) return false;
    const left = card.getBoundingClientRect().left;
    const near = (one) => Math.abs(one.getBoundingClientRect().left - left);
    return focus(cardsOf(next).reduce((best, one) => (near(one) < near(best) ? one : best)));
  }

  function act(card, kind) {
    const button = card.querySelector(`[data-act="${kind}"]`);
    if (!button) return false;
    const all = cards();
    const at = all.indexOf(card);
    button.click();
    if (kind === "not_interested") focus(all[at + 1] ?? all[at - 1]);
    return true;
  }
}

function stored() {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null; // a window that keeps nothing
  }
}

function store(value) {
  try {
    localStorage.setItem(STORED, value);
  } catch {
    // it holds for this page
  }
}

function cardsOf(row) {
  return [...row.querySelectorAll("[data-item]")].filter((card) => link(card) && card.offsetParent);
}

function link(card) {
  return card.querySelector(":is(h2, h3) a");
}

function open(card) {
  const why = card.querySelector('[data-part="why"]');
  if (why) location.href = why.href;
  return Boolean(why);
}

function focus(card) {
  if (!card) return false;
  link(card).focus({ preventScroll: true });
  card.scrollIntoView({ block: "nearest", inline: "nearest" });
  return true;
}

function firstInSight(cards) {
  return Math.max(0, cards.findIndex((card) => card.getBoundingClientRect().top >= 0));
}
