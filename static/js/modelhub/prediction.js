/**
 * Opens the prediction that a link names behind the #: `#task=intent&text=...`, which no server
 * and no log of one reads; see templates/modelhub/opened.html.
 */
export default function start(form) {
  const asked = new URLSearchParams(location.hash.slice(1));
  if (!asked.get("text")) return;
  history.replaceState(null, "", location.pathname);
  const { task, text } = form.elements;
  const wanted = asked.get("task") ?? "";
  task.value = wanted;
  // A task that is not offered is sent as well, so that the answer says why it is not.
  if (task.selectedIndex < 0) task.add(new Option(wanted, wanted, true, true));
  text.value = asked.get("text");
  form.requestSubmit();
}
