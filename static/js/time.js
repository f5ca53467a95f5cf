/**
 * Keeps `<time datetime="…" data-relative>` in words of how long ago it was, or, as the person
 * chose in `<html data-clock>`, as the time of day in UTC or here. `<time data-exact="minute">` (or
 * `"second"`) is a time of day in any case, in UTC or, where that was chosen, here.
 */
import { language, locale } from "./words.js";
const UNITS = [
  [60, "second", 1],
  [3600, "minute", 60],
  [86400, "hour", 3600],
  [2592000, "day", 86400],
  [Infinity, "month", 2592000],
];
const words = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "narrow" });

export function relative(date, now = Date.now()) {
  const seconds = (new Date(date).getTime() - now) / 1000;
  const [, unit, size] = UNITS.find(([limit]) => Math.abs(seconds) < limit);
  return words.format(Math.round(seconds / size), unit);
}

const DAY = 86_400_000;

/** The time of day in UTC or here, with the day when it is not of the last 24 hours. */
export function clock(date, kind, now = Date.now()) {
  const moment = new Date(date);
  const zone = kind === "utc" ? { timeZone: "UTC" } : {};
  const day = Math.abs(moment - now) < DAY ? {} : { day: "numeric", month: "short" };
  const words = moment.toLocaleString(locale, { ...day, hour: "2-digit", minute: "2-digit", ...zone });
  return kind === "utc" ? `${words} Z` : words;
}

/** Day and time of day to the minute or the second, in UTC unless the person chose otherwise. */
function exact(date, to, kind) {
  const zone = kind === "local" ? {} : { timeZone: "UTC" };
  const second = to === "second" ? { second: "2-digit" } : {};
  const day = { day: "numeric", month: "short" };
  const words = new Date(date).toLocaleString(locale, { ...day, hour: "2-digit", minute: "2-digit", ...second, ...zone });
  return kind === "local" ? words : `${words} Z`;
}

/** A moment to come, as short as it can be said. */
export function until(moment) {
  const date = new Date(moment);
  const today = date.toDateString() === new Date().toDateString();
  const time = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  return date.toLocaleString(locale, today ? time : { weekday: "short", day: "numeric", month: "short", ...time });
}

export function refresh(root = document) {
  const kind = document.documentElement.dataset.clock;
  for (const element of root.querySelectorAll("time[data-relative]")) {
    if (!element.dateTime) continue;
    element.textContent = kind ? clock(element.dateTime, kind) : relative(element.dateTime);
    const moment = new Date(element.dateTime);
    element.title = `${moment.toLocaleString(locale)} (${clock(moment, "utc", 0)})`;
  }
  for (const element of root.querySelectorAll("time[data-exact]")) {
    element.textContent = exact(element.dateTime, element.dataset.exact, kind);
  }
}

refresh();
document.addEventListener("htmx:afterSwap", (event) => refresh(event.target.parentElement ?? document));
setInterval(refresh, 20_000);
