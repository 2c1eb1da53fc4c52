// Two pictures held against each other: A lies on a plane, B on it where matches say it lies.

import { around, compose, corners, mirror, stretch } from "../lib/affine.js";
import { register } from "../lib/keys.js";
import { makePlane } from "../lib/plane.js";
import { get, set } from "../lib/state.js";

const data = JSON.parse(document.getElementById("compare-data").textContent);
const root = document.querySelector("[data-compare]");
const stage = root.querySelector("[data-stage]");
const layers = Object.fromEntries([...stage.querySelectorAll("[data-layer]")].map((one) => [one.dataset.layer, one]));
const pictures = Object.fromEntries(Object.entries(layers).map(([name, layer]) => [name, layer.querySelector("img")]));
const part = root.querySelector("[data-part]");
const whole = [1, 0, 0, 1, 0, 0];
const flags = { line: get("line") !== "0", mirror: get("mirror") === "1", outline: true };
const { width, height } = data.one;

const mode = () => root.dataset.mode;
const seen = (layer) => layer.checkVisibility();

// Where things lie -------------------------------------------------------------------------------

function second() {
  const placed = flags.line && data.told ? data.placed : data.free;
  return flags.mirror ? compose(placed, mirror(data.two.width)) : placed;
}

let map = second();
const ends = () => corners(map, data.two.width, data.two.height);
function box() {
  const { x, y, width: w, height: h } = around([[0, 0], [width, height], ...ends()]);
  const edge = stage.hasAttribute("data-outline") ? 0.015 * Math.max(w, h) : 0; // outlines need room
  return { x: x - edge, y: y - edge, width: w + 2 * edge, height: h + 2 * edge };
}

function layerAt(x, y) {
  const rects = Object.values(layers).filter(seen).map((layer) => layer.getBoundingClientRect());
  const inside = (r) => x >= r.left && x <= r.right && y >= r.top && y <= r.bottom;
  return (x === undefined ? null : rects.find(inside)) ?? rects[0];
}

// Drawing ------------------------------------------------------------------------------------------

let heatAt = whole; // where the difference picture lies
const arriving = new WeakMap(); // img → address on its way

function source(img, { sources: every }, across) {
  const uncovered = img.src.includes("shown=1"); // asked for, though a list blocks it
  const sources = every.map(([url, w]) => [uncovered ? `${url}${url.includes("?") ? "&" : "?"}shown=1` : url, w]);
  const wanted = (sources.find(([, w]) => w >= across * devicePixelRatio * 0.9) ?? sources.at(-1))[0];
  const has = sources.findIndex(([url]) => new URL(url, location.href).href === img.src);
  const wants = sources.findIndex(([url]) => url === wanted);
  if (wants <= has || arriving.get(img) === wanted) return; // what is finer stays
  arriving.set(img, wanted);
  const finer = new Image();
  finer.src = wanted;
  finer.decode().then(() => {
    if (arriving.get(img) === wanted) img.src = wanted;
  }, () => arriving.delete(img)); // too large to decode: the coarser one stays
}

function outline(layer, map_, points) {
  const text = points.map((point) => {
    const [a, b, c, d, e, f] = map_;
    return `${(a * point[0] + c * point[1] + e).toFixed(1)},${(b * point[0] + d * point[1] + f).toFixed(1)}`;
  }).join(" ");
  for (const polygon of layer.querySelectorAll("polygon")) polygon.setAttribute("points", text);
}

function draw() {
  const rect = layerAt();
  if (!rect) return;
  const k = plane.scale(rect);
  const view = [k, 0, 0, k, rect.width / 2 - plane.at.x * k, rect.height / 2 - plane.at.y * k];
  const own = { one: whole, two: map, heat: heatAt };
  for (const [name, img] of Object.entries(pictures)) {
    img.style.transform = `matrix(${compose(view, own[name]).map((v) => +v.toFixed(6)).join(",")})`;
  }
  stage.toggleAttribute("data-pixelated", k * devicePixelRatio >= 3);
  outline(layers.one, view, ends());
  outline(layers.two, view, corners(whole, width, height));
  source(pictures.one, data.one, width * k);
  source(pictures.two, data.two, data.two.width * k * stretch(map));
  root.querySelector("[data-zoom-words]").textContent = isZoomed() ? `${Math.round(k * 100)} %` : "whole";
  stage.dataset.ready = "";
  keepView();
}

