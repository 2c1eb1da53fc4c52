// Posts over time, with the top picture of each peak pinned above it.

import { colour, onTheme } from "../lib/colours.js";
import { getJson } from "../lib/http.js";
import * as panel from "../lib/panel.js";
import { config, layout, plotly } from "../lib/plotly.js";

let data = null;

const MARGIN = { l: 48, r: 8, t: 8, b: 40 };
const DATES = [
  { dtickrange: [null, 86399999], value: "%H:%M\n%-d %b %Y" },
  { dtickrange: [86400000, 604800000], value: "%-d %b\n%Y" },
  { dtickrange: [604800001, "M11"], value: "%-d %b\n%Y" },
];
const top = () => Math.max(1, ...data.posts) * 1.06;

async function draw(box) {
  const plot = box.querySelector("[data-plot]");
  try {
    data = await getJson(box.dataset.src);
    if (data.at.length < 2) {
      box.closest("section").hidden = true; // one moment makes no curve
      return;
    }
    box.classList.toggle("curve-plain", !data.peaks.length);
    await chart(plot);
    fit.disconnect();
    fit.observe(box);
  } catch (error) {
    const words = document.createElement("p");
    words.className = "quiet curve-failed";
    words.textContent = error.message;
    plot.replaceChildren(words);
  }
}

async function chart(plot) {
  const Plotly = await plotly();
  const area = (y, name, line, fill) => ({
    type: "scatter", mode: "lines", x: data.at, y, name, fill: "tozeroy", fillcolor: fill,
    line: { color: line, width: 1.5, shape: "spline", smoothing: 0.4 }, hovertemplate: "%{y:,} " + name + "<extra></extra>",
  });
  const ink = colour("--data-1");
  const quiet = colour("--data-quiet");
  const clear = (rgb, alpha) => rgb.replace(/^rgb\((.*)\)$/, `rgba($1, ${alpha})`);
  await Plotly.react(
    plot,
    [area(data.posts, "posts", quiet, clear(quiet, 0.18)), area(data.image_posts, "with pictures", ink, clear(ink, 0.28))],
    layout({
      margin: MARGIN,
      hovermode: "x unified",
      xaxis: { type: "date", range: [data.start, data.end], automargin: false, tickformatstops: DATES },
      yaxis: { nticks: 4, dtick: top() < 4 ? 1 : undefined, range: [0, top()], automargin: false, tickformat: ",d" },
    }),
    config,
  );
}

// Pins stand over their peak; near the edges they are moved inward and their line with them.
function pin(box) {
  const pins = box.querySelector("[data-pins]");
  const from = Date.parse(data.start);
  const whole = Date.parse(data.end) - from || 1;
  const height = box.querySelector("[data-plot]").clientHeight - MARGIN.t - MARGIN.b;
  pins.replaceChildren(
    ...data.peaks.map((peak) => {
      const at = (Date.parse(peak.at) - from) / whole;
      const link = document.createElement("a");
      const half = (pins.clientWidth < 500 ? 26 : 40) / pins.clientWidth;
      const placed = Math.min(1 - half, Math.max(half, at));
      link.href = peak.url;
      link.style.setProperty("--at", `${placed * 100}%`);
      link.style.setProperty("--nudge", `${(at - placed) * pins.clientWidth}px`);
      link.style.setProperty("--drop", `${MARGIN.t + (1 - peak.posts / top()) * height - 2}px`);
      link.title = `${peak.shown.toLocaleString("en")} of ${peak.posts.toLocaleString("en")} posts then`;
      link.append(Object.assign(document.createElement("img"), { src: peak.thumb, alt: peak.alt, width: 80, height: 72 }));
      link.addEventListener("click", (event) => {
        if (event.detail === 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        panel.open(peak.url, { from: link });
      });
      return link;
    }),
  );
}

// The page grows narrower when the side panel opens: the window says nothing of it.
const fit = new ResizeObserver(([{ target }]) => {
  if (!target.isConnected) return;
  window.Plotly.Plots.resize(target.querySelector("[data-plot]"));
  pin(target);
});

const start = () => {
  const box = document.querySelector("[data-curve]");
  if (box) draw(box);
};

start();
onTheme(() => data?.at.length && chart(document.querySelector("[data-plot]")));
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id !== "overview") return;
  start();
  document.getElementById("progress").hidden = true; // what it offers to show is shown
});
