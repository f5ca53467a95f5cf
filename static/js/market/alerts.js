/** The column of open alerts: arrive on top, leave when acknowledged (here or in another tab). */
import { refresh } from "../time.js";
import { toast } from "../toast.js";
import { translate, translateCount } from "../words.js";
import { fillChip, tickerChip } from "./sentiment.js";
import { reasonWords } from "./unusual.js";

const KEPT = 100;
const LEAST_SEEN = 80; // pixels
const FOLD = { group: "alerts", words: (n) => translateCount("{n} more alert", "{n} more alerts", n) };
const CORRECTIONS = { corrected: translate("Correction"), retracted: translate("Retraction") };

export class Alerts {
  #root;
  #list;
  #number;
  #empty;
  #send;

  /** `send(frame)` delivers a command and resolves with its acknowledgement. */
  constructor(root, send) {
    this.#root = root;
    this.#send = send;
    this.#list = root.querySelector("[data-alerts]");
    this.#number = root.querySelector("[data-alert-number]");
    this.#empty = root.querySelector("[data-alerts-empty]");
    this.#list.addEventListener("click", (event) => {
      const button = event.target.closest("[data-acknowledge]");
      if (button) this.#acknowledge(button);
    });
  }

  add(alert) {
    if (this.#find(alert.id)) return;
    this.#list.prepend(this.#item(alert));
    this.#count(1);
    // The inbox has all of them; a replay raises more than one can look at.
    while (this.#list.children.length > KEPT) this.#list.lastElementChild.remove();
    if (!this.#topInView()) toast(`${alert.rule.name}: ${alert.article.title}`, { seconds: 4, fold: FOLD });
  }

  /** Whether one sees a new alert arrive: then a notice would only cover the others. */
  #topInView() {
    const { top } = this.#list.getBoundingClientRect();
    return top > 0 && top < innerHeight - LEAST_SEEN && this.#root.querySelector(".alerts-pane").scrollTop < LEAST_SEEN;
  }

  /** A story was told once more: its alerts grow instead of a new one. */
  grow({ story }) {
    for (const link of this.#list.querySelectorAll(`[data-story="${Number(story)}"] [data-similar]`)) {
      const number = link.querySelector("span");
      number.textContent = Number(number.textContent) + 1;
      link.hidden = false;
    }
  }

  /** Its rule had rung often enough: counted, not rung. */
  keepBack() {
    const chip = this.#root.querySelector("[data-kept-back]");
    const number = chip.querySelector("span");
    number.textContent = Number(number.textContent) + 1;
    chip.hidden = false;
  }

  correct(alert) {
    const chip = this.#find(alert.id)?.querySelector("[data-correction]");
    if (!chip) return;
    chip.hidden = false;
    chip.textContent = CORRECTIONS[alert.correction] || "";
  }

  /** Acknowledged, perhaps elsewhere. */
  remove(id) {
    const item = this.#find(id);
    if (!item) return;
    item.remove();
    this.#count(-1);
  }

  #find(id) {
    return this.#list.querySelector(`[data-alert="${Number(id)}"]`);
  }

  #count(change) {
    const number = Math.max(0, Number(this.#number.textContent) + change);
    this.#number.textContent = number;
    this.#number.classList.toggle("danger", number > 0);
    this.#empty.hidden = this.#list.children.length > 0;
  }

  async #acknowledge(button) {
    const item = button.closest("[data-alert]");
    button.disabled = true;
    try {
      await this.#send({ type: "alert.acknowledge", alert: Number(item.dataset.alert) });
      this.remove(item.dataset.alert);
    } catch (error) {
      button.disabled = false;
      toast(error.message, { kind: "danger" });
    }
  }

  #item(alert) {
    const item = this.#root
      .querySelector("[data-alert-template]")
      .content.firstElementChild.cloneNode(true);
    const { articleUrl, companyUrl } = this.#root.dataset;
    item.dataset.alert = alert.id;
    item.dataset.story = alert.story;
    item.classList.add(alert.label, "fresh");
    item.querySelector(".alert-rule").textContent = alert.rule.name;
    item.querySelector("time").dateTime = alert.created_at;
    const title = item.querySelector(".alert-title");
    title.textContent = alert.article.title;
    title.href = articleUrl.replace("/0/", `/${Number(alert.article.id)}/`);
    item.querySelector("[data-similar]").href = `${title.href}#story`;
    const ticker = item.querySelector(".ticker");
    if (alert.company) {
      ticker.hidden = false;
      ticker.textContent = alert.company.ticker;
      ticker.title = alert.company.name;
      ticker.href = companyUrl.replace("/0/", `/${Number(alert.company.id)}/`);
    } else {
      const page = ({ id }) => companyUrl.replace("/0/", `/${Number(id)}/`);
      ticker.replaceWith(...alert.companies.map((company) => tickerChip(company, page(company))));
    }
    const because = item.querySelector("[data-because]");
    because.textContent = reasonWords(alert.reasons);
    because.hidden = !because.textContent;
    const { label, confident, probability } = alert;
    fillChip(item.querySelector("[data-sentiment]"), { label, confident, confidence: probability });
    refresh(item);
    return item;
  }
}
