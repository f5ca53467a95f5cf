/** Draws messages of a conversation; the widget and the console share it. */
const NAMES = { bot: "Bot", system: "", visitor: "Customer", operator: "Colleague" };

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

/** One message as `<li>`; `mine(author)` says which side it stands on, `onChoice` answers buttons. */
export function bubble(message, { mine, onChoice = null }) {
  const item = make("li", `message ${message.author}${mine(message.author) ? " mine" : ""}`);
  if (message.seq) item.dataset.seq = message.seq;
  if (message.client_id) item.dataset.client = message.client_id;
  if (message.author !== "system") {
    const head = make("div", "message-head");
    head.append(make("span", message.author === "bot" ? "chip" : "", message.name || NAMES[message.author]));
    if (message.at) {
      const time = make("time", "muted", new Date(message.at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
      time.dateTime = message.at;
      head.append(time);
    }
    item.append(head);
  }
  item.append(make("div", "message-text", message.text));
  if (message.citations?.length) {
    const sources = make("div", "row sources");
    for (const source of message.citations) {
      const link = make("a", "chip accent", source.title);
      link.href = source.url;
      link.target = "_blank";
      link.rel = "noopener";
      sources.append(link);
    }
    item.append(sources);
  }
  if (message.choices?.length && onChoice) {
    const choices = make("div", "row choices");
    for (const choice of message.choices) {
      const button = make("button", "button small", choice.label);
      button.type = "button";
      button.addEventListener("click", () => onChoice(choice));
      choices.append(button);
    }
    item.append(choices);
  }
  return item;
}

/** A list of messages: each `seq` once, in order; a sent one waits greyed until it is stored. */
export class MessageLog {
  constructor(list, options) {
    this.list = list;
    this.options = options;
  }

  show(message) {
    this.list.querySelector(`[data-client="${CSS.escape(message.client_id || "-")}"]:not([data-seq])`)?.remove();
    if (this.list.querySelector(`[data-seq="${message.seq}"]`)) return;
    const after = [...this.list.children].find((item) => !item.dataset.seq || Number(item.dataset.seq) > message.seq);
    this.list.insertBefore(bubble(message, this.options), after || null);
    this.toEnd();
  }

  /** Show a message that is on its way; returns what to call when it failed. */
  pending(id, author, text, retry) {
    const item = bubble({ author, text, client_id: id }, this.options);
    item.classList.add("waiting");
    this.list.append(item);
    this.toEnd();
    return (reason) => {
      item.classList.replace("waiting", "failed");
      const note = make("div", "row small");
      note.append(make("span", "form-error", `Not sent: ${reason}`));
      const again = make("button", "button small", "Retry");
      again.type = "button";
      again.addEventListener("click", () => {
        item.remove();
        retry();
      });
      note.append(again);
      item.append(note);
    };
  }

  typing(on) {
    const dots = this.list.querySelector(".typing");
    if (on && !dots) {
      const item = make("li", "message bot typing");
      item.append(make("span", "visually-hidden", "The assistant is writing"), make("i"), make("i"), make("i"));
      this.list.append(item);
      this.toEnd();
    } else if (!on) dots?.remove();
  }

  toEnd() {
    this.list.scrollTop = this.list.scrollHeight;
  }
}

/** Enter sends, Shift+Enter breaks the line, the box grows with its text. */
export function compose(form, onSend) {
  const box = form.querySelector("textarea");
  const fit = () => {
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight + 2, 160)}px`;
  };
  box.addEventListener("input", fit);
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = box.value.trim();
    if (!text) return;
    box.value = "";
    fit();
    onSend(text);
  });
  return box;
}
