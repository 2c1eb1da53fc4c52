// Regroups while θ is dragged: counts from the plot at once, pictures as soon as they arrive.

import { watch } from "../lib/endless.js";
import { getHtml } from "../lib/http.js";
import { register } from "../lib/keys.js";
import { remember, set } from "../lib/state.js";

const WAIT_MS = 60;
const form = document.querySelector("[data-theta]");
const gallery = document.querySelector("[data-groups]");

if (form) {
  const number = form.elements.similarity;
  const range = form.querySelector("[data-range]");
  const track = form.querySelector("[data-track]");
  const said = document.querySelector("[data-said]");
  const total = document.querySelector("[data-n-groups]");
  const keep = form.querySelector("[data-keep]");
  const keepForm = document.getElementById("keep-theta");
  const low = Number(number.min);
  const high = Number(number.max);
  const own = Number(form.dataset.own);
  const plot = JSON.parse(document.getElementById("theta-plot")?.textContent ?? "null");
  const unless = (query, name, usual) => (query.get(name) === usual ? null : query.get(name));
  const part = (theta) => (theta - low) / (high - low);
  const grouped = new Intl.NumberFormat("en");
  const named = (n) => `${grouped.format(n)} group${n === 1 ? "" : "s"}`;
  let asking = false;
  let again = false;
  let timer = 0;

  // What the plot knows of θ: the nearest of its points.
  function known(theta) {
    let best = 0;
    plot.thetas.forEach((at, i) => {
      if (Math.abs(at - theta) < Math.abs(plot.thetas[best] - theta)) best = i;
    });
    return { nGroups: plot.n_groups[best], largest: plot.largest[best] };
  }

  function line(values) {
    const top = Math.max(...values, 1);
    return plot.thetas
      .map((theta, i) => `${i ? "L" : "M"}${(1000 * part(theta)).toFixed(1)} ${(100 - (96 * values[i]) / top).toFixed(1)}`)
      .join("");
  }

  function tell(theta, counts) {
    if (track) {
      track.style.setProperty("--at", Math.min(1, Math.max(0, part(theta))));
      track.toggleAttribute("data-near-own", Math.abs(theta - own) * track.offsetWidth < 0.55 * 140);
      const words = track.querySelector(".thumb-words");
      words.dataset.side = part(theta) < 0.15 ? "start" : part(theta) > 0.85 ? "end" : "";
      words.querySelector("[data-thumb-groups]").textContent = named(counts.nGroups);
      words.querySelector("[data-thumb-largest]").textContent = `largest ${grouped.format(counts.largest)}`;
      range.setAttribute("aria-valuetext", `${theta}: ${named(counts.nGroups)}, the largest of ${counts.largest}`);
    }
    total.textContent = grouped.format(counts.nGroups);
    document.querySelector("[data-groups-word]").textContent = counts.nGroups === 1 ? "group" : "groups";
    if (keep) {
      keep.hidden = Math.abs(theta - own) < 1e-6;
      keep.querySelector("[data-keep-theta]").textContent = theta;
      keepForm.elements.similarity.value = theta;
    }
  }

  // One question at a time, the newest next: pictures keep coming while the thumb moves, however
  // slow the server is.
  async function regroup() {
    if (asking) {
      again = true;
      return;
    }
    asking = true;
    do {
      again = false;
      await ask(new URLSearchParams(new FormData(form)));
    } while (again);
    asking = false;
  }

  async function ask(query) {
    set({ similarity: query.get("similarity"), order: unless(query, "order", "posts"), min: unless(query, "min", "1") });
    remember({ parts: 0 });
    gallery.setAttribute("aria-busy", "true");
    try {
      replace(await getHtml(`${location.pathname}?${query}`));
    } catch (error) {
      said.textContent = error.message;
      gallery.replaceChildren(Object.assign(document.createElement("p"), { className: "groups-none", textContent: error.message }));
    }
    gallery.removeAttribute("aria-busy");
  }

  // Pictures already shown keep their elements' files: they come from the browser's cache at once.
  function replace(html) {
    const seen = new Set([...gallery.querySelectorAll("img.loaded")].map((img) => img.getAttribute("src")));
    gallery.style.minHeight = `${gallery.offsetHeight}px`;
    gallery.innerHTML = html;
    for (const img of gallery.querySelectorAll("img")) {
      if (seen.has(img.getAttribute("src"))) img.classList.add("loaded");
    }
    requestAnimationFrame(() => requestAnimationFrame(() => gallery.style.removeProperty("min-height")));
    const [nGroups, largest, shown] = (gallery.querySelector("[data-counts]")?.dataset.counts ?? "").split(" ").map(Number);
    if (nGroups) {
      if (!again) tell(Number(number.value), { nGroups, largest });
      said.textContent = `${named(shown)}, the largest of ${grouped.format(largest)} pictures`;
    }
    watch();
  }

  function move(theta, { wait = WAIT_MS } = {}) {
    const at = Math.min(high, Math.max(low, Math.round(theta * 10000) / 10000));
    number.value = at;
    if (range) range.value = at;
    if (plot) tell(at, known(at));
    clearTimeout(timer);
    timer = setTimeout(regroup, wait);
  }

  if (track && plot) {
    track.querySelector(".area").setAttribute("d", `${line(plot.n_groups)}V100H${(1000 * part(plot.thetas[0])).toFixed(1)}Z`);
    track.querySelector(".largest").setAttribute("d", line(plot.largest));
    track.style.setProperty("--own", part(own));
    range.addEventListener("input", () => move(Number(range.value)));
  }
  const [nGroups, largest] = (gallery.querySelector("[data-counts]")?.dataset.counts ?? "").split(" ").map(Number);
  if (nGroups) tell(Number(number.value), { nGroups, largest });

  for (const button of form.querySelectorAll("[data-step]")) {
    button.hidden = false;
    button.addEventListener("click", () => move(Number(number.value) + Number(button.dataset.step)));
  }
  form.addEventListener("submit", (event) => {
    if (event.submitter?.dataset.plain !== undefined) return;
    event.preventDefault();
    if (form.reportValidity()) move(Number(number.value), { wait: 0 });
  });
  form.addEventListener("change", (event) => {
    if (event.target === range || !form.reportValidity()) return;
    move(Number(number.value), { wait: 0 });
  });
  register("[", "Lower similarity", () => move(Number(number.value) - 0.005));
  register("]", "Raise similarity", () => move(Number(number.value) + 0.005));
  register("\\", "Back to the event's own similarity", () => move(own));

  const cards = () => [...gallery.querySelectorAll(".group-card > a")];
  const columns = () => getComputedStyle(gallery).gridTemplateColumns.split(" ").length;
  function walk(step) {
    const all = cards();
    const at = all.indexOf(document.activeElement);
    const next = all[at < 0 ? 0 : at + step];
    next?.focus({ preventScroll: true });
    next?.scrollIntoView({ block: "nearest" });
    return Boolean(next);
  }
  register("ArrowRight", "Next group", () => walk(1));
  register("ArrowLeft", "Previous group", () => walk(-1));
  register("ArrowDown", "Group below", () => cards().includes(document.activeElement) && walk(columns()));
  register("ArrowUp", "Group above", () => cards().includes(document.activeElement) && walk(-columns()));
}
