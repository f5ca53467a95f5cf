/**
 * The market monitor: live tape, alerts, freshness and backlog.
 *
 *   <div data-controller="market-monitor" data-tape-stream="…" data-tape-seq="…"
 *        data-alerts-stream="…" data-alerts-seq="…" data-status-url="…" data-unusual-url="…">
 */
import { api } from "../http.js";
import { watchLoss } from "../lost.js";
import { LiveSocket } from "../socket.js";
import { refresh } from "../time.js";
import { toast } from "../toast.js";
import { Alerts } from "./alerts.js";
import { Tape } from "./tape.js";
import { unusualWords } from "./unusual.js";
import { translate, translateCount } from "../words.js";

const STATUS_EVERY = 15_000;
const UNUSUAL = {
  group: "unusual",
  words: (n) => translateCount("{n} more is unusual", "{n} more are unusual", n),
};

export default function start(root) {
  const socket = new LiveSocket("/ws/market/");
  const tape = new Tape(root);
  const alerts = new Alerts(root, (frame) => socket.send(frame));
  const last = root.querySelector("[data-last]");
  const missed = watchLoss(socket, {
    words: (ids) => (ids.length ? translateCount("Caught up: {n} new article.", "Caught up: {n} new articles.", ids.length) : translate("Caught up: nothing new.")),
  });

  const onTape = {
    "article.scored": (payload) => {
      tape.add(payload);
      missed.add(payload.id);
      last.dateTime = new Date().toISOString();
      last.dataset.relative = "";
      refresh(last.parentElement);
    },
    "anomaly.found": (payload) => {
      toast(`${payload.company.ticker}: ${translate(payload.kind_label)}, ${unusualWords(payload)}`, {
        action: translate("See it"),
        onAction: () => location.assign(root.dataset.unusualUrl),
        fold: UNUSUAL,
      });
    },
    "story.repeated": (payload) => {
      tape.repeat(payload);
      alerts.grow(payload);
    },
  };
  const onAlerts = {
    "alert.created": (payload) => alerts.add(payload),
    "alert.throttled": () => alerts.keepBack(),
    "alert.corrected": (payload) => alerts.correct(payload),
    "alert.assigned": (payload) => payload.state === "new" && alerts.add(payload),
    "alert.unassigned": (payload) => alerts.remove(payload.id),
    "alert.acknowledged": (payload) => alerts.remove(payload.id),
  };
  const { tapeStream, tapeSeq, alertsStream, alertsSeq } = root.dataset;
  socket.follow(tapeStream, {
    after: Number(tapeSeq),
    onEvent: (event) => onTape[event.kind]?.(event.payload),
  });
  socket.follow(alertsStream, {
    after: Number(alertsSeq),
    onEvent: (event) => onAlerts[event.kind]?.(event.payload),
  });

  watchBacklog(root);
}

/** The number of articles that wait to be scored, asked for while the page is looked at. */
function watchBacklog(root) {
  const chip = root.querySelector("[data-backlog]");
  const number = root.querySelector("[data-backlog-number]");
  setInterval(async () => {
    if (document.hidden) return;
    try {
      const status = await api("GET", root.dataset.statusUrl);
      chip.hidden = status.waiting === 0;
      number.textContent = status.waiting;
    } catch {
      // The connection state says that the server is away.
    }
  }, STATUS_EVERY);
}
