/** The rows of the reader's page: brought in line with what the server says, and kept in place. */
import { fillCard, makeCard } from "./cards.js";

export function signatures(feed) {
  const sections = [...feed.querySelectorAll("[data-section]")];
  return Object.fromEntries(sections.map(({ dataset }) => [dataset.section, dataset.signature]));
}

/** Makes the sections of `feed` those of the page, in order; one without items has not changed. */
export function reconcile(feed, sections) {
  const old = new Map([...feed.children].map((node) => [node.dataset.section, node]));
  const nodes = sections.map((section) => {
    const node = old.get(section.id) || makeShelf();
    if (section.items) fillShelf(node, section);
    return node;
  });
  feed.replaceChildren(...nodes);
}

function makeShelf() {
  return document.getElementById("shelf-template").content.firstElementChild.cloneNode(true);
}

function fillShelf(shelf, section) {
  const items = shelf.querySelector('[data-part="items"]');
  const scrolled = items.scrollLeft;
  const old = new Map([...items.children].map((node) => [node.dataset.item, node]));
  shelf.className = `shelf shelf-${section.kind}`;
  shelf.dataset.section = section.id;
  shelf.dataset.signature = section.signature;
  shelf.querySelector('[data-part="title"]').textContent = section.title;
  items.replaceChildren(...section.items.map((card) => (old.has(card.id) ? fillCard(old.get(card.id), card) : makeCard(card))));
  items.scrollLeft = scrolled;
}

/**
 * Changes the feed without losing the focus: it stays on its element, or goes to the card that took
 * the place of one that left. With `still`, a card that is in sight stays where it is, too, unless
 * the page stands at its top. `change` returns what plays the motion afterwards.
 */
export function keepingPlace(feed, { still }, change) {
  const active = feed.contains(document.activeElement) ? document.activeElement : null;
  const place = active && placeOf(active);
  const anchors = still && feed.getBoundingClientRect().top < 0 ? inSight(feed) : [];
  const play = change();
  if (active) (active.isConnected ? active : successor(feed, place))?.focus({ preventScroll: true });
  const anchor = anchors.find(({ card }) => card.isConnected);
  if (anchor) scrollBy({ top: anchor.card.getBoundingClientRect().top - anchor.top, behavior: "instant" });
  play();
}

function placeOf(element) {
  const card = element.closest("[data-item]");
  const section = element.closest("[data-section]");
  return { section: section?.dataset.section, at: card ? [...card.parentElement.children].indexOf(card) : 0 };
}

function successor(feed, { section, at }) {
  const cards = feed.querySelectorAll(`[data-section="${CSS.escape(section ?? "")}"] [data-item]`);
  const card = cards[Math.min(at, cards.length - 1)] ?? feed.querySelector("[data-item]");
  return card?.querySelector("h3 a");
}

/** The cards in sight with where they stand, the first ones first. */
function inSight(feed) {
  return [...feed.querySelectorAll("[data-item]")]
    .map((card) => ({ card, ...place(card) }))
    .filter(({ top, bottom }) => bottom > 120 && top < innerHeight);
}

function place(card) {
  const { top, bottom } = card.getBoundingClientRect();
  return { top, bottom };
}
