// Decide by key: each key presses the button or link that the page has for it.

import { register } from "../lib/keys.js";

const KEYS = [
  [["s", "ArrowRight"], "same", "Same picture"],
  [["d", "ArrowLeft"], "different", "Not the same"],
  [["k", " "], "skip", "Skip the pair"],
  [["u"], "undo", "Undo the last decision"],
  [["b"], "back", "The pair before"],
  [["c"], "compare", "Compare closely"],
];

let busy = false; // a key held down decides no pair unseen

for (const [keys, act, label] of KEYS) {
  for (const key of keys) {
    register(key, label, (event) => {
      if (key === " " && event.target.closest?.("button, a, summary")) return false;
      const wanted = document.querySelector(`#review [data-act="${act}"]`);
      if (!wanted) return false;
      if (!busy && !event.repeat) wanted.click();
      return true;
    });
  }
}

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt.matches("[data-review]")) busy = true;
});
document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.detail.requestConfig.elt; // gone from the page by now, if all went well
  if (!form.matches("[data-review]")) return;
  busy = false;
  if (!event.detail.successful) location.reload(); // the page tells what holds
});
document.addEventListener("htmx:afterSettle", () => {
  if (document.activeElement === document.body) document.getElementById("content")?.focus({ preventScroll: true });
});
