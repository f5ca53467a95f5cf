// <script src="https://your-trefoil/static/js/support/embed.js" defer></script>
// Puts a chat button at the bottom right of a page and opens the widget in a frame. The site must
// be listed in TREFOIL_WIDGET_FRAME_ANCESTORS of the server. `data-identity` holds the statement by
// which the site vouches for who is signed in there; it stays behind "#", which no server logs.
(() => {
  const origin = new URL(document.currentScript.src).origin;
  const { identity } = document.currentScript.dataset;
  const button = document.createElement("button");
  const frame = document.createElement("iframe");
  const place = (element, styles) => Object.assign(element.style, { position: "fixed", zIndex: "2147483000", right: "20px", ...styles });
  button.type = "button";
  button.textContent = "Chat with us";
  button.setAttribute("aria-expanded", "false");
  place(button, { bottom: "20px", padding: "12px 20px", border: "0", borderRadius: "999px", background: "#14694a", color: "#fff", font: "600 15px system-ui, sans-serif", cursor: "pointer", boxShadow: "0 6px 24px rgb(0 0 0 / 20%)" });
  frame.title = "Chat";
  place(frame, { bottom: "80px", width: "min(400px, calc(100vw - 40px))", height: "min(640px, calc(100vh - 110px))", border: "0", borderRadius: "16px", boxShadow: "0 10px 40px rgb(0 0 0 / 25%)", display: "none" });
  button.addEventListener("click", () => {
    const open = frame.style.display === "none";
    if (open && !frame.src) frame.src = `${origin}/support/widget/?frame=1${identity ? `#identity=${encodeURIComponent(identity)}` : ""}`;
    frame.style.display = open ? "block" : "none";
    button.setAttribute("aria-expanded", String(open));
    if (open) frame.focus();
  });
  document.body.append(frame, button);
})();
