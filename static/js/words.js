/**
 * What scripts say, in the page's language. The catalogue comes in the page as JSON (`base.html`); an
 * English page has none, and what is not in it is said as it is written in the script.
 *
 *   translate("Nothing found for “{query}”", { query })
 *   translateCount("{n} file", "{n} files", n)
 *
 * `make words` finds these calls, so their first arguments are literals. A label that the server
 * sends in English (`gettext_noop` there) is translated by its value.
 */
export const language = document.documentElement.lang || "en";
/** For dates: "en" alone puts the month first. */
export const locale = language === "en" ? "en-GB" : language;

const source = document.getElementById("words");
const catalogue = source ? JSON.parse(source.textContent) : {};
const rules = new Intl.PluralRules(language);
const known = rules.resolvedOptions().pluralCategories;
const forms = ["zero", "one", "two", "few", "many", "other"].filter((form) => known.includes(form));

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

export function translate(text, values = {}) {
  return fill(catalogue[text] ?? text, values);
}

/** The form of the text for so many; `{n}` in it is the number. */
export function translateCount(one, many, n, values = {}) {
  const found = catalogue[one];
  const text = found ? found[Math.min(forms.indexOf(rules.select(n)), found.length - 1)] : n === 1 ? one : many;
  return fill(text, { n, ...values });
}
