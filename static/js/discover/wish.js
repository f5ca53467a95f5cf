/** What the reader states at the top of the page: the sentence, subjects, the dial. */
export function showDial(dial, value) {
  if (document.activeElement !== dial) dial.value = value;
}

export function showChosen(chips, chosen) {
  const held = new Set(chosen);
  for (const chip of chips.querySelectorAll("[data-chip]")) {
    chip.setAttribute("aria-pressed", String(held.has(chip.dataset.chip)));
  }
}

export function showWish(part, wish) {
  const field = part("wish-form").elements.wish;
  if (document.activeElement !== field) field.value = wish.text;
  part("wish-read").hidden = !wish.text;
  part("wanted").textContent = wish.wanted;
  part("wanted").hidden = part("wanted").previousElementSibling.hidden = !wish.wanted;
  part("unwanted-label").hidden = wish.unwanted.length === 0;
  part("unwanted").replaceChildren(
    ...wish.unwanted.map((text) => {
      const chip = document.createElement("span");
      chip.className = "chip danger";
      chip.textContent = text;
      return chip;
    }),
  );
}

export function listenToWish(root, part, session) {
  const form = part("wish-form");
  const button = form.querySelector("button");
  button.disabled = false; // before, the browser itself would send the sentence and load the page anew
  const send = async (text) => {
    button.disabled = true;
    await session.wish(text).catch(() => {});
    button.disabled = false;
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    form.elements.wish.blur();
    send(form.elements.wish.value);
  });
  part("wish-clear").addEventListener("click", () => {
    form.elements.wish.value = "";
    send("");
  });
  root.addEventListener("click", (event) => {
    const chip = event.target.closest("[data-chip]");
    if (!chip) return;
    const chosen = chip.getAttribute("aria-pressed") !== "true";
    chip.setAttribute("aria-pressed", String(chosen));
    session.prefer("tag", chip.dataset.chip, chosen ? "more" : null).catch(() => {
      chip.setAttribute("aria-pressed", String(!chosen));
    });
  });
}
