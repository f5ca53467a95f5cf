/** The operators' console: `<div data-controller="console">`; see templates/support/console.html. */
import { watchLoss } from "../lost.js";
import { LiveSocket } from "../socket.js";
import { toast } from "../toast.js";
import { assisting } from "./assist.js";
import { MessageLog, compose } from "./bubbles.js";
import { Desk, transferring } from "./desk.js";
import { draftOf, keepDraft } from "./drafts.js";
import { due } from "./due.js";
import { handleSeveral } from "./bulk.js";
import { filtering } from "./filters.js";
import { offerEarlier } from "./history.js";
import { listenToKeys } from "./keys.js";
import { offerMacros } from "./macros.js";
import { marking } from "./marking.js";
import { SHAPES } from "./row.js";
import { receipts } from "./receipts.js";
import { RowList } from "./rows.js";
import { sorting } from "./sorting.js";
import { ringing } from "./sound.js";
import { translate, translateCount } from "../words.js";

const COLLISION_SHOWN = 5000;
const read = (id) => JSON.parse(document.getElementById(id).textContent);

export default function start(root) {
  const me = read("operator");
  const thread = read("thread");
  const socket = new LiveSocket("/ws/support/console/");
  const own = new Set(); // messages of one's own, which are no news
  const missed = watchLoss(socket, { words: (changes) => caughtUp(changes, own) });
  const open = thread ? openThread(root, socket, thread, me, { onSent: (message) => own.add(change({ id: thread.conversation.id, last_seq: message.seq })) }) : null;
  const list = new RowList(root, {
    tab: root.dataset.tab,
    me: me.id,
    teams: me.teams,
    open: thread?.conversation.id,
    onOpen: (row) => open.update(row),
  });
  if (thread) list.read(thread.conversation);
  list.fill(read("listed"));
  const sound = ringing(root, { me: me.id, open: thread?.conversation.id });
  const desk = new Desk(root, socket, { desk: read("desk"), me });
  for (const [stream, after] of Object.entries(read("inboxes"))) {
    socket.follow(stream, {
      after,
      onEvent: (event) => {
        if (stream === "support.desk") return desk.hear(event);
        if (event.kind === "conversation.withdrawn") return list.withdraw(event.payload);
        if (event.kind === "note.mentioned") return mentioned(event.payload, thread) && sound.ring("mention");
        if (event.kind === "sla.breached") return late(event.payload, me) && sound.ring("late");
        missed.add(list.isNews(event.payload, event.at) ? change(event.payload) : event.payload.id);
        sound.hear(event.payload);
        list.put(event.payload);
      },
    });
  }
  if (new URLSearchParams(location.search).has("gone")) {
    toast(translate("That conversation is with another team now, which you are not in."));
    history.replaceState(null, "", `?tab=${root.dataset.tab}`);
  }
  root.querySelector("[data-unread]")?.addEventListener("click", () => {
    list.unread(thread.conversation);
    location.href = `/support/?tab=${root.dataset.tab}${root.dataset.query ? `&${root.dataset.query}` : ""}`;
  });
  filtering(root);
  handleSeveral(root, list);
  listenToKeys(root, { list, openPanel: () => togglePanel(root, true), closePanel: () => togglePanel(root, false) });
}

/** What names the latest message of a row among what was missed. */
const change = (row) => `${row.id} ${row.last_seq}`;

/** What was missed, in words: the new messages of others, else the conversations that changed. */
function caughtUp(changes, own) {
  const messages = changes.filter((one) => one.includes(" ") && !own.has(one));
  if (messages.length) return translateCount("Caught up: {n} new message.", "Caught up: {n} new messages.", messages.length);
  const changed = new Set(changes.map((one) => one.split(" ")[0]));
  return changed.size ? translateCount("Caught up: {n} conversation changed.", "Caught up: {n} conversations changed.", changed.size) : translate("Caught up: nothing new.");
}

/** A promise was not kept: told to its operator, and to everybody while nobody has it. Whether it was. */
function late(row, me) {
  if (row.assignee_id && row.assignee_id !== me.id) return false;
  const what = row.broken.map((kind) => ({ first: translate("first answer"), next: translate("answer"), resolution: translate("resolution") })[kind]).join(translate(" and "));
  toast(translate("Late: {what} for {name}.", { what, name: row.name }), { kind: "danger", action: translate("Open"), onAction: () => (location.href = `/support/c/${row.id}/`) });
  return true;
}

/** A colleague's note names this operator. Whether they were told. */
function mentioned({ conversation, note }, thread) {
  if (thread?.conversation.id === conversation) return false; // it stands before their eyes
  toast(translate("{name} mentions you: {text}", { name: note.name, text: note.text.slice(0, 80) }), { action: translate("Open"), onAction: () => (location.href = `/support/c/${conversation}/`), seconds: 15 });
  return true;
}

