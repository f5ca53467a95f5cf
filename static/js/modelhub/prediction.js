/**
 * Opens the prediction that a link names behind the #: `#task=intent&text=...`, which no server
 * and no log of one reads; see templates/modelhub/opened.html.
 */
export default function start(form) {
  const asked = new URLSearchParams(location.hash.slice(1));
  if (!asked.get("text")) return;
  history.replaceState(null, "", location.pathname);
  for (const name of ["task", "text"]) form.elements[name].value = asked.get(name) ?? "";
  form.requestSubmit();
}
