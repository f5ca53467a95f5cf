/** The operators' console: `<div data-controller="console">`; see templates/support/console.html. */
import { LiveSocket } from "../socket.js";
import { relative } from "../time.js";
import { toast } from "../toast.js";
import { MessageLog, compose } from "./bubbles.js";

const read = (id) => JSON.parse(document.getElementById(id).textContent);
const SHAPES = { bot: "▢", queued: "◔", person: "●", resolved: "✓" };
const BELONGS = {
  waiting: (row) => row.state === "queued",
  mine: (row, me) => row.state === "person" && row.assignee_id === me,
  bot: (row) => row.state === "bot",
  all: (row) => row.state !== "resolved",
  resolved: (row) => row.state === "resolved",
};

export default function start(root) {
  const me = read("operator");
  const thread = read("thread");
  const tab = root.dataset.tab;
  const socket = new LiveSocket("/ws/support/console/");
  const list = new RowList(root, tab, me.id, thread?.conversation.id);
  read("rows").forEach((row) => list.put(row, { initial: true }));
  socket.follow("support.inbox", { after: read("inbox-seq"), onEvent: (event) => list.put(event.payload) });
  if (thread) openThread(root, socket, thread, me);
  keys(root);
}

class RowList {
  constructor(root, tab, me, open) {
    Object.assign(this, { root, tab, me, open, states: new Map() });
    this.list = root.querySelector("[data-rows]");
    this.empty = root.querySelector("[data-empty]");
    this.refresh();
  }

  put(row, { initial = false } = {}) {
    const known = this.list.querySelector(`[data-id="${row.id}"]`);
    const belongs = BELONGS[this.tab](row, this.me);
    if (!initial && Boolean(known) !== belongs) this.count(belongs ? 1 : -1);
    if (belongs) {
      const item = this.draw(row, !initial && row.id !== this.open);
      if (known && this.tab === "waiting") known.replaceWith(item);
      else {
        known?.remove();
        if (initial || this.tab === "waiting") this.list.append(item);
        else this.list.prepend(item);
      }
    } else known?.remove();
    if (!initial && row.id === this.open) this.root.dispatchEvent(new CustomEvent("row", { detail: row }));
    this.refresh();
  }

  count(change) {
    const number = this.root.querySelector(`[data-tab-name="${this.tab}"] b`);
    if (number) number.textContent = Math.max(0, Number(number.textContent) + change);
  }

  refresh() {
    this.empty.hidden = this.list.children.length > 0;
  }

  draw(row, unread) {
    const item = document.createElement("li");
    item.dataset.id = row.id;
    const link = document.createElement("a");
    link.href = `/support/c/${row.id}/?tab=${this.tab}`;
    link.className = `row-link ${row.state}${unread ? " unread" : ""}`;
    if (row.id === this.open) link.setAttribute("aria-current", "true");
    const part = (tag, name, text) => {
      const element = document.createElement(tag);
      element.className = name;
      element.textContent = text;
      return element;
    };
    const time = part("time", "muted small", relative(row.at));
    time.dateTime = row.at;
    time.dataset.relative = "";
    const top = part("span", "row-top", "");
    top.append(part("b", "", row.name), time);
    const state = part("span", `row-state ${row.state}`, `${SHAPES[row.state]} ${row.state_label}`);
    if (row.assignee) state.append(` · ${row.assignee}`);
    if (row.is_example) state.append(part("span", "chip", "example"));
    const body = part("span", "row-body", "");
    body.append(top, part("span", "row-preview", row.preview || "…"), state);
    link.append(part("span", "avatar", row.name.slice(0, 2)), body);
    item.append(link);
    return item;
  }
}

function openThread(root, socket, thread, me) {
  let conversation = thread.conversation;
  const log = new MessageLog(root.querySelector("[data-log]"), { mine: (author) => author !== "visitor" && author !== "system" });
  const form = root.querySelector("[data-composer]");
  const panel = root.querySelector("[data-panel]");
  const inspect = () => panel.dispatchEvent(new CustomEvent("refresh"));

  function draw() {
    const owned = conversation.state === "person" && conversation.assignee_id === me.id;
    root.querySelector("[data-name]").textContent = conversation.name;
    const state = root.querySelector("[data-state]");
    state.textContent = `${SHAPES[conversation.state]} ${conversation.state_label}`;
    state.className = `chip ${{ queued: "warn", person: "accent" }[conversation.state] || ""}`;
    root.querySelector("[data-owner]").textContent = owned ? "with you" : conversation.assignee;
    root.querySelector('[data-action="conversation.take"]').hidden = owned || conversation.state === "person";
    root.querySelector('[data-action="conversation.release"]').hidden = !owned;
    root.querySelector('[data-action="conversation.resolve"]').hidden = conversation.state === "resolved" || (conversation.state === "person" && !owned);
    root.querySelector("[data-hint]").hidden = owned;
    form.hidden = !owned;
  }

  async function send(text, id = crypto.randomUUID()) {
    const failed = log.pending(id, "operator", text, () => send(text));
    try {
      log.show((await socket.send({ type: "message.send", id, conversation: conversation.id, text })).message);
    } catch (error) {
      failed(error.message);
    }
  }

  thread.messages.forEach((message) => log.show(message));
  socket.follow(thread.stream, {
    after: thread.seq,
    onEvent: (event) => {
      if (event.kind !== "message.created") return;
      log.show(event.payload);
      if (event.payload.author === "bot") inspect();
    },
  });
  root.addEventListener("row", ({ detail }) => {
    conversation = detail;
    draw();
  });
  for (const button of root.querySelectorAll("[data-action]")) {
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        const ack = await socket.send({ type: button.dataset.action, conversation: conversation.id });
        conversation = ack.conversation;
        draw();
        if (conversation.state === "person") form.querySelector("textarea").focus();
      } catch (error) {
        toast(error.message, { kind: "danger" });
      } finally {
        button.disabled = false;
      }
    });
  }
  root.querySelector("[data-panel-toggle]").addEventListener("click", (event) => {
    const open = root.toggleAttribute("data-panel-open");
    event.currentTarget.setAttribute("aria-expanded", open);
  });
  compose(form, (text) => send(text));
  draw();
}

function keys(root) {
  const actions = {
    t: () => root.querySelector('[data-action="conversation.take"]:not([hidden])')?.click(),
    e: () => root.querySelector('[data-action="conversation.resolve"]:not([hidden])')?.click(),
    r: () => root.querySelector("[data-composer]:not([hidden]) textarea")?.focus(),
    j: () => move(root, 1),
    k: () => move(root, -1),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}

function move(root, step) {
  const links = [...root.querySelectorAll("[data-rows] a")];
  const at = links.findIndex((link) => link.hasAttribute("aria-current"));
  const next = at < 0 ? links[0] : links[at + step];
  if (next) location.href = next.href;
}
