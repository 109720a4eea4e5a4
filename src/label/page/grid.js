// A grid of pictures in groups, of which only those near the screen are elements. An element belongs to a picture
// and moves with it, so that nothing flickers when the order changes.
import { el } from "./dom.js";
import { gestures } from "./gestures.js";
import { Layout } from "./layout.js";
import { Selection } from "./selection.js";
import { Tile } from "./tiles.js";

// Pixels per millisecond above which no thumbnails are asked for, and the rest after which they are.
const FAST = 4;
const REST = 90;

export class Grid {
  // `looks` has `badge(item)`, `words(item)`, `head(group)` (the children of a group's head, or null for none),
  // and is told of `focused()`, `selected()`, `opened()` and `shifted(revision)` (an order that is no longer ours).
  constructor(root, looks) {
    Object.assign(this, { root, looks, pages: null, layout: null, place: null });
    this.canvas = el("div", { className: "canvas" });
    this.empty = el("div", { className: "nothing", hidden: true });
    root.append(this.canvas, this.empty);
    this.sections = new Map();
    this.tiles = new Map();
    this.blanks = [];
    this.busy = new Map();
    this.selection = new Selection(() => { this.draw(); looks.selected(); });
    this.moment = { top: 0, at: 0, rest: 0 };
    root.addEventListener("scroll", () => this.scrolled(), { passive: true });
    new ResizeObserver(() => this.resized()).observe(root);
    this.canvas.addEventListener("focusin", (event) => this.entered(event.target));
    gestures(this);
  }

  get item() { return this.place ? this.pages.at(this.place.group, this.place.index) : undefined; }
  get focusedTile() { return this.item && this.tiles.get(this.item.id); }
  hasFocus() { return this.canvas.contains(document.activeElement); }

  // What an action is about: the selection or, without one, the picture in focus.
  targets() {
    if (this.selection.size) return [...this.selection.ids];
    return this.item ? [this.item.id] : [];
  }

  // The windows on the screen, which a new order will need again.
  seen() {
    return this.pages ? this.wanted.map(({ group, number }) => ({ key: this.pages.groups[group].key, number })) : [];
  }

  // Shows other pages. `follow` is "place" (the focus stays where it is on the screen), "item" (it stays with its
  // picture) or "top".
  show(pages, follow = "place") {
    const focused = this.hasFocus();
    const before = this.pages && { pages: this.pages, place: this.place, item: this.item, mark: this.mark() };
    this.pages?.stop();
    this.pages = pages;
    this.wanted = [];
    this.busy.clear();
    this.selection.anchor = null;
    this.layout = this.measured();
    this.place = pages.n ? { group: 0, index: 0 } : null;
    if (this.place && before?.place && follow !== "top") this.keep(before, follow);
    else this.root.scrollTop = 0;
    this.canvas.hidden = !pages.n;
    this.empty.hidden = pages.n > 0;
    this.draw();
    if (focused) this.focus();
    this.looks.focused();
  }

  measured() {
    const headless = this.looks.head(0, this.pages) === null;
    const layout = new Layout(this.pages, this.canvas.clientWidth || this.root.clientWidth, headless);
    this.canvas.style.height = `${layout.height}px`;
    this.canvas.style.setProperty("--edge", `${layout.edge}px`);
    return layout;
  }

  // What is to stay where it is on the screen.
  mark() {
    const { scrollTop, clientHeight } = this.root;
    const y = this.place ? this.layout.y(this.place) - scrollTop : 0;
    if (this.place && y > -this.layout.edge && y < clientHeight) return { y, focus: true };
    const group = this.layout.groupAt(scrollTop);
    return { key: this.pages.groups[group]?.key, y: (this.layout.tops[group] ?? 0) - scrollTop, focus: false };
  }

  keep({ pages, place, item, mark }, follow) {
    const { key } = pages.groups[place.group];
    let group = this.pages.groups.findIndex((other) => other.key === key);
    const gone = group < 0;
    if (gone) group = Math.min(place.group, this.pages.groups.length - 1);
    const { n } = this.pages.groups[group];
    let index = gone ? 0 : Math.min(place.index, n - 1);
    if (follow === "item" && item && !gone) {
      const near = [...Array(Math.min(n, place.index + 400)).keys()];
      const found = near.find((other) => this.pages.at(group, other)?.id === item.id);
      index = found ?? index;
    }
    this.place = { group, index };
    const other = this.pages.groups.findIndex((entry) => entry.key === mark.key);
    if (mark.focus && gone) this.root.scrollTop = this.layout.tops[group] - Math.max(0, mark.y - this.layout.head);
    else if (mark.focus) this.root.scrollTop = this.layout.y(this.place) - mark.y;
    else this.root.scrollTop = this.layout.tops[Math.max(0, other)] - mark.y;
  }

  resized() {
    if (!this.pages || !this.root.clientWidth) return;
    const mark = this.mark();
    this.layout = this.measured();
    if (mark.focus && this.place) this.root.scrollTop = this.layout.y(this.place) - mark.y;
    this.draw();
  }

  scrolled() {
    const now = performance.now();
    const { moment } = this;
    const speed = Math.abs(this.root.scrollTop - moment.top) / Math.max(1, now - moment.at);
    clearTimeout(moment.rest);
    Object.assign(moment, { top: this.root.scrollTop, at: now, fast: speed > FAST });
    moment.rest = setTimeout(() => { moment.fast = false; this.draw(); }, REST);
    this.draw();
  }

