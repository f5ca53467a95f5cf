/**
 * What an operator has begun to write is there again when they come back to the conversation, in this
 * browser tab alone.
 */
const KEPT = "trefoil.support.drafts";
const MOST = 50;

function all() {
  return JSON.parse(sessionStorage.getItem(KEPT) || "{}");
}

/** What was begun in a conversation: `{ mode, text }`, or nothing. */
export function draftOf(id) {
  return all()[id];
}

/** Keep the box's text with whom it is for, as `mode()` says; an empty one is forgotten. */
export function keepDraft(id, box, mode) {
  const keep = () => {
    const { [id]: _, ...others } = all();
    const own = box.value.trim() ? { [id]: { mode: mode(), text: box.value } } : {};
    sessionStorage.setItem(KEPT, JSON.stringify(Object.fromEntries(Object.entries({ ...others, ...own }).slice(-MOST))));
  };
  box.addEventListener("input", keep);
  addEventListener("pagehide", keep);
}
