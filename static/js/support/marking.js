/** Names in a customer's message, marked by selecting them: `<div data-marking>` with a button of
 * `data-mark` for each kind, and one with `data-unmark`; see templates/support/console.html.
 *
 * While words of one message are selected the bar stands beside them; the digits press its buttons.
 * Places count characters as Python does, not UTF-16 units. */
import { api } from "../http.js";
import { toast } from "../toast.js";
import { translate } from "../words.js";

const GAP = 8;

export function marking(root, { conversation, onMarked }) {
  const bar = root.querySelector("[data-marking]");
  const log = root.querySelector("[data-log]");
  if (!bar) return;
  let place = null;
  const buttons = [...bar.querySelectorAll("[data-mark]")];

  function show() {
    place = chosen(log);
    bar.hidden = !place;
    if (!place) return;
    const [words, box] = [place.range.getBoundingClientRect(), bar.getBoundingClientRect()];
    const above = words.top - box.height - GAP;
    bar.style.top = `${above > GAP ? above : words.bottom + GAP}px`;
    bar.style.left = `${Math.max(GAP, Math.min(words.left, innerWidth - box.width - GAP))}px`;
  }

  /** Store that the chosen words are a name of the kind, or none. */
  async function mark(label) {
    const { seq, start, end, text } = place;
    const url = `/api/v1/support/conversations/${conversation}/messages/${seq}/entities/`;
    getSelection().removeAllRanges();
    try {
      const before = await api("GET", url);
      const apart = before.spans.filter((one) => one.end <= start || one.start >= end);
      if (!label && apart.length === before.spans.length) return toast(translate("“{text}” is not marked as a name.", { text }));
      await api("PUT", url, { spans: label ? [...apart, { start, end, label }] : apart });
      const undo = () => (before.corrected ? api("PUT", url, { spans: before.spans }) : api("DELETE", url));
      const named = bar.querySelector(`[data-mark="${label}"]`)?.dataset.word;
      toast(label ? translate("“{text}” is marked as {named}.", { text, named }) : translate("“{text}” is no name.", { text }), { action: translate("Undo"), onAction: () => undo().then(() => onMarked(seq)) });
      onMarked(seq);
    } catch (error) {
      toast(error.message, { kind: "danger" });
    }
  }

  document.addEventListener("selectionchange", show);
  log.addEventListener("scroll", () => !bar.hidden && show(), { passive: true });
  bar.addEventListener("pointerdown", (event) => event.preventDefault()); // keeps the selection
  for (const button of buttons) button.addEventListener("click", () => mark(button.dataset.mark));
  bar.querySelector("[data-unmark]").addEventListener("click", () => mark(""));
  document.addEventListener(
    "keydown",
    (event) => {
      if (bar.hidden || event.ctrlKey || event.metaKey || event.altKey) return;
      const button = event.key === "Backspace" || event.key === "Delete" ? bar.querySelector("[data-unmark]") : buttons[Number(event.key) - 1];
      if (!button) return;
      event.preventDefault();
      event.stopPropagation();
      button.click();
    },
    { capture: true },
  );
}

/** The words selected in one message of the customer's, and where they stand. */
function chosen(log) {
  const selection = getSelection();
  if (!selection.rangeCount || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0);
  const words = range.commonAncestorContainer;
  const message = words.nodeType === Node.TEXT_NODE && words.parentElement.closest(".message.visitor .message-text");
  if (!message || !log.contains(message)) return null;
  const [from, to] = [range.startOffset, range.endOffset];
  const all = words.data;
  const text = all.slice(from, to).trim();
  if (!text) return null;
  const lead = from + all.slice(from, to).indexOf(text);
  const start = [...all.slice(0, lead)].length;
  const seq = message.closest("[data-seq]")?.dataset.seq;
  return seq ? { seq, range, text, start, end: start + [...text].length } : null;
}
