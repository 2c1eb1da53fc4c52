// The bar that says how many pictures are selected, and what can be done with them.

import { clear } from "./gallery.js";
import { csrf } from "./http.js";
import { register } from "./keys.js";

// Quoted; what a spreadsheet would take for a formula is kept from being one.
const cell = (text) => `"${String(text).replace(/^(?=[=+\-@\t\r])/, "'").replaceAll('"', '""')}"`;

const bar = document.querySelector("[data-selection]");

if (bar) {
  const words = bar.querySelector("[data-selection-count]");
  const copy = bar.querySelector("[data-selection-copy]");
  const compare = bar.querySelector("[data-selection-compare]");
  const sends = [...bar.querySelectorAll("[data-selection-send]")];
  let figures = [];

  // Where a picture's event lives: "/e/storm/" of "/e/storm/i/17/".
  const eventOf = (figure) => /^.*\/e\/[^/]+\//.exec(figure.querySelector("a[href]").getAttribute("href"))?.[0] ?? "";

  const ids = () => [...new Set(figures.map((figure) => figure.dataset.id))];

  function compareTwo() {
    if (bar.hidden || compare.hidden) return false;
    location.assign(`${eventOf(figures[0])}compare/?pictures=${ids().join(",")}`);
    return true;
  }
  compare.addEventListener("click", compareTwo);
  if (document.querySelector("[data-gallery]")) register("c", "Compare the two selected", compareTwo);

  document.addEventListener("gallery:selection", (event) => {
    figures = event.detail.figures;
    bar.hidden = figures.length === 0;
    const posts = figures.reduce((sum, figure) => sum + Number(figure.dataset.posts || 0), 0);
    const n = figures.length.toLocaleString("en");
    words.textContent = `${n} picture${figures.length === 1 ? "" : "s"}, ${posts.toLocaleString("en")} post${posts === 1 ? "" : "s"}`;
    copy.textContent = "Copy links";
    const one = new Set(figures.map(eventOf)).size === 1;
    compare.hidden = !one || ids().length !== 2;
    for (const send of sends) {
      send.disabled = !one;
      send.title = one ? "" : "Select pictures of one event";
    }
  });
  // As a form, for the address of a long selection would be too long; what comes is saved.
  for (const send of sends) {
    send.addEventListener("click", () => {
      const form = Object.assign(document.createElement("form"), { method: "post", action: eventOf(figures[0]) + send.dataset.selectionSend });
      const fields = { ids: ids().join(","), csrfmiddlewaretoken: csrf() };
      for (const [name, value] of Object.entries(fields)) {
        form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
      }
      document.body.append(form);
      form.submit();
      form.remove();
    });
  }
  // A picture that stands in several columns is one line.
  bar.querySelector("[data-selection-table]").addEventListener("click", () => {
    const rows = new Map(figures.map((figure) => [figure.dataset.id, figure]));
    const lines = [...rows].map(([id, figure]) =>
      [id, figure.dataset.posts ?? "", figure.querySelector("a[href]").href, figure.querySelector("img")?.alt ?? ""].map(cell).join(","),
    );
    const file = new Blob([["picture,posts,address,what", ...lines, ""].join("\r\n")], { type: "text/csv" });
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(file), download: "pictures.csv" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
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
