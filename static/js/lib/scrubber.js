// The window on a whole span: drag its ends, drag it along, or draw a new one; a click seeks.
//   scrubber(element, { onWindow(start, end), onSeek(share) })
// start, end: seconds since 1970; share: 0…1 of the window

export function scrubber(element, { onWindow, onSeek }) {
  const first = Number(element.dataset.first);
  const last = Number(element.dataset.last);
  const words = element.querySelector("[data-words]");
  const style = getComputedStyle(element);
  const held = { from: Number(style.getPropertyValue("--from")), to: Number(style.getPropertyValue("--to")) };
  const at = { ...held };
  const least = Math.min(1, 60 / (last - first));
  const clock = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short", timeZone: element.dataset.zone });
  const seconds = (share) => Math.round((first + share * (last - first)) / 60) * 60;
  const said = (share) => clock.format(seconds(share) * 1000);
  const clamp = (share) => Math.min(1, Math.max(0, share));

  function show(talk) {
    element.style.setProperty("--from", at.from);
    element.style.setProperty("--to", at.to);
    words.hidden = !talk;
    words.textContent = `${said(at.from)} – ${said(at.to)}`;
    for (const handle of element.querySelectorAll("[data-handle]")) {
      const share = at[handle.dataset.handle];
      handle.setAttribute("aria-valuenow", seconds(share));
      handle.setAttribute("aria-valuetext", said(share));
    }
  }

  function apply() {
    if (at.from === held.from && at.to === held.to) return show(false);
    return onWindow(seconds(at.from), seconds(at.to));
  }

  function reset() {
    Object.assign(at, held);
    show(false);
  }

  function moved(kind, from, to, origin) {
    if (kind === "from") at.from = Math.min(clamp(to), at.to - least);
    else if (kind === "to") at.to = Math.max(clamp(to), at.from + least);
    else if (kind === "pan") {
      const width = origin.to - origin.from;
      at.from = Math.min(1 - width, Math.max(0, origin.from + to - from));
      at.to = at.from + width;
    } else {
      at.from = clamp(Math.min(from, to));
      at.to = Math.max(clamp(Math.max(from, to)), at.from + least);
    }
  }

  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const box = element.getBoundingClientRect();
    const share = (e) => (e.clientX - box.left) / box.width;
    const from = share(event);
    const origin = { ...at };
    const whole = origin.from <= 0 && origin.to >= 1;
    const inside = event.target.closest("[data-window]") && !whole;
    const kind = event.target.closest("[data-handle]")?.dataset.handle ?? (inside ? "pan" : "new");
    let far = false;
    element.setPointerCapture(event.pointerId);
    const move = (e) => {
      far ||= Math.abs(e.clientX - event.clientX) > 3;
      if (!far) return;
      moved(kind, from, share(e), origin);
      show(true);
    };
    const stop = (e) => {
      element.removeEventListener("pointermove", move);
      element.removeEventListener("pointerup", stop);
      element.removeEventListener("pointercancel", stop);
      if (e.type === "pointerup" && far) return apply();
      reset();
      const place = (from - held.from) / (held.to - held.from);
      if (e.type === "pointerup" && kind !== "from" && kind !== "to" && place >= 0 && place <= 1) onSeek(place);
      return undefined;
    };
    element.addEventListener("pointermove", move);
    element.addEventListener("pointerup", stop);
    element.addEventListener("pointercancel", stop);
  });

  for (const handle of element.querySelectorAll("[data-handle]")) {
    const name = handle.dataset.handle;
    handle.addEventListener("keydown", (event) => {
      const step = event.shiftKey ? 0.1 : 0.01;
      const to = {
        ArrowLeft: at[name] - step, ArrowDown: at[name] - step,
        ArrowRight: at[name] + step, ArrowUp: at[name] + step,
        Home: 0, End: 1,
      }[event.key];
      if (to !== undefined) {
        moved(name, null, to, null);
        show(true);
      } else if (event.key === "Enter" || event.key === " ") apply();
      else if (event.key === "Escape" && !words.hidden) reset();
      else return;
      event.preventDefault();
    });
    handle.addEventListener("blur", reset);
  }
  show(false);

  return {
    first,
    last,
    held: { start: seconds(held.from), end: seconds(held.to) },
    // Which part of the window is on the screen, as shares of the window.
    seen(from, to) {
      const width = held.to - held.from;
      element.style.setProperty("--seen-from", held.from + from * width);
      element.style.setProperty("--seen-to", held.from + to * width);
    },
  };
}
