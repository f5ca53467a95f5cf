/**
 * Search and filter of the list, and one's own views of it.
 *
 *   <form data-filters>…<button data-view-save="/api/…/views/"></form>
 *   <ul data-views="/api/…/views/"><li><a> <button data-view-delete="7"></li></ul>
 */
import { api } from "../http.js";
import { toast } from "../toast.js";
import { translate } from "../words.js";

export function filtering(root) {
  const form = root.querySelector("[data-filters]");
  // An address without what is not asked for.
  form.addEventListener("formdata", ({ formData }) => {
    for (const [name, value] of [...formData]) if (!value) formData.delete(name);
  });
  const save = form.querySelector("[data-view-save]");
  save?.addEventListener("click", async () => {
    const name = prompt(translate("A name for this view:"))?.trim();
    if (!name) return;
    const { tab, ...filters } = Object.fromEntries(new URLSearchParams(`tab=${root.dataset.tab}&${root.dataset.query}`));
    await attempt(() => api("POST", save.dataset.viewSave, { name, tab, filters }));
  });
  for (const button of root.querySelectorAll("[data-view-delete]")) {
    const { views } = button.closest("[data-views]").dataset;
    button.addEventListener("click", () => attempt(() => api("DELETE", `${views}${button.dataset.viewDelete}/`)));
  }
}

async function attempt(act) {
  try {
    await act();
    location.reload();
  } catch (error) {
    toast(error.message, { kind: "danger" });
  }
}
