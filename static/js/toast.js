/** Short notices at the edge of the page, with an optional action such as "Undo". */
const SECONDS = 6;

export function toast(text, { kind = "", action = null, onAction = null, seconds = SECONDS } = {}) {
  let list = document.querySelector(".toasts");
  if (!list) {
    list = document.createElement("ul");
    list.className = "toasts";
    list.setAttribute("role", "status");
    document.body.append(list);
  }
  const item = document.createElement("li");
  item.className = kind;
  const words = document.createElement("span");
  words.textContent = text;
  item.append(words);
  if (action) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = action;
    button.addEventListener("click", () => {
      item.remove();
      onAction?.();
    });
    item.append(button);
  }
  list.append(item);
  setTimeout(() => item.remove(), seconds * 1000);
  return item;
}
