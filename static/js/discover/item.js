/**
 * The page of one item: `<div data-controller="item" data-item="…" data-stay="…" data-why="…">`. Opening
 * it counts once in a while however often it is loaded, since its event id is made of the item and the
 * half hour. How long the reader stayed is told by a beacon when the page is left or hidden.
 */
import { actOnCards } from "./cards.js";
import { followed, gathered, standAsElsewhere } from "./in_step.js";
import { listenToKeys } from "./keys.js";
import { showPhrases } from "./phrases.js";
import { openSession } from "./session.js";
import { rateBy } from "./stars.js";

const HALF_HOUR = 1_800_000;
const SHORTEST_STAY = 5; // seconds: less is a glance

export default function start(root) {
  const { item } = root.dataset;
  const follow = gathered(async () => {
    const { rated } = await standAsElsewhere(root, session);
    showStars(rated[item] ?? 0);
  });
  const session = openSession(root, { onChange: followed(follow) });
  const showStars = rateBy(root, session);
  const seen = () => {
    if (document.visibilityState !== "visible") return;
    document.removeEventListener("visibilitychange", seen);
    const id = `open:${Math.floor(Date.now() / HALF_HOUR)}:${item}`.slice(0, 80);
    session.record(item, "click", id).catch(() => {});
  };
  document.addEventListener("visibilitychange", seen);
  seen();
  tellStay(session, root.dataset);
  showPhrases(root);
  actOnCards(root, session, {
    // The item that the page is about stays in sight.
    onGone: (card) => card.classList.toggle("is-gone", card.matches(".book")),
    onBack: (card) => card.classList.remove("is-gone"),
  });
  listenToKeys(root);
}

/**
 * A page that is closed is hidden first, so being hidden is what counts. The socket may be gone by
 * then: a beacon tells it. One that the browser does not take goes over the socket, with the same id.
 */
function tellStay(session, { item, stay }) {
  let since = document.visibilityState === "visible" ? Date.now() : null;
  const tell = () => {
    const seconds = since === null ? 0 : Math.round((Date.now() - since) / 1000);
    since = null;
    if (seconds < SHORTEST_STAY) return;
    const id = crypto.randomUUID();
    const token = document.querySelector('meta[name="csrf-token"]').content;
    const form = new URLSearchParams({ csrfmiddlewaretoken: token, event_id: id, seconds });
    if (!navigator.sendBeacon(stay, form)) session.record(item, "dwell", id, seconds).catch(() => {});
  };
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") since = Date.now();
    else tell();
  });
  addEventListener("pagehide", tell);
}
