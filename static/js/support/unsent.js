/** Commands that the server has not acknowledged, kept over a reload of this tab. */
export class Unsent {
  constructor(key) {
    this.key = key;
  }

  list() {
    try {
      return JSON.parse(sessionStorage.getItem(this.key)) || [];
    } catch {
      return []; // no storage here (a frame without it), or not ours
    }
  }

  add(command) {
    this.#store([...this.list().filter(({ id }) => id !== command.id), command]);
  }

  remove(id) {
    this.#store(this.list().filter((command) => command.id !== id));
  }

  #store(commands) {
    try {
      sessionStorage.setItem(this.key, JSON.stringify(commands));
    } catch {
      // The message is still sent; it only would not outlive a reload.
    }
  }
}
