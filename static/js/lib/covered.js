// Pictures that a block list covers: `[data-show-covered]` lifts the cover of the [data-covered]
// around it; with data-covered="page", of every picture on the page that is in no gallery. The
// server blurs them until they are asked for with ?shown.

function uncovered(address) {
  const url = new URL(address, location.href);
  url.searchParams.set("shown", "1");
  return url.href;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-show-covered]");
  const covered = button?.closest("[data-covered]");
  if (!covered) return;
  event.preventDefault();
  event.stopPropagation();
  const whole = covered.dataset.covered === "page";
  covered.removeAttribute("data-covered");
  for (const image of (whole ? document : covered).querySelectorAll('img[src*="/thumb/"]')) {
    if (whole && image.closest("[data-gallery]")) continue;
    if (image.srcset) image.srcset = image.srcset.split(", ").map((one) => {
      const [address, width] = one.split(" ");
      return `${uncovered(address)} ${width ?? ""}`.trim();
    }).join(", ");
    image.src = uncovered(image.src);
    if (image.alt.startsWith("Covered")) image.alt = "Picture that is blocked";
  }
  const link = covered.querySelector("a[href]") ?? document.querySelector("[data-stage], .pair a");
  for (const cover of covered.querySelectorAll(".cover")) cover.remove();
  if (covered.matches(".notice")) covered.remove();
  link?.focus({ preventScroll: true });
}, true);
