// The page of one picture: ranks by arrow keys, versions held against the representative, copying.

import { register } from "../lib/keys.js";
import { isOpen } from "../lib/panel.js";
import { set } from "../lib/state.js";

const elsewhere = () => isOpen() || Boolean(document.activeElement?.closest?.("[data-gallery], [data-compare], .table-wrap"));

for (const [key, step, label] of [["ArrowLeft", -1, "Picture one rank better"], ["ArrowRight", 1, "Picture one rank worse"]]) {
  register(key, label, () => {
    const link = document.querySelector(`a[data-rank="${step}"]`);
    if (!link || elsewhere()) return false;
    location.assign(link.href);
    return true;
  });
}

const compare = document.querySelector("[data-compare]");

if (compare) {
  const stage = compare.querySelector(".stage");
  const range = compare.querySelector("[data-compare-range]");
  const other = compare.querySelector("[data-other]");
  const words = compare.querySelector("[data-compare-words]");
  const bright = compare.querySelector("[data-compare-bright]");
  const versions = [...document.querySelectorAll("[data-version]")];
  const ratio = (width, height) => Number(width) / Number(height);

  function mode(name) {
    compare.dataset.mode = name;
    bright.hidden = name !== "difference";
    for (const button of compare.querySelectorAll("[data-set-mode]")) {
      button.setAttribute("aria-pressed", String(button.dataset.setMode === name));
    }
  }

  function slide() {
    stage.style.setProperty("--at", `${range.value}%`);
    stage.style.setProperty("--part", range.value / 100);
  }

  function words_of(link) {
    const [w, h] = getComputedStyle(compare).getPropertyValue("--ratio").split("/");
    const off = Math.abs(ratio(link.dataset.width, link.dataset.height) / ratio(w, h) - 1);
    return link.dataset.words + (off > 0.02 ? ", stretched to lie on the representative" : "");
  }

  function choose(link) {
    for (const version of versions) version.toggleAttribute("aria-current", false);
    link.setAttribute("aria-current", "true");
    other.src = link.dataset.src;
    words.textContent = words_of(link);
    compare.hidden = false;
    set({ compare: link.dataset.version, mode: compare.dataset.mode });
  }

  function close() {
    if (compare.hidden) return false;
    const chosen = versions.find((version) => version.hasAttribute("aria-current"));
    chosen?.removeAttribute("aria-current");
    compare.hidden = true;
    set({ compare: null, mode: null });
    chosen?.focus();
    return true;
  }

  function turn(step) {
    const at = versions.findIndex((version) => version.hasAttribute("aria-current"));
    const next = versions[at + step];
    if (!next) return false;
    choose(next);
    return true;
  }

  for (const link of versions) {
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      choose(link);
      compare.scrollIntoView({ block: "start" });
      range.focus({ preventScroll: true });
    });
  }
  for (const button of compare.querySelectorAll("[data-set-mode]")) {
    button.addEventListener("click", () => {
      mode(button.dataset.setMode);
      set({ mode: button.dataset.setMode });
    });
  }
  range.addEventListener("input", slide);
  compare.querySelector("[data-compare-close]").addEventListener("click", close);
  register("Escape", "", close);
  register("c", "Compare the versions, next", () => turn(1));
  register("shift+c", "Compare the versions, previous", () => turn(-1));
  register("m", "Next way to compare", () => {
    if (compare.hidden) return false;
    const buttons = [...compare.querySelectorAll("[data-set-mode]")];
    const at = buttons.findIndex((button) => button.dataset.setMode === compare.dataset.mode);
    buttons[(at + 1) % buttons.length].click();
    return true;
  });
  mode(compare.dataset.mode);
  slide();
  const chosen = versions.find((version) => version.hasAttribute("aria-current"));
  if (chosen) words.textContent = words_of(chosen);
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
