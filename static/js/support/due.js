/**
 * What is promised next to the customer of a row, and for how long it can still be kept.
 *
 *   <span class="due" data-deadlines='{"first": "2026-01-02T03:04:05+00:00"}'></span>
 */
import { locale, translate } from "../words.js";

const WORDS = { first: translate("First answer"), next: translate("Answer"), resolution: translate("Resolution") };
const MINUTE = 60_000;
const EVERY = 10_000;

/** "8 m", "3 h 20 m", "2 d 4 h". */
export function span(milliseconds) {
  const minutes = Math.max(0, Math.floor(milliseconds / MINUTE));
  if (minutes < 60) return translate("{m} m", { m: minutes });
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? translate("{h} h {m} m", { h: hours, m: minutes % 60 }) : translate("{d} d {h} h", { d: Math.floor(hours / 24), h: hours % 24 });
}

/** Show the earliest of a conversation's deadlines in `element`; shape and words tell a late one too. */
export function due(element, deadlines) {
  element.dataset.deadlines = JSON.stringify(deadlines || {});
  draw(element);
  return element;
}

function draw(element) {
  const [kind, at] = Object.entries(JSON.parse(element.dataset.deadlines)).sort(([, a], [, b]) => new Date(a) - new Date(b))[0] || [];
  element.hidden = !kind;
  if (!kind) return;
  const left = new Date(at) - Date.now();
  element.classList.add("due");
  element.classList.toggle("breached", left < 0);
  element.textContent = left < 0 ? translate("▲ {what} {time} late", { what: WORDS[kind], time: span(-left) }) : translate("◷ {what} in {time}", { what: WORDS[kind], time: span(left) });
  element.title = new Date(at).toLocaleString(locale);
}

setInterval(() => {
  for (const element of document.querySelectorAll("[data-deadlines]")) draw(element);
}, EVERY);
