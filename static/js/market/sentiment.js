/** How a sentiment is told: shape, sign and share; an unsure one says what it leans to. */
import { translate } from "../words.js";

const KINDS = {
  positive: { kind: "up", shape: "▲", sign: "+" },
  negative: { kind: "down", shape: "▼", sign: "−" },
  neutral: { kind: "flat", shape: "●", sign: "" },
};

const LABELS = { positive: translate("positive"), negative: translate("negative"), neutral: translate("neutral") };

export function told(sentiment) {
  const { kind, shape, sign } = KINDS[sentiment.label];
  return {
    kind: sentiment.confident ? kind : "unsure",
    shape: sentiment.confident ? shape : `${shape}?`,
    words: sentiment.confident ? LABELS[sentiment.label] : translate("unsure, perhaps {label}", { label: LABELS[sentiment.label] }),
    percent: `${sign}${Math.round(sentiment.confidence * 100)}%`,
  };
}

/** Fill `<span class="chip sentiment">` of a template; an alert has no more than the share of its label. */
export function fillChip(chip, sentiment) {
  if (!sentiment) return chip.remove();
  const { kind, shape, words, percent } = told(sentiment);
  chip.classList.add(kind);
  chip.title =
    "negative" in sentiment
      ? translate("negative {negative}, neutral {neutral}, positive {positive}", sentiment)
      : `${LABELS[sentiment.label]} ${Math.round(sentiment.confidence * 100)}%`;
  chip.querySelector("[data-shape]").textContent = shape;
  chip.querySelector("[data-words]").textContent = words;
  chip.querySelector("[data-percent]").textContent = percent;
  return chip;
}

/** A company's chip with its direction. */
export function tickerChip(company, url) {
  const link = document.createElement("a");
  const { kind, shape, words } = told(company.sentiment);
  link.className = `ticker ${kind}`;
  link.href = url;
  link.title = `${company.name}: ${words}`;
  const mark = document.createElement("span");
  mark.setAttribute("aria-hidden", "true");
  mark.textContent = company.sentiment.confident ? shape : "?";
  link.append(company.ticker, mark);
  return link;
}
