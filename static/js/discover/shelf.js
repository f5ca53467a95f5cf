/** A page with cards but without live rows (search): the cards' buttons work. */
import { actOnCards } from "./cards.js";
import { openSession } from "./session.js";

export default function start(root) {
  const session = openSession(root);
  actOnCards(root, session, { onGone: (card) => card.classList.add("is-gone") });
}
