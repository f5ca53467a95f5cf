/**
 * Suggested replies: the panel loads them anew when the customer writes; `i` or Alt and a digit puts
 * one into the composer, behind what stands there, to be edited. Nothing is sent.
 *
 *   <div data-assist="/support/c/<id>/assist/">…<li class="suggestion"><p data-text> <button data-insert></li></div>
 */
import { toast } from "../toast.js";
import { filled } from "./macros.js";
import { translate } from "../words.js";

/** `values()` fills variables in; `mayReply()` says whether the composer is one's own. */
export function assisting(root, box, { values, mayReply }) {
  const panel = root.querySelector("[data-assist]");

  function insert(suggestion) {
    if (!suggestion) return;
    if (!mayReply()) return toast(translate("Take the conversation over to reply."));
    root.querySelector('[data-mode-of="reply"]').click();
    const text = filled(suggestion.querySelector("[data-text]").textContent, values());
    box.value = box.value.trim() ? `${box.value.trimEnd()}\n\n${text}` : text;
    box.dispatchEvent(new Event("input", { bubbles: true }));
    box.focus();
  }

  panel.addEventListener("click", (event) => {
    const button = event.target.closest("[data-insert]");
    if (button) insert(button.closest(".suggestion"));
  });
  document.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]") || event.ctrlKey || event.metaKey) return;
    const inField = event.target.matches("input, textarea, select");
    const digit = event.altKey && /^Digit([1-3])$/.exec(event.code);
    if (!digit && (event.key !== "i" || event.altKey || inField)) return;
    event.preventDefault();
    insert(panel.querySelectorAll("li.suggestion")[digit ? Number(digit[1]) - 1 : 0]);
  });
  return { load: () => window.htmx.ajax("GET", panel.dataset.assist, { target: panel, swap: "innerHTML" }) };
}
