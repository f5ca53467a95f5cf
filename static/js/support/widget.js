/** The customer's chat: `<section data-controller="widget">`; see templates/support/widget.html. */
import { api } from "../http.js";
import { watchLoss } from "../lost.js";
import { LiveSocket } from "../socket.js";
import { until } from "../time.js";
import { MessageLog, compose } from "./bubbles.js";
import { offerEarlier } from "./history.js";
import { receipts } from "./receipts.js";
import { Unsent } from "./unsent.js";
import { translate, translateCount } from "../words.js";

export default async function start(root) {
  dress(root, root.dataset.accent);
  root.querySelector("[data-unverified]").hidden = await identified();
  const status = root.querySelector("[data-status]");
  const greeting = status.textContent;
  const starters = root.querySelector("[data-starters]");
  const person = root.querySelector("[data-person]");
  const rating = root.querySelector("[data-rating]");
  const socket = new LiveSocket("/ws/support/widget/");
  const unsent = new Unsent("trefoil.support.unsent");
  const missed = watchLoss(socket, {
    words: (seqs) => (seqs.length ? translateCount("Caught up: {n} new message.", "Caught up: {n} new messages.", seqs.length) : translate("Caught up: nothing new.")),
  });
  let stream = null;
  let state = "bot";
  const log = new MessageLog(root.querySelector("[data-log]"), {
    mine: (author) => author === "visitor",
    names: { bot: translate("Assistant"), operator: translate("Colleague"), visitor: translate("You") },
    onChoice: (choice) => send(choice.label, choice.slug),
  });

  const drawEarlier = offerEarlier(root.querySelector("[data-earlier]"), log, async (before) => (await socket.send({ type: "history.read", before })).messages);

  const look = receipts(log, { author: "operator", tell: (seq) => socket.hint({ type: "message.read", seq }) });

  function follow(name, after) {
    if (!name || stream === name) return;
    stream = name;
    socket.follow(name, { after, onEvent });
  }

  function onEvent(event) {
    if (event.kind === "message.created") {
      if (event.payload.author !== "visitor") missed.add(event.payload.seq);
      show(event.payload);
    }
    if (event.kind === "message.read" && event.payload.by === "operator") log.read("visitor", event.payload.seq);
    if (event.kind === "conversation.updated") showState(event.payload);
    if (event.kind === "queue.moved" && state === "queued") showState({ state, ...event.payload });
  }

  function show(message) {
    starters.hidden = true;
    if (message.author !== "visitor") log.typing(false);
    log.show(message);
    look();
    if (message.author === "visitor" && state === "bot" && message.seq === log.lastSeq()) log.typing(true);
  }

  function showState(next) {
    state = next.state;
    if (state !== "bot") log.typing(false);
    rating.hidden = state !== "resolved";
    person.disabled = state === "queued" || state === "person";
    status.textContent =
      state === "queued" ? waiting(next)
      : state === "person" ? translate("You are talking to {name}.", { name: next.operator || translate("a colleague") })
      : state === "resolved" ? translate("This conversation is resolved. Write to open it again.")
      : greeting;
  }

  /** What is known of the queue, and that something is not. */
  function waiting({ position, wait_minutes: minutes, on_duty: staffed, opens_at: opens }) {
    const place = position ? translate("Waiting for a person, you are number {position}", { position }) : translate("Waiting for a person");
    if (minutes) return translateCount("{place}: about {n} minute.", "{place}: about {n} minutes.", minutes, { place });
    if (opens) return translate("{place}. We are back {time}; your place is kept.", { place, time: until(opens) });
    return staffed === false ? translate("{place}. Nobody is at the desk at the moment; your place is kept.", { place }) : translate("{place}.", { place });
  }

  async function send(text, chosen = null, id = crypto.randomUUID()) {
    starters.hidden = true;
    log.typing(false);
    const failed = log.pending(id, "visitor", text, () => send(text, chosen));
    unsent.add({ id, text, chosen });
    try {
      const ack = await socket.send({ type: "message.send", id, text, ...(chosen && { chosen }) });
      show(ack.message);
      follow(ack.stream, 0);
    } catch (error) {
      failed(error.message);
    } finally {
      unsent.remove(id);
    }
  }

  /** Tells whether we helped; may be changed by telling again. */
  async function rate(button) {
    const told = rating.querySelector("[role=status]");
    try {
      await socket.send({ type: "rating.set", good: button.dataset.good === "true" });
      for (const one of rating.querySelectorAll("button")) one.setAttribute("aria-pressed", String(one === button));
      told.textContent = told.dataset.rated;
    } catch (error) {
      told.textContent = error.message;
    }
  }

  socket.addEventListener("hello", ({ detail }) => {
    starters.hidden = detail.messages.length > 0 || unsent.list().length > 0;
    if (detail.state) showState(detail.state);
    detail.messages.forEach(show);
    drawEarlier();
    log.read("visitor", detail.read);
    follow(detail.stream, detail.seq);
  });
  socket.addEventListener("state", ({ detail }) => {
    if (detail.state !== "refused") return;
    status.textContent = status.dataset.refused;
    person.disabled = true;
  });
  socket.addEventListener("typing", ({ detail }) => {
    if (state === "person") log.typing(true, { author: "operator", name: detail.name || translate("Your colleague") });
  });
  person.addEventListener("click", async () => {
    person.disabled = true;
    try {
      follow((await socket.send({ type: "person.request" })).stream, 0);
    } catch (error) {
      status.textContent = error.message;
      person.disabled = false;
    }
  });
  for (const button of rating.querySelectorAll("button")) {
    button.addEventListener("click", () => rate(button));
  }
  for (const button of starters.querySelectorAll("button")) {
    button.addEventListener("click", () => send(button.dataset.say));
  }
  compose(
    root.querySelector("[data-composer]"),
    (text) => send(text),
    () => socket.hint({ type: "typing" }),
  );
  for (const { text, chosen, id } of unsent.list()) send(text, chosen, id);
}

/** The colour that the embedding site wants, with words on it that can be read. */
function dress(root, accent) {
  if (!accent) return;
  const [red, green, blue] = [1, 3, 5].map((at) => (parseInt(accent.slice(at, at + 2), 16) / 255) ** 2.2);
  root.style.setProperty("--brand", accent);
  root.style.setProperty("--brand-text", red * 0.21 + green * 0.72 + blue * 0.07 > 0.19 ? "#111" : "#fff");
}

/** Take the name that the embedding site vouches for, from behind "#"; `false` if that does not hold,
 * and nothing changes. */
async function identified() {
  const identity = new URLSearchParams(location.hash.slice(1)).get("identity");
  if (!identity) return true;
  history.replaceState(null, "", location.pathname + location.search);
  try {
    await api("POST", "/api/v1/support/visitor/identity/", { identity });
    return true;
  } catch (error) {
    console.warn(`Trefoil: data-identity is refused. ${error.message}`); // for who builds the site
    return false;
  }
}
