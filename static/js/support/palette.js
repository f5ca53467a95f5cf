/**
 * Support's palette finds conversations and articles by words and meaning, pages, and what can be
 * done with the open conversation: Ctrl+K (⌘K).
 *
 *   <dialog data-controller="support-palette" data-search-url>
 */
import { api } from "../http.js";
import { pages, palette } from "../palette.js";
import { translate } from "../words.js";

const ACTIONS = "[data-action]:not([hidden]), [data-transfer-open]:not([hidden]), [data-wake]:not([hidden]), [data-panel-toggle], [data-keys-open]";

export default function start(dialog) {
  const links = pages(".subnav a, .tabs a, .rail-links a");

  function actions() {
    const known = new Set();
    return [...document.querySelectorAll(`.console :is(${ACTIONS})`)]
      .map((button) => ({ words: button.textContent.replace(/\s+/g, " ").trim(), kind: translate("do"), run: () => button.click() }))
      .filter((one) => one.words && !known.has(one.words) && known.add(one.words));
  }

  palette(dialog, {
    own: () => [...actions(), ...links],
    async search(wanted) {
      const found = await api("GET", `${dialog.dataset.searchUrl}?q=${encodeURIComponent(wanted)}`);
      // What nobody has written about yet can be begun from here.
      const draft = { words: translate("Draft article “{title}”", { title: wanted }), kind: translate("new"), run: () => location.assign(`/support/knowledge/new/?title=${encodeURIComponent(wanted)}`) };
      return [
        ...found.conversations.map((one) => ({ words: `${one.name}: ${one.text}`, kind: translate(one.how), run: () => location.assign(`/support/c/${one.id}/`) })),
        ...found.articles.map((one) => ({ words: one.title, kind: translate("article"), run: () => location.assign(`/support/knowledge/a/${one.slug}/`) })),
        ...(found.articles.length ? [] : [draft]),
      ];
    },
  });
}
