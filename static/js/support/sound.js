/**
 * A short sound when somebody begins to wait, or writes in one's own conversation that is not before
 * one's eyes. Whether it is wanted is kept in this browser; it is off until it is switched on.
 *
 *   <button data-sound data-on="Sound on" data-off="Sound off"></button>
 */
const KEPT = "trefoil.support.sound";
const FRESH = 15_000; // milliseconds since it began to wait; what is caught up with later is silent
const NOTES = { waiting: [660, 880], message: [520] };

export function ringing(root, { me, open }) {
  const buttons = root.querySelectorAll("[data-sound]");
  const told = new Set();
  const last = new Map();
  let on = localStorage.getItem(KEPT) === "on";
  let audio = null;

  function draw() {
    for (const button of buttons) {
      button.textContent = on ? button.dataset.on : button.dataset.off;
      button.setAttribute("aria-pressed", String(on));
    }
  }

  /** A browser lets a page sound once it was clicked into; before that it stays silent. */
  function ring(kind) {
    audio ??= new AudioContext();
    for (const [at, frequency] of NOTES[kind].entries()) {
      const tone = new OscillatorNode(audio, { frequency });
      const volume = new GainNode(audio, { gain: 0.08 });
      const from = audio.currentTime + at * 0.14;
      volume.gain.setTargetAtTime(0, from + 0.06, 0.03);
      tone.connect(volume).connect(audio.destination);
      tone.start(from);
      tone.stop(from + 0.3);
    }
  }

  for (const button of buttons) {
    button.addEventListener("click", () => {
      on = !on;
      localStorage.setItem(KEPT, on ? "on" : "off");
      draw();
      if (on) ring("waiting");
    });
  }
  draw();
  return {
    /** A row of the inbox has changed. */
    hear(row) {
      const began = `${row.id} ${row.queued_at}`;
      const waits = row.state === "queued" && Date.now() - Date.parse(row.queued_at) < FRESH && !told.has(began);
      const writes = row.state === "person" && row.assignee_id === me && row.last_seq > (last.get(row.id) ?? row.last_seq - 1);
      told.add(began);
      last.set(row.id, row.last_seq);
      if (!on) return;
      if (waits) ring("waiting");
      else if (writes && (document.hidden || row.id !== open)) ring("message");
    },
  };
}
