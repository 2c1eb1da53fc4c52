// One plane that several layers of a stage show at once, zoomed and moved together: by wheel,
// drag, pinch and by calls. Coordinates of the plane are pixels of its first picture.
//
//   const plane = makePlane(stage, { box: () => ({ x, y, width, height }), layerAt, drag, changed })
//
// box: what zoom 1 shows whole. layerAt(clientX, clientY): the DOMRect of the layer there.
// drag(event): true where a pointer that goes down is somebody else's. changed(): draw anew.

const MOST = 8; // px of the screen per pixel
const STEP = 1.25;

export function makePlane(stage, { box, layerAt, drag = () => false, changed }) {
  const at = { x: 0, y: 0, zoom: 1 }; // the point in the middle of each layer
  const pointers = new Map();
  let pinch = 0;

  const fit = (rect) => Math.min(rect.width / box().width, rect.height / box().height);
  const here = () => layerAt();
  const scale = (rect = here()) => fit(rect) * at.zoom;
  const most = () => Math.max(1, MOST / fit(here()));
  const least = () => Math.min(1, 1 / devicePixelRatio / fit(here())); // small pictures: one for one

  function keep() {
    const { x, y, width, height } = box();
    const rect = here();
    const k = scale(rect);
    const within = (value, low, size, seen) =>
      seen >= size ? low + size / 2 : Math.min(low + size - seen / 2, Math.max(low + seen / 2, value));
    at.x = within(at.x, x, width, rect.width / k);
    at.y = within(at.y, y, height, rect.height / k);
    stage.toggleAttribute("data-zoomed", at.zoom > 1.001);
    changed();
  }

  function zoomTo(zoom, clientX, clientY) {
    const rect = layerAt(clientX, clientY);
    const dx = clientX === undefined ? 0 : clientX - (rect.left + rect.width / 2);
    const dy = clientY === undefined ? 0 : clientY - (rect.top + rect.height / 2);
    const before = scale(rect);
    at.zoom = Math.min(most(), Math.max(least(), zoom));
    const after = scale(rect);
    at.x += dx / before - dx / after;
    at.y += dy / before - dy / after;
    keep();
  }

  function move(dx, dy) {
    const k = scale();
    at.x -= dx / k;
    at.y -= dy / k;
    keep();
  }

  const spread = () => {
    const [a, b] = [...pointers.values()];
    return { length: Math.hypot(a.x - b.x, a.y - b.y), x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
  };

  stage.addEventListener("wheel", (event) => {
    const zoom = at.zoom * Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0022) * (event.ctrlKey ? 4 : 1));
    if (zoom < at.zoom && at.zoom <= 1) return; // nothing smaller: the page scrolls on
    event.preventDefault();
    zoomTo(at.zoom > 1 ? Math.max(1, zoom) : zoom, event.clientX, event.clientY);
  }, { passive: false });

  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || (pointers.size === 0 && drag(event))) return;
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    stage.setPointerCapture(event.pointerId);
    if (pointers.size === 2) pinch = spread().length;
  });
  stage.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const middle = pointers.size === 2 ? spread() : null;
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (!middle) {
      move(event.clientX - before.x, event.clientY - before.y);
      return;
    }
    const now = spread();
    move(now.x - middle.x, now.y - middle.y);
    zoomTo((at.zoom * now.length) / pinch, now.x, now.y);
    pinch = now.length;
  });
  for (const end of ["pointerup", "pointercancel"]) {
    stage.addEventListener(end, (event) => {
      pointers.delete(event.pointerId);
      if (pointers.size === 2) pinch = spread().length;
    });
  }
  stage.addEventListener("touchmove", (event) => {
    if (event.touches.length > 1) event.preventDefault(); // two fingers are a pinch, not a scroll
  }, { passive: false });
  new ResizeObserver(keep).observe(stage);

  return {
    at,
    scale,
    keep,
    move,
    larger: () => zoomTo(at.zoom * STEP),
    smaller: () => zoomTo(Math.max(1, at.zoom / STEP)),
    whole: () => zoomTo(1),
    // k: px of the screen per pixel of the plane.
    pixels: (k, clientX, clientY) => zoomTo(k / fit(here()), clientX, clientY),
    set(x, y, zoom) {
      Object.assign(at, { x, y, zoom: Math.min(most(), Math.max(least(), zoom)) });
      keep();
    },
  };
}
