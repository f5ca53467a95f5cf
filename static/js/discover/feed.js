/**
 * The reader's page: follows the reader's stream and changes in place.
 *
 *   <div data-controller="discover" data-stream="recommend.reader.<key>" data-seq="12">
 *     <form data-part="wish-form">…</form> … <div data-part="feed"> sections </div>
 *     <template id="card-template">…</template> <template id="shelf-template">…</template>
 *   </div>
 *
 * What is done on this page changes its rows at once: it asks for the sections that differ, several
 * times in a short time once. What happens elsewhere (another tab, new items) leaves the rows as they
 * are; buttons and fields follow, and `[data-part="fresh"]` offers what would be new. What the page was
 * just told is shown in `[data-part="news"]`.
 */
import { actOnCards } from "./cards.js";
import { offerFresh } from "./fresh.js";
import { gathered, standAsElsewhere } from "./in_step.js";
import { listenToKeys } from "./keys.js";
import { before } from "./motion.js";
import { keepingPlace, reconcile, signatures } from "./rows.js";
import { openSession } from "./session.js";
import { chooseStarters } from "./starters.js";
import { listenToWish, showChosen, showDial, showWish } from "./wish.js";

const NEWS_SECONDS = 8;

export default function start(root) {
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  const feed = part("feed");
  let words = "";
  let newsTimer = null;
  if ("enrol" in root.dataset) changed(""); // a visitor who is not known yet, while an experiment runs

  const update = gathered(async () => {
    await merge();
    if (words) tell(words);
    words = "";
  }, 0);
  const follow = gathered(async () => {
    const state = await standAsElsewhere(root, session);
    stand(state);
    await fresh.look();
  });
  const session = openSession(root, {
    onChange(event, own) {
      if (!own) return follow();
      words = event.payload.words;
      return update();
    },
    onMoved: () => fresh.lookSoon(),
  });
  const fresh = offerFresh(part, session, feed, { merge: () => merge({ still: true }), tell });

  /** Shows the page as it is now; `still` keeps what is in sight where it is. */
  async function merge({ still = false } = {}) {
    const page = await session.feed(signatures(feed));
    fresh.clear();
    keepingPlace(feed, { still }, () => {
      const play = before(feed);
      reconcile(feed, page.sections);
      return play;
    });
    part("empty").hidden = page.sections.length > 0;
    part("wish-panel").classList.toggle("is-cold", page.cold);
    starters.show(page.cold);
    stand(page);
  }

  function stand(state) {
    part("paused").hidden = !state.paused;
    showWish(part, state.wish);
    showDial(part("dial"), state.familiarity);
    showChosen(part("chips"), state.chosen);
  }

  function tell(text) {
    const news = part("news");
    news.textContent = text;
    news.hidden = false;
    clearTimeout(newsTimer);
    newsTimer = setTimeout(() => (news.hidden = true), NEWS_SECONDS * 1000);
  }

  const starters = chooseStarters(part("starters"), session);
  actOnCards(root, session, {
    onGone: (card) => card.classList.add("is-leaving"),
    onBack: (card) => card.classList.remove("is-leaving"),
  });
  listenToKeys(root);
  listenToWish(root, part, session);
  part("dial").addEventListener("change", ({ target }) => session.dial(Number(target.value)).catch(() => {}));
  part("resume").addEventListener("click", () => session.learn(true).catch(() => {}));
}
