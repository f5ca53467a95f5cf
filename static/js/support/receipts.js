/**
 * Tells the other side how far one has read: once a message is before somebody's eyes.
 *
 *   const look = receipts(log, { author: "operator", tell: (seq) => … });   // look() when a message is shown
 *
 * `tell` returns whether it could be told; it is asked again if not.
 */
export function receipts(log, { author, tell }) {
  let told = 0;
  const look = () => {
    if (document.visibilityState !== "visible" || !log.list.checkVisibility()) return;
    const seq = log.lastSeq(author);
    if (seq > told && tell(seq)) told = seq;
  };
  document.addEventListener("visibilitychange", look);
  new ResizeObserver(look).observe(log.list); // a chat in a frame is opened
  return look;
}
