// A grid of pictures in groups: which place has the focus, what is selected, and what stays where it is on
// the screen when the order changes.
import { el, images } from "./dom.js";
import { gestures } from "./gestures.js";
import { Layout } from "./layout.js";
import { Painter } from "./paint.js";
import { Selection } from "./selection.js";

// Pixels per millisecond above which no thumbnails are asked for, and the rest after which they are.
const FAST = 4;
const REST = 90;

export class Grid {
  // `looks` has `badge(item)`, `words(item)`, `headed(pages)` and `head(group, pages)` (the children of a
  // group's head), and is told of `focused()`, `selected()`, `opened()`, `rested(group)` (the group at the
  // top after scrolling) and `shifted()` (the service has another order by now).
  constructor(root, looks) {
    Object.assign(this, { root, looks, pages: null, layout: null, place: null });
    this.canvas = el("div", { className: "canvas" });
    this.empty = el("div", { className: "nothing", hidden: true });
    root.append(this.canvas, this.empty);
    this.painter = new Painter(this.canvas);
    this.busy = new Map();
    this.selection = new Selection(() => {
      this.draw();
      looks.selected();
    });
    this.moment = { top: 0, at: 0, rest: 0 };
    root.addEventListener("scroll", () => this.scrolled(), { passive: true });
    new ResizeObserver(() => this.resized()).observe(root);
    this.canvas.addEventListener("focusin", (event) => this.entered(event.target));
    gestures(this);
  }

  get item() {
    return this.place ? this.pages.at(this.place.group, this.place.index) : undefined;
  }
  hasFocus() {
    return this.canvas.contains(document.activeElement);
  }

  // What an action is about, in words.
  aim() {
    const n = this.selection.size;
    if (this.selection.picking) return "Selecting …";
    if (n) return `${images(n)} selected`;
    return this.item ? "Label the image in focus" : "No image in focus";
  }

  // What an action is about: the selection or, without one, the picture in focus.
  targets() {
    if (this.selection.size) return [...this.selection.ids];
    return this.item ? [this.item.id] : [];
  }

  // The windows on the screen, which a new order will need again.
  seen() {
    return this.pages
      ? this.wanted.map(({ group, number }) => ({ key: this.pages.groups[group].key, number }))
      : [];
  }

  // Shows other pages. `follow` is "place" (the focus stays where it is on the screen), "item" (it stays with
  // its picture) or "top".
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
    this.moment.top = this.root.scrollTop;
    this.canvas.hidden = !pages.n;
    this.empty.hidden = pages.n > 0;
    this.draw();
    if (focused) this.focus();
    this.looks.focused();
  }

  measured() {
    const layout = new Layout(
      this.pages,
      this.canvas.clientWidth || this.root.clientWidth,
      this.looks.headed(this.pages),
    );
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
    return {
      key: this.pages.groups[group]?.key,
      y: (this.layout.tops[group] ?? 0) - scrollTop,
      focus: false,
    };
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
    if (mark.focus && gone)
      this.root.scrollTop = this.layout.tops[group] - Math.max(0, mark.y - this.layout.head);
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
    moment.rest = setTimeout(() => {
      moment.fast = false;
      this.draw();
      this.looks.rested(this.layout.groupAt(this.root.scrollTop + 1));
    }, REST);
    this.draw();
  }

  draw() {
    if (!this.pages || !this.root.clientHeight) return;
    const active = document.activeElement;
    this.wanted = this.painter.paint(this);
    if (active !== document.activeElement && active?.classList.contains("tile")) this.focus();
    if (!this.moment.fast) this.pages.want(this.wanted, (revision) => this.arrived(revision));
  }

  arrived(revision) {
    this.draw();
    if (revision !== this.pages.revision) this.looks.shifted();
  }

  entered(target) {
    const tile = target.classList.contains("tile") && this.painter.tiles.get(Number(target.dataset.id));
    if (tile && (tile.place.group !== this.place.group || tile.place.index !== this.place.index))
      this.go(tile.place, false);
  }

  // Moves the focus to a place.
  go(place, scroll = true) {
    this.place = place;
    if (scroll) this.reveal();
    this.draw();
    this.focus();
    this.looks.focused();
  }

  focus() {
    if (this.item) this.painter.tiles.get(this.item.id)?.root.focus({ preventScroll: true });
  }

  // Scrolls as little as possible; the head of a group covers the top.
  reveal() {
    const y = this.layout.y(this.place);
    const { scrollTop, clientHeight } = this.root;
    if (y - this.layout.head < scrollTop) this.root.scrollTop = y - this.layout.head;
    else if (y + this.layout.pitch > scrollTop + clientHeight)
      this.root.scrollTop = y + this.layout.pitch - clientHeight;
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

  // Fetches the ids of ranges to select; null if that was given up, or there is another order by now.
  async pick(...ranges) {
    const { pages } = this;
    const fetched = async () => {
      const all = [];
      for (const [start, end] of ranges) all.push(...(await pages.ids(start, end)));
      return all;
    };
    const ids = await this.selection.pick(fetched());
    return pages === this.pages ? ids : null;
  }

  async selectRange(flat, anchor = this.selection.anchor ?? this.pages.flat(this.place)) {
    const ids = await this.pick([Math.min(anchor, flat), Math.max(anchor, flat) + 1]);
    if (ids) this.selection.set(ids, anchor);
  }

  async selectGroup(group) {
    const start = this.pages.starts[group];
    const ids = await this.pick([start, start + this.pages.groups[group].n]);
    if (!ids) return;
    if (ids.every((id) => this.selection.has(id)))
      this.selection.set([...this.selection.ids].filter((id) => !ids.includes(id)));
    else this.selection.add(ids);
  }
}
