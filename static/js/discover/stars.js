/**
 * The reader's rating of an item: `<form data-part="stars">` with radio buttons named `stars` and a
 * button `[data-part="unrate"]` that takes it back. Of several ratings the server keeps the latest.
 */
export function rateBy(root, session) {
  const form = root.querySelector('[data-part="stars"]');
  const back = form.querySelector('[data-part="unrate"]');
  const { item } = root.dataset;
  let held = Number(form.elements.stars.value) || 0;
  const show = (value) => {
    held = value;
    for (const star of form.elements.stars) star.checked = Number(star.value) === value;
    back.hidden = !value;
  };
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", async () => {
    const before = held;
    const value = Number(form.elements.stars.value);
    show(value);
    // What could not be stored is said by the session; the stars stand as they did.
    const answer = await session.record(item, "rating", undefined, value).catch(() => null);
    if (!answer || answer.paused) show(before);
  });
  back.addEventListener("click", async () => {
    const before = held;
    show(0);
    form.elements.stars[0].focus();
    await session.forget(item, "rating").catch(() => show(before));
  });
  return show;
}
