/**
 * Cards: making one from the page's <template>, and what their buttons do.
 *
 * Markup: templates/recommend/card.html. An element with `data-item` holds buttons
 * `data-act="save|like|not_interested"` and `data-mute="tag|author" data-value="…"`. What was done can be
 * taken back with `undoLast()`; what a dismissal changed on the page is asked for and told with it.
 */
import { api } from "../http.js";
import { toast } from "../toast.js";
import { translate } from "../words.js";

const DONE = {
  save: (title) => translate("Saved {title}", { title }),
  like: (title) => translate("Liked {title}", { title }),
  not_interested: (title) => translate("Less like {title}", { title }),
};
const CHANGES = "/api/v1/recommend/changes/";
const LONG = 12; // seconds: what changed takes longer to read
let last = null;

export function makeCard(card) {
  return fillCard(document.getElementById("card-template").content.firstElementChild.cloneNode(true), card);
}

/** Brings a card's element in line with `card`; returns it. */
export function fillCard(node, card) {
  node.classList.remove("is-leaving");
  node.dataset.item = card.id;
  const part = (name) => node.querySelector(`[data-part="${name}"]`);
  const cover = part("cover");
  cover.className = `cover tone-${card.cover.tone} form-${card.cover.form}`;
  cover.href = part("link").href = card.url;
  if (card.image) part("image").src = card.image;
  else part("image").removeAttribute("src");
  part("image").hidden = !card.image;
  part("why").href = `${card.url}#why`;
  part("cover-title").textContent = part("link").textContent = card.title;
  part("cover-author").textContent = card.authors[0] || "";
  part("byline").textContent = card.byline;
  part("blurb").textContent = card.blurb;
  part("reason").textContent = card.reason;
  part("reason").hidden = !card.reason;
  part("tags").replaceChildren(...card.tags.map(chip));
  part("mutes").replaceChildren(
    ...card.authors.slice(0, 2).map((value) => muteButton("author", value)),
    ...card.tags.map((value) => muteButton("tag", value)),
  );
  press(node.querySelector('[data-act="save"]'), card.saved);
  press(node.querySelector('[data-act="like"]'), card.liked);
  return node;
}

function chip(text) {
  const element = document.createElement("span");
  element.className = "chip";
  element.textContent = text;
  return element;
}

function muteButton(subject, value) {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.mute = subject;
  button.dataset.value = value;
  button.textContent = value;
  return button;
}

export function press(button, pressed) {
  button?.setAttribute("aria-pressed", String(Boolean(pressed)));
}

/**
 * Lets the buttons inside `root` act; `onGone(element)` is told which card the reader dismissed,
 * `onBack(element)` that it stays after all: it was taken back, or could not be stored.
 */
export function actOnCards(root, session, { onGone = () => {}, onBack = () => {} } = {}) {
  root.addEventListener("click", (event) => {
    const button = event.target.closest("[data-act], [data-mute]");
    const holder = button?.closest("[data-item]");
    if (!button || !holder) return;
    event.preventDefault();
    const menu = button.closest("details");
    if (menu) menu.open = false;
    const done = button.dataset.mute ? mute(session, button) : act(session, button, holder, { onGone, onBack });
    done.catch(() => {}); // the session has shown the error
  });
}

/** Takes back what was done last, if it still can be; whether there was something. */
export function undoLast() {
  if (!last?.isConnected) return false;
  last.querySelector("button").click();
  return true;
}

async function act(session, button, holder, { onGone, onBack }) {
  const kind = button.dataset.act;
  const item = holder.dataset.item;
  if (!(kind in DONE)) return;
  if (button.getAttribute("aria-pressed") === "true") {
    press(button, false);
    await session.forget(item, kind);
    return;
  }
  const id = crypto.randomUUID();
  const dismissed = kind === "not_interested";
  const back = () => (dismissed ? onBack(holder) : press(button, false));
  if (dismissed) onGone(holder);
  else press(button, true);
  try {
    const { event, paused } = await session.record(item, kind, id);
    if (paused) {
      back();
      toast(translate("Learning is paused: nothing was stored. Saving works all the same."));
      return;
    }
    const words = DONE[kind](titleOf(holder) || event.item_id);
    const undo = async () => {
      back();
      await session.undo(id);
    };
    const notice = offerUndo(words, undo, dismissed ? LONG : undefined);
    if (dismissed) tellChanges(notice, words, { item });
  } catch (error) {
    back();
    throw error;
  }
}

/** Mutes what the button names; undone, it stands as it stood before, with its weight. */
export async function mute(session, button) {
  const { mute: subject, value } = button.dataset;
  const { before } = await session.prefer(subject, value, "mute");
  const words = translate("Nothing more of {value}", { value });
  const undo = () => session.prefer(subject, value, before?.stance ?? null, before?.weight);
  tellChanges(offerUndo(words, undo, LONG), words, { muted: value });
}

/** A notice with a way back, in place of the one before. */
export function offerUndo(text, onAction, seconds = undefined) {
  last?.remove();
  last = toast(text, { action: translate("Undo"), onAction: () => onAction().catch(() => {}), seconds });
  return last;
}

/** Adds to a notice what the deed changed on the reader's page. */
async function tellChanges(notice, words, asked) {
  try {
    const change = await api("GET", `${CHANGES}?${new URLSearchParams(asked)}`);
    notice.querySelector("span").textContent = translate("{words}: {change}.", { words, change: change.words });
  } catch {
    // the notice stays as it is
  }
}

function titleOf(holder) {
  return holder.querySelector("h1, h2, h3")?.textContent.trim();
}
