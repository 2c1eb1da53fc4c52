// Rates of a collection as bars, kept above seen, with its gaps as bands; renewed while looked at.

import { colour, onTheme } from "../lib/colours.js";
import { getJson } from "../lib/http.js";
import { register } from "../lib/keys.js";
import { config, layout, plotly } from "../lib/plotly.js";

const box = document.querySelector("[data-rates]");
const MARGIN = { l: 56, r: 8, t: 8, b: 40 };
const DASH = { filled: "solid", partly: "dot", open: "dash", lost: "solid" };
let data = null;
let asked = null;

function bars(values, name, ink, yaxis) {
  const step = data.interval_min;
  return {
    type: "bar", x: data.at, y: values.map((n) => n / step), name, yaxis, offset: 0, width: step * 60_000,
    marker: { color: ink, line: { width: 0 } },
    customdata: values,
    hovertemplate: `%{customdata:,} ${name}${step > 1 ? " · %{y:.1f} a minute" : ""}<extra></extra>`,
  };
}

function band(gap) {
  const lost = gap.state === "lost" || gap.state === "partly";
  const ink = colour(lost ? "--data-2" : "--data-quiet");
  return {
    type: "rect", xref: "x", yref: "paper", x0: gap.from, x1: gap.to, y0: 0, y1: 1, layer: "above",
    fillcolor: ink, opacity: lost ? 0.32 : 0.22, line: { color: ink, width: 1, dash: DASH[gap.state] ?? "solid" },
  };
}

async function chart() {
  const Plotly = await plotly();
  const top = (values) => Math.max(1, ...values.map((n) => n / data.interval_min)) * 1.1;
  const axis = (values, domain) => ({ domain, range: [0, top(values)], nticks: 3, tickformat: top(values) < 4 ? ".1~f" : ",d", automargin: false });
  await Plotly.react(
    box,
    [bars(data.kept, "kept", colour("--data-1"), "y"), bars(data.seen, "seen", colour("--data-quiet"), "y2")],
    layout({
      margin: MARGIN,
      bargap: 0,
      barmode: "overlay",
      hovermode: "x",
      shapes: data.gaps.map(band),
      xaxis: { type: "date", range: [data.begins, data.ends], anchor: "y2", automargin: false },
      yaxis: axis(data.kept, [0.42, 1]),
      yaxis2: { ...layout().yaxis, ...axis(data.seen, [0, 0.32]) },
    }),
    config,
  );
}

async function draw() {
  if (asked) return;
  asked = getJson(box.dataset.src);
  try {
    data = await asked;
    await chart();
    box.setAttribute("aria-label", said());
  } catch (error) {
    if (data) return; // what is drawn stays; the next time may get through
    const words = document.createElement("p");
    words.className = "quiet";
    words.textContent = error.message;
    box.replaceChildren(words);
  } finally {
    asked = null;
  }
}

function said() {
  const sum = (values) => values.reduce((a, b) => a + b, 0).toLocaleString("en");
  const gaps = data.gaps.length;
  return `${sum(data.kept)} posts kept of ${sum(data.seen)} seen, ${gaps} gap${gaps === 1 ? "" : "s"}; the table below has the figures`;
}

// Of all its life the chart changes little in three seconds.
let turns = 0;
const every = new URL(box.dataset.src, location.href).searchParams.get("span") === "hour" ? 2 : 10;
draw();
onTheme(() => data && chart());
document.body.addEventListener("live", () => {
  turns += 1;
  if (turns % every === 0) draw();
});

const press = (id) => () => {
  const button = document.getElementById(id);
  if (!button) return false;
  button.click();
  return true;
};
if (document.querySelector("#act-start, #act-pause")) {
  register("p", "Start or pause collecting", () => press("act-pause")() || press("act-start")());
}
