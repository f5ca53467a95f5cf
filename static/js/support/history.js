/**
 * The messages from before those that a page comes with, which are the latest of a long conversation.
 *
 *   <button data-earlier hidden>…</button>
 *   const draw = offerEarlier(button, log, async (before) => messages);   // draw() when the log is filled
 */
import { toast } from "../toast.js";

export function offerEarlier(button, log, read) {
  const draw = () => (button.hidden = !(log.firstSeq() > 1 && log.firstSeq() < Infinity));
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      log.before(await read(log.firstSeq()));
    } catch (error) {
      toast(error.message, { kind: "danger" });
    } finally {
      button.disabled = false;
      draw();
    }
  });
  return draw;
}
