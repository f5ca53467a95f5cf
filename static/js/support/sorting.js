/**
 * Handling of the open conversation: whom it is with, its priority, its tags, and putting it off.
 *
 *   <section data-sorting><button data-assign-me> <select data-assign> <select data-priority> <input data-tags></section>
 *   <details data-snooze><button data-snooze-for="hour|hours|tomorrow|week"></details> <button data-wake>
 */
const HOUR = 3_600_000;
const MORNING = 9;
const MONDAY = 1;

/** When a snooze ends, by the operator's own clock. */
export function snoozeEnd(choice, now = new Date()) {
  if (choice === "hour") return new Date(now.getTime() + HOUR);
  if (choice === "hours") return new Date(now.getTime() + 4 * HOUR);
  const end = new Date(now);
  end.setHours(MORNING, 0, 0, 0);
  do end.setDate(end.getDate() + 1);
  while (choice === "week" && end.getDay() !== MONDAY);
  return end;
}

/** `act(frame)` sends a command, `me` is the operator; returns `draw(conversation, owned)`. */
export function sorting(root, { act, me }) {
  const assign = root.querySelector("[data-assign]");
  const mine = root.querySelector("[data-assign-me]");
  const priority = root.querySelector("[data-priority]");
  const tags = root.querySelector("[data-tags]");
  const snooze = root.querySelector("[data-snooze]");
  const wake = root.querySelector("[data-wake]");
  let known = null;

  assign.addEventListener("change", () => act({ type: "conversation.assign", assignee: Number(assign.value), expected: known.assignee_id }));
  mine.addEventListener("click", () => act({ type: "conversation.assign", assignee: me.id, expected: known.assignee_id }));
  priority.addEventListener("change", () => act({ type: "conversation.sort", priority: Number(priority.value) }));
  tags.addEventListener("change", () => act({ type: "conversation.sort", tags: tags.value.split(",") }));
  for (const choice of snooze.querySelectorAll("[data-snooze-for]")) {
    choice.addEventListener("click", () => {
      snooze.open = false;
      act({ type: "conversation.snooze", until: snoozeEnd(choice.dataset.snoozeFor).toISOString() });
    });
  }
  wake.addEventListener("click", () => act({ type: "conversation.snooze", until: null }));
  return {
    draw(conversation, owned) {
      known = conversation;
      assign.value = conversation.assignee_id || "";
      assign.options[0].disabled = true; // "Back to the bot" and "Resolve" take it from somebody
      mine.hidden = owned;
      priority.value = conversation.priority;
      if (document.activeElement !== tags) tags.value = conversation.tags.join(", ");
      const may = conversation.state !== "resolved" && (conversation.state !== "person" || owned);
      snooze.hidden = !may || Boolean(conversation.snoozed_until);
      wake.hidden = !may || !conversation.snoozed_until;
    },
  };
}
