// The page of one picture: ranks by arrow keys, its versions, copying.

import { register } from "../lib/keys.js";
import { isOpen } from "../lib/panel.js";

const elsewhere = () => isOpen() || Boolean(document.activeElement?.closest?.("[data-gallery], .table-wrap"));

for (const [key, step, label] of [["ArrowLeft", -1, "Picture one rank better"], ["ArrowRight", 1, "Picture one rank worse"]]) {
  register(key, label, () => {
    if (versions.includes(document.activeElement)) return walk(step);
    const link = document.querySelector(`a[data-rank="${step}"]`);
    if (!link || elsewhere()) return false;
    location.assign(link.href);
    return true;
  });
}

// Versions: keys walk them, and where one lies is drawn on the representative.
const versions = [...document.querySelectorAll("[data-version]")];
const drawings = [...document.querySelectorAll("[data-lies], [data-root] .lies")];

function lie(points) {
  for (const drawing of drawings) {
    drawing.toggleAttribute("data-shown", Boolean(points));
    for (const polygon of drawing.children) polygon.setAttribute("points", points ?? "");
  }
}

function walk(step) {
  const at = versions.indexOf(document.activeElement);
  const next = at < 0 ? versions[step > 0 ? 0 : versions.length - 1] : versions[at + step];
  if (!next) return false;
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest", inline: "nearest" });
  return true;
}

for (const version of versions) {
  for (const event of ["pointerenter", "focus"]) version.addEventListener(event, () => lie(version.dataset.outline));
  for (const event of ["pointerleave", "blur"]) version.addEventListener(event, () => lie(null));
}
if (versions.length) {
  register("v", "Next version; Enter holds it against the representative", () => walk(1));
  register("shift+v", "Version before", () => walk(-1));
}

document.addEventListener("click", async (event) => {
  const order = event.target.closest("[data-order]");
  if (order) {
    for (const chip of document.querySelectorAll("[data-order]")) chip.setAttribute("aria-pressed", String(chip === order));
  }
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(button.previousElementSibling);
    button.textContent = "Selected: press Ctrl C";
  }
});
