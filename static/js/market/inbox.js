/** The alert inbox: acknowledges with a comment, resolves and rates an alert in place. */
import { api } from "../http.js";
import { toast } from "../toast.js";
import { translate } from "../words.js";

const WORDS = { acknowledged: translate("✓ Acknowledged"), resolved: translate("✓ Resolved") };

export default function start(root) {
  root.addEventListener("click", (event) => {
    const button = event.target.closest("[data-acknowledge], [data-resolve], [data-verdict]");
    if (button) act(button);
  });
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches("[data-comment-input]")) return;
    const item = event.target.closest("[data-alert]");
    act(item.querySelector("[data-acknowledge]") || item.querySelector("[data-resolve]"));
  });
}

async function act(button) {
  const item = button.closest("[data-alert]");
  const [action, body] = wanted(button, item);
  button.disabled = true;
  try {
    show(item, await api("POST", `/api/v1/market/alerts/${Number(item.dataset.alert)}/${action}/`, body));
  } catch (error) {
    toast(error.message, { kind: "danger" });
  }
  button.disabled = false;
}

function wanted(button, item) {
  if (button.dataset.verdict) {
    const pressed = button.getAttribute("aria-pressed") === "true";
    return ["rate", { verdict: pressed ? "" : button.dataset.verdict }];
  }
  const written = item.querySelector("[data-comment-input]").value;
  if ("resolve" in button.dataset) return ["resolve", { reason: written }];
  return ["acknowledge", { comment: written }];
}

function show(item, alert) {
  item.dataset.state = alert.state;
  item.querySelector("[data-state-words]").textContent = WORDS[alert.state] || "";
  const comment = item.querySelector("[data-comment]");
  comment.textContent = alert.comment;
  comment.hidden = !alert.comment;
  for (const button of item.querySelectorAll("[data-verdict]")) {
    button.setAttribute("aria-pressed", String(button.dataset.verdict === alert.verdict));
  }
  const resolution = item.querySelector("[data-resolution]");
  resolution.textContent = alert.resolution;
  resolution.hidden = !alert.resolution;
  if (alert.state === "new") return;
  item.querySelector("[data-acknowledge]")?.remove();
  const input = item.querySelector("[data-comment-input]");
  if (input) input.value = "";
  if (alert.state !== "resolved") return;
  input?.remove();
  item.querySelector("[data-resolve]")?.remove();
}
