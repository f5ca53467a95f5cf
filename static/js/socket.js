/**
 * One live connection: reconnects, resumes its streams, sends each command once.
 *
 *   const socket = new LiveSocket("/ws/support/console/");
 *   socket.follow("support.inbox", { after: 12, onEvent(event) {…}, onReset() {…} });
 *   const ack = await socket.send({ type: "message.send", text });
 *
 * Events of a stream arrive in order, each once: they are dropped by `seq` when repeated, and a
 * lost connection is resumed after the last one. A command keeps its client id until the server
 * has acknowledged it, and is sent again after a reconnect, so the server can store it once.
 * A line that fell silent is given up: every ping is answered, so one without an answer tells it.
 * The element `[data-connection]` shows the state; "trefoil:connection" tells it to the page.
 */
import { translate } from "./words.js";

const FIRST_PAUSE = 300;
const LONGEST_PAUSE = 10_000;
const PING_EVERY = 20_000;
const REFUSED = 4403; // the code with which the server closes a line that is not allowed

export class CommandError extends Error {
  constructor(frame) {
    super(frame.detail || translate("The request failed."));
    this.code = frame.code;
    this.fields = frame.fields || {};
  }
}

export class LiveSocket extends EventTarget {
  #path;
  #socket = null;
  #streams = new Map();
  #pending = new Map();
  #attempt = 0;
  #timer = null;
  #ping = null;
  #heard = false; // since the last ping
  #closed = false;
  state = "connecting";

  constructor(path) {
    super();
    this.#path = path;
    addEventListener("online", () => this.#reconnectNow());
    addEventListener("offline", () => this.#giveUp());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.#reconnectNow();
    });
    this.#connect();
  }

  /** Follow `stream` from sequence number `after` (what the page was rendered with). */
  follow(stream, { after = null, onEvent, onReset = () => location.reload() }) {
    this.#streams.set(stream, { after, onEvent, onReset });
    if (this.state === "online") this.#subscribe(stream);
  }

  unfollow(stream) {
    if (this.#streams.delete(stream) && this.state === "online") {
      this.#transmit({ type: "unsubscribe", stream, id: crypto.randomUUID() });
    }
  }

  /** Send a command; resolves with its acknowledgement, rejects with a CommandError. */
  send(frame) {
    const id = frame.id || crypto.randomUUID();
    const complete = { ...frame, id };
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { frame: complete, resolve, reject });
      if (this.state === "online") this.#transmit(complete);
    });
  }

  /** Send what may get lost (typing signals): never queued, never repeated. True if it was sent. */
  hint(frame) {
    if (this.state !== "online") return false;
    this.#transmit(frame);
    return true;
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#socket?.close();
  }

  #connect() {
    if (this.#closed) return;
    this.#setState("connecting");
    const url = new URL(this.#path, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.addEventListener("message", (message) => {
      if (socket === this.#socket) this.#receive(JSON.parse(message.data));
    });
    socket.addEventListener("close", ({ code }) => {
      if (socket === this.#socket) this.#lost(code);
    });
  }

  /** Without the network a closing handshake has nobody to answer it: the line is lost at once. */
  #giveUp() {
    if (!this.#socket) return;
    const socket = this.#socket;
    this.#socket = null;
    socket.close();
    this.#lost();
  }

  #reconnectNow() {
    if (this.#closed || this.#socket?.readyState <= WebSocket.OPEN) return;
    clearTimeout(this.#timer);
    this.#connect();
  }

  #lost(code) {
    clearInterval(this.#ping);
    if (this.#closed) return;
    if (code === REFUSED) {
      this.#closed = true;
      this.#setState("refused");
      return;
    }
    this.#setState("offline");
    // A machine without a network says when it has one again; its own server may answer all the same.
    const pause = navigator.onLine ? Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** this.#attempt++) : LONGEST_PAUSE;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), pause * (0.5 + Math.random() / 2));
  }

  #receive(frame) {
    this.#heard = true;
    if (frame.type === "hello") return this.#welcome(frame);
    if (frame.type === "event") return this.#deliver(frame);
    if (frame.type === "reset") return this.#streams.get(frame.stream)?.onReset(frame);
    if (frame.type === "ack" || frame.type === "error") return this.#settle(frame);
    return this.dispatchEvent(new CustomEvent(frame.type, { detail: frame }));
  }

  #welcome(frame) {
    this.#attempt = 0;
    this.#setState("online");
    this.dispatchEvent(new CustomEvent("hello", { detail: frame }));
    for (const stream of this.#streams.keys()) this.#subscribe(stream);
    for (const { frame: waiting } of this.#pending.values()) this.#transmit(waiting);
    clearInterval(this.#ping);
    this.#ping = setInterval(() => this.#listen(), PING_EVERY);
  }

  #listen() {
    if (!this.#heard) return this.#giveUp();
    this.#heard = false;
    this.hint({ type: "ping" });
  }

  #subscribe(stream) {
    const { after } = this.#streams.get(stream);
    const id = crypto.randomUUID();
    this.#pending.set(id, {
      frame: null,
      resolve: (ack) => {
        const followed = this.#streams.get(stream);
        if (followed && followed.after === null) followed.after = ack.seq;
      },
      reject: (error) => this.dispatchEvent(new CustomEvent("refused", { detail: { stream, error } })),
    });
    this.#transmit({ type: "subscribe", id, stream, after });
  }

  #deliver(event) {
    const followed = this.#streams.get(event.stream);
    if (!followed || (followed.after !== null && event.seq <= followed.after)) return;
    followed.after = event.seq;
    followed.onEvent(event);
  }

  #settle(frame) {
    const waiting = this.#pending.get(frame.id);
    if (!waiting) {
      if (frame.type === "error") this.dispatchEvent(new CustomEvent("problem", { detail: frame }));
      return;
    }
    this.#pending.delete(frame.id);
    if (frame.type === "ack") waiting.resolve(frame);
    else waiting.reject(new CommandError(frame));
  }

  #transmit(frame) {
    if (frame && this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  #setState(state) {
    if (state !== "online") {
      // Subscriptions are sent anew after the next hello; only commands wait.
      for (const [id, waiting] of this.#pending) if (waiting.frame === null) this.#pending.delete(id);
    }
    this.state = state;
    for (const element of document.querySelectorAll("[data-connection]")) showState(element, state);
    document.dispatchEvent(new CustomEvent("trefoil:connection", { detail: { state } }));
    this.dispatchEvent(new CustomEvent("state", { detail: { state } }));
  }
}

const WORDS = {
  online: translate("Live"),
  connecting: translate("Connecting…"),
  offline: translate("Offline, trying again…"),
  refused: translate("Not allowed"),
};

function showState(element, state) {
  element.dataset.state = state;
  element.textContent = WORDS[state];
  element.hidden = false;
}
