/** The operators' console: `<div data-controller="console">`; see templates/support/console.html. */
import { counted, watchLoss } from "../lost.js";
import { LiveSocket } from "../socket.js";
import { toast } from "../toast.js";
import { MessageLog, compose } from "./bubbles.js";
import { listenToKeys } from "./keys.js";
import { RowList, SHAPES } from "./rows.js";

const read = (id) => JSON.parse(document.getElementById(id).textContent);

export default function start(root) {
  const me = read("operator");
  const thread = read("thread");
  const socket = new LiveSocket("/ws/support/console/");
  const missed = watchLoss(socket, {
    words: (ids) => (ids.length ? `Caught up: ${counted(ids.length, "conversation")} changed.` : "Caught up: nothing new."),
  });
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
      missed.add(event.payload.id);
      list.put(event.payload);
    },
  });
  listenToKeys(root, { closePanel: () => togglePanel(root, false) });
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
  root.querySelector("[data-panel-toggle]").setAttribute("aria-expanded", !matchMedia("(max-width: 70rem)").matches);
  return {
    update(row) {
      conversation = row;
      draw();
    },
  };
}

/** Beside the thread the panel is shown until it is closed; over a narrow thread, the other way. */
function togglePanel(root, open = undefined) {
  const narrow = matchMedia("(max-width: 70rem)").matches;
  const shown = narrow
    ? root.toggleAttribute("data-panel-open", open)
    : !root.toggleAttribute("data-panel-closed", open === undefined ? undefined : !open);
  root.querySelector("[data-panel-toggle]").setAttribute("aria-expanded", shown);
}
