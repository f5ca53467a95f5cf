// <script src="https://your-trefoil/static/js/support/embed.js" defer></script>
// Puts a chat button at the bottom right of a page and opens the widget in a frame. The site must
// be listed in TREFOIL_WIDGET_FRAME_ANCESTORS of the server. `data-identity` holds the statement by
// which the site vouches for who is signed in there; it stays behind "#", which no server logs.
// The looks: `data-label` on the button, `data-title` over the chat, `data-accent` as "#14694a",
// `data-side` as "left", `data-language` as "zh-hans" (else the visitor's browser tells).
(() => {
  const origin = new URL(document.currentScript.src).origin;
  const { identity, label, title, accent, side, language } = document.currentScript.dataset;
  const colour = /^#[0-9a-f]{6}$/i.test(accent) ? accent : "#14694a";
  const [red, green, blue] = [1, 3, 5].map((at) => (parseInt(colour.slice(at, at + 2), 16) / 255) ** 2.2);
  const words = red * 0.21 + green * 0.72 + blue * 0.07 > 0.19 ? "#111" : "#fff"; // which can be read on it
  const button = document.createElement("button");
  const frame = document.createElement("iframe");
  const place = (element, styles) => Object.assign(element.style, { position: "fixed", zIndex: "2147483000", [side === "left" ? "left" : "right"]: "20px", ...styles });
  button.type = "button";
  const chinese = /^zh\b/i.test(language || navigator.language);
  button.textContent = label || (chinese ? "联系客服" : "Chat with us");
  button.setAttribute("aria-expanded", "false");
  place(button, { bottom: "20px", padding: "12px 20px", border: "0", borderRadius: "999px", background: colour, color: words, font: "600 15px system-ui, sans-serif", cursor: "pointer", boxShadow: "0 6px 24px rgb(0 0 0 / 20%)" });
  frame.title = chinese ? "客服聊天" : "Chat";
  const looks = new URLSearchParams({ frame: 1, ...(title && { title }), ...(accent && { accent: colour }), ...(language && { language }) });
  place(frame, { bottom: "80px", width: "min(400px, calc(100vw - 40px))", height: "min(640px, calc(100vh - 110px))", border: "0", borderRadius: "16px", boxShadow: "0 10px 40px rgb(0 0 0 / 25%)", display: "none" });
  button.addEventListener("click", () => {
    const open = frame.style.display === "none";
    if (open && !frame.src) frame.src = `${origin}/support/widget/?${looks}${identity ? `#identity=${encodeURIComponent(identity)}` : ""}`;
    frame.style.display = open ? "block" : "none";
    button.setAttribute("aria-expanded", String(open));
    if (open) frame.focus();
  });
  document.body.append(frame, button);
})();
