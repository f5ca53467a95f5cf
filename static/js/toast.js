/**
 * Short notices at the edge of the page, with an optional action such as "Undo".
 *
 *   toast("Saved.");
 *   toast(alert.title, { fold: { group: "alerts", words: (n) => translateCount("{n} more alert", "{n} more alerts", n) } });
 *
 * Of a group that folds, MOST notices are shown; while they stand, further ones are counted in one
 * line, so that a rush of them does not cover the page.
 */
const SECONDS = 6;
const MOST = 3;

export function toast(text, { kind = "", action = null, onAction = null, seconds = SECONDS, fold = null } = {}) {
  const list = holder();
  const shown = fold ? [...list.querySelectorAll(`[data-group="${fold.group}"]`)] : [];
  const item = shown.length >= MOST ? folded(list, shown, fold) : notice(text, kind);
  if (fold) item.dataset.group = fold.group;
  if (action && !item.dataset.more) item.append(button(item, action, onAction));
  if (!item.isConnected) list.append(item);
  leave(item, seconds);
  return item;
}

function holder() {
  const found = document.querySelector(".toasts");
  if (found) return found;
  const list = document.createElement("ul");
  list.className = "toasts";
  list.setAttribute("role", "status");
  document.body.append(list);
  return list;
}

function notice(text, kind) {
  const item = document.createElement("li");
  item.className = kind;
  const words = document.createElement("span");
  words.textContent = text;
  item.append(words);
  return item;
}

/** The line that counts the group's notices for which there is no room. */
function folded(list, shown, { words }) {
  const item = shown.find((one) => one.dataset.more) ?? notice("", "");
  item.dataset.more = Number(item.dataset.more ?? 0) + 1;
  item.querySelector("span").textContent = words(Number(item.dataset.more));
  return item;
}

function button(item, action, onAction) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = action;
  made.addEventListener("click", () => {
    item.remove();
    onAction?.();
  });
  return made;
}

const timers = new WeakMap();

function leave(item, seconds) {
  clearTimeout(timers.get(item));
  timers.set(item, setTimeout(() => item.remove(), seconds * 1000));
}
