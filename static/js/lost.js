/**
 * The banner `[data-lost]` while the line is down, and one notice once what was missed is caught up.
 *
 *   const missed = watchLoss(socket, { words: (names) => translate("Caught up: nothing new.") });
 *   missed.add("what changed");   // while the line comes back; repeats count once
 *
 * Attributes: `data-refused` is the text for a connection that the server refused for good.
 */
import { toast } from "./toast.js";
import { translate } from "./words.js";

const CATCH_UP = 1000; // milliseconds in which the missed events are replayed

export function watchLoss(socket, { words = () => translate("Caught up.") } = {}) {
  const banner = document.querySelector("[data-lost]");
  let names = null;

  function lost() {
    names ??= new Set(); // lost again before it was told: the missed ones add up
    banner.hidden = false;
  }

  function back() {
    if (!names || banner.hidden) return;
    banner.hidden = true;
    setTimeout(() => {
      if (!banner.hidden) return; // lost again meanwhile
      const missed = [...names];
      names = null;
      toast(words(missed));
    }, CATCH_UP);
  }

  socket.addEventListener("state", ({ detail }) => {
    if (detail.state === "offline") lost();
    if (detail.state === "online") back();
    if (detail.state !== "refused" || !banner.dataset.refused) return;
    banner.textContent = banner.dataset.refused;
    banner.hidden = false;
  });
  return { add: (name) => names?.add(name) };
}
