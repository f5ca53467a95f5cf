/** What is unusual about a company, in words: as `apps/market/reasons.py` says it, in the page's language. */
import { translate } from "../words.js";

const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;

export function unusualWords({ kind, value, usual, topic }) {
  const told = { value: signed(value), usual: signed(usual) };
  const better = value > usual;
  switch (kind) {
    case "burst":
      return translate("{n} stories in 24 hours; {usual} are usual", { n: value.toFixed(0), usual: usual.toFixed(1) });
    case "shift":
      return better
        ? translate("news turned better ({value}; {usual} is usual)", told)
        : translate("news turned worse ({value}; {usual} is usual)", told);
    case "divergence":
      return better
        ? translate("{value}, above the others of its sector ({usual})", told)
        : translate("{value}, below the others of its sector ({usual})", told);
    default:
      return translate("{topic}: {share} of its news is about that", { topic: translate(topic), share: `${(100 * usual).toFixed(1)}%` });
  }
}

/** Why a rule about meaning or about the unusual matched; empty for other rules. */
export function reasonWords({ meaning, anomaly }) {
  const said = [];
  if (meaning) said.push(translate("{share} alike: “{text}”", { share: `${Math.round(100 * meaning.likeness)}%`, text: meaning.text }));
  if (anomaly) said.push(`${translate(anomaly.label)}: ${unusualWords(anomaly)}`);
  return said.join("; ");
}
