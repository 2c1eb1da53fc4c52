// The histogram over the columns: all posts, those with pictures, and those with the picture
// that is pointed at. Dragging selects a window, a click one interval, a double click the whole.

import { getJson } from "../lib/http.js";
import { colour, onTheme } from "../lib/colours.js";
import { config, layout, plotly } from "../lib/plotly.js";

const words = (label, posts, pictures) =>
  `${label}<br>${posts.toLocaleString("en")} post${posts === 1 ? "" : "s"}, ${pictures.toLocaleString("en")} with pictures`;

export async function draw(figure, { onWindow, onInterval, onReset }) {
  const data = await getJson(figure.dataset.src);
  const Plotly = await plotly();
  const plot = Object.assign(document.createElement("div"), { className: "plot" });
  figure.append(plot);
  const x = data.posts.map((_, i) => i);
  const bars = (y, name, extra) => ({ type: "bar", x, y, width: 0.86, marker: { color: colour(name) }, hoverinfo: "skip", selected: { marker: { opacity: 1 } }, unselected: { marker: { opacity: 0.4 } }, ...extra });
  const traces = () => [
    bars(data.posts, "--data-quiet", {
      hovertemplate: "%{text}<extra></extra>",
      hoverinfo: "text",
      textposition: "none",
      text: data.labels.map((label, i) => words(label, data.posts[i], data.image_posts[i])),
    }),
    bars(data.image_posts, "--data-1"),
    bars(x.map(() => null), "--data-2"),
  ];
  const coarse = matchMedia("(pointer: coarse)").matches;
  const looks = () =>
    layout({
      barmode: "overlay",
      hovermode: "x",
      margin: { l: 0, r: 0, t: 12, b: 0 },
      dragmode: coarse ? false : "select",
      selectdirection: "h",
      newselection: { line: { color: colour("--accent"), width: 1, dash: "solid" } },
      xaxis: { range: [-0.5, x.length - 0.5], visible: false, automargin: false },
      yaxis: { visible: false, automargin: false, range: [0, Math.max(1, ...data.posts)] },
    });
  await Plotly.newPlot(plot, traces(), looks(), config);
  figure.classList.add("drawn");
  onTheme(() => Plotly.react(plot, traces(), looks(), config));

  plot.on("plotly_selected", (event) => {
    const range = event?.range?.x;
    if (!range) return;
    const [from, to] = range.map((at) => Math.min(x.length - 1, Math.max(0, Math.round(at))));
    onWindow(data.starts[from], data.ends[to]);
  });
  let click = 0; // waits for a second one
  plot.on("plotly_click", (event) => {
    clearTimeout(click);
    click = setTimeout(onInterval, 320, event.points[0].x);
  });
  for (const twice of ["plotly_doubleclick", "plotly_deselect"]) {
    plot.on(twice, () => {
      clearTimeout(click);
      onReset();
    });
  }

  return {
    // Bars of one picture: its posts in each interval where it is among the top.
    mark(id) {
      const y = data.top.map((top) => top.find(([other]) => other === id)?.[1] ?? null);
      Plotly.restyle(plot, { y: [y] }, [2]);
    },
  };
}
