/**
 * Rows of tabs, and what else scrolls `data-sideways`: the tab of this page is brought into view, and
 * an edge beyond which there is more fades (`data-more="start"`, `"end"` or `"both"`, see components.css).
 */
function mark(row) {
  const start = row.scrollLeft > 4;
  const end = row.scrollLeft + row.clientWidth < row.scrollWidth - 4;
  row.dataset.more = start && end ? "both" : start ? "start" : end ? "end" : "";
}

const resized = new ResizeObserver((entries) => entries.forEach((entry) => mark(entry.target)));

for (const row of document.querySelectorAll(".subnav, .tabs, [data-sideways]")) {
  const current = row.querySelector('[aria-current="page"], [aria-current="true"]');
  if (current) row.scrollLeft = current.offsetLeft - row.offsetLeft - (row.clientWidth - current.offsetWidth) / 2;
  row.addEventListener("scroll", () => mark(row), { passive: true });
  resized.observe(row);
  mark(row);
}
