// What renews itself while it is looked at: parts of pages with hx-trigger="live from:body" and
// data-live. Nothing is asked for while the tab is hidden, while a menu is open or text is chosen.

const EVERY_MS = 3000;

const busy = () =>
  document.hidden ||
  !document.querySelector("[data-live]") ||
  document.querySelector("details.menu[open], dialog[open]") ||
  document.querySelector("[data-live]").contains(getSelection()?.isCollapsed ? null : getSelection()?.anchorNode);

const tell = () => busy() || document.body.dispatchEvent(new CustomEvent("live"));

const stale = document.createElement("p");
stale.className = "notice";
stale.setAttribute("role", "status");

// What is shown is old from here on, and says so; what is gone is not asked for again.
function failed(event) {
  const part = event.target.closest?.("[data-live]");
  if (!part) return;
  const gone = [403, 404].includes(event.detail.xhr?.status);
  if (gone) part.removeAttribute("data-live");
  stale.textContent = gone
    ? "This is not here any more: it was deleted, or you may no longer see it. What follows is old."
    : "The server does not answer: what follows is not up to date. It is asked again.";
  if (!stale.isConnected) part.before(stale);
}

for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  document.body.addEventListener(name, failed);
}
document.body.addEventListener("htmx:afterSwap", () => document.querySelector("[data-live]") && stale.remove());
setInterval(tell, EVERY_MS);
document.addEventListener("visibilitychange", tell);
