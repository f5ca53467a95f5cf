// <div data-trefoil-recommend data-limit="6"></div>
// <script src="https://your-trefoil/static/js/discover/embed.js" data-identity="…" defer></script>
// Fills the element with recommendations as links, and tells the server what is opened. The site
// must be listed in TREFOIL_EMBED_ORIGINS of the server. `data-identity` holds the statement by
// which the site vouches for who is signed in there; without it a visitor is known again by a
// signed word in this site's own storage. `window.trefoilRecommend.tell(kind, itemId, value)` sends
// any other event.
(() => {
  const script = document.currentScript;
  const api = `${new URL(script.src).origin}/api/v1/recommend/embed/`;
  const identity = script.dataset.identity ?? "";
  const STORED = "trefoil-visitor";
  const stored = () => { try { return localStorage.getItem(STORED) ?? ""; } catch { return ""; } };
  const store = (word) => { try { localStorage.setItem(STORED, word); } catch { /* a private window: known for this page only */ } visitor = word; };
  let visitor = stored();

  const tell = (kind, itemId, value) => fetch(`${api}events/`, {
    method: "POST",
    keepalive: true,
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ identity, visitor, events: [{ event_id: crypto.randomUUID(), item_id: itemId, kind, at: new Date().toISOString(), ...(value === undefined ? {} : { value }) }] }),
  });

  const link = (card) => {
    const line = document.createElement("li");
    const title = document.createElement("a");
    title.href = card.url;
    title.textContent = card.title;
    title.addEventListener("click", () => tell("click", card.id));
    line.append(title);
    if (card.reason) {
      const reason = document.createElement("small");
      reason.textContent = ` ${card.reason}`;
      line.append(reason);
    }
    return line;
  };

  const fill = async (element) => {
    const asked = new URLSearchParams({ identity, visitor, limit: element.dataset.limit ?? "6" });
    const response = await fetch(`${api}recommendations/?${asked}`);
    if (!response.ok) return; // the site's page stays as it is
    const page = await response.json();
    if (!identity) store(page.visitor);
    const list = document.createElement("ul");
    list.append(...page.items.map(link));
    element.replaceChildren(list);
  };

  window.trefoilRecommend = { tell };
  for (const element of document.querySelectorAll("[data-trefoil-recommend]")) fill(element).catch(() => {});
})();
