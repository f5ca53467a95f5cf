/**
 * The console's list of conversations: one tab of them in its order, kept as the inbox changes.
 *
 * The page comes with the first rows; the others are asked for as they come into sight. Where the
 * list was scrolled to is kept while the browser's tab is open.
 */
import { api } from "../http.js";
import { toast } from "../toast.js";
import { rowItem } from "./row.js";
import { Seen } from "./seen.js";
import { ListWindow } from "./window.js";
import { translate } from "../words.js";

const COUNT_AFTER = 600;
const PAGE = 250;
const SAME_MOMENT = 2000; // milliseconds between a message and the row that tells of it, at most
const AHEAD = 50; // rows asked for before they are in sight
const SCROLLED = "trefoil.support.scrolled";
const BELONGS = {
  waiting: (row) => !row.snoozed_until && row.state === "queued",
  mine: (row, me) => !row.snoozed_until && row.state === "person" && row.assignee_id === me,
  unassigned: (row) => !row.snoozed_until && row.state !== "resolved" && !row.assignee_id,
  bot: (row) => !row.snoozed_until && row.state === "bot",
  snoozed: (row) => Boolean(row.snoozed_until),
  all: (row) => !row.snoozed_until && row.state !== "resolved",
  resolved: (row) => !row.snoozed_until && row.state === "resolved",
};
/** The order of each tab, as the server's: what a row is sorted by. */
const ORDER = {
  waiting: (row) => [Date.parse(row.pressing?.rank_at)],
  snoozed: (row) => [Date.parse(row.snoozed_until)],
};
const latest = (row) => [-Date.parse(row.at)];

/** What decides in which tabs a conversation is. */
const place = (row) => `${row.state} ${Boolean(row.snoozed_until)} ${row.assignee_id}`;

export class RowList {
  #seen = new Seen();
  #rows = new Map(); // what is known of each conversation, listed or not
  #heard = new Set(); // of which conversations the inbox has told since the page was made
  #ids = []; // what is listed, in order
  #total = 0;
  #cursor = null;
  #loading = false;
  #counting = null;
  chosen = new Set();

