/**
 * The reader's connection and what can be done over it, shared by every Discover page.
 *
 *   const session = openSession(element, { onChange(event) {…} });
 *   await session.record("dracula", "save");
 *
 * `element` carries `data-stream` and `data-seq` (the head of the reader's stream when the page was
 * rendered). The event id of what is recorded is the frame's id, so it can be taken back.
 */
import { watchLoss } from "../lost.js";
import { LiveSocket } from "../socket.js";
import { toast } from "../toast.js";

export function openSession(element, { onChange = () => {} } = {}) {
  const socket = new LiveSocket("/ws/discover/");
  socket.follow(element.dataset.stream, { after: Number(element.dataset.seq), onEvent: onChange });
  watchLoss(socket);
  const command = async (frame) => {
    try {
      return await socket.send(frame);
    } catch (error) {
      toast(error.message, { kind: "danger" });
      throw error;
    }
  };
  return {
    socket,
    record: (item, kind, id = crypto.randomUUID(), value = undefined) => command({ type: "event.record", id, item_id: item, kind, value }),
    undo: (id) => command({ type: "event.undo", event_id: id }),
    forget: (item, kind = null) => command({ type: "item.forget", item_id: item, kind }),
    prefer: (subject, value, stance, weight) => command({ type: "preference.set", subject, value, stance, weight }),
    dial: (value) => command({ type: "dial.set", value }),
    wish: (text) => command({ type: "wish.set", text }),
    feed: (have) => socket.send({ type: "feed.request", have }),
  };
}
