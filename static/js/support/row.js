/** One row of the console's list: who, what was said last, and how it stands. */
import { relative, until } from "../time.js";
import { make } from "./bubbles.js";
import { due } from "./due.js";
import { translate } from "../words.js";

export const SHAPES = { bot: "▢", queued: "◔", person: "●", resolved: "✓" };
const NORMAL = 3;
const PRIORITY_SHAPES = { 1: "▲▲", 2: "▲", 4: "▽" };
const TAGS = 2;
const MINUTE = 60_000;

/** The first characters of the first and the last word, or the first two of an only one. */
function initials(name) {
  const words = name.trim().split(/\s+/).map((word) => [...word]);
  return words.length > 1 ? words[0][0] + words.at(-1)[0] : words[0].slice(0, 2).join("");
}

/** Draw `row`: `href` is where it leads, and it may be `open`, `unread` and `chosen`. */
export function rowItem(row, { href, open, unread, chosen }) {
  const item = make("li");
  item.dataset.id = row.id;
  const link = make("a", `row-link ${row.state}${unread ? " unread" : ""}`);
  link.href = href;
  if (open) link.setAttribute("aria-current", "true");
  const state = stateLine(row);
  const body = make("span", "row-body");
  body.append(topLine(row, unread), make("span", "row-preview", row.preview || "…"), state);
  if (row.pressing) body.append(pressingLine(row.pressing));
  if (state.children.length > 2 || row.pressing) body.classList.add("dense");
  const avatar = make("span", "avatar", initials(row.name));
  avatar.setAttribute("aria-hidden", "true");
  link.append(avatar, body);
  const box = make("input");
  Object.assign(box, { type: "checkbox", checked: chosen });
  box.dataset.choose = "";
  box.setAttribute("aria-label", translate("Choose {name}", { name: row.name }));
  item.append(box, link);
  return item;
}

function topLine(row, unread) {
  const time = make("time", "muted small", relative(row.at));
  time.dateTime = row.at;
  time.dataset.relative = "";
  const name = make("b", "", row.name);
  if (unread) name.append(make("span", "visually-hidden", translate(", unread")));
  const top = make("span", "row-top");
  top.append(name, time);
  return top;
}

/** How much it presses and why: "72 · waiting 12 min, upset, lost or stolen card". */
function pressingLine({ since, rank_at: rankAt, reasons }) {
  const line = make("span", "row-pressing");
  line.dataset.since = since;
  line.dataset.rankAt = rankAt;
  line.dataset.reasons = reasons.map((reason) => translate(reason)).join(", ");
  return sayPressing(line);
}

/** Say the line anew as time goes on. */
function sayPressing(line) {
  const minutes = (at) => Math.max(0, Math.floor((Date.now() - Date.parse(at)) / MINUTE));
  const waited = minutes(line.dataset.since);
  const waiting = waited < 60 ? translate("waiting {m} min", { m: waited }) : translate("waiting {h} h {m} min", { h: Math.floor(waited / 60), m: waited % 60 });
  const score = make("b", "", String(minutes(line.dataset.rankAt)));
  score.title = translate("How much it presses: minutes of waiting, and points for the priority and an upset customer");
  line.replaceChildren(score, ` · ${[waiting, line.dataset.reasons].filter(Boolean).join(", ")}`);
  return line;
}

function stateLine(row) {
  const state = make("span", `row-state ${row.state}`, `${SHAPES[row.state]} ${translate(row.state_label)}`);
  if (row.assignee) state.append(` · ${row.assignee}`);
  if (row.snoozed_until) state.append(` · ${translate("until {time}", { time: until(row.snoozed_until) })}`);
  if (row.priority !== NORMAL) state.append(make("span", `priority ${row.priority < NORMAL ? "high" : ""}`, `${PRIORITY_SHAPES[row.priority]} ${translate(row.priority_label)}`));
  if (Object.keys(row.deadlines).length) state.append(due(make("span"), row.deadlines));
  if (row.team) state.append(make("span", "chip", row.team));
  for (const tag of row.tags.slice(0, TAGS)) state.append(make("span", "chip", tag));
  if (row.is_example) state.append(make("span", "chip", translate("example")));
  return state;
}

setInterval(() => {
  for (const line of document.querySelectorAll(".row-pressing")) sayPressing(line);
}, MINUTE / 2);
