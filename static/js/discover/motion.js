/** Moves what a change has moved: `const play = before(root); change(); play();` (FLIP). */
const MILLISECONDS = 320;
const calm = matchMedia("(prefers-reduced-motion: reduce)");

const keyOf = (card) => `${card.closest("[data-section]")?.dataset.section}/${card.dataset.item}`;

export function before(root) {
  const places = new Map();
  for (const card of root.querySelectorAll("[data-section] [data-item]")) {
    places.set(keyOf(card), card.getBoundingClientRect());
  }
  return () => {
    if (calm.matches) return;
    for (const card of root.querySelectorAll("[data-section] [data-item]")) {
      const now = card.getBoundingClientRect();
      if (now.bottom < 0 || now.top > innerHeight) continue;
      animate(card, places.get(keyOf(card)), now);
    }
  };
}

function animate(card, was, now) {
  const options = { duration: MILLISECONDS, easing: "cubic-bezier(.2,.7,.2,1)" };
  if (!was) {
    card.animate([{ opacity: 0, transform: "scale(.94)" }, { opacity: 1, transform: "none" }], options);
    return;
  }
  const [x, y] = [was.left - now.left, was.top - now.top];
  if (x || y) card.animate([{ transform: `translate(${x}px, ${y}px)` }, { transform: "none" }], options);
}
