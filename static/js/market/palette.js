/**
 * Market's palette finds pages, companies and layouts: Ctrl+K (⌘K) or `/`.
 *
 *   <dialog data-controller="market-palette" data-companies-url data-company-url data-layouts-url>
 */
import { api } from "../http.js";
import { pages, palette } from "../palette.js";
import { look, openLayout, setLook } from "./view.js";

const MOST = 8; // companies
const LOOKS = [
  ["Colours: Western (green up)", { scheme: "" }],
  ["Colours: Chinese (red up)", { scheme: "chinese" }],
  ["Colours: for colour-blind eyes (blue up)", { scheme: "blind" }],
  ["Times: how long ago", { clock: "" }],
  ["Times: UTC", { clock: "utc" }],
  ["Times: local", { clock: "local" }],
  ["Rows: compact", { density: "compact" }],
  ["Rows: roomy", { density: "" }],
];

export default function start(dialog) {
  const fixed = [
    ...pages(".subnav a"),
    ...LOOKS.map(([words, change]) => ({ words, kind: "view", run: () => setLook({ ...look(), ...change }) })),
  ];
  let layouts = [];

  function company({ id, ticker, name }) {
    const url = dialog.dataset.companyUrl.replace("/0/", `/${Number(id)}/`);
    return { words: `${ticker} · ${name}`, kind: "company", run: () => location.assign(url) };
  }

  palette(dialog, {
    slash: true,
    own: () => [...layouts, ...fixed],
    async opening() {
      const { results } = await api("GET", dialog.dataset.layoutsUrl);
      layouts = results.map((layout) => ({ words: layout.name, kind: "layout", run: () => openLayout(layout) }));
    },
    async search(wanted) {
      const { results } = await api("GET", `${dialog.dataset.companiesUrl}?q=${encodeURIComponent(wanted)}`);
      return results.slice(0, MOST).map(company);
    },
  });
}
