/**
 * Several conversations at once: each row has a box, and what is chosen can be handled together.
 *
 *   <form data-bulk="/api/…/bulk/" hidden><b data-bulk-count></b> <button value="take">…</button>
 *   <select data-bulk-assign> <select data-bulk-snooze></form>
 */
import { api } from "../http.js";
import { toast } from "../toast.js";
import { snoozeEnd } from "./sorting.js";
import { translate, translateCount } from "../words.js";

export function handleSeveral(root, list) {
  const bar = root.querySelector("[data-bulk]");
  const assign = bar.querySelector("[data-bulk-assign]");
  const snooze = bar.querySelector("[data-bulk-snooze]");

  root.addEventListener("chosen", () => {
    bar.hidden = !list.chosen.size;
    bar.querySelector("[data-bulk-count]").textContent = translate("{n} chosen", { n: list.chosen.size });
  });

  /** Do `action` with all that is chosen; `more` is what it needs besides. */
  async function handle(action, more = {}) {
    try {
      const { done, conversations } = await api("POST", bar.dataset.bulk, { conversations: [...list.chosen], action, ...more });
      const refused = conversations.find((one) => !one.done);
      const left = conversations.length - done;
      const rest = refused ? translateCount(" {n} other not: {reason}", " {n} others not: {reason}", left, { reason: refused.detail }) : "";
      toast(translateCount("{n} conversation done.", "{n} conversations done.", done) + rest, { kind: refused ? "danger" : "" });
      list.unchoose();
    } catch (error) {
      toast(error.message, { kind: "danger" });
    }
  }

  bar.addEventListener("submit", (event) => {
    event.preventDefault();
    const [action, priority] = event.submitter.value.split(":");
    handle(action, priority && { priority: Number(priority) });
  });
  assign.addEventListener("change", () => {
    handle("assign", { assignee: Number(assign.value) });
    assign.value = "";
  });
  snooze.addEventListener("change", () => {
    handle("snooze", { until: snoozeEnd(snooze.value).toISOString() });
    snooze.value = "";
  });
}
