/** Keeps `<time datetime="…" data-relative>` in words of how long ago it was. */
const UNITS = [
  [60, "second", 1],
  [3600, "minute", 60],
  [86400, "hour", 3600],
  [2592000, "day", 86400],
  [Infinity, "month", 2592000],
];
const words = new Intl.RelativeTimeFormat(document.documentElement.lang || "en", { numeric: "auto", style: "narrow" });

export function relative(date, now = Date.now()) {
  const seconds = (new Date(date).getTime() - now) / 1000;
  const [, unit, size] = UNITS.find(([limit]) => Math.abs(seconds) < limit);
  return words.format(Math.round(seconds / size), unit);
}

/** A moment to come, as short as it can be said. */
export function until(moment) {
  const date = new Date(moment);
  const today = date.toDateString() === new Date().toDateString();
  const time = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  return date.toLocaleString([], today ? time : { weekday: "short", day: "numeric", month: "short", ...time });
}

export function refresh(root = document) {
  for (const element of root.querySelectorAll("time[data-relative]")) {
    element.textContent = relative(element.dateTime);
    element.title = new Date(element.dateTime).toLocaleString();
  }
}

refresh();
setInterval(refresh, 20_000);
