/**
 * The phrases of an item's text that bear out why it is shown: under each reason, and marked in the
 * text for one reason at a time.
 *
 *   <p data-part="text">…</p> <ul data-part="why"><li>…</li></ul>
 *
 * They come after the page, since the encoder reads the text once for each phrase.
 */
import { api } from "../http.js";
import { translate } from "../words.js";

export async function showPhrases(root) {
  const list = root.querySelector('[data-part="why"]');
  const text = root.querySelector('[data-part="text"]');
  if (!list) return;
  const { reasons } = await api("GET", root.dataset.why).catch(() => ({ reasons: [] }));
  const plain = text.textContent;
  const buttons = [];
  for (const [at, reason] of reasons.entries()) {
    const line = list.children[at];
    if (!reason.phrases.length || line?.querySelector("span").textContent !== reason.words) continue;
    const button = phrasesButton(reason.phrases);
    button.addEventListener("click", () => choose(button, reason.phrases));
    line.append(button);
    buttons.push(button);
  }
  buttons[0]?.click();

  function choose(chosen, phrases) {
    const on = chosen.getAttribute("aria-pressed") !== "true";
    for (const button of buttons) button.setAttribute("aria-pressed", String(button === chosen && on));
    text.replaceChildren(...(on ? marked(plain, phrases) : [plain]));
  }
}

function phrasesButton(phrases) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "why-phrases";
  button.setAttribute("aria-pressed", "false");
  button.title = translate("Mark these words in the text");
  button.append(...phrases.map(({ text }) => Object.assign(document.createElement("q"), { textContent: text })));
  return button;
}

/** The text as nodes, with what the phrases hold inside of <mark>. Places count characters, not units. */
function marked(plain, phrases) {
  const characters = [...plain];
  const nodes = [];
  let end = 0;
  for (const phrase of [...phrases].sort((one, other) => one.start - other.start)) {
    nodes.push(characters.slice(end, phrase.start).join(""));
    nodes.push(Object.assign(document.createElement("mark"), { textContent: characters.slice(phrase.start, phrase.end).join("") }));
    end = phrase.end;
  }
  nodes.push(characters.slice(end).join(""));
  return nodes;
}
