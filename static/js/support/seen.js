/** Up to which message of each conversation this browser's operator has read. */
const KEPT = "trefoil.support.seen";
const MOST = 500;

export class Seen {
  #known;

  constructor() {
    try {
      this.#known = JSON.parse(localStorage.getItem(KEPT)) || {};
    } catch {
      this.#known = {};
    }
    addEventListener("storage", ({ key, newValue }) => {
      if (key === KEPT) this.#known = JSON.parse(newValue) || {}; // another tab has read on
    });
  }

  last(id) {
    return this.#known[id] || 0;
  }

  mark(id, seq) {
    if (this.#known[id] === seq) return;
    const { [id]: _, ...others } = this.#known;
    this.#known = Object.fromEntries([...Object.entries(others).slice(-MOST), [id, seq]]);
    try {
      localStorage.setItem(KEPT, JSON.stringify(this.#known));
    } catch {
      // Without storage it is forgotten with the page.
    }
  }
}
