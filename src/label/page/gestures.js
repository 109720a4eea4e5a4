// Selecting with a pointer: click, shift-click, ctrl-click, a rubber band, and the same by touch: tap, and
// drag sideways or after a long press; dragging up and down scrolls.
import { el } from "./dom.js";

const SLOP = 6;
const LONG_PRESS = 350;
const EDGE = 48;

export function gestures(grid) {
  const { root, canvas } = grid;
  const band = el("div", { className: "band", hidden: true });
  canvas.append(band);
  let start = null;
  let dragging = false;
  let dragged = false;
  let frame = 0;

  const point = (event) => {
    const box = canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const tileAt = (target) => {
    const element = target.closest(".tile[data-id]");
    return element && grid.painter.tiles.get(Number(element.dataset.id));
  };

  function begin() {
    dragging = true;
    clearTimeout(start.press);
    root.setPointerCapture(start.pointer);
    root.classList.add("dragging");
    start.base = start.adds ? [...grid.selection.ids] : [];
    follow();
  }

  // The band follows the pointer, and the page scrolls where it is near an edge.
  function follow() {
    const box = root.getBoundingClientRect();
    const { clientX, clientY } = start.last;
    const speed =
      (clientY < box.top + EDGE ? clientY - box.top - EDGE : Math.max(0, clientY - box.bottom + EDGE)) / 3;
    if (speed) root.scrollTop += speed;
    const now = point({ clientX, clientY });
    const area = {
      left: Math.min(start.x, now.x),
      right: Math.max(start.x, now.x),
      top: Math.min(start.y, now.y),
      bottom: Math.max(start.y, now.y),
    };
    band.hidden = false;
    band.style.transform = `translate(${area.left}px, ${area.top}px)`;
    band.style.width = `${area.right - area.left}px`;
    band.style.height = `${area.bottom - area.top}px`;
    start.flats = grid.layout.inside(area);
    const known = start.flats.map((flat) => {
      const { group, index } = grid.pages.place(flat);
      return grid.pages.at(group, index)?.id;
    });
    grid.selection.set([...start.base, ...known.filter((id) => id !== undefined)]);
    frame = requestAnimationFrame(follow);
  }

  // Pictures that were passed before they arrived belong to the selection too.
  async function finish() {
    const { flats, base } = start;
    const ranges = [];
    for (let i = 0; i < flats.length;) {
      let j = i + 1;
      while (j < flats.length && flats[j] === flats[j - 1] + 1) j += 1;
      ranges.push([flats[i], flats[j - 1] + 1]);
      i = j;
    }
    const ids = await grid.pick(...ranges);
    if (ids) grid.selection.set([...base, ...ids], flats[0] ?? null);
  }

  function end(whole) {
    if (!start) return;
    clearTimeout(start.press);
    cancelAnimationFrame(frame);
    band.hidden = true;
    root.classList.remove("dragging");
    if (dragging && whole) finish();
    dragged = dragging;
    dragging = false;
    start = null;
  }

  root.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.target.closest("button") || !grid.pages?.n) return;
    const touch = event.pointerType !== "mouse";
    start = {
      ...point(event),
      last: event,
      pointer: event.pointerId,
      touch,
      adds: touch || event.ctrlKey || event.metaKey || event.shiftKey,
      flats: [],
    };
    dragged = false;
    if (touch) start.press = setTimeout(begin, LONG_PRESS);
  });
  root.addEventListener("pointermove", (event) => {
    if (!start || event.pointerId !== start.pointer) return;
    start.last = event;
    if (dragging) return;
    const now = point(event);
    const [dx, dy] = [Math.abs(now.x - start.x), Math.abs(now.y - start.y)];
    if (start.touch ? dx > 2 * SLOP && dx > dy : Math.max(dx, dy) > SLOP) begin();
    else if (start.touch && dy > SLOP) clearTimeout(start.press);
  });
  root.addEventListener("pointerup", () => end(true));
  root.addEventListener("pointercancel", () => end(dragging));
  // Without this the browser would scroll instead.
  root.addEventListener(
    "touchmove",
    (event) => {
      if (dragging) event.preventDefault();
    },
    { passive: false },
  );
  root.addEventListener("contextmenu", (event) => {
    if (dragging || start?.touch) event.preventDefault();
  });
  root.addEventListener("dragstart", (event) => event.preventDefault());

  root.addEventListener("click", (event) => {
    if (dragged) {
      dragged = false;
      return;
    }
    if (event.target.closest("button")) return;
    const tile = tileAt(event.target);
    if (!tile) {
      grid.selection.clear();
      return;
    }
    const flat = grid.pages.flat(tile.place);
    const { id } = tile.item;
    if (event.shiftKey) grid.selectRange(flat);
    else if (event.ctrlKey || event.metaKey || event.pointerType === "touch") grid.selection.toggle(id, flat);
    else grid.selection.set([id], flat);
    grid.go(tile.place, false);
  });
  root.addEventListener("dblclick", (event) => {
    if (tileAt(event.target)) grid.looks.opened();
  });
}
