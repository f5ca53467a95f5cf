/** A run's page: `<div data-controller="hub-run">`; see templates/modelhub/run.html. */
import { LiveSocket } from "../socket.js";
import { curve } from "./curve.js";
import { translate } from "../words.js";

const read = (id) => JSON.parse(document.getElementById(id).textContent);
const CHARTS = {
  loss: { names: ["loss", "held_out_loss"], title: translate("Loss") },
  accuracy: { names: ["held_out_accuracy"], title: translate("Accuracy"), most: 1 },
  pairs: { names: ["held_out_recall", "held_out_mrr"], title: translate("The right text first"), most: 1 },
};
const STAGES = {
  training: translate("training"),
  building: translate("building"),
  measuring: translate("measuring"),
  judging: translate("judging"),
};
const ENDED = ["succeeded", "failed", "cancelled"];

export default function start(root) {
  const live = read("run-live");
  const readings = read("run-readings");
  const charts = [...root.querySelectorAll("[data-curve]")];
  const draw = () => charts.forEach((chart) => curve(chart, readings, CHARTS[chart.dataset.curve]));
  new ResizeObserver(draw).observe(charts[0]);
  if (live.finished) return;
  const socket = new LiveSocket("/ws/models/");
  const stage = root.querySelector("[data-stage]");
  const steps = root.querySelector("[data-steps]");
  const progress = root.querySelector("[data-progress]");
  socket.follow(live.stream, {
    after: live.seq,
    onEvent: ({ kind, payload }) => {
      if (kind === "run.reading") {
        add(readings, payload);
        draw();
      } else if (kind === "run.stage") stage.textContent = STAGES[payload.stage] ?? payload.stage;
    },
  });
  if (!live.job) return;
  socket.follow(live.job, {
    after: live.job_seq,
    onEvent: ({ payload }) => {
      if (ENDED.includes(payload.status)) return location.reload();
      const runs = payload.status === "running";
      root.querySelector("[data-run-state]").hidden = runs;
      root.querySelector("[data-running]").hidden = !runs;
      if (payload.message) stage.textContent = payload.message;
      steps.textContent = payload.total ? `${payload.done} / ${payload.total}` : "";
      if (payload.total) Object.assign(progress, { max: payload.total, value: payload.done });
      else progress.removeAttribute("value");
    },
  });
}

/** A reading of a step that was done again replaces the first one and what followed it. */
function add(readings, reading) {
  const isOf = (row) => row.phase === reading.phase && "loss" in row === "loss" in reading;
  const kept = readings.filter((row) => !isOf(row) || row.step < reading.step);
  readings.splice(0, readings.length, ...kept, reading);
}
