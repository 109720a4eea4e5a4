// Where the pictures of a grid are: plain arithmetic, so that a hundred thousand need no elements.
const HEAD = 56;
const FOOT = 20;

export class Layout {
  // `width` is that of the canvas in pixels; `headed` makes room for the heads of groups.
  constructor(pages, width, headed) {
    this.head = headed ? HEAD : 4;
    this.gap = width < 600 ? 6 : 10;
    const least = width < 600 ? 104 : 148;
    this.columns = Math.max(2, Math.floor((width + this.gap) / (least + this.gap)));
    this.edge = Math.floor((width - this.gap * (this.columns - 1)) / this.columns);
    this.pitch = this.edge + this.gap;
    this.pages = pages;
    this.tops = [];
    let top = 0;
    for (const group of pages.groups) {
      this.tops.push(top);
      top += this.head + Math.ceil(group.n / this.columns) * this.pitch + FOOT;
    }
    this.height = top;
  }

  // The group at a height of the canvas.
  groupAt(y) {
    let low = 0;
    for (let high = this.tops.length; high - low > 1;) {
      const middle = (low + high) >> 1;
      if (this.tops[middle] <= y) low = middle;
      else high = middle;
    }
    return low;
  }

  bottom(group) {
    return this.tops[group + 1] ?? this.height;
  }

  // The place of a picture relative to its group.
  spot(index) {
    return {
      x: (index % this.columns) * this.pitch,
      y: this.head + Math.floor(index / this.columns) * this.pitch,
    };
  }

  y(place) {
    return this.tops[place.group] + this.spot(place.index).y;
  }

  // The indices [from, to) of a group's pictures between two heights of the canvas.
  span(group, top, bottom) {
    const row = (y) => (y - this.tops[group] - this.head) / this.pitch;
    const { n } = this.pages.groups[group];
    const from = Math.max(0, Math.floor(row(top))) * this.columns;
    return [Math.min(n, from), Math.min(n, Math.max(0, Math.ceil(row(bottom))) * this.columns)];
  }

  // The flat positions of the pictures that a rectangle of the canvas touches.
  inside({ left, top, right, bottom }) {
    const found = [];
    const first = Math.max(0, Math.ceil((left - this.edge) / this.pitch));
    const last = Math.min(this.columns - 1, Math.floor(right / this.pitch));
    for (let group = this.groupAt(top); group < this.tops.length && this.tops[group] < bottom; group += 1) {
      const [from, to] = this.span(group, top + this.gap, bottom);
      for (let index = from; index < to; index += 1) {
        const column = index % this.columns;
        if (column >= first && column <= last) found.push(this.pages.starts[group] + index);
      }
    }
    return found;
  }

  // The place that an arrow key leads to, or null.
  step(place, key) {
    const { pages, columns } = this;
    const { group, index } = place;
    const { n } = pages.groups[group];
    const flat = pages.flat(place);
    const column = index % columns;
    if (key === "ArrowLeft") return flat > 0 ? pages.place(flat - 1) : null;
    if (key === "ArrowRight") return flat + 1 < pages.n ? pages.place(flat + 1) : null;
    if (key === "ArrowDown") {
      if (Math.floor(index / columns) < Math.floor((n - 1) / columns))
        return { group, index: Math.min(n - 1, index + columns) };
      return group + 1 < pages.groups.length
        ? { group: group + 1, index: Math.min(column, pages.groups[group + 1].n - 1) }
        : null;
    }
    if (index >= columns) return { group, index: index - columns };
    if (group === 0) return null;
    const above = pages.groups[group - 1].n;
    return {
      group: group - 1,
      index: Math.min(above - 1, Math.floor((above - 1) / columns) * columns + column),
    };
  }
}
