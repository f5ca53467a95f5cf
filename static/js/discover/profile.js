/**
 * Saved and profile: removing from the history, withdrawing and muting preferences, forgetting.
 *
 * `[data-act="forget"]` inside `[data-item]` removes a line; `.chip-remove` withdraws the
 * preference `data-subject data-value` or mutes the subject `data-mute data-value`.
 */
import { actOnCards } from "./cards.js";
import { toast } from "../toast.js";
import { openSession } from "./session.js";

const SURE = "Delete everything that Discover knows about you? This cannot be undone.";

export default function start(root) {
  const session = openSession(root);
  actOnCards(root, session, { onGone: (card) => card.classList.add("is-gone") });
  root.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.dataset.act === "forget") removeItem(session, button);
    else if (button?.dataset.subject) withdraw(session, button);
    else if (button?.dataset.mute && !button.closest("[data-item]")) mute(session, button);
    else if (button?.hasAttribute("data-clear-wish")) session.wish("").then(() => button.closest("div").remove());
  });
  root.querySelector('[data-part="forget-form"]').addEventListener("submit", (event) => {
    if (!confirm(SURE)) event.preventDefault();
  });
}

async function removeItem(session, button) {
  const line = button.closest("[data-item]");
  await session.forget(line.dataset.item);
  line.remove();
}

async function mute(session, button) {
  const { mute: subject, value } = button.dataset;
  await session.prefer(subject, value, "mute");
  button.closest("[data-preference]").remove();
  toast(`Nothing more of ${value}`, { action: "Undo", onAction: () => session.prefer(subject, value, null) });
}

async function withdraw(session, button) {
  await session.prefer(button.dataset.subject, button.dataset.value, null);
  button.closest("[data-preference]").remove();
}
