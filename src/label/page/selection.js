// Which items are selected: ids, and the place from which a range extends.
export class Selection {
  constructor(changed) {
    this.ids = new Set();
    this.anchor = null;
    this.changed = changed;
  }

  get size() {
    return this.ids.size;
  }
  has(id) {
    return this.ids.has(id);
  }

  set(ids, anchor = this.anchor) {
    this.ids = new Set(ids);
    this.anchor = anchor;
    this.changed();
  }

  add(ids) {
    this.set([...this.ids, ...ids]);
  }

  toggle(id, anchor) {
    if (!this.ids.delete(id)) this.ids.add(id);
    this.anchor = anchor;
    this.changed();
  }

  clear() {
    if (this.ids.size || this.anchor !== null) this.set([], null);
  }
}
