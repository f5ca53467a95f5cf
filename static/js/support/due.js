/**
 * What is promised next to the customer of a row, and for how long it can still be kept.
 *
 *   <span class="due" data-deadlines='{"first": "2026-01-02T03:04:05+00:00"}'></span>
 */
const WORDS = { first: "First answer", next: "Answer", resolution: "Resolution" };
const MINUTE = 60_000;
const EVERY = 10_000;

/** "8 m", "3 h 20 m", "2 d 4 h". */
export function span(milliseconds) {
  const minutes = Math.max(0, Math.floor(milliseconds / MINUTE));
  if (minutes < 60) return `${minutes} m`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours} h ${minutes % 60} m` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
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
  element.textContent = left < 0 ? `▲ ${WORDS[kind]} ${span(-left)} late` : `◷ ${WORDS[kind]} in ${span(left)}`;
  element.title = new Date(at).toLocaleString();
}

setInterval(() => {
  for (const element of document.querySelectorAll("[data-deadlines]")) draw(element);
}, EVERY);