let asked = 0;
const plane = makePlane(stage, {
  box,
  layerAt,
  drag: seamDrag,
  changed() {
    cancelAnimationFrame(asked);
    asked = requestAnimationFrame(draw);
  },
});

const isZoomed = () => Math.abs(plane.at.zoom - 1) > 0.001;
let kept = 0;
function keepView() {
  clearTimeout(kept);
  kept = setTimeout(() => {
    const { x, y, zoom } = plane.at;
    const zoomed = isZoomed();
    set({ zoom: zoomed ? zoom.toFixed(2) : null, x: zoomed ? (x / width).toFixed(4) : null, y: zoomed ? (y / height).toFixed(4) : null });
    carry();
  }, 200);
}

// Links to other pairs keep how one looks at them.
function carry() {
  for (const link of document.querySelectorAll("[data-swap], [data-other]")) {
    const url = new URL(link.href);
    url.searchParams.set("mode", mode());
    link.href = url.pathname + url.search;
  }
  for (const field of root.querySelectorAll("form [name=next]")) field.value = location.pathname + location.search;
}

// Modes ----------------------------------------------------------------------------------------------

function setMode(name) {
  root.dataset.mode = name;
  for (const button of root.querySelectorAll("[data-set-mode]")) {
    button.setAttribute("aria-pressed", String(button.dataset.setMode === name));
  }
  set({ mode: name });
  carry();
  if (name === "difference") heat();
  plane.keep();
}

function amount(percent) {
  part.value = percent;
  stage.style.setProperty("--part", percent / 100);
}

function seamDrag(event) {
  if (mode() !== "slider") return false;
  const rect = stage.getBoundingClientRect();
  const seam = rect.left + (rect.width * part.value) / 100;
  if (plane.at.zoom > 1.001 && Math.abs(event.clientX - seam) > 24) return false;
  const follow = ({ clientX }) => amount(Math.min(100, Math.max(0, ((clientX - rect.left) / rect.width) * 100)));
  follow(event);
  stage.setPointerCapture(event.pointerId);
  stage.addEventListener("pointermove", follow);
  for (const end of ["pointerup", "pointercancel"]) {
    stage.addEventListener(end, () => stage.removeEventListener("pointermove", follow), { once: true });
  }
  return true;
}

// The difference ---------------------------------------------------------------------------------------

const drawn = new Map(); // address → { src, words }
const percent = (share) => (share > 0 && share < 0.0005 ? "< 0.1 %" : `${(share * 100).toFixed(1)} %`);

async function difference(url) {
  const answer = await fetch(url, { credentials: "same-origin" });
  if (!answer.ok) throw new Error(answer.status === 404 ? "One of the two files cannot be shown." : `The server answered with an error (${answer.status}).`);
  const [overlap, added, differing] = ["Overlap", "Added", "Differing"].map((name) => answer.headers.get(`Afterimage-${name}`));
  const box = answer.headers.get("Afterimage-Box").split(" ").map(Number);
  const words = differing === ""
    ? ["The two share no place."]
    : [`${percent(Number(differing))} of the pixels${overlap < 0.995 || added > 0.005 ? " that both show" : ""} differ`];
  if (differing !== "" && overlap < 0.995) words.push(`B leaves out ${percent(1 - overlap)} of A`);
  if (differing !== "" && added > 0.005) words.push(`${percent(Number(added))} of B is not in A`);
  return { src: URL.createObjectURL(await answer.blob()), words: words.join("; "), box, added: added > 0.005 };
}

function heatUrl() {
  const url = new URL(data.difference, location.href);
  if (flags.mirror) url.searchParams.set("mirror", "1");
  if (!flags.line || !data.told) url.searchParams.set("line", "0");
  if (root.querySelector('img[src*="shown=1"]')) url.searchParams.set("shown", "1");
  return url.href;
}

document.addEventListener("click", (event) => {
  if (!event.target.closest?.("[data-show-covered]")) return;
  setTimeout(() => mode() === "difference" && heat()); // once the cover is lifted
}, true);

function lay({ src, box: [x, y, w, h], added }) {
  pictures.heat.src = src;
  pictures.heat.hidden = false;
  pictures.heat.style.width = `${w * width}px`;
  pictures.heat.style.height = `${h * height}px`;
  heatAt = [1, 0, 0, 1, x * width, y * height];
  root.querySelector("[data-added]").hidden = !added;
  plane.keep();
}