  /** `teams` are one's private ones, `open` is the id of the conversation beside the list; `onOpen(row)` hears of its changes. */
  constructor(root, { tab, me, teams, open, onOpen }) {
    Object.assign(this, { root, tab, me, teams, open, onOpen });
    this.query = root.dataset.query;
    this.list = root.querySelector("[data-rows]");
    this.empty = root.querySelector("[data-empty]");
    this.order = ORDER[tab] || latest;
    this.view = new ListWindow(this.list, { draw: (id) => this.#draw(this.#rows.get(id)), reach: (index) => this.#reach(index) });
    this.list.addEventListener("change", ({ target }) => this.#choose(target));
  }

  /** Show what the page came with: the first `rows` of `total`, and the `cursor` of the rest. */
  fill({ rows, total, cursor }) {
    this.#total = total;
    this.#cursor = cursor;
    this.#take(rows);
    this.#show();
    const scrolled = JSON.parse(sessionStorage.getItem(SCROLLED) || "{}");
    if (scrolled.list === this.#name()) this.view.top = scrolled.top;
    if (scrolled.list !== this.#name() || scrolled.open !== this.open) this.view.reveal(this.open);
    addEventListener("pagehide", () => {
      sessionStorage.setItem(SCROLLED, JSON.stringify({ list: this.#name(), open: this.open, top: this.view.top }));
    });
  }

  /** Whether the inbox told at the time `at` of a message that was not known yet. */
  isNews(row, at) {
    const known = this.#rows.get(row.id);
    return known ? row.last_seq > known.last_seq : Date.parse(at) - Date.parse(row.at) < SAME_MOMENT;
  }

  /** The conversation beside the list has been read so far. */
  read(row) {
    this.#seen.mark(row.id, row.last_seq);
  }

  /** Its last message is to be read again; `row` is what the page came with. */
  unread(row) {
    this.#seen.mark(row.id, (this.#rows.get(row.id) || row).last_seq - 1);
  }

  /** A conversation has changed. */
  put(row) {
    if (row.id === this.open) {
      this.read(row);
      this.onOpen(row);
    }
    if (!this.#rows.has(row.id) || place(this.#rows.get(row.id)) !== place(row)) this.#count();
    const listed = this.#ids.includes(row.id);
    this.#rows.set(row.id, row);
    this.#heard.add(row.id);
    if (!BELONGS[this.tab](row, this.me)) return this.#drop(row.id);
    if (this.query && !listed) return; // what it holds, only the server can look up
    if (listed) this.#ids.splice(this.#ids.indexOf(row.id), 1);
    const behind = this.#behind(row);
    if (behind === this.#ids.length && this.#cursor && !listed) return; // its page is not here yet
    this.#ids.splice(behind, 0, row.id);
    if (!listed) this.#total += 1;
    this.view.renew(row.id);
    this.#show();
  }

  /** It went to a team whose conversations have an inbox of their own, which may be ours too. */
  withdraw({ id, team_id: team }) {
    this.#count();
    if (this.teams.includes(team)) return;
    this.#rows.delete(id);
    this.#heard.add(id);
    this.#drop(id);
  }

  /** Where the conversation `step` rows from the open one is; the first, if that is not listed. */
  beside(step) {
    const at = this.#ids.indexOf(this.open);
    const id = at < 0 ? this.#ids[0] : this.#ids[at + step];
    return id && this.#href(id);
  }

  unchoose() {
    const before = [...this.chosen];
    this.chosen.clear();
    for (const id of before) this.view.renew(id);
    this.#tell();
  }

  #drop(id) {
    const at = this.#ids.indexOf(id);
    if (at < 0) return;
    this.#ids.splice(at, 1);
    this.#total -= 1;
    if (this.chosen.delete(id)) this.#tell();
    this.#show();
  }

  /** Add rows that the server has listed; what the inbox has told of one since is newer. */
  #take(rows) {
    const listed = new Set(this.#ids);
    const unlisted = rows.filter(({ id }) => !listed.has(id));
    for (const row of unlisted.filter(({ id }) => !this.#heard.has(id))) {
      this.#rows.set(row.id, row);
      this.#ids.push(row.id);
    }
    for (const { id } of unlisted.filter((row) => this.#heard.has(row.id))) {
      const row = this.#rows.get(id);
      if (row && BELONGS[this.tab](row, this.me)) this.#ids.splice(this.#behind(row), 0, id);
    }
    if (!this.#cursor) this.#total = this.#ids.length;
  }

  /** The first place whose row comes after `row`. */
  #behind(row) {
    const wanted = this.order(row);
    let [from, to] = [0, this.#ids.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      const there = this.order(this.#rows.get(this.#ids[middle]));
      const differs = wanted.findIndex((value, at) => value !== there[at]);
      if (differs >= 0 && there[differs] > wanted[differs]) to = middle;
      else from = middle + 1;
    }
    return from;
  }

  #show() {
    this.#total = Math.max(this.#total, this.#ids.length);
    this.empty.hidden = this.#ids.length > 0 || Boolean(this.#cursor);
    this.list.parentElement.hidden = !this.empty.hidden;
    this.view.show([...this.#ids], this.#total);
    this.#title();
  }

  /** How many are unread, before the page's title, where other tabs of the browser show it. */
  #title() {
    const unread = [...this.#rows.values()].filter((row) => this.#isUnread(row)).length;
    document.title = `${unread ? `(${unread}) ` : ""}${document.title.replace(/^\(\d+\) /, "")}`;
  }

  /** Rows up to `index` are looked at: ask for those that follow before they are missed. */
  async #reach(index) {
    if (this.#loading || !this.#cursor || index + AHEAD < this.#ids.length) return;
    this.#loading = true;
    this.list.setAttribute("aria-busy", "true");
    try {
      const query = new URLSearchParams(`tab=${this.tab}&${this.query}`);
      query.set("cursor", this.#cursor);
      query.set("page_size", PAGE);
      const { next, results } = await api("GET", `${this.root.dataset.more}?${query}`);
      this.#cursor = next && new URL(next).searchParams.get("cursor");
      this.#take(results);
      this.#loading = false;
      this.#show();
    } catch (error) {
      const again = () => {
        this.#loading = false;
        this.view.top = this.view.top;
      };
      toast(translate("Older conversations could not be loaded: {reason}", { reason: error.message }), { kind: "danger", action: translate("Try again"), onAction: again });
    } finally {
      this.list.removeAttribute("aria-busy");
    }
  }

  #count() {
    clearTimeout(this.#counting);
    this.#counting = setTimeout(async () => {
      const counts = await api("GET", this.root.dataset.counts).catch(() => ({}));
      for (const [tab, number] of Object.entries(counts)) {
        const shown = this.root.querySelector(`[data-tab-name="${tab}"] b`);
        if (shown) shown.textContent = number;
      }
      if (!this.#cursor || this.query || counts[this.tab] === undefined) return;
      this.#total = counts[this.tab];
      this.#show();
    }, COUNT_AFTER);
  }

  #choose(box) {
    if (!box.matches("[data-choose]")) return;
    const { id } = box.closest("[data-id]").dataset;
    if (box.checked) this.chosen.add(id);
    else this.chosen.delete(id);
    this.#tell();
  }

  #tell() {
    this.root.dispatchEvent(new CustomEvent("chosen"));
  }

  #name() {
    return `${this.tab}?${this.query}`;
  }

  #isUnread(row) {
    const waits = row.state === "queued" || (row.state === "person" && row.assignee_id === this.me);
    return waits && row.last_seq > this.#seen.last(row.id);
  }

  #href(id) {
    return `/support/c/${id}/?tab=${this.tab}${this.query ? `&${this.query}` : ""}`;
  }

  #draw(row) {
    return rowItem(row, { href: this.#href(row.id), open: row.id === this.open, unread: this.#isUnread(row), chosen: this.chosen.has(row.id) });
  }
}
