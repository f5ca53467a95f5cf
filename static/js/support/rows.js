/** The console's list of conversations: one tab of them, kept as the inbox changes. */
import { api } from "../http.js";
import { relative, until } from "../time.js";
import { make } from "./bubbles.js";
import { due } from "./due.js";

export const SHAPES = { bot: "▢", queued: "◔", person: "●", resolved: "✓" };
const SEEN = "trefoil.support.seen";
const SEEN_LIMIT = 500;
const COUNT_AFTER = 600;
const BELONGS = {
  waiting: (row) => !row.snoozed_until && row.state === "queued",
  mine: (row, me) => !row.snoozed_until && row.state === "person" && row.assignee_id === me,
  bot: (row) => !row.snoozed_until && row.state === "bot",
  snoozed: (row) => Boolean(row.snoozed_until),
  all: (row) => !row.snoozed_until && row.state !== "resolved",
  resolved: (row) => !row.snoozed_until && row.state === "resolved",
};
const NORMAL = 3;
const PRIORITY_SHAPES = { 1: "▲▲", 2: "▲", 4: "▽" };

/** What decides in which tabs a conversation is. */
const place = (row) => `${row.state} ${Boolean(row.snoozed_until)} ${row.assignee_id}`;

/** The first characters of the first and the last word, or the first two of an only one. */
function initials(name) {
  const words = name.trim().split(/\s+/).map((word) => [...word]);
  return words.length > 1 ? words[0][0] + words.at(-1)[0] : words[0].slice(0, 2).join("");
}

/** Up to which message of a conversation this browser's operator has read. */
class Seen {
  #read() {
    try {
      return JSON.parse(localStorage.getItem(SEEN)) || {};
    } catch {
      return {};
    }
  }

  last(id) {
    return this.#read()[id] || 0;
  }

  mark(id, seq) {
    const { [id]: _, ...others } = this.#read();
    const kept = Object.fromEntries([...Object.entries(others).slice(-SEEN_LIMIT), [id, seq]]);
    try {
      localStorage.setItem(SEEN, JSON.stringify(kept));
    } catch {
      // Without storage everything counts as unread.
    }
  }
}

export class RowList {
  #seen = new Seen();
  #states = new Map();
  #counting = null;

  /** `teams` are one's private ones, `open` is the id of the conversation beside the list; `onOpen(row)` hears of its changes. */
  constructor(root, { tab, me, teams, open, onOpen }) {
    Object.assign(this, { root, tab, me, teams, open, onOpen });
    this.query = root.dataset.query;
    this.list = root.querySelector("[data-rows]");
    this.empty = root.querySelector("[data-empty]");
  }

  /** Show the rows that the page came with. */
  fill(rows) {
    for (const row of rows) {
      this.#states.set(row.id, place(row));
      this.list.append(this.#draw(row));
    }
    this.list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
    this.#refresh();
  }

  put(row) {
    if (row.id === this.open) this.onOpen(row);
    if (this.#states.get(row.id) !== place(row)) this.#count();
    this.#states.set(row.id, place(row));
    const known = this.list.querySelector(`[data-id="${row.id}"]`);
    if (!BELONGS[this.tab](row, this.me)) known?.remove();
    else if (this.query && !known) return; // what it holds, only the server can look up
    else if (this.tab === "waiting") this.#queue(row, known);
    else {
      const focused = known?.contains(document.activeElement);
      const item = this.#draw(row);
      known?.remove();
      this.list.prepend(item);
      if (focused) this.list.firstElementChild.querySelector("a").focus();
    }
    this.#refresh();
  }

  /** It went to a team whose conversations have an inbox of their own, which may be ours too. */
  withdraw({ id, team_id: team }) {
    this.#count();
    if (this.teams.includes(team)) return;
    this.#states.delete(id);
    this.list.querySelector(`[data-id="${id}"]`)?.remove();
    this.#refresh();
  }

  /** Into the queue: by priority, then by who waits longest. */
  #queue(row, known) {
    const item = this.#draw(row);
    known?.remove();
    const order = [row.priority, row.queued_at];
    const behind = [...this.list.children].find(({ dataset }) => {
      const priority = Number(dataset.priority);
      return priority > order[0] || (priority === order[0] && dataset.queued > order[1]);
    });
    this.list.insertBefore(item, behind || null);
  }

  #refresh() {
    this.empty.hidden = this.list.children.length > 0;
  }

  #count() {
    clearTimeout(this.#counting);
    this.#counting = setTimeout(async () => {
      const counts = await api("GET", this.root.dataset.counts).catch(() => ({}));
      for (const [tab, number] of Object.entries(counts)) {
        const shown = this.root.querySelector(`[data-tab-name="${tab}"] b`);
        if (shown) shown.textContent = number;
      }
    }, COUNT_AFTER);
  }

  #isUnread(row) {
    if (row.id === this.open) this.#seen.mark(row.id, row.last_seq);
    const waits = row.state === "queued" || (row.state === "person" && row.assignee_id === this.me);
    return waits && row.last_seq > this.#seen.last(row.id);
  }

  #draw(row) {
    const item = make("li");
    Object.assign(item.dataset, { id: row.id, priority: row.priority, queued: row.queued_at || "" });
    const link = make("a", `row-link ${row.state}`);
    link.href = `/support/c/${row.id}/?tab=${this.tab}${this.query ? `&${this.query}` : ""}`;
    if (row.id === this.open) link.setAttribute("aria-current", "true");
    const time = make("time", "muted small", relative(row.at));
    time.dateTime = row.at;
    time.dataset.relative = "";
    const top = make("span", "row-top");
    const name = make("b", "", row.name);
    if (this.#isUnread(row)) {
      link.classList.add("unread");
      name.append(make("span", "visually-hidden", ", unread"));
    }
    top.append(name, time);
    const state = make("span", `row-state ${row.state}`, `${SHAPES[row.state]} ${row.state_label}`);
    if (row.assignee) state.append(` · ${row.assignee}`);
    if (row.team) state.append(make("span", "chip", row.team));
    if (row.priority !== NORMAL) state.append(make("span", `priority ${row.priority < NORMAL ? "high" : ""}`, `${PRIORITY_SHAPES[row.priority]} ${row.priority_label}`));
    if (Object.keys(row.deadlines).length) state.append(due(make("span"), row.deadlines));
    if (row.snoozed_until) state.append(` · until ${until(row.snoozed_until)}`);
    for (const tag of row.tags.slice(0, 2)) state.append(make("span", "chip", tag));
    if (row.is_example) state.append(make("span", "chip", "example"));
    const body = make("span", "row-body");
    body.append(top, make("span", "row-preview", row.preview || "…"), state);
    const avatar = make("span", "avatar", initials(row.name));
    avatar.setAttribute("aria-hidden", "true");
    link.append(avatar, body);
    const box = make("input");
    Object.assign(box, { type: "checkbox", checked: this.list.querySelector(`[data-id="${row.id}"] [data-choose]`)?.checked || false });
    box.dataset.choose = "";
    box.setAttribute("aria-label", `Choose ${row.name}`);
    item.append(box, link);
    return item;
  }
}