function openThread(root, socket, thread, me, { onSent }) {
  let conversation = thread.conversation;
  const panel = root.querySelector("[data-panel]");
  const inspect = (seq = "") => window.htmx.ajax("GET", `${panel.dataset.panel}?answer=${seq}`, { target: panel, swap: "innerHTML" });
  const log = new MessageLog(root.querySelector("[data-log]"), {
    mine: (author) => author !== "visitor" && author !== "system",
    names: { bot: translate("Bot"), operator: translate("Operator"), visitor: conversation.name, note: translate("Note") },
    onInspect: (message) => {
      inspect(message.seq);
      togglePanel(root, true);
    },
  });
  const form = root.querySelector("[data-composer]");
  const box = form.querySelector("textarea");
  const replyPlaceholder = box.placeholder;
  const modes = Object.fromEntries([...form.querySelectorAll("[data-mode-of]")].map((choice) => [choice.dataset.modeOf, choice]));
  const collision = root.querySelector("[data-collision]");
  let quiet = null;
  let owns = false;
  const look = receipts(log, { author: "visitor", tell: (seq) => owns && socket.hint({ type: "message.read", conversation: conversation.id, seq }) });
  let assist = null;
  const act = async (frame) => {
    try {
      conversation = (await socket.send({ ...frame, conversation: conversation.id })).conversation;
      return true;
    } catch (error) {
      toast(error.message, { kind: "danger" });
      return false;
    } finally {
      draw();
    }
  };
  const handling = sorting(root, { act, me });
  const passing = transferring(root, { act });

  /** A colleague writes to the same customer at this moment. */
  function warn(name) {
    clearTimeout(quiet);
    collision.textContent = translate("{name} is typing a reply.", { name: name || translate("A colleague") });
    collision.hidden = false;
    quiet = setTimeout(() => (collision.hidden = true), COLLISION_SHOWN);
  }

  const button = (name) => root.querySelector(`[data-action="conversation.${name}"]`);

  function draw() {
    const owned = conversation.state === "person" && conversation.assignee_id === me.id;
    const taken = conversation.state === "person";
    root.querySelector("[data-name]").textContent = conversation.name;
    const state = root.querySelector("[data-state]");
    state.textContent = `${SHAPES[conversation.state]} ${translate(conversation.state_label)}`;
    state.className = `chip ${{ queued: "warn", person: "accent" }[conversation.state] || ""}`;
    root.querySelector("[data-owner]").textContent = [owned ? translate("with you") : conversation.assignee, conversation.team].filter(Boolean).join(" · ");
    button("take").hidden = taken;
    button("release").hidden = !owned;
    button("resolve").hidden = conversation.state === "resolved" || (taken && !owned);
    const hint = root.querySelector("[data-hint]");
    hint.textContent = owned ? "" : taken ? translate("{name} is handling this conversation.", { name: conversation.assignee }) : hint.dataset.hint;
    if (owned && !owns && !box.value.trim()) write("reply"); // a note that is begun stays one
    if (!owned) write("note");
    owns = owned;
    look();
    modes.reply.disabled = !owned;
    due(root.querySelector("[data-due]"), conversation.deadlines);
    handling.draw(conversation, owned);
    passing.draw(conversation, owned);
  }

  /** Whom the composer writes to: "reply" to the customer, "note" to the team. */
  function write(mode) {
    form.dataset.mode = mode;
    for (const [name, choice] of Object.entries(modes)) choice.setAttribute("aria-pressed", String(name === mode));
    const label = form.querySelector("label");
    label.textContent = label.dataset[`${mode}Label`];
    box.placeholder = mode === "note" ? box.dataset.notePlaceholder : replyPlaceholder;
    form.querySelector("[data-note-hint]").hidden = mode !== "note";
    form.querySelector("[data-hint]").hidden = mode === "note" && owns;
  }

  async function send(text, mode = form.dataset.mode, id = crypto.randomUUID()) {
    const failed = log.pending(id, mode === "note" ? "note" : "operator", text, () => send(text, mode));
    try {
      if (mode === "note") log.note((await socket.send({ type: "note.add", id, conversation: conversation.id, text })).note);
      else {
        const { message } = await socket.send({ type: "message.send", id, conversation: conversation.id, text });
        onSent(message);
        log.show(message);
      }
    } catch (error) {
      failed(error.message);
    }
  }

  for (const [mode, choice] of Object.entries(modes)) {
    choice.addEventListener("click", () => {
      write(mode);
      box.focus();
    });
  }
  thread.messages.forEach((message) => log.show(message));
  thread.notes.forEach((note) => log.note(note));
  socket.follow(thread.notes_stream, { after: thread.notes_seq, onEvent: (event) => log.note(event.payload) });
  log.read("operator", thread.read);
  log.toEnd();
  offerEarlier(root.querySelector("[data-earlier]"), log, async (before) => (await socket.send({ type: "history.read", conversation: conversation.id, before })).messages)();
  socket.follow(thread.stream, {
    after: thread.seq,
    onEvent: (event) => {
      if (event.kind === "rating.set") return inspect();
      if (event.kind === "message.read" && event.payload.by === "visitor") log.read("operator", event.payload.seq);
      if (event.kind !== "message.created") return;
      log.typing(false);
      log.show(event.payload);
      look();
      if (["visitor", "bot"].includes(event.payload.author)) inspect();
      if (event.payload.author !== "system") assist.load();
    },
  });
  socket.addEventListener("typing", ({ detail }) => {
    if (detail.stream !== thread.stream) return;
    if (detail.author === "operator") return warn(detail.name);
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
  const values = () => ({ customer: conversation.name, operator: me.name, matter: conversation.subject });
  offerMacros(box, root.querySelector("[data-macros]"), read("macros"), values);
  marking(root, {
    conversation: conversation.id,
    onMarked: (seq) => {
      const shown = panel.querySelector(`#entities[data-seq="${seq}"]`);
      if (shown) window.htmx.ajax("GET", shown.dataset.url, { target: shown, swap: "outerHTML" });
    },
  });
  assist = assisting(root, box, { values, mayReply: () => owns });
  compose(
    form,
    (text) => send(text),
    () => form.dataset.mode === "reply" && socket.hint({ type: "typing", conversation: conversation.id }),
  );
  draw();
  const begun = draftOf(conversation.id);
  if (begun && (begun.mode === "note" || owns)) {
    write(begun.mode);
    box.value = begun.text;
    box.dispatchEvent(new Event("input", { bubbles: true }));
  }
  keepDraft(conversation.id, box, () => form.dataset.mode);
  inspect();
  assist.load();
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
