/**
 * Saved and profile: the history, what the page goes by, the pause of learning, forgetting.
 *
 * The parts `[data-live="name"]` come from the server and are fetched anew after each change, by this
 * page or elsewhere; the focus stays on the control with the same `data-key`.
 *
 * `[data-act="forget"]` inside `[data-item]`, or with `data-of="item"`, removes an item from the history.
 * A chip `[data-preference]` with `data-subject data-value data-stance data-weight` has steps
 * `[data-step]`, a pause `[data-pause]` and an end `[data-withdraw]`; `[data-mute]` mutes a subject.
 */
import { actOnCards, mute } from "./cards.js";
import { gathered } from "./in_step.js";
import { listenToKeys } from "./keys.js";
import { openSession } from "./session.js";
import { refresh } from "../time.js";
import { translate } from "../words.js";

const SURE = translate("Delete everything that Discover knows about you? This cannot be undone.");
const MOST = 3; // weight of an interest
const shown = new WeakMap(); // a live part to what the server last sent for it

export default function start(root) {
  const follow = gathered(() => renew(root));
  const session = openSession(root, { onChange: follow });
  root.querySelectorAll("[data-preference]").forEach(show);
  actOnCards(root, session);
  listenToKeys(root);
  root.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    const done = button && act(session, button);
    done?.catch?.(() => {}); // the session has shown the error
  });
  root.querySelector('[data-part="forget-form"]').addEventListener("submit", (event) => {
    if (confirm(SURE)) session.socket.close(); // or being told would load this page over the receipt
    else event.preventDefault();
  });
}

function act(session, button) {
  const chip = button.closest("[data-preference]")?.dataset;
  if (button.dataset.act === "forget") return session.forget(button.dataset.of ?? button.closest("[data-item]").dataset.item);
  if (button.hasAttribute("data-withdraw")) return session.prefer(chip.subject, chip.value, null);
  if (button.dataset.step) return step(session, chip, Number(button.dataset.step));
  if (button.hasAttribute("data-pause")) return session.prefer(chip.subject, chip.value, chip.stance === "pause" ? "more" : "pause");
  if (button.dataset.mute && !button.closest("[data-item]")) return mute(session, button);
  if (button.hasAttribute("data-clear-wish")) return session.wish("");
  if (button.hasAttribute("data-learning")) return session.learn(button.getAttribute("aria-checked") !== "true");
  return null;
}

async function step(session, { subject, value, weight }, by) {
  const next = Number(weight) + by;
  if (next >= 1 && next <= MOST) await session.prefer(subject, value, "more", next);
}

/** Puts what the server shows now in place of the live parts, without moving focus or scroll. */
async function renew(root) {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const key = document.activeElement?.dataset.key;
  for (const part of root.querySelectorAll("[data-live]")) {
    const fresh = page.querySelector(`[data-live="${part.dataset.live}"]`);
    if (!fresh || fresh.isEqualNode(shown.get(part) ?? null)) continue;
    const open = new Set([...part.querySelectorAll("details[open][data-key]")].map(({ dataset }) => dataset.key));
    const scrolled = part.querySelector(".shelf-items, .history");
    const [left, top] = [scrolled?.scrollLeft ?? 0, scrolled?.scrollTop ?? 0];
    shown.set(part, fresh);
    part.replaceChildren(...document.importNode(fresh, true).childNodes);
    part.querySelectorAll("[data-preference]").forEach(show);
    refresh(part);
    for (const details of part.querySelectorAll("details[data-key]")) details.open = open.has(details.dataset.key);
    part.querySelector(".shelf-items, .history")?.scrollTo(left, top);
  }
  if (!key || document.activeElement?.dataset.key === key) return;
  const again = root.querySelector(`[data-key="${CSS.escape(key)}"]:not(:disabled)`);
  (again ?? root.querySelector("[data-fallback]"))?.focus({ preventScroll: true });
}

/** Brings the marks of a chip in line with its weight and stance. */
function show(chip) {
  const weight = chip.querySelector('[data-part="weight"]');
  if (!weight) return;
  const { dataset } = chip;
  weight.textContent = "●".repeat(dataset.weight) + "○".repeat(MOST - dataset.weight);
  weight.setAttribute("aria-label", translate("{n} of {most}", { n: dataset.weight, most: MOST }));
  chip.querySelector('[data-step="-1"]').disabled = dataset.weight === "1";
  chip.querySelector('[data-step="1"]').disabled = dataset.weight === String(MOST);
  chip.querySelector("[data-pause]").setAttribute("aria-pressed", String(dataset.stance === "pause"));
}
