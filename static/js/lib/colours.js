// Colours of the current theme, for canvases and charts that cannot read custom properties.

export function colour(name) {
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  probe.hidden = true;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

export const onTheme = (fn) => {
  document.addEventListener("theme", fn);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", fn);
};
