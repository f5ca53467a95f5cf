/** A page with cards but without live rows (search): the cards' buttons work and follow other tabs. */
import { actOnCards } from "./cards.js";
import { followed, gathered, standAsElsewhere } from "./in_step.js";
import { listenToKeys } from "./keys.js";
import { openSession } from "./session.js";

export default function start(root) {
  const follow = gathered(() => standAsElsewhere(root, session));
  const session = openSession(root, { onChange: followed(follow) });
  actOnCards(root, session, {
    onGone: (card) => card.classList.add("is-gone"),
    onBack: (card) => card.classList.remove("is-gone"),
  });
  listenToKeys(root);
}