async function heat() {
  const url = heatUrl();
  const figures = root.querySelector("[data-heat-figures]");
  const words = root.querySelector("[data-heat-words]");
  if (!drawn.has(url)) {
    words.textContent = "Comparing every pixel …";
    drawn.set(url, difference(url));
  }
  try {
    const found = await drawn.get(url);
    if (mode() !== "difference" || heatUrl() !== url) return; // something else was asked for since
    lay(found);
    figures.textContent = found.words;
    words.textContent = "";
  } catch (error) {
    drawn.delete(url);
    pictures.heat.hidden = true;
    figures.textContent = "";
    words.textContent = error instanceof TypeError ? "The server does not answer. Is it running?" : error.message;
  }
}

// Acts ---------------------------------------------------------------------------------------------------

function toggle(name) {
  const button = root.querySelector(`[data-toggle="${name}"]`);
  if (!button) return false;
  flags[name] = !flags[name];
  show(name);
  if (name === "outline") return true;
  set({ line: flags.line ? null : "0", mirror: flags.mirror ? "1" : null });
  map = second();
  if (mode() === "difference") heat();
  plane.keep();
  return true;
}

function show(name) {
  root.querySelector(`[data-toggle="${name}"]`)?.setAttribute("aria-pressed", String(flags[name]));
  stage.toggleAttribute("data-outline", flags.outline && flags.line && data.outlined);
}

const onePixel = () => plane.pixels(1 / devicePixelRatio);
const isOnePixel = () => Math.abs(plane.scale() * devicePixelRatio - 1) < 0.01;
const zooms = { in: plane.larger, out: plane.smaller, whole: plane.whole, pixels: onePixel };

root.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.setMode) setMode(button.dataset.setMode);
  if (button?.dataset.zoom) zooms[button.dataset.zoom]();
  if (button?.dataset.toggle) toggle(button.dataset.toggle);
});
stage.addEventListener("dblclick", (event) => {
  if (isZoomed()) plane.whole();
  else plane.pixels(Math.max(1 / devicePixelRatio, plane.scale() * 2.5), event.clientX, event.clientY);
});
part.addEventListener("input", () => amount(Number(part.value)));

const modes = [...root.querySelectorAll("[data-set-mode]")];
modes.forEach((button, i) => register(String(i + 1), button.textContent, () => setMode(button.dataset.setMode)));
register("+", "Larger", plane.larger);
register("=", "", plane.larger);
register("-", "Smaller", plane.smaller);
register("0", "Show the whole", plane.whole);
register("z", "One pixel for one, or the whole", () => (isOnePixel() ? plane.whole() : onePixel()));
for (const [key, dx, dy, label] of [["ArrowLeft", 1, 0, "Move, where it is zoomed"], ["ArrowRight", -1, 0, ""], ["ArrowUp", 0, 1, ""], ["ArrowDown", 0, -1, ""]]) {
  register(key, label, () => {
    if (plane.at.zoom <= 1.001 || document.activeElement?.closest(".table-wrap, .film")) return false;
    const rect = layerAt();
    plane.move(dx * rect.width * 0.12, dy * rect.height * 0.12);
    return true;
  });
}
for (const [key, step, label] of [[",", -5, "Less of B"], [".", 5, "More of B"]]) {
  register(key, label, () => amount(Math.min(100, Math.max(0, Number(part.value) + step))));
}
register("m", "Mirror B", () => toggle("mirror"));
if (data.told) register("l", "Line up, or not", () => toggle("line"));
if (data.outlined) register("o", "Outline", () => toggle("outline"));
register("s", "Swap A and B", () => {
  root.querySelector("[data-swap]").click();
  return true;
});
const others = [...document.querySelectorAll("[data-other]")];
for (const [key, step, label] of [["n", 1, "Next version"], ["p", -1, "Version before"]]) {
  if (!others.length) break;
  register(key, label, () => {
    const next = others[others.findIndex((link) => link.hasAttribute("aria-current")) + step];
    if (!next) return false;
    next.click();
    return true;
  });
}

for (const img of [pictures.one, pictures.two, pictures.heat]) {
  const { width: w, height: h } = img === pictures.two ? data.two : data.one;
  img.style.width = `${w}px`;
  img.style.height = `${h}px`;
}
for (const name of ["line", "mirror", "outline"]) show(name);
amount(50);
plane.set(Number(get("x", 0.5)) * width || 0, Number(get("y", 0.5)) * height || 0, Number(get("zoom", 1)) || 1);
if (mode() === "difference") heat();
const current = others.find((link) => link.hasAttribute("aria-current"));
if (current) current.closest(".film").scrollLeft = current.offsetLeft - 80;
