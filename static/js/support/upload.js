/** The import form: files dropped on it are chosen, and what is chosen is said. */
import { language, translateCount } from "../words.js";

export default function start(form) {
  const field = form.querySelector("input[type=file]");
  const words = form.querySelector("[data-chosen]");
  const tell = () => {
    const size = [...field.files].reduce((sum, file) => sum + file.size, 0);
    words.textContent = `${translateCount("{n} file", "{n} files", field.files.length)}, ${Math.max(1, Math.round(size / 1024)).toLocaleString(language)} KB`;
  };
  field.addEventListener("change", tell);
  for (const name of ["dragover", "dragleave", "drop"]) {
    form.addEventListener(name, (event) => {
      event.preventDefault();
      form.toggleAttribute("data-over", name === "dragover");
    });
  }
  form.addEventListener("drop", (event) => {
    if (!event.dataTransfer.files.length) return;
    field.files = event.dataTransfer.files;
    tell();
  });
}
