/**
 * Saved and profile: removing from the history, withdrawing and muting preferences, forgetting.
 *
 * `[data-act="forget"]` inside `[data-item]` removes a line. A chip `[data-preference]` with
 * `data-subject data-value data-stance data-weight` has steps `[data-step]`, a pause `[data-pause]` and
 * an end `[data-withdraw]`; `[data-mute]` mutes a subject that was read from the history.
 */
import { actOnCards } from "./cards.js";
import { toast } from "../toast.js";
import { openSession } from "./session.js";

const SURE = "Delete everything that Discover knows about you? This cannot be undone.";
const MOST = 3; // weight of an interest

export default function start(root) {
  const session = openSession(root);
  root.querySelectorAll("[data-preference][data-weight]").forEach(show);
  actOnCards(root, session, {
    onGone: (card) => card.classList.add("is-gone"),
    onBack: (card) => card.classList.remove("is-gone"),
  });
  root.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.dataset.act === "forget") removeItem(session, button);
    else if (button?.hasAttribute("data-withdraw")) withdraw(session, button.closest("[data-preference]"));
    else if (button?.dataset.step) step(session, button);
    else if (button?.hasAttribute("data-pause")) pause(session, button);
    else if (button?.dataset.mute && !button.closest("[data-item]")) mute(session, button);
    else if (button?.hasAttribute("data-clear-wish")) session.wish("").then(() => button.closest("div").remove());
  });
  root.querySelector('[data-part="forget-form"]').addEventListener("submit", (event) => {
    if (confirm(SURE)) session.socket.close(); // or being told would load this page over the receipt
    else event.preventDefault();
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

async function withdraw(session, chip) {
  await session.prefer(chip.dataset.subject, chip.dataset.value, null);
  chip.remove();
}

async function step(session, button) {
  const chip = button.closest("[data-preference]");
  const weight = Number(chip.dataset.weight) + Number(button.dataset.step);
  if (weight < 1 || weight > MOST) return;
  await session.prefer(chip.dataset.subject, chip.dataset.value, "more", weight);
  Object.assign(chip.dataset, { weight, stance: "more" });
  show(chip);
}

async function pause(session, button) {
  const chip = button.closest("[data-preference]");
  const stance = chip.dataset.stance === "pause" ? "more" : "pause";
  await session.prefer(chip.dataset.subject, chip.dataset.value, stance);
  chip.dataset.stance = stance;
  show(chip);
}

/** Brings the marks of a chip in line with its weight and stance. */
function show(chip) {
  const weight = chip.querySelector('[data-part="weight"]');
  if (!weight) return;
  const { dataset } = chip;
  chip.classList.toggle("is-pause", dataset.stance === "pause");
  weight.textContent = "●".repeat(dataset.weight) + "○".repeat(MOST - dataset.weight);
  weight.setAttribute("aria-label", `${dataset.weight} of ${MOST}`);
  chip.querySelector('[data-step="-1"]').disabled = dataset.weight === "1";
  chip.querySelector('[data-step="1"]').disabled = dataset.weight === String(MOST);
  chip.querySelector("[data-pause]").setAttribute("aria-pressed", String(dataset.stance === "pause"));
}
