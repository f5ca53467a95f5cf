/** The alert inbox: acknowledges an alert in place. */
import { api } from "../http.js";
import { toast } from "../toast.js";

export default function start(root) {
  root.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-acknowledge]");
    if (!button) return;
    const item = button.closest("[data-alert]");
    button.disabled = true;
    try {
      await api("POST", `/api/v1/market/alerts/${Number(item.dataset.alert)}/acknowledge/`);
      item.dataset.state = "acknowledged";
      button.replaceWith("✓");
    } catch (error) {
      button.disabled = false;
      toast(error.message, { kind: "danger" });
    }
  });
}
