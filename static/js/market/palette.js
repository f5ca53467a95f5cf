/**
 * Market's palette finds pages, companies and layouts: Ctrl+K (⌘K) or `/`.
 *
 *   <dialog data-controller="market-palette" data-companies-url data-company-url data-layouts-url>
 */
import { api } from "../http.js";
import { pages, palette } from "../palette.js";
import { look, openLayout, setLook } from "./view.js";
import { translate } from "../words.js";

const MOST = 8; // companies
const LOOKS = [
  [translate("Colours: Western (green up)"), { scheme: "" }],
  [translate("Colours: Chinese (red up)"), { scheme: "chinese" }],
  [translate("Colours: for colour-blind eyes (blue up)"), { scheme: "blind" }],
  [translate("Times: how long ago"), { clock: "" }],
  [translate("Times: UTC"), { clock: "utc" }],
  [translate("Times: local"), { clock: "local" }],
  [translate("Rows: compact"), { density: "compact" }],
  [translate("Rows: roomy"), { density: "" }],
];

export default function start(dialog) {
  const fixed = [
    ...pages(".subnav a"),
    ...LOOKS.map(([words, change]) => ({ words, kind: translate("view"), run: () => setLook({ ...look(), ...change }) })),
  ];
  let layouts = [];

  function company({ id, ticker, name }) {
    const url = dialog.dataset.companyUrl.replace("/0/", `/${Number(id)}/`);
    return { words: `${ticker} · ${name}`, kind: translate("company"), run: () => location.assign(url) };
  }

  palette(dialog, {
    slash: true,
    own: () => [...layouts, ...fixed],
    async opening() {
      const { results } = await api("GET", dialog.dataset.layoutsUrl);
      layouts = results.map((layout) => ({ words: layout.name, kind: translate("layout"), run: () => openLayout(layout) }));
    },
    async search(wanted) {
      const { results } = await api("GET", `${dialog.dataset.companiesUrl}?q=${encodeURIComponent(wanted)}`);
      return results.slice(0, MOST).map(company);
    },
  });
}
