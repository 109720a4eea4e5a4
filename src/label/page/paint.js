// The elements of a grid: only those near the screen. An element belongs to a picture and moves with it, so
// that nothing flickers when the order changes.
import { el } from "./dom.js";
import { Tile } from "./tiles.js";

export class Painter {
  constructor(canvas) {
    this.canvas = canvas;
    this.sections = new Map();
    this.tiles = new Map();
    this.blanks = [];
  }

  // Makes the elements near the screen be there, and no others; returns the windows that they need.
  paint(grid) {
    const {
      pages,
      layout,
      root: { scrollTop, clientHeight },
    } = grid;
    const above = scrollTop - clientHeight / 2;
    const below = scrollTop + 1.5 * clientHeight;
    const drawn = { sections: new Set(), ids: new Set(), blanks: 0, wanted: [] };
    for (
      let group = layout.groupAt(above);
      group < pages.groups.length && layout.tops[group] < below;
      group += 1
    ) {
      this.drawGroup(grid, group, layout.span(group, above, below), drawn);
    }
    // The focus must not be lost because its picture is out of sight.
    if (grid.item && !drawn.ids.has(grid.item.id)) {
      this.drawGroup(grid, grid.place.group, [grid.place.index, grid.place.index + 1], drawn);
    }
    this.clean(drawn);
    return drawn.wanted;
  }

  drawGroup(grid, group, [from, to], drawn) {
    const section = this.section(grid, group);
    const roots = drawn.sections.has(section)
      ? [...section.box.children].filter((child) => drawn.ids.has(Number(child.dataset.id)))
      : [];
    drawn.sections.add(section);
    for (const number of grid.pages.needed(group, from, to)) drawn.wanted.push({ group, number });
    for (let index = from; index < to; index += 1) {
      const item = grid.pages.at(group, index);
      // The same picture may be in two windows while the order changes.
      roots.push(
        item && !drawn.ids.has(item.id)
          ? this.tile(grid, item, { group, index })
          : this.blank(grid.layout.spot(index), drawn),
      );
      if (item) drawn.ids.add(item.id);
    }
    arrange(section.box, roots);
  }

  section({ pages, layout, looks, place }, group) {
    const { key, n, title } = pages.groups[group];
    let section = this.sections.get(key);
    if (!section) {
      const head = el("div", { className: "group-head" });
      const box = el("div", { role: "listbox", "aria-multiselectable": "true" });
      section = { root: el("div", { className: "group", role: "group" }, head, box), head, box };
      this.sections.set(key, section);
      this.canvas.append(section.root);
    }
    const said = `${title} ${n} ${group} ${pages.revision} ${pages.kind}`;
    if (section.said !== said) {
      section.said = said;
      section.box.setAttribute("aria-label", title);
      section.root.setAttribute("aria-label", title);
      section.head.hidden = !looks.headed(pages);
      if (looks.headed(pages)) replaceKeepingFocus(section.head, looks.head(group, pages));
    }
    section.root.style.top = `${layout.tops[group]}px`;
    section.root.style.height = `${layout.bottom(group) - layout.tops[group]}px`;
    section.root.classList.toggle("current", place?.group === group);
    return section;
  }

  tile({ pages, layout, looks, place, selection, busy, moment }, item, own) {
    let tile = this.tiles.get(item.id);
    if (!tile) this.tiles.set(item.id, (tile = new Tile(item)));
    else if (tile.item !== item) tile.fill(item);
    const { x, y } = layout.spot(own.index);
    tile.move(x, y);
    tile.place = own;
    const doing = busy.get(item.id);
    const focused = place.group === own.group && place.index === own.index;
    tile.describe(
      doing ?? looks.badge(item),
      looks.words(item),
      selection.has(item.id),
      pages.groups[own.group].n,
      own.index,
    );
    tile.root.classList.toggle("busy", doing !== undefined);
    tile.root.classList.toggle("here", focused);
    tile.root.tabIndex = focused ? 0 : -1;
    if (!moment.fast) tile.load();
    return tile.root;
  }

  // An empty square for a picture that has not arrived.
  blank({ x, y }, drawn) {
    const blank = (this.blanks[drawn.blanks] ??= el("div", {
      className: "tile blank",
      "aria-hidden": "true",
    }));
    drawn.blanks += 1;
    blank.style.transform = `translate(${x}px, ${y}px)`;
    return blank;
  }

  clean(drawn) {
    for (const [id, tile] of this.tiles) {
      if (drawn.ids.has(id)) continue;
      tile.drop();
      this.tiles.delete(id);
    }
    for (const blank of this.blanks.splice(drawn.blanks)) blank.remove();
    for (const [key, section] of this.sections) {
      if (drawn.sections.has(section)) continue;
      section.root.remove();
      this.sections.delete(key);
    }
  }
}

// Puts elements into an order and moves as few as possible.
function arrange(box, roots) {
  const wanted = new Set(roots);
  for (const child of [...box.children]) if (!wanted.has(child)) child.remove();
  let next = box.firstChild;
  for (const root of roots) {
    if (root === next) next = next.nextSibling;
    else box.insertBefore(root, next);
  }
}

// A head that is written again keeps the focus on the button of the same kind.
function replaceKeepingFocus(head, children) {
  const kind = head.contains(document.activeElement) && document.activeElement.dataset.kind;
  head.replaceChildren(...children);
  if (kind) head.querySelector(`[data-kind="${kind}"]`)?.focus({ preventScroll: true });
}
