/**
 * Several conversations at once: each row has a box, and what is chosen can be handled together.
 *
 *   <form data-bulk="/api/…/bulk/" hidden><b data-bulk-count></b> <button value="take">…</button></form>
 */
import { api } from "../http.js";
import { counted } from "../lost.js";
import { toast } from "../toast.js";

export function handleSeveral(root) {
  const bar = root.querySelector("[data-bulk]");
  const rows = root.querySelector("[data-rows]");
  const chosen = () => [...rows.querySelectorAll("[data-choose]:checked")].map((box) => box.closest("[data-id]").dataset.id);

  function draw() {
    bar.hidden = !chosen().length;
    bar.querySelector("[data-bulk-count]").textContent = `${chosen().length} chosen`;
  }

  rows.addEventListener("change", draw);
  new MutationObserver(draw).observe(rows, { childList: true });
  bar.addEventListener("submit", async (event) => {
    event.preventDefault();
    const [action, priority] = event.submitter.value.split(":");
    try {
      const { done, conversations } = await api("POST", bar.dataset.bulk, { conversations: chosen(), action, ...(priority && { priority: Number(priority) }) });
      const refused = conversations.find((one) => !one.done);
      const rest = refused ? ` ${counted(conversations.length - done, "other")} not: ${refused.detail}` : "";
      toast(`${counted(done, "conversation")} done.${rest}`, { kind: refused ? "danger" : "" });
      for (const box of rows.querySelectorAll("[data-choose]:checked")) box.checked = false;
      draw();
    } catch (error) {
      toast(error.message, { kind: "danger" });
    }
  });
}
