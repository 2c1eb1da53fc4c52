// Endless galleries that keep their place: `<a class="more" data-endless href="…?after=…">More</a>`
// at the end of a list is replaced, when it comes near, by what its address answers to HX-Request:
// more of the list and the next such link. On Back, as many parts are filled in again before the
// scroll place is restored.

import { getHtml } from "./http.js";
import { remember, visit } from "./state.js";

const LINK = "a[data-endless]";
let busy = false;

async function load(link) {
  if (busy) return false;
  busy = true;
  link.setAttribute("aria-busy", "true");
  try {
    const html = await getHtml(link.href);
    const made = document.createElement("template");
    made.innerHTML = html;
    (link.closest(".more") ?? link).replaceWith(made.content);
    remember({ parts: (visit().parts ?? 0) + 1 });
    document.dispatchEvent(new CustomEvent("endless:more"));
    return true;
  } catch (error) {
    link.textContent = `${error.message} Try again`;
    link.removeAttribute("aria-busy");
    near.unobserve(link);
    return false;
  } finally {
    busy = false;
    watch();
  }
}

const near = new IntersectionObserver(
  (entries) => entries.forEach((entry) => entry.isIntersecting && load(entry.target)),
  { rootMargin: "800px" },
);

export function watch() {
  const link = document.querySelector(LINK);
  if (link && !link.textContent.includes("Try again")) near.observe(link);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.(LINK);
  if (!link || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  load(link);
});

async function restore({ parts = 0, scroll = 0 }) {
  history.scrollRestoration = "manual";
  remember({ parts: 0 });
  for (let n = 0; n < parts; n += 1) {
    const link = document.querySelector(LINK);
    if (!link || !(await load(link))) break;
  }
  window.scrollTo(0, scroll);
}

if (document.querySelector(LINK) || visit().parts) {
  addEventListener("pagehide", () => remember({ scroll: window.scrollY }));
  const [entry] = performance.getEntriesByType("navigation");
  const back = entry?.type === "back_forward" || entry?.type === "reload";
  if (back && visit().parts) restore(visit()).then(watch);
  else {
    remember({ parts: 0, scroll: 0 });
    watch();
  }
}
