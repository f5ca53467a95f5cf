/**
 * The reader's page: follows the reader's stream and changes in place.
 *
 *   <div data-controller="discover" data-stream="recommend.reader.<key>" data-seq="12">
 *     <form data-part="wish-form">…</form> … <div data-part="feed"> sections </div>
 *     <template id="card-template">…</template> <template id="shelf-template">…</template>
 *   </div>
 *
 * Each `feed.changed` asks for the sections that differ from those on the page; several in a short
 * time ask once. What the page was just told is shown in `[data-part="news"]`.
 */
import { actOnCards, makeCard } from "./cards.js";
import { before } from "./motion.js";
import { openSession } from "./session.js";

const NEWS_SECONDS = 8;

export default function start(root) {
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  const feed = part("feed");
  const session = openSession(root, { onChange: (event) => changed(event.payload.words) });
  let asking = false;
  let askAgain = false;
  let newsTimer = null;
  if ("enrol" in root.dataset) changed(""); // a visitor who is not known yet, while an experiment runs

  async function changed(words) {
    if (asking) {
      askAgain = true;
    } else {
      asking = true;
      try {
        do {
          askAgain = false;
          apply(await session.feed(signatures(feed)));
        } while (askAgain);
      } catch {
        words = ""; // the connection shows its own state; the next event asks again
      } finally {
        asking = false;
      }
    }
    if (words) tell(words);
  }

  function apply(page) {
    const play = before(feed);
    const focused = document.activeElement?.closest("[data-item]");
    reconcile(feed, page.sections);
    if (focused && !focused.isConnected) feed.querySelector("[data-item] h3 a")?.focus({ preventScroll: true });
    play();
    part("empty").hidden = page.sections.length > 0;
    part("wish-panel").classList.toggle("is-cold", page.cold);
    showWish(part, page.wish);
    showDial(part("dial"), page.familiarity);
  }

  function tell(words) {
    const news = part("news");
    news.textContent = words;
    news.hidden = false;
    clearTimeout(newsTimer);
    newsTimer = setTimeout(() => (news.hidden = true), NEWS_SECONDS * 1000);
  }

  actOnCards(root, session, {
    onGone: (card) => card.classList.add("is-leaving"),
    onBack: (card) => card.classList.remove("is-leaving"),
  });
  listenToWish(root, part, session);
  part("dial").addEventListener("change", ({ target }) => session.dial(Number(target.value)).catch(() => {}));
}

function signatures(feed) {
  const sections = [...feed.querySelectorAll("[data-section]")];
  return Object.fromEntries(sections.map(({ dataset }) => [dataset.section, dataset.signature]));
}

/** Makes the sections of `feed` those of the page, in order; one without items has not changed. */
function reconcile(feed, sections) {
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
  shelf.className = `shelf shelf-${section.kind}`;
  shelf.dataset.section = section.id;
  shelf.dataset.signature = section.signature;
  shelf.querySelector('[data-part="title"]').textContent = section.title;
  items.replaceChildren(...section.items.map(makeCard));
  items.scrollLeft = scrolled;
}

function showDial(dial, value) {
  if (document.activeElement !== dial) dial.value = value;
}

function showWish(part, wish) {
  const field = part("wish-form").elements.wish;
  if (document.activeElement !== field) field.value = wish.text;
  part("wish-read").hidden = !wish.text;
  part("wanted").textContent = wish.wanted;
  part("wanted").hidden = part("wanted").previousElementSibling.hidden = !wish.wanted;
  part("unwanted-label").hidden = wish.unwanted.length === 0;
  part("unwanted").replaceChildren(
    ...wish.unwanted.map((text) => {
      const chip = document.createElement("span");
      chip.className = "chip danger";
      chip.textContent = text;
      return chip;
    }),
  );
}

function listenToWish(root, part, session) {
  const form = part("wish-form");
  const button = form.querySelector("button");
  const send = async (text) => {
    button.disabled = true;
    await session.wish(text).catch(() => {});
    button.disabled = false;
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    form.elements.wish.blur();
    send(form.elements.wish.value);
  });
  part("wish-clear").addEventListener("click", () => {
    form.elements.wish.value = "";
    send("");
  });
  root.addEventListener("click", (event) => {
    const chip = event.target.closest("[data-chip]");
    if (!chip) return;
    const chosen = chip.getAttribute("aria-pressed") !== "true";
    chip.setAttribute("aria-pressed", String(chosen));
    session.prefer("tag", chip.dataset.chip, chosen ? "more" : null).catch(() => {
      chip.setAttribute("aria-pressed", String(!chosen));
    });
  });
}
