/** Buttons of a page brought in line with what was done elsewhere: in another tab, by a program. */
import { press } from "./cards.js";

const PAUSE = 150; // milliseconds in which several changes ask once
const MOVES_OTHERS = new Set(["not_interested", "undo"]); // own deeds that change what other buttons stand at

/** The items that a page shows, each once. */
export function shownItems(root) {
  return [...new Set([...root.querySelectorAll("[data-item]")].map(({ dataset }) => dataset.item))];
}

/**
 * Presses what is saved and liked by now; returns all that the reader's pages agree on. An answer that does
 * not know yet what was pressed here meanwhile is asked for again.
 */
export async function standAsElsewhere(root, session) {
  let [state, deeds] = [null, -1];
  while (deeds !== session.deeds()) {
    deeds = session.deeds();
    state = await session.state(shownItems(root));
  }
  const [saved, liked] = [new Set(state.saved), new Set(state.liked)];
  for (const holder of root.querySelectorAll("[data-item]")) {
    press(holder.querySelector('[data-act="save"]'), saved.has(holder.dataset.item));
    press(holder.querySelector('[data-act="like"]'), liked.has(holder.dataset.item));
  }
  return state;
}

/** What a page of cards does about a change: `follow` unless its own deed has shown all of it already. */
export function followed(follow) {
  return ({ payload }, own) => (own && !MOVES_OTHERS.has(payload.cause.kind)) || follow();
}

/** `action` so that several calls in a short time make one, and none overlaps the next. */
export function gathered(action, pause = PAUSE) {
  let timer = null;
  let running = false;
  const run = async () => {
    timer = null;
    running = true;
    await action().catch(() => {}); // the connection shows its own state; the next event asks again
    running = false;
    if (timer === "again") start();
  };
  const start = () => (timer = setTimeout(run, pause));
  return () => {
    if (running) timer = "again";
    else if (timer === null) start();
  };
}
