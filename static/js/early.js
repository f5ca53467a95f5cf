// What somebody does before the page's behaviour has come is held, and done once it has: buttons that
// are pressed, forms that are sent, what is chosen or typed, Enter in the box of a chat. Loaded without
// "defer" in the head, so that it is there before anything that can be pressed; controllers.js tells by
// an event "attached" that an element [data-controller] has its behaviour.
(() => {
  const attached = new WeakSet();
  let held = [];

  function hold(event, element, again) {
    const root = element?.closest("[data-controller]");
    if (!root || attached.has(root)) return;
    event.stopImmediatePropagation();
    if (event.cancelable) event.preventDefault();
    held = held.filter((one) => one.element !== element || one.type !== event.type);
    held.push({ root, element, type: event.type, again });
  }

  const listen = (type, listener) => document.addEventListener(type, listener, { capture: true });
  listen("click", (event) => {
    const button = event.target.closest("button[type=button]");
    hold(event, button, () => button.click());
  });
  listen("submit", (event) => {
    const { target: form, submitter } = event;
    hold(event, form, () => form.requestSubmit(submitter));
  });
  for (const type of ["input", "change"]) {
    listen(type, (event) => {
      const { target: field } = event;
      hold(event, field, () => field.dispatchEvent(new Event(type, { bubbles: true })));
    });
  }
  listen("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    const box = event.target.closest("[data-composer] textarea");
    hold(event, box, () => box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true })));
  });
  document.addEventListener("attached", ({ target: root }) => {
    attached.add(root);
    const now = held.filter((one) => one.root === root);
    held = held.filter((one) => one.root !== root);
    for (const { element, again } of now) if (element.isConnected) again();
  });
})();
