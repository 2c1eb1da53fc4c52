// Plotly, fetched when the first chart of a page is drawn. `plotly()` gives the library;
// `layout()` and `config` are the house's look; redraw on `onTheme` (colours.js).

import { colour } from "./colours.js";

let asked = null;

export function plotly() {
  asked ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = document.querySelector('meta[name="plotly"]').content;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      asked = null;
      reject(new Error("The chart library did not load. Reload the page."));
    };
    document.head.append(script);
  });
  return asked;
}

export const config = { displayModeBar: false, responsive: true };

export function layout(extra = {}) {
  const ink = colour("--ink-2");
  const axis = { gridcolor: colour("--line"), zerolinecolor: colour("--line"), linecolor: colour("--line"), automargin: true, fixedrange: true };
  const { xaxis, yaxis, ...rest } = extra;
  return {
    paper_bgcolor: "transparent",
    plot_bgcolor: "transparent",
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: ink },
    margin: { l: 40, r: 8, t: 8, b: 32 },
    hoverlabel: { bgcolor: colour("--raised"), bordercolor: colour("--line"), font: { color: colour("--ink") } },
    showlegend: false,
    ...rest,
    xaxis: { ...axis, showgrid: false, ...xaxis },
    yaxis: { ...axis, rangemode: "tozero", ...yaxis },
  };
}
