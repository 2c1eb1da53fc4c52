// Runs before the page is drawn: theme as last chosen, and which pictures have arrived.
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  try {
    const theme = localStorage.getItem("theme");
    if (theme) root.dataset.theme = theme;
  } catch {
    // Storage may be closed to us: the system's theme stands.
  }
  const arrived = (event) => {
    if (event.target.tagName === "IMG") {
      event.target.classList.add(event.type === "load" ? "loaded" : "missing");
    }
  };
  document.addEventListener("load", arrived, true);
  document.addEventListener("error", arrived, true);
})();