  // Makes the elements near the screen be there, and no others.
  draw() {
    if (!this.pages || !this.root.clientHeight) return;
    const { scrollTop, clientHeight } = this.root;
    const above = scrollTop - clientHeight / 2;
    const below = scrollTop + 1.5 * clientHeight;
    const active = document.activeElement;
    const drawn = { sections: new Set(), ids: new Set(), blanks: 0 };
    this.wanted = [];
    for (let group = this.layout.groupAt(above); group < this.pages.groups.length && this.layout.tops[group] < below; group += 1) {
      this.drawGroup(group, this.layout.span(group, above, below), drawn);
    }
    // The focus must not be lost because its picture is out of sight.
    if (this.item && !drawn.ids.has(this.item.id)) {
      this.drawGroup(this.place.group, [this.place.index, this.place.index + 1], drawn);
    }
    this.clean(drawn);
    if (active !== document.activeElement && active?.classList.contains("tile")) this.focus();
    if (!this.moment.fast) this.pages.want(this.wanted, (revision) => this.arrived(revision));
  }

  arrived(revision) {
    this.draw();
    if (revision !== this.pages.revision) this.looks.shifted(revision);
  }

  drawGroup(group, [from, to], drawn) {
    const section = this.section(group);
    const first = !drawn.sections.has(section);
    drawn.sections.add(section);
    const roots = first ? [] : [...section.box.children].filter((child) => drawn.ids.has(Number(child.dataset.id)));
    for (const number of this.pages.needed(group, from, to)) this.wanted.push({ group, number });
    for (let index = from; index < to; index += 1) {
      const item = this.pages.at(group, index);
      // The same picture may be in two windows while the order changes.
      roots.push(item && !drawn.ids.has(item.id) ? this.tile(item, group, index) : this.blank(index, drawn));
      if (item) drawn.ids.add(item.id);
    }
    arrange(section.box, roots);
  }

  section(group) {
    const { key, n, title } = this.pages.groups[group];
    let section = this.sections.get(key);
    if (!section) {
      const head = el("div", { className: "group-head" });
      const box = el("div", { role: "listbox", "aria-multiselectable": "true" });
      section = { root: el("div", { className: "group", role: "group" }, head, box), head, box };
      this.sections.set(key, section);
    }
    if (!section.root.isConnected) this.canvas.append(section.root);
    const said = `${title} ${n} ${group} ${this.pages.revision} ${this.pages.kind}`;
    if (section.said !== said) {
      section.said = said;
      section.box.setAttribute("aria-label", title);
      section.root.setAttribute("aria-label", title);
      const children = this.looks.head(group, this.pages);
      section.head.hidden = children === null;
      replaceKeepingFocus(section.head, children ?? []);
    }
    section.root.style.top = `${this.layout.tops[group]}px`;
    section.root.style.height = `${this.layout.bottom(group) - this.layout.tops[group]}px`;
    section.root.classList.toggle("current", this.place?.group === group);
    return section;
  }

  tile(item, group, index) {
    let tile = this.tiles.get(item.id);
    if (!tile) this.tiles.set(item.id, tile = new Tile(item));
    else if (tile.item !== item) tile.fill(item);
    const { x, y } = this.layout.spot(index);
    tile.move(x, y);
    const busy = this.busy.get(item.id);
    const focused = this.place.group === group && this.place.index === index;
    tile.root.dataset.id = item.id;
    tile.place = { group, index };
    tile.describe(busy ?? this.looks.badge(item), this.looks.words(item), this.selection.has(item.id), this.pages.groups[group].n, index);
    tile.root.classList.toggle("busy", busy !== undefined);
    tile.root.classList.toggle("here", focused);
    tile.root.tabIndex = focused ? 0 : -1;
    if (!this.moment.fast) tile.load();
    return tile.root;
  }

  // An empty square for a picture that has not arrived.
  blank(index, drawn) {
    const blank = this.blanks[drawn.blanks] ??= el("div", { className: "tile blank", "aria-hidden": "true" });
    drawn.blanks += 1;
    const { x, y } = this.layout.spot(index);
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

  entered(target) {
    const tile = target.classList.contains("tile") && this.tiles.get(Number(target.dataset.id));
    if (tile && (tile.place.group !== this.place.group || tile.place.index !== this.place.index)) this.go(tile.place, false);
  }

  // Moves the focus to a place.
  go(place, scroll = true) {
    this.place = place;
    if (scroll) this.reveal();
    this.draw();
    this.focus();
    this.looks.focused();
  }

  focus() { this.focusedTile?.root.focus({ preventScroll: true }); }

  // Scrolls as little as possible; the head of a group covers the top.
  reveal() {
    const y = this.layout.y(this.place);
    const { scrollTop, clientHeight } = this.root;
    if (y - this.layout.head < scrollTop) this.root.scrollTop = y - this.layout.head;
    else if (y + this.layout.pitch > scrollTop + clientHeight) this.root.scrollTop = y + this.layout.pitch - clientHeight;
  }

  jump(group) {
    this.root.scrollTop = this.layout.tops[group];
    this.go({ group, index: 0 }, false);
  }

  // Writes on pictures what is being done to them, until the next order comes.
  markBusy(ids, text) {
    for (const id of ids) this.busy.set(id, text);
    this.draw();
  }

  unmark() {
    this.busy.clear();
    this.draw();
  }

  async selectRange(flat, anchor = this.selection.anchor ?? this.pages.flat(this.place)) {
    const { pages } = this;
    const ids = await pages.ids(Math.min(anchor, flat), Math.max(anchor, flat) + 1);
    if (pages === this.pages) this.selection.set(ids, anchor);
  }

  async selectGroup(group) {
    const { pages } = this;
    const start = pages.starts[group];
    const ids = await pages.ids(start, start + pages.groups[group].n);
    if (pages !== this.pages) return 0;
    if (ids.every((id) => this.selection.has(id))) this.selection.set([...this.selection.ids].filter((id) => !ids.includes(id)));
    else this.selection.add(ids);
    return ids.length;
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
