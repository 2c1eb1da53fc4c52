// What every page has: theme, keys, palette, panel, galleries, menus.

import { list, register, shown } from "./lib/keys.js";
import "./lib/palette.js";
import "./lib/panel.js";
import "./lib/gallery.js";
import "./lib/selection.js";
import "./lib/covered.js";
import "./lib/endless.js";
import "./lib/live.js";

const root = document.documentElement;

for (const button of document.querySelectorAll("[data-theme-toggle]")) {
  button.addEventListener("click", () => {
    const dark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try {
      localStorage.setItem("theme", root.dataset.theme);
    } catch {
      // Kept for this page alone.
    }
    document.dispatchEvent(new CustomEvent("theme"));
  });
}

const keys = document.getElementById("keys");
function listKeys() {
  const rows = list().flatMap(([key, label]) => {
    const dt = document.createElement("dt");
    dt.append(...shown(key).map((part) => Object.assign(document.createElement("kbd"), { textContent: part })));
    return [dt, Object.assign(document.createElement("dd"), { textContent: label })];
  });
  keys.querySelector("dl").replaceChildren(...rows);
  keys.showModal();
}
register("?", "List these keys", listKeys);
for (const button of document.querySelectorAll("[data-list-keys]")) button.addEventListener("click", listKeys);

// One menu at a time; a click elsewhere or Escape closes it.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
register("Escape", "", () => {
  const menu = document.querySelector("details.menu[open]");
  if (!menu) return false;
  menu.open = false;
  menu.querySelector("summary").focus();
  return true;
});

// A form that asks first: data-confirm="Remove ana from this event?"
document.addEventListener("submit", (event) => {
  const words = event.submitter?.dataset.confirm ?? event.target.dataset.confirm;
  if (words && !window.confirm(words)) event.preventDefault();
});

// A select that sends its form when it changes.
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit-on-change]")) event.target.form.requestSubmit();
});

// Logged out meanwhile: what asks by itself is told the login page, which belongs nowhere here.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, target } = event.detail;
  if (!new URL(xhr.responseURL || location.href, location.href).pathname.startsWith("/login/")) return;
  event.detail.shouldSwap = false;
  const note = document.createElement("p");
  note.className = "notice";
  note.setAttribute("role", "alert");
  note.innerHTML = "<strong>You are logged out.</strong> <a>Log in</a>";
  note.querySelector("a").href = location.href;
  if (target.id === "progress") note.style.paddingInline = "var(--edge)";
  target.replaceWith(note);
});
