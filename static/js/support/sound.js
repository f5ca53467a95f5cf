/**
 * A short sound when somebody begins to wait, writes in one's own conversation that is not before
 * one's eyes, mentions one, or has waited longer than was promised. What is wanted, and how loud,
 * is chosen in a dialog and kept in this browser; all are off until they are chosen.
 *
 *   <button data-sound data-on="Sound on" data-off="Sound off"></button>
 *   <dialog data-sounds><form><input type="checkbox" name="waiting"> … <input type="range" name="volume">
 *   <button data-try></form></dialog>
 */
const KEPT = "trefoil.support.sounds";
const FRESH = 15_000; // milliseconds since it began to wait; what is caught up with later is silent
const NOTES = { waiting: [660, 880], message: [520], mention: [780, 780], late: [440, 330] }; // hertz
const LOUDEST = 0.2; // gain at the loudest of ten steps
const USUAL = 4; // of the ten

/** What was chosen in this browser: `{waiting, message, mention, late, volume}`. */
function chosen() {
  try {
    return JSON.parse(localStorage.getItem(KEPT)) || {};
  } catch {
    return {};
  }
}

export function ringing(root, { me, open }) {
  const buttons = root.querySelectorAll("[data-sound]");
  const dialog = document.querySelector("[data-sounds]");
  const form = dialog.querySelector("form");
  const kinds = Object.keys(NOTES);
  const told = new Set();
  const last = new Map();
  let wanted = chosen();
  let audio = null;

  function draw() {
    const on = kinds.some((kind) => wanted[kind]);
    for (const button of buttons) button.textContent = on ? button.dataset.on : button.dataset.off;
  }

  /** A browser lets a page sound once it was clicked into; before that it stays silent. */
  function play(kind) {
    audio ??= new AudioContext();
    for (const [at, frequency] of NOTES[kind].entries()) {
      const tone = new OscillatorNode(audio, { frequency });
      const volume = new GainNode(audio, { gain: (LOUDEST * (wanted.volume ?? USUAL)) / 10 });
      const from = audio.currentTime + at * 0.14;
      volume.gain.setTargetAtTime(0, from + 0.06, 0.03);
      tone.connect(volume).connect(audio.destination);
      tone.start(from);
      tone.stop(from + 0.3);
    }
  }

  const ring = (kind) => wanted[kind] && play(kind);

  for (const button of buttons) {
    button.addEventListener("click", () => {
      for (const kind of kinds) form.elements[kind].checked = Boolean(wanted[kind]);
      form.elements.volume.value = wanted.volume ?? USUAL;
      dialog.showModal();
    });
  }
  form.addEventListener("change", ({ target }) => {
    wanted = { ...Object.fromEntries(kinds.map((kind) => [kind, form.elements[kind].checked])), volume: Number(form.elements.volume.value) };
    localStorage.setItem(KEPT, JSON.stringify(wanted));
    draw();
    if (target.checked) play(target.name);
  });
  dialog.querySelector("[data-try]").addEventListener("click", () => play("waiting"));
  draw();
  return {
    ring,
    /** A row of the inbox has changed. */
    hear(row) {
      const began = `${row.id} ${row.queued_at}`;
      const waits = row.state === "queued" && Date.now() - Date.parse(row.queued_at) < FRESH && !told.has(began);
      const writes = row.state === "person" && row.assignee_id === me && row.last_seq > (last.get(row.id) ?? row.last_seq - 1);
      told.add(began);
      last.set(row.id, row.last_seq);
      if (waits) ring("waiting");
      else if (writes && (document.hidden || row.id !== open)) ring("message");
    },
  };
}
