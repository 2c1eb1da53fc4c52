// Galleries: `<div class="gallery" data-gallery>` of figures from imagery/_picture.html, also ones
// that come later. Click opens the side panel, Enter the page; arrows walk, x selects, shift a run.
// `gallery:selection` is sent from the document with detail { ids } when the selection changes.

import * as panel from "./panel.js";
import { register } from "./keys.js";

const FIGURE = "[data-gallery] .picture[data-id]";
let last = null; // where walking goes on
let anchor = null; // where a run begins: what was selected last

const all = () => [...document.querySelectorAll(FIGURE)];
const link = (figure) => figure.querySelector("a[href]");
const current = () => document.activeElement?.closest?.(FIGURE) ?? (last?.isConnected ? last : null);

export const selected = () => all().filter((figure) => "selected" in figure.dataset);

function announce() {
  const figures = selected();
  document.dispatchEvent(
    new CustomEvent("gallery:selection", { detail: { ids: figures.map((f) => f.dataset.id), figures } }),
  );
}

export function clear() {
  const figures = selected();
  for (const figure of figures) mark(figure, false);
  if (figures.length) announce();
  return figures.length > 0;
}

function mark(figure, on) {
  figure.toggleAttribute("data-selected", on);
  const label = figure.querySelector("[data-selected-word]");
  if (label) label.textContent = on ? "selected" : "";
}

function toggle(figure) {
  if (!figure) return false;
  mark(figure, !("selected" in figure.dataset));
  last = figure;
  anchor = figure;
  announce();
  return true;
}

function run(figure) {
  if (!figure) return false;
  const figures = all();
  const from = figures.indexOf(anchor?.isConnected ? anchor : (last ?? figure));
  const to = figures.indexOf(figure);
  for (const f of figures.slice(Math.min(from, to), Math.max(from, to) + 1)) mark(f, true);
  last = figure;
  anchor = figure;
  announce();
  return true;
}

function show(figure) {
  for (const other of document.querySelectorAll(`${FIGURE}[aria-current]`)) other.removeAttribute("aria-current");
  figure.setAttribute("aria-current", "true");
  last = figure;
  panel.open(link(figure).getAttribute("href"), { from: link(figure) });
}

function go(figure) {
  if (!figure) return false;
  last = figure;
  link(figure).focus({ preventScroll: true });
  figure.scrollIntoView({ block: "nearest", inline: "nearest" });
  if (panel.isOpen()) show(figure);
  return true;
}

function firstVisible() {
  return all().find((figure) => figure.getBoundingClientRect().bottom > 80) ?? null;
}

function walk(step) {
  const at = current();
  if (!at) return go(firstVisible());
  const figures = all();
  return go(figures[figures.indexOf(at) + step] ?? null);
}

// The figure above or below whose middle is nearest.
function climb(direction) {
  const at = current();
  if (!at || document.activeElement?.closest(FIGURE) === null) return false;
  const from = at.getBoundingClientRect();
  const middle = from.left + from.width / 2;
  let best = null;
  for (const figure of all()) {
    const box = figure.getBoundingClientRect();
    const rows = direction * (box.top - from.top);
    if (rows < from.height / 2) continue;
    const score = rows * 10 + Math.abs(box.left + box.width / 2 - middle);
    if (!best || score < best.score) best = { figure, score };
  }
  return go(best?.figure ?? null);
}

document.addEventListener("click", (event) => {
  const figure = event.target.closest?.(FIGURE);
  if (!figure || !event.target.closest("a") || event.button !== 0) return;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.detail === 0) return; // Enter on the link: the full page
  event.preventDefault();
  if (event.shiftKey) run(figure);
  else show(figure);
});

document.addEventListener("panel:close", () => {
  for (const figure of document.querySelectorAll(`${FIGURE}[aria-current]`)) figure.removeAttribute("aria-current");
});

if (document.querySelector("[data-gallery]")) {
  register("ArrowRight", "Next picture", () => walk(1));
  register("ArrowLeft", "Previous picture", () => walk(-1));
  register("ArrowDown", "Picture below", () => climb(1));
  register("ArrowUp", "Picture above", () => climb(-1));
  register("Enter", "Open the picture's page", () => {
    const at = panel.isOpen() ? current() : null;
    if (!at || document.activeElement?.closest("a, button")) return false;
    location.assign(link(at).href);
    return true;
  });
  register(" ", "Open beside the page", () => {
    const at = document.activeElement?.closest?.(FIGURE);
    if (!at) return false;
    show(at);
    return true;
  });
  register("x", "Select the picture", () => toggle(current() ?? firstVisible()));
  register("shift+x", "Select a run", () => run(current()));
  register("Escape", "", () => (panel.isOpen() ? false : clear()));
}
