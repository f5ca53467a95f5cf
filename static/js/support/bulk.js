/**
 * Several conversations at once: each row has a box, and what is chosen can be handled together.
 *
 *   <form data-bulk="/api/…/bulk/" hidden><b data-bulk-count></b> <button value="take">…</button></form>
 */
import { api } from "../http.js";
import { toast } from "../toast.js";
import { translateCount } from "../words.js";

export function handleSeveral(root, list) {
  const bar = root.querySelector("[data-bulk]");

  root.addEventListener("chosen", () => {
    bar.hidden = !list.chosen.size;
    bar.querySelector("[data-bulk-count]").textContent = `${list.chosen.size} chosen`;
  });
  bar.addEventListener("submit", async (event) => {
    event.preventDefault();
    const [action, priority] = event.submitter.value.split(":");
    try {
      const { done, conversations } = await api("POST", bar.dataset.bulk, { conversations: [...list.chosen], action, ...(priority && { priority: Number(priority) }) });
      const refused = conversations.find((one) => !one.done);
      const left = conversations.length - done;
      const rest = refused ? translateCount(" {n} other not: {reason}", " {n} others not: {reason}", left, { reason: refused.detail }) : "";
      toast(translateCount("{n} conversation done.", "{n} conversations done.", done) + rest, { kind: refused ? "danger" : "" });
      list.unchoose();
    } catch (error) {
      toast(error.message, { kind: "danger" });
    }
  });
}
