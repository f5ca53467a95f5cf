/** The operators' console: `<div data-controller="console">`; see templates/support/console.html. */
import { LiveSocket } from "../socket.js";
import { toast } from "../toast.js";
import { MessageLog, compose } from "./bubbles.js";
import { RowList, SHAPES } from "./rows.js";

const read = (id) => JSON.parse(document.getElementById(id).textContent);

export default function start(root) {
  const me = read("operator");
  const thread = read("thread");
  const socket = new LiveSocket("/ws/support/console/");
  let missed = null;
  const open = thread ? openThread(root, socket, thread, me) : null;
  const list = new RowList(root, {
    tab: root.dataset.tab,
    me: me.id,
    open: thread?.conversation.id,
    onOpen: (row) => open.update(row),
  });
  list.fill(read("rows"));
  socket.follow("support.inbox", {
    after: read("inbox-seq"),
    onEvent: (event) => {
      if (missed) missed.add(event.payload.id);
      list.put(event.payload);
    },
  });
  watchConnection(socket, {
    lost: () => (missed = new Set()),
    back: () => {
      const count = missed?.size;
      missed = null;
      if (count) toast(`Caught up: ${count} conversation${count === 1 ? " has" : "s have"} changed.`);
    },
  });
  keys(root);
}

/** Says that the line is down, and what changed once it is up again. */
function watchConnection(socket, { lost, back }) {
  const banner = document.querySelector("[data-lost]");
  socket.addEventListener("state", ({ detail }) => {
    if (detail.state === "refused") {
      banner.textContent = banner.dataset.refused;
      banner.hidden = false;
    } else if (detail.state === "offline" && banner.hidden) {
      banner.hidden = false;
      lost();
    } else if (detail.state === "online" && !banner.hidden) {
      banner.hidden = true;
      setTimeout(back, 1000);
    }
  });
}

function openThread(root, socket, thread, me) {
  let conversation = thread.conversation;
  const panel = root.querySelector("[data-panel]");
  const inspect = (seq = "") => window.htmx.ajax("GET", `${panel.dataset.panel}?answer=${seq}`, { target: panel, swap: "innerHTML" });
  const log = new MessageLog(root.querySelector("[data-log]"), {
    mine: (author) => author !== "visitor" && author !== "system",
    names: { bot: "Bot", operator: "Operator", visitor: conversation.name },
    onInspect: (message) => {
      inspect(message.seq);
      togglePanel(root, true);
    },
  });
  const form = root.querySelector("[data-composer]");
  const button = (name) => root.querySelector(`[data-action="conversation.${name}"]`);

  function draw() {
    const owned = conversation.state === "person" && conversation.assignee_id === me.id;
    const taken = conversation.state === "person";
    root.querySelector("[data-name]").textContent = conversation.name;
    const state = root.querySelector("[data-state]");
    state.textContent = `${SHAPES[conversation.state]} ${conversation.state_label}`;
    state.className = `chip ${{ queued: "warn", person: "accent" }[conversation.state] || ""}`;
    root.querySelector("[data-owner]").textContent = owned ? "with you" : conversation.assignee;
    button("take").hidden = taken;
    button("release").hidden = !owned;
    button("resolve").hidden = conversation.state === "resolved" || (taken && !owned);
    const hint = root.querySelector("[data-hint]");
    hint.hidden = owned;
    hint.textContent = taken ? `${conversation.assignee} is handling this conversation.` : hint.dataset.hint;
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
  log.toEnd();
  socket.follow(thread.stream, {
    after: thread.seq,
    onEvent: (event) => {
      if (event.kind !== "message.created") return;
      log.typing(false);
      log.show(event.payload);
      if (["visitor", "bot"].includes(event.payload.author)) inspect();
    },
  });
  socket.addEventListener("typing", ({ detail }) => {
    if (detail.stream !== thread.stream) return;
    log.typing(true, { author: detail.author, name: detail.name || conversation.name });
  });
  for (const action of root.querySelectorAll("[data-action]")) {
    action.addEventListener("click", async () => {
      action.disabled = true;
      try {
        conversation = (await socket.send({ type: action.dataset.action, conversation: conversation.id })).conversation;
        draw();
        if (conversation.state === "person") form.querySelector("textarea").focus();
      } catch (error) {
        toast(error.message, { kind: "danger" });
      } finally {
        action.disabled = false;
      }
    });
  }
  root.querySelector("[data-panel-toggle]").addEventListener("click", () => togglePanel(root));
  root.querySelector("[data-panel-close]").addEventListener("click", () => togglePanel(root, false));
  compose(
    form,
    (text) => send(text),
    () => socket.hint({ type: "typing", conversation: conversation.id }),
  );
  draw();
  inspect();
  return {
    update(row) {
      conversation = row;
      draw();
    },
  };
}

function togglePanel(root, open = undefined) {
  const shown = root.toggleAttribute("data-panel-open", open);
  root.querySelector("[data-panel-toggle]").setAttribute("aria-expanded", shown);
}

function keys(root) {
  const actions = {
    t: () => root.querySelector('[data-action="conversation.take"]:not([hidden])')?.click(),
    e: () => root.querySelector('[data-action="conversation.resolve"]:not([hidden])')?.click(),
    r: () => root.querySelector("[data-composer]:not([hidden]) textarea")?.focus(),
    j: () => move(root, 1),
    k: () => move(root, -1),
    Escape: () => togglePanel(root, false),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
    const action = actions[event.key];
    if (!action || (event.key === "Escape" && !root.hasAttribute("data-panel-open"))) return;
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
