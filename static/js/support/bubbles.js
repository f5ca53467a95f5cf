/** Draws messages of a conversation; the widget and the console share it. */
import { language, locale, translate } from "../words.js";

const TYPING_SECONDS = 5;
const TELL_TYPING_EVERY = 2000;
const NEAR_END = 160;

export function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

/**
 * One message. Options: `mine(author)` says on which side it stands, `names` maps an
 * author to the name shown, `onChoice(choice)` answers the buttons of a question back,
 * `onInspect(message)` makes the bot's badge a button.
 */
export function bubble(message, { mine, names, onChoice = null, onInspect = null }) {
  const item = make("div", `message ${message.author}${mine(message.author) ? " mine" : ""}`);
  if (message.seq) item.dataset.seq = message.seq;
  if (message.client_id) item.dataset.client = message.client_id;
  if (message.author !== "system") item.append(head(message, names, onInspect));
  item.append(make("div", "message-text", message.text));
  if (message.citations?.length) item.append(sources(message.citations));
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

function head(message, names, onInspect) {
  const line = make("div", "message-head");
  const name = message.name || names[message.author];
  if (message.author === "bot" && onInspect && message.seq) {
    const button = make("button", "chip info", name);
    button.type = "button";
    button.title = translate("Why the bot said that");
    button.addEventListener("click", () => onInspect(message));
    line.append(button);
  } else line.append(make("span", message.author === "bot" ? "chip info" : "", name));
  if (message.at) {
    const time = make("time", "muted", new Date(message.at).toLocaleTimeString(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }));
    time.dateTime = message.at;
    line.append(time);
  }
  return line;
}

function sources(citations) {
  const list = make("div", "row sources");
  for (const source of citations) {
    const link = make("a", "source", source.title);
    link.href = source.url;
    link.target = "_blank";
    link.rel = "noopener";
    list.append(link);
  }
  return list;
}

/** A list of messages: each `seq` once, in order; a sent one waits greyed until it is stored. */
export class MessageLog {
  #typingTimer = null;
  #stays = true;
  #height = 0;

  constructor(list, options) {
    this.list = list;
    this.options = options;
    // What grows above or below the list must not push the latest message out of sight. A list that
    // has shrunk tells of a scroll first, and of its height then: that scroll was nobody's wish.
    list.addEventListener("scroll", () => list.clientHeight === this.#height && (this.#stays = this.#atEnd()));
    new ResizeObserver(() => {
      this.#height = list.clientHeight;
      if (this.#stays) this.toEnd();
    }).observe(list);
  }

  show(message) {
    if (message.client_id) this.#waiting(message.client_id)?.remove();
    if (this.list.querySelector(`[data-seq="${message.seq}"]`)) return;
    const follow = this.#stays || this.options.mine(message.author);
    const item = this.#insert(message);
    for (const old of this.list.querySelectorAll(`[data-seq]:not([data-seq="${this.lastSeq()}"]) .choices`)) old.remove();
    if (!follow) return;
    // A long answer is read from its first line.
    if (item.offsetHeight > this.list.clientHeight) this.list.scrollTop += item.getBoundingClientRect().top - this.list.getBoundingClientRect().top;
    else this.toEnd();
  }

  /** Show messages from before the first one; what is in sight stays where it is. */
  before(messages) {
    const below = this.list.scrollHeight - this.list.scrollTop;
    for (const message of messages) this.#insert({ ...message, choices: [] });
    this.list.scrollTop = this.list.scrollHeight - below;
  }

  /** The number of the first message; notes stand between numbers. */
  firstSeq() {
    const numbers = [...this.list.querySelectorAll("[data-seq]")].map((item) => Number(item.dataset.seq));
    return Math.min(...numbers.filter(Number.isInteger));
  }

  /** A private note: it stands behind the message after which it was written. */
  note(note) {
    this.show({ ...note, author: "note", seq: `${note.after_seq}.${String(note.id).padStart(9, "0")}` });
  }

  /** The number of the last message, or of the last one of `author`. */
  lastSeq(author = "message") {
    return Math.max(0, ...[...this.list.querySelectorAll(`.${author}[data-seq]`)].map((item) => Number(item.dataset.seq)));
  }

  /** The other side has read what `author` wrote up to `seq`: said at the last of it. */
  read(author, seq) {
    const items = [...this.list.querySelectorAll(`.${author}[data-seq]`)];
    const last = items.findLast((item) => Number(item.dataset.seq) <= seq);
    if (!last || last.querySelector(".receipt")) return;
    this.list.querySelector(".receipt")?.remove();
    last.append(make("div", "receipt small", translate("✓ Read")));
    if (this.#stays) this.toEnd();
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
      note.append(make("span", "form-error", translate("Not sent: {reason}", { reason })));
      const again = make("button", "button small", translate("Retry"));
      again.type = "button";
      again.addEventListener("click", () => {
        item.remove();
        retry();
      });
      note.append(again);
      item.append(note);
      if (this.#stays) this.toEnd();
    };
  }

  /** Dots where `author` is about to write; a person's go away by themselves. */
  typing(on, { author = "bot", name = translate("The assistant") } = {}) {
    clearTimeout(this.#typingTimer);
    this.list.querySelector(".typing")?.remove();
    if (!on) return;
    const item = make("div", `message ${author} typing${this.options.mine(author) ? " mine" : ""}`);
    item.append(make("span", "visually-hidden", translate("{name} is writing", { name })), make("i"), make("i"), make("i"));
    this.list.append(item);
    if (this.#stays) this.toEnd();
    if (author !== "bot") this.#typingTimer = setTimeout(() => this.typing(false), TYPING_SECONDS * 1000);
  }

  toEnd() {
    this.list.scrollTop = this.list.scrollHeight;
  }

  #insert(message) {
    const after = [...this.list.children].find((item) => !item.dataset.seq || Number(item.dataset.seq) > message.seq);
    const item = bubble(message, this.options);
    this.list.insertBefore(item, after || null);
    return item;
  }

  #atEnd() {
    return this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < NEAR_END;
  }

  #waiting(id) {
    return this.list.querySelector(`[data-client="${CSS.escape(id)}"]:not([data-seq])`);
  }
}

/**
 * Enter sends, Shift+Enter breaks the line, the box grows with its text; tells that one types.
 * A text over the box's `data-limit` stays in the box, and `[data-too-long]` says so. The button that
 * sends may be disabled in the page: before this it would send the form, and the text would be lost.
 */
export function compose(form, onSend, onTyping = () => {}) {
  const box = form.querySelector("textarea");
  const tooLong = form.querySelector("[data-too-long]");
  const limit = Number(box.dataset.limit);
  let told = 0;
  const fits = () => {
    const length = [...box.value.trim()].length;
    const fine = length <= limit;
    tooLong.hidden = fine;
    box.setAttribute("aria-invalid", String(!fine));
    if (!fine) tooLong.textContent = translate("The message has {length} characters; {limit} are allowed.", { length: length.toLocaleString(language), limit: limit.toLocaleString(language) });
    return fine;
  };
  const fit = () => {
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight + 2, 160)}px`;
  };
  box.addEventListener("input", () => {
    fit();
    if (!tooLong.hidden) fits();
    if (!box.value.trim() || Date.now() - told < TELL_TYPING_EVERY) return;
    told = Date.now();
    onTyping();
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = box.value.trim();
    if (!text || !fits()) return;
    box.value = "";
    told = 0;
    fit();
    onSend(text);
    box.focus();
  });
  form.querySelector("[type=submit]").disabled = false;
  return box;
}
