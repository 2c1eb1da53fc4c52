// Affine maps as [a, b, c, d, e, f], in the order of CSS matrix(): x' = ax + cy + e, y' = bx + dy + f.

export const compose = (outer, inner) => {
  const [a, b, c, d, e, f] = outer;
  const [A, B, C, D, E, F] = inner;
  return [a * A + c * B, b * A + d * B, a * C + c * D, b * C + d * D, a * E + c * F + e, b * E + d * F + f];
};

export const apply = ([a, b, c, d, e, f], [x, y]) => [a * x + c * y + e, b * x + d * y + f];

export const mirror = (width) => [-1, 0, 0, 1, width, 0];

export const corners = (map, width, height) =>
  [[0, 0], [width, 0], [width, height], [0, height]].map((point) => apply(map, point));

// How many times longer a length becomes, on the whole.
export const stretch = ([a, b, c, d]) => Math.sqrt(Math.abs(a * d - b * c));

// The least upright box around points.
export function around(points) {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const x = Math.min(...xs);
  const y = Math.min(...ys);
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}
