// Sets the theme before the first paint; loaded without "defer" in the head for that reason.
// The button [data-theme-toggle] goes round: as the system, light, dark. What else a person chose
// of how pages look (js/market/view.js) is set in the same moment.
(() => {
  const KEY = "trefoil-theme";
  const system = matchMedia("(prefers-color-scheme: dark)");
  const stored = () => {
    try {
      return localStorage.getItem(KEY) || "system";
    } catch {
      return "system"; // storage may be forbidden inside a frame
    }
  };
  const apply = () => {
    const wish = stored();
    const dark = wish === "dark" || (wish === "system" && system.matches);
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    document.documentElement.dataset.themeWish = wish;
    for (const name of ["scheme", "clock", "density"]) {
      try {
        document.documentElement.dataset[name] = localStorage.getItem(`trefoil-${name}`) || "";
      } catch {
        document.documentElement.dataset[name] = "";
      }
    }
  };
  apply();
  system.addEventListener("change", apply);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-toggle]");
    if (!button) return;
    const order = ["system", "light", "dark"];
    const next = order[(order.indexOf(stored()) + 1) % order.length];
    localStorage.setItem(KEY, next);
    apply();
    button.title = button.dataset[next];
  });
})();
