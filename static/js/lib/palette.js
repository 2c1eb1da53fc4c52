// The palette on `/` or Ctrl-K: events, pages of this event, pictures by number or hash.

import { getJson } from "./http.js";
import { register } from "./keys.js";

const dialog = document.getElementById("palette");

if (dialog) {
  const input = dialog.querySelector("input");
  const list = dialog.querySelector("ul");
  const none = dialog.querySelector(".none");
  let asked = null;
  let at = 0;

  const rows = () => [...list.children];

  function point(to) {
    const items = rows();
    if (!items.length) {
      input.removeAttribute("aria-activedescendant");
      return;
    }
    at = (to + items.length) % items.length;
    items.forEach((item, i) => item.setAttribute("aria-selected", String(i === at)));
    input.setAttribute("aria-activedescendant", items[at].id);
    items[at].scrollIntoView({ block: "nearest" });
  }

  function row({ label, hint, url, thumb }, i) {
    const item = document.createElement("li");
    item.id = `palette-${i}`;
    item.setAttribute("role", "option");
    item.dataset.url = url;
    if (thumb) item.append(Object.assign(document.createElement("img"), { src: thumb, alt: "" }));
    const word = document.createElement("span");
    word.className = "cut";
    word.textContent = label;
    const aside = document.createElement("span");
    aside.className = "hint nowrap";
    aside.textContent = hint;
    item.append(word, aside);
    return item;
  }

  async function find() {
    asked?.abort();
    asked = new AbortController();
    const url = new URL(dialog.dataset.src, location.href);
    url.searchParams.set("q", input.value.trim());
    try {
      const { results } = await getJson(url, { signal: asked.signal });
      list.replaceChildren(...results.map(row));
      none.textContent = "Nothing by that name, number or hash.";
      none.hidden = results.length > 0;
      point(0);
    } catch (error) {
      if (error.name === "AbortError") return;
      none.textContent = error.message;
      none.hidden = false;
    }
  }

  function show() {
    if (dialog.open) return;
    input.value = "";
    dialog.showModal();
    find();
  }

  const choose = () => {
    const url = rows()[at]?.dataset.url;
    if (url) location.assign(url);
  };

  input.addEventListener("input", find);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") point(at + 1);
    else if (event.key === "ArrowUp") point(at - 1);
    else if (event.key === "Enter") choose();
    else return;
    event.preventDefault();
  });
  list.addEventListener("click", (event) => {
    const item = event.target.closest("li");
    if (item) location.assign(item.dataset.url);
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  for (const button of document.querySelectorAll("[data-open-palette]")) {
    button.addEventListener("click", (event) => {
      event.preventDefault();
      show();
    });
  }
  register("/", "Go to an event, a page, a picture", show);
  register("ctrl+k", "", show);
}
