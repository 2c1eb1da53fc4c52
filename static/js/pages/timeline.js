import { draw } from "../charts/timeline.js";
import { register } from "../lib/keys.js";
import * as panel from "../lib/panel.js";
import { scrubber } from "../lib/scrubber.js";
import { params } from "../lib/state.js";

const MINUTES = { "1min": 1, "5min": 5, "15min": 15, "1h": 60, "6h": 360, "1d": 1440, "1w": 10080, "1mon": 43830, "1y": 525960 };
const FEW = 8; // columns below which a chosen interval gives way to the automatic one

const figure = document.querySelector("[data-chart='timeline']");
const columns = document.querySelector("[data-timeline]");
const scroll = document.querySelector("[data-contact-scroll]");
const track = document.querySelector("[data-scrubber]");

const stamp = (moment) => (typeof moment === "number" ? `${new Date(moment * 1000).toISOString().slice(0, 16)}Z` : moment);

// Shows another window: the page's own address with other ends.
function go(start, end) {
  const found = params();
  const minutes = (Date.parse(stamp(end)) - Date.parse(stamp(start))) / 60000;
  if (minutes < FEW * (MINUTES[found.get("interval")] ?? 0)) found.delete("interval");
  found.set("start", stamp(start));
  found.set("end", stamp(end));
  location.assign(`${location.pathname}?${found}`);
}

function whole() {
  const found = params();
  if (!found.has("start") && !found.has("end")) return;
  found.delete("start");
  found.delete("end");
  location.assign(location.pathname + (found.size ? `?${found}` : ""));
}

// The scrubber --------------------------------------------------------------------------------

// Brings that share of the window to the middle of what is seen.
function seek(share) {
  if (!scroll) return;
  const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
  scroll.scrollTo({ left: share * scroll.scrollWidth - scroll.clientWidth / 2, behavior });
}

const bar = track && scrubber(track, { onWindow: go, onSeek: seek });

function zoom(factor, shift = 0) {
  const { start, end } = bar.held;
  const middle = (start + end) / 2 + shift * (end - start);
  const half = Math.max(60, ((end - start) * factor) / 2);
  const from = Math.max(bar.first, Math.round((middle - half) / 60) * 60);
  const to = Math.min(bar.last, Math.round((middle + half) / 60) * 60);
  if (to <= from || (from === start && to === end)) return false;
  go(from, to);
  return true;
}

if (bar) {
  register("+", "Zoom in", () => zoom(0.5));
  register("=", "", () => zoom(0.5));
  register("-", "Zoom out", () => zoom(2));
  register("[", "Earlier", () => zoom(1, -0.5));
  register("]", "Later", () => zoom(1, 0.5));
  register("0", "Whole span", whole);
}

function look() {
  const hidden = scroll.scrollWidth - scroll.clientWidth;
  if (hidden < 8) return bar.seen(0, 0);
  return bar.seen(scroll.scrollLeft / scroll.scrollWidth, (scroll.scrollLeft + scroll.clientWidth) / scroll.scrollWidth);
}
if (bar && scroll) {
  scroll.addEventListener("scroll", look, { passive: true });
  new ResizeObserver(look).observe(scroll);
}

// One picture in all its columns --------------------------------------------------------------

let chart = null;
let lit = null;
let waiting = 0;

function light(id) {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    if (id === lit) return;
    for (const other of columns.querySelectorAll(".lit")) other.classList.remove("lit");
    lit = id;
    const same = id ? columns.querySelectorAll(`.picture[data-id="${id}"]`) : [];
    if (same.length > 1) for (const other of same) other.classList.add("lit");
    columns.toggleAttribute("data-lit", same.length > 1);
    chart?.mark(id ? Number(id) : null);
  }, 60);
}

const idOf = (target) => target?.closest?.("[data-timeline] .picture")?.dataset.id ?? null;

// Arrows: up and down within a column, left and right to the picture beside.
function step(across, down) {
  const at = document.activeElement?.closest?.("[data-timeline] .picture");
  if (!at) return false;
  const list = [...columns.children].filter((column) => column.querySelector(".picture"));
  const column = at.closest(".column");
  const row = [...column.querySelectorAll(".picture")].indexOf(at) + down;
  const pictures = (list[list.indexOf(column) + across] ?? column).querySelectorAll(".picture");
  const next = pictures[across ? Math.min(row, pictures.length - 1) : row];
  if (!next || next === at) return true;
  const link = next.querySelector("a");
  link.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest", inline: "nearest" });
  if (panel.isOpen()) panel.open(link.getAttribute("href"), { from: link });
  return true;
}

if (columns) {
  columns.addEventListener("pointerover", (event) => light(idOf(event.target)));
  const opened = () => columns.querySelector(".picture[aria-current]")?.dataset.id ?? null;
  columns.addEventListener("pointerleave", () => light(idOf(document.activeElement) ?? opened()));
  columns.addEventListener("focusin", (event) => light(idOf(event.target)));
  columns.addEventListener("focusout", () => light(opened()));
  document.addEventListener("panel:close", () => light(null));
  const narrow = matchMedia("(max-width: 760px)");
  const turned = (across, down) => () => (narrow.matches ? step(down, across) : step(across, down));
  register("ArrowRight", "Picture in the next interval", turned(1, 0));
  register("ArrowLeft", "Picture in the interval before", turned(-1, 0));
  register("ArrowDown", "", turned(0, 1));
  register("ArrowUp", "", turned(0, -1));
}

// The histogram -------------------------------------------------------------------------------

function open(i) {
  const column = columns?.children[i];
  if (!column) return;
  if (matchMedia("(max-width: 760px)").matches && !column.classList.contains("bare")) {
    column.scrollIntoView({ behavior: "smooth", block: "start" });
  } else {
    location.assign(column.querySelector("a").href);
  }
}

if (figure) {
  try {
    chart = await draw(figure, { onWindow: go, onInterval: open, onReset: whole });
  } catch (error) {
    // The bars the server drew stay; only dragging on them is lost.
    figure.title = error.message;
  }
}
