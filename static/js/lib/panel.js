// The side panel: a picture beside the page, which keeps its place. The open picture is in the
// URL's hash. After each opening, `panel:open` is sent from #panel with detail { url }.

import { getHtml } from "./http.js";
import { register } from "./keys.js";
import { setHash } from "./state.js";

const side = document.getElementById("panel");
const body = side?.querySelector("[data-panel-body]");
let asked = null;
let opener = null;

export const isOpen = () => Boolean(side) && !side.hidden;
export const openUrl = () => (isOpen() ? side.dataset.url : null);

export async function open(url, { from = null } = {}) {
  if (!side) {
    location.assign(url);
    return;
  }
  asked?.abort();
  asked = new AbortController();
  const mine = asked;
  if (!isOpen()) opener = from ?? document.activeElement;
  side.hidden = false;
  side.dataset.url = url;
  side.querySelector("[data-panel-full]").href = url;
  body.setAttribute("aria-busy", "true");
  const part = new URL(url, location.href);
  part.searchParams.set("panel", "1");
  let html;
  try {
    html = await getHtml(part, { signal: mine.signal });
  } catch (error) {
    if (error.name === "AbortError") return;
    body.removeAttribute("aria-busy");
    body.replaceChildren(Object.assign(document.createElement("p"), { textContent: error.message }));
    return;
  }
  body.innerHTML = html;
  body.removeAttribute("aria-busy");
  side.scrollTop = 0;
  window.htmx?.process(body);
  setHash(`picture-${/(\d+)\/?$/.exec(part.pathname)?.[1] ?? ""}`);
  side.dispatchEvent(new CustomEvent("panel:open", { bubbles: true, detail: { url } }));
}

export function close() {
  if (!isOpen()) return false;
  asked?.abort();
  side.hidden = true;
  delete side.dataset.url;
  body.replaceChildren();
  setHash("");
  side.dispatchEvent(new CustomEvent("panel:close", { bubbles: true }));
  opener?.focus?.({ preventScroll: true });
  return true;
}

if (side) {
  side.querySelector("[data-panel-close]").addEventListener("click", close);
  register("Escape", "Close the panel, clear the selection", close);
  const wanted = /^#picture-(\d+)$/.exec(location.hash)?.[1];
  const shown = wanted && document.querySelector(`.picture[data-id="${wanted}"] a[href]`)?.getAttribute("href");
  if (wanted && side.dataset.imageUrl) open(side.dataset.imageUrl.replace("/0/", `/${wanted}/`));
  else if (shown) open(shown);
}
