/**
 * The desk: who is on duty, one's own presence, passing a conversation on, and what one may not see
 * any more.
 *
 *   <button data-presence data-online="On duty" data-away="Away"></button>
 *   <dialog data-transfer><form><select data-transfer-to> <textarea data-transfer-note></form></dialog>
 */
import { toast } from "../toast.js";
import { translate } from "../words.js";

const SHAPES = { online: "●", away: "◐", offline: "○" };

/** `desk` is what the page came with: `people`, `teams`, `away`. */
export class Desk {
  #people;

  constructor(root, socket, { desk, me }) {
    Object.assign(this, { root, socket, me, away: desk.away });
    this.#people = new Map(desk.people.map((person) => [person.id, person]));
    this.buttons = root.querySelectorAll("[data-presence]");
    for (const button of this.buttons) button.addEventListener("click", () => this.#change());
    socket.addEventListener("revoked", ({ detail }) => this.#revoked(detail.stream));
    this.#draw();
  }

  /** An event of the stream of the desk. */
  hear({ kind, payload }) {
    if (kind === "teams.changed") {
      toast(translate("The teams have changed."), { action: translate("Reload"), onAction: () => location.reload() });
    }
    if (kind !== "presence.changed") return;
    this.#people.set(payload.operator, { ...this.#people.get(payload.operator), id: payload.operator, name: payload.name, presence: payload.presence });
    if (payload.operator === this.me.id && payload.presence !== "offline") this.away = payload.presence === "away";
    this.#draw();
  }

  async #change() {
    try {
      await this.socket.send({ type: "presence.set", away: !this.away });
    } catch (error) {
      toast(error.message, { kind: "danger" });
    }
  }

  #revoked(stream) {
    const open = this.root.dataset.conversation;
    if (open && stream.endsWith(open)) location.href = `/support/?tab=${this.root.dataset.tab}&gone=1`;
  }

  #draw() {
    for (const button of this.buttons) {
      button.textContent = this.away ? `${SHAPES.away} ${button.dataset.away}` : `${SHAPES.online} ${button.dataset.online}`;
      button.setAttribute("aria-pressed", String(this.away));
    }
    for (const option of this.root.ownerDocument.querySelectorAll("[data-person-id]")) {
      const { name, presence } = this.#people.get(Number(option.dataset.personId)) || {};
      if (name) option.textContent = `${SHAPES[presence]} ${name}${Number(option.dataset.personId) === this.me.id ? translate(" (you)") : ""}`;
    }
  }
}

/** The dialog that passes a conversation on; `act(frame)` sends it and is true when it was done. */
export function transferring(root, { act }) {
  const dialog = document.querySelector("[data-transfer]");
  const to = dialog.querySelector("[data-transfer-to]");
  const note = dialog.querySelector("[data-transfer-note]");
  const button = root.querySelector("[data-transfer-open]");
  let known = null;
  button.addEventListener("click", () => {
    for (const option of to.options) option.disabled = option.value === `team:${known.team_id || ""}` && known.state === "queued";
    dialog.showModal();
    to.focus();
  });
  dialog.querySelector("[data-transfer-close]").addEventListener("click", () => dialog.close());
  dialog.querySelector("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const [kind, id] = to.value.split(":");
    const target = kind === "team" ? { team: id ? Number(id) : null } : { team: known.team_id, assignee: Number(id) };
    if (!(await act({ type: "conversation.transfer", ...target, note: note.value.trim() }))) return;
    note.value = "";
    dialog.close();
  });
  return {
    draw(conversation, owned) {
      known = conversation;
      button.hidden = conversation.state === "resolved" || (conversation.state === "person" && !owned);
    },
  };
}
