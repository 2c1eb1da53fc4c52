// Lines that join the same picture in the three rankings: a link to its unique image to its
// group. All are drawn faintly; those of the row that is pointed at, or focused, stand out.

const root = document.querySelector("[data-rankings]");
const svg = root.querySelector("[data-lines]");
const [links, uniques, groups] = ["links", "unique", "groups"].map((kind) => [
  ...root.querySelectorAll(`#${kind} [data-row]`),
]);

const pairs = [];
for (const link of links) {
  if (!link.dataset.unique) continue;
  const unique = uniques.find((row) => row.dataset.unique === link.dataset.unique);
  const group = groups.find((row) => row.dataset.group === link.dataset.group);
  if (unique) pairs.push([link, unique]);
  else if (group) pairs.push([link, group, "far"]);
}
for (const unique of uniques) {
  const group = groups.find((row) => row.dataset.group === unique.dataset.group);
  if (group) pairs.push([unique, group]);
}

const paths = pairs.map(([, , far]) => {
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  if (far) path.classList.add(far); // past the middle column: drawn when asked for
  return path;
});
svg.replaceChildren(...paths);

function place() {
  const origin = root.getBoundingClientRect();
  pairs.forEach(([from, to], i) => {
    const a = from.getBoundingClientRect();
    const b = to.getBoundingClientRect();
    const [x1, y1] = [a.right - origin.left, a.top + a.height / 2 - origin.top];
    const [x2, y2] = [b.left - origin.left, b.top + b.height / 2 - origin.top];
    const bend = (x2 - x1) / 2;
    paths[i].setAttribute("d", `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`);
  });
}

// Rows that show the same: of a group, all that is in it; else the picture, and its group.
function same(row) {
  if (!row) return new Set();
  if (groups.includes(row)) {
    return new Set([...links, ...uniques, row].filter((other) => other.dataset.group === row.dataset.group));
  }
  if (!row.dataset.unique) return new Set([row]);
  const alike = [...links, ...uniques].filter((other) => other.dataset.unique === row.dataset.unique);
  return new Set([...alike, ...groups.filter((other) => other.dataset.group === row.dataset.group)]);
}

function light(row) {
  const lit = same(row);
  root.toggleAttribute("data-lit", lit.size > 1);
  for (const other of [...links, ...uniques, ...groups]) other.classList.toggle("lit", lit.size > 1 && lit.has(other));
  pairs.forEach(([from, to], i) => {
    const on = lit.has(from) && lit.has(to);
    paths[i].classList.toggle("lit", on);
    if (on) svg.append(paths[i]); // over the faint ones
  });
}

const rowOf = (target) => target?.closest?.("[data-row]") ?? null;

root.addEventListener("pointerover", (event) => light(rowOf(event.target)));
root.addEventListener("pointerleave", () => light(rowOf(document.activeElement)));
root.addEventListener("focusin", (event) => light(rowOf(event.target)));
root.addEventListener("focusout", () => light(null));
new ResizeObserver(place).observe(root);
place();
