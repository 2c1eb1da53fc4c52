// What renews itself while it is looked at: parts of pages with hx-trigger="live from:body" and
// data-live. Nothing is asked for while the tab is hidden, while a menu is open or text is chosen.

const EVERY_MS = 3000;

const busy = () =>
  document.hidden ||
  !document.querySelector("[data-live]") ||
  document.querySelector("details.menu[open], dialog[open]") ||
  document.querySelector("[data-live]").contains(getSelection()?.isCollapsed ? null : getSelection()?.anchorNode);

const tell = () => busy() || document.body.dispatchEvent(new CustomEvent("live"));

setInterval(tell, EVERY_MS);
document.addEventListener("visibilitychange", tell);
