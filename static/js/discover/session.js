/**
 * The reader's connection and what can be done over it, shared by every Discover page.
 *
 *   const session = openSession(element, { onChange(event, own) {…}, onMoved() {…} });
 *   await session.record("dracula", "save");
 *
 * `element` carries `data-stream` and `data-seq` (the head of the reader's stream when the page was
 * rendered). `onChange` is told of each change, and whether this page did it (`own`); `onMoved` that
 * the catalogue changed. The event id of what is recorded is the frame's id, so it can be taken back.
 */
import { watchLoss } from "../lost.js";
import { LiveSocket } from "../socket.js";
import { toast } from "../toast.js";

export function openSession(element, { onChange = () => {}, onMoved = () => {} } = {}) {
  const socket = new LiveSocket("/ws/discover/");
  const mine = new Set();
  socket.follow(element.dataset.stream, {
    after: Number(element.dataset.seq),
    onEvent: (event) => onChange(event, mine.has(event.payload.origin)),
  });
  socket.addEventListener("catalogue.moved", onMoved);
  watchLoss(socket);
  const command = async (frame) => {
    const id = frame.id ?? crypto.randomUUID();
    mine.add(id);
    try {
      return await socket.send({ ...frame, id });
    } catch (error) {
      toast(error.message, { kind: "danger" });
      throw error;
    }
  };
  return {
    socket,
    deeds: () => mine.size, // that began on this page
    record: (item, kind, id = crypto.randomUUID(), value = undefined) => command({ type: "event.record", id, item_id: item, kind, value }),
    start: (items, id) => command({ type: "likes.start", id, items }),
    undo: (id) => command({ type: "event.undo", event_id: id }),
    forget: (item, kind = null) => command({ type: "item.forget", item_id: item, kind }),
    prefer: (subject, value, stance, weight) => command({ type: "preference.set", subject, value, stance, weight }),
    dial: (value) => command({ type: "dial.set", value }),
    wish: (text) => command({ type: "wish.set", text }),
    learn: (on) => command({ type: "learning.set", paused: !on }),
    feed: (have) => socket.send({ type: "feed.request", have }),
    state: (items) => socket.send({ type: "state.request", items }),
    peek: (items) => socket.send({ type: "feed.peek", items }),
  };
}
