/**
 * The page of one item: `<div data-controller="item" data-item="…">`. Opening it counts once in a
 * while however often it is loaded, since its event id is made of the item and the half hour. How long
 * the reader stayed is told when the page is left or hidden, while its socket still is.
 */
import { actOnCards } from "./cards.js";
import { openSession } from "./session.js";

const HALF_HOUR = 1_800_000;
const SHORTEST_STAY = 5; // seconds: less is a glance

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
  tellStay(session, item);
  actOnCards(root, session, {
    // The item that the page is about stays in sight.
    onGone: (card) => card.classList.toggle("is-gone", card.matches(".book")),
    onBack: (card) => card.classList.remove("is-gone"),
  });
}

function tellStay(session, item) {
  let since = document.visibilityState === "visible" ? Date.now() : null;
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") {
      since = Date.now();
      return;
    }
    const seconds = since === null ? 0 : Math.round((Date.now() - since) / 1000);
    since = null;
    if (seconds >= SHORTEST_STAY) session.record(item, "dwell", crypto.randomUUID(), seconds).catch(() => {});
  });
}
