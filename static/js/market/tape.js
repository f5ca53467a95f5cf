/**
 * The tape: rows of the newest articles on top.
 *
 * A new row waits while the reader is busy with the list (the pointer is over it, the focus is in
 * it, or it is scrolled away); a pill says how many wait and lets them in.
 */
import { refresh } from "../time.js";
import { fillChip, tickerChip } from "./sentiment.js";
import { translate } from "../words.js";

const KEPT_ROWS = 400;
const LEAVING = 250; // milliseconds
const AMENDED = { corrected: translate("corrected since"), retracted: translate("withdrawn since") };
const CORRECTIONS = { corrected: translate("Correction"), retracted: translate("Retraction") };

export class Tape {
  #root;
  #template;
  #pill;
  #number;
  #filters;
  #waiting = [];

  constructor(root) {
    this.#root = root;
    this.#template = root.querySelector("[data-row-template]");
    this.#pill = root.querySelector("[data-new-pill]");
    this.#number = root.querySelector("[data-new-number]");
    this.#filters = root.querySelector("[data-filters]");
    this.#pill.addEventListener("click", () => {
      this.#holder.scrollIntoView({ block: "start", behavior: "smooth" });
      this.#letIn();
    });
    // The pointer may be on its way from the list to the pill: rows that came in at that moment
    // would push another row under it.
    for (const region of [this.#holder, this.#pill]) {
      region.addEventListener("pointerleave", () => setTimeout(() => this.#letInIfIdle(), LEAVING));
    }
    this.#holder.addEventListener("focusout", () => setTimeout(() => this.#letInIfIdle()));
    addEventListener("scroll", () => this.#letInIfIdle(), { passive: true });
    // After a change of the filter the server's list is complete: nothing may be added twice.
    this.#holder.addEventListener("htmx:afterSwap", () => this.#drop());
  }

  get #holder() {
    return this.#root.querySelector("[data-tape-holder]");
  }

  /** An article was scored (or scored anew: then its row is replaced). */
  add(payload) {
    if (payload.correction) this.#amend(payload);
    const shown = this.#holder.querySelector(`[data-id="${Number(payload.id)}"]`);
    if (shown) return shown.replaceWith(this.#row(payload));
    this.#waiting = this.#waiting.filter((other) => other.id !== payload.id);
    if (!this.#matches(payload)) return undefined;
    this.#waiting.push(payload);
    return this.#letInIfIdle();
  }

  /** A story was told once more. */
  repeat({ story, similar }) {
    for (const row of this.#holder.querySelectorAll(`[data-story="${Number(story)}"]`)) {
      const mark = row.querySelector(".tape-similar");
      mark.hidden = false;
      mark.querySelector("[data-similar]").textContent = similar;
    }
    for (const payload of this.#waiting) if (payload.story === story) payload.similar = similar;
  }

  /** A story that is shown was corrected or withdrawn. */
  #amend({ id, story, correction }) {
    for (const row of this.#holder.querySelectorAll(`[data-id="${Number(story)}"]`)) {
      if (story === id) continue;
      const mark = row.querySelector("[data-amended]");
      mark.hidden = false;
      mark.textContent = AMENDED[correction];
    }
  }

  #busy() {
    const pointed = this.#holder.matches(":hover") || this.#pill.matches(":hover");
    const hovered = pointed && matchMedia("(hover: hover)").matches;
    const focused = this.#holder.contains(document.activeElement);
    return hovered || focused || this.#holder.getBoundingClientRect().top < 0;
  }

  #letInIfIdle() {
    if (this.#busy()) this.#tell();
    else this.#letIn();
  }

  #tell() {
    this.#pill.hidden = this.#waiting.length === 0;
    this.#number.textContent = this.#waiting.length;
  }

  #letIn() {
    const list = this.#list();
    for (const payload of this.#waiting) {
      const row = this.#row(payload);
      row.classList.add("fresh");
      list.prepend(row);
    }
    this.#drop();
    const rows = list.querySelectorAll(".tape-row");
    for (let index = KEPT_ROWS; index < rows.length; index += 1) rows[index].remove();
  }

  #drop() {
    this.#waiting = [];
    this.#tell();
  }

  #list() {
    this.#holder.querySelector("[data-tape-empty]")?.remove();
    return this.#holder.querySelector("[data-tape]");
  }

  #matches(payload) {
    const wanted = Object.fromEntries(
      [...new FormData(this.#filters)].map(([name, value]) => [name, value.trim().toLowerCase()]),
    );
    const named = wanted.company.split(" · ")[0];
    const companies = payload.companies.filter(
      (company) =>
        (company.ticker.toLowerCase() === named || company.name.toLowerCase().includes(named)) &&
        this.#inGroup(company, wanted.group),
    );
    const about = named || wanted.group;
    if (about && companies.length === 0) return false;
    if (wanted.source && !payload.source.toLowerCase().includes(wanted.source)) return false;
    if (payload.risk < Number(wanted.least_risk) || payload.novelty < Number(wanted.least_novelty)) return false;
    if (wanted.topic && !payload.topics.some((topic) => topic.toLowerCase() === wanted.topic)) return false;
    // The body is not in the event; the server's list has what only the body matches.
    if (wanted.text && !payload.title.toLowerCase().includes(wanted.text)) return false;
    const scores = about ? companies.map((company) => company.sentiment) : [payload.sentiment];
    return !wanted.sentiment || scores.some((score) => score && label(score) === wanted.sentiment);
  }

  /** Whether a company is on the watchlist or in the sector that is asked for. */
  #inGroup(company, group) {
    if (group === "watchlist") return this.#root.dataset.watched.split(" ").includes(String(company.id));
    return !group || group === `sector:${company.sector.toLowerCase()}`;
  }

  #row(payload) {
    const row = this.#template.content.firstElementChild.cloneNode(true);
    const { articleUrl, companyUrl } = this.#root.dataset;
    const url = articleUrl.replace("/0/", `/${Number(payload.id)}/`);
    row.dataset.id = payload.id;
    row.dataset.story = payload.story;
    row.querySelector("time").dateTime = payload.published_at;
    const title = row.querySelector(".tape-title");
    title.append(...headline(payload));
    title.href = url;
    row.querySelector(".tape-source").textContent = payload.source;
    row.querySelector(".tape-topic").textContent = payload.topics.map((topic) => translate(topic)).join(" + ");
    const novelty = row.querySelector("[data-novelty]");
    novelty.hidden = payload.novelty >= 1;
    novelty.querySelector("span").textContent = `${Math.round(100 * payload.novelty)}%`;
    const meta = row.querySelector("[data-meta]");
    meta.prepend(
      ...payload.companies.map((company) =>
        tickerChip(company, companyUrl.replace("/0/", `/${Number(company.id)}/`)),
      ),
    );
    const correction = row.querySelector("[data-correction]");
    correction.hidden = !payload.correction;
    correction.textContent = CORRECTIONS[payload.correction] || "";
    row.querySelector("[data-revised]").hidden = payload.revision < 2;
    const similar = row.querySelector(".tape-similar");
    similar.href = `${url}#story`;
    similar.hidden = payload.similar === 0;
    similar.querySelector("[data-similar]").textContent = payload.similar;
    fillChip(row.querySelector(".sentiment"), payload.sentiment);
    refresh(row);
    return row;
  }
}

/** The headline as nodes, the companies in it marked; the server counts code points. */
function headline({ title, named }) {
  const letters = [...title];
  const text = (start, end) => letters.slice(start, end).join("");
  const nodes = [];
  let last = 0;
  for (const [start, end] of named ?? []) {
    if (start < last) continue;
    const mark = document.createElement("mark");
    mark.textContent = text(start, end);
    nodes.push(text(last, start), mark);
    last = end;
  }
  return [...nodes, text(last)];
}

function label(sentiment) {
  return sentiment.confident ? sentiment.label : "unsure";
}
