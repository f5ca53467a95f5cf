/**
 * "3 new for you": offers what changed elsewhere, and shows it when the reader says so.
 *
 *   <div data-part="fresh" hidden><button type="button" data-part="fresh-show">…</button></div>
 *   <p class="visually-hidden" role="status" data-part="fresh-said"></p>
 */
import { shownItems } from "./in_step.js";
import { translate, translateCount } from "../words.js";

const LEAST_PAUSE = 10_000; // milliseconds between two looks after the catalogue moved
const SPREAD = 2_000; // many open pages do not ask in the same moment

export function offerFresh(part, session, feed, { merge, tell }) {
  const [pill, button, said] = ["fresh", "fresh-show", "fresh-said"].map(part);
  let lookedAt = 0;
  let timer = null;
  let cameFrom = null;

  async function look() {
    lookedAt = Date.now();
    const news = await session.peek(shownItems(feed));
    const words = wordsOf(news);
    if (words && button.textContent !== words) said.textContent = translate("{words}. Press “{words}” to show it.", { words });
    button.textContent = words;
    pill.hidden = !words;
  }

  function lookSoon() {
    if (timer !== null) return;
    const pause = Math.max(0, lookedAt + LEAST_PAUSE - Date.now()) + Math.random() * SPREAD;
    timer = setTimeout(() => {
      timer = null;
      if (document.visibilityState === "visible") look().catch(() => {});
      else document.addEventListener("visibilitychange", lookSoon, { once: true });
    }, pause);
  }

  function clear() {
    pill.hidden = true;
    button.textContent = said.textContent = "";
  }

  feed.addEventListener("focusin", ({ target }) => (cameFrom = target));
  button.addEventListener("click", async () => {
    const words = button.textContent;
    const held = new Set(shownItems(feed));
    await merge().catch(() => {});
    const [first] = [...feed.querySelectorAll("[data-item]")].filter(({ dataset }) => !held.has(dataset.item));
    (cameFrom?.isConnected ? cameFrom : first?.querySelector("h3 a"))?.focus({ preventScroll: true });
    tell(translate("Shown: {words}", { words }));
  });
  return { look, lookSoon, clear };
}

function wordsOf({ new: fresh, gone }) {
  if (fresh) return translateCount("{n} new for you", "{n} new for you", fresh);
  return gone ? translate("Your page has changed") : "";
}
