/**
 * The page of one item: `<div data-controller="item" data-item="…">`. Opening it counts once in a
 * while however often it is loaded, since its event id is made of the item and the half hour.
 */
import { actOnCards } from "./cards.js";
import { openSession } from "./session.js";

const HALF_HOUR = 1_800_000;

export default function start(root) {
  const session = openSession(root);
  const { item } = root.dataset;
  const seen = () => {
    if (document.visibilityState !== "visible") return;
    document.removeEventListener("visibilitychange", seen);
    const id = `open:${Math.floor(Date.now() / HALF_HOUR)}:${item}`.slice(0, 80);
    session.record(item, "click", id).catch(() => {});
  };
  document.addEventListener("visibilitychange", seen);
  seen();
  actOnCards(root, session, { onGone: (card) => card.classList.add("is-gone") });
}
