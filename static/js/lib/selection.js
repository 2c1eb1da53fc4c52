// The bar that says how many pictures are selected, and what can be done with them.

import { clear } from "./gallery.js";

const bar = document.querySelector("[data-selection]");

if (bar) {
  const words = bar.querySelector("[data-selection-count]");
  const copy = bar.querySelector("[data-selection-copy]");
  let figures = [];

  document.addEventListener("gallery:selection", (event) => {
    figures = event.detail.figures;
    bar.hidden = figures.length === 0;
    const posts = figures.reduce((sum, figure) => sum + Number(figure.dataset.posts || 0), 0);
    const n = figures.length.toLocaleString("en");
    words.textContent = `${n} picture${figures.length === 1 ? "" : "s"}, ${posts.toLocaleString("en")} posts`;
    copy.textContent = "Copy links";
  });
  bar.querySelector("[data-selection-clear]").addEventListener("click", clear);
  copy.addEventListener("click", async () => {
    const lines = figures.map((figure) => figure.querySelector("a[href]").href).join("\n");
    try {
      await navigator.clipboard.writeText(lines);
      copy.textContent = "Copied";
    } catch {
      copy.textContent = "The browser refused to copy";
    }
  });
}
