/**
 * A list of any length of which only the rows in sight are in the page.
 *
 *   <div class="rows-scroll"><ul data-rows></ul></div>
 *   const view = new ListWindow(list, { draw: (id) => li, reach: (index) => … });
 *   view.show(ids, total);   // `total` may be more than there are ids yet
 *
 * All rows have one height. What is in sight stays where it is when rows come or go above it, and
 * the row that has the focus keeps it, in sight or not. `reach(index)` tells how far down the list
 * is looked at. Arrow keys, Home and End move the focus from row to row.
 */
const BESIDE = 6; // rows drawn above and below those in sight
const LOOKED_AT = 3; // rows by which what is in sight is kept in its place
const STEPS = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity };

export class ListWindow {
  #ids = [];
  #places = new Map();
  #drawn = new Map();
  #total = 0;
  #height = 0;
  #asked = 0;

  constructor(list, { draw, reach }) {
    Object.assign(this, { list, draw, reach, scroller: list.parentElement });
    this.scroller.addEventListener("scroll", () => this.#soon(), { passive: true });
    new ResizeObserver(() => {
      this.#height = 0;
      this.#soon();
    }).observe(this.scroller);
    list.addEventListener("keydown", (event) => this.#press(event));
    list.addEventListener("focusout", () => this.#soon());
  }

  /** The rows from now on, in order; what was in sight stays in its place. */
  show(ids, total) {
    const top = this.scroller.scrollTop;
    const at = this.#height ? Math.floor(top / this.#height) : 0;
    const seen = top > 0 ? this.#ids.slice(at, at + LOOKED_AT) : [];
    this.#ids = ids;
    this.#total = Math.max(total, ids.length);
    this.#places = new Map(ids.map((id, place) => [id, place]));
    this.#grow();
    // The middle one, since a row that has gone elsewhere itself does not take the others along.
    const moves = seen.map((id, row) => this.#places.get(id) - at - row).filter(Number.isFinite);
    const moved = moves.sort((one, other) => one - other)[moves.length >> 1] || 0;
    if (moved) this.scroller.scrollTop = top + moved * this.#height;
    this.#render();
  }

  /** A row has changed: it is drawn anew if it is in the page. */
  renew(id) {
    const old = this.#drawn.get(id);
    if (!old) return;
    const parts = [...old.querySelectorAll("a, input")];
    const focused = parts.indexOf(document.activeElement);
    const item = this.draw(id);
    this.#drawn.set(id, item);
    this.#put(item, this.#places.get(id));
    old.replaceWith(item);
    if (focused >= 0) item.querySelectorAll("a, input")[focused].focus({ preventScroll: true });
  }

  /** Scroll as little as brings a row into sight. */
  reveal(id) {
    const place = this.#places.get(id);
    if (place === undefined) return;
    const { scrollTop, clientHeight } = this.scroller;
    const [from, to] = [place * this.#height, (place + 1) * this.#height];
    if (from < scrollTop) this.scroller.scrollTop = from;
    else if (to > scrollTop + clientHeight) this.scroller.scrollTop = to - clientHeight;
    this.#render();
  }

  get top() {
    return this.scroller.scrollTop;
  }

  /** Scroll there; rows that are not known yet are asked for. */
  set top(top) {
    this.scroller.scrollTop = top;
    this.#render();
  }

  #soon() {
    this.#asked ||= requestAnimationFrame(() => this.#render());
  }

  #render() {
    cancelAnimationFrame(this.#asked);
    this.#asked = 0;
    this.#grow();
    if (!this.#ids.length) this.#draw([]);
    if (!this.#height) return; // out of sight, or nothing to show
    const { scrollTop, clientHeight } = this.scroller;
    const from = Math.max(0, Math.floor(scrollTop / this.#height) - BESIDE);
    const to = Math.ceil((scrollTop + clientHeight) / this.#height) + BESIDE;
    const wanted = this.#ids.slice(from, to);
    const focused = document.activeElement?.closest?.("[data-id]");
    const kept = focused && this.list.contains(focused) ? this.#places.get(focused.dataset.id) : undefined;
    if (kept < from) wanted.unshift(this.#ids[kept]);
    if (kept >= to) wanted.push(this.#ids[kept]);
    this.#draw(wanted);
    this.reach(Math.min(to, this.#total));
  }

  /** Exactly these rows in the page, in their order, so that reading and tabbing follow it. */
  #draw(wanted) {
    const stay = new Set(wanted);
    for (const [id, item] of this.#drawn) {
      if (stay.has(id)) continue;
      item.remove();
      this.#drawn.delete(id);
    }
    let next = this.list.firstElementChild;
    for (const id of wanted) {
      let item = this.#drawn.get(id);
      if (!item) this.#drawn.set(id, (item = this.draw(id)));
      this.#put(item, this.#places.get(id));
      if (item === next) next = next.nextElementSibling;
      else this.#insert(item, next);
    }
  }

  /** Moving an element takes the focus from it. */
  #insert(item, next) {
    const focused = item.contains(document.activeElement) ? document.activeElement : null;
    this.list.insertBefore(item, next);
    focused?.focus({ preventScroll: true });
  }

  #put(item, place) {
    item.style.transform = `translateY(${place * this.#height}px)`;
    item.setAttribute("aria-posinset", place + 1);
    item.setAttribute("aria-setsize", this.#total);
  }

  /** As high as all rows; their height is what the first one has. */
  #grow() {
    if (!this.#height && this.#ids.length) {
      const item = this.list.appendChild(this.draw(this.#ids[0]));
      this.#height = item.getBoundingClientRect().height;
      item.remove();
    }
    this.list.style.height = `${this.#total * this.#height}px`;
    this.list.style.setProperty("--known", `${this.#ids.length * this.#height}px`);
  }

  #press(event) {
    const step = STEPS[event.key];
    const row = event.target.closest("[data-id]");
    if (!step || !row || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const to = Math.min(this.#ids.length - 1, Math.max(0, this.#places.get(row.dataset.id) + step));
    this.reveal(this.#ids[to]);
    this.#drawn.get(this.#ids[to])?.querySelector("a").focus({ preventScroll: true });
  }
}
