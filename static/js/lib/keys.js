// Keys of the page in one registry: what handles them is what `?` lists.
//   register("x", "Select the picture", (event) => …)   "shift+x", "ctrl+k", "ArrowLeft", "?"
// A handler that returns false did not want the key. The last registered is asked first.

const bindings = new Map(); // key → [{ label, fn }]
const NAMES = {
  ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc", " ": "Space",
};

export function register(key, label, fn) {
  if (!bindings.has(key)) bindings.set(key, []);
  const entry = { label, fn };
  bindings.get(key).unshift(entry);
  return () => bindings.set(key, bindings.get(key).filter((other) => other !== entry));
}

export const shown = (key) =>
  key.split("+").map((part) => NAMES[part] ?? (part.length > 1 ? part[0].toUpperCase() + part.slice(1) : part));

// [[key, label], …] in the order registered, each label once.
export function list() {
  const rows = [];
  for (const [key, entries] of bindings) {
    const labelled = entries.find((entry) => entry.label);
    if (labelled) rows.push([key, labelled.label]);
  }
  return rows;
}

function pressed(event) {
  const plain = event.key.length === 1 && event.key !== " ";
  const letter = plain && /[a-z]/i.test(event.key);
  const parts = [];
  if (event.ctrlKey || event.metaKey) parts.push("ctrl");
  if (event.altKey) parts.push("alt");
  if (event.shiftKey && (!plain || letter)) parts.push("shift");
  parts.push(letter ? event.key.toLowerCase() : event.key);
  return parts.join("+");
}

const typing = (target) =>
  target instanceof Element &&
  target.closest("input:not([type=checkbox], [type=radio], [type=button], [type=submit]), textarea, select, [contenteditable]");

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing) return;
  const key = pressed(event);
  if (typing(event.target) && key !== "Escape" && !key.startsWith("ctrl+")) return;
  if (document.querySelector("dialog[open]")) return; // a dialog keeps its own keys
  for (const { fn } of bindings.get(key) ?? []) {
    if (fn(event) !== false) {
      event.preventDefault();
      return;
    }
  }
});
