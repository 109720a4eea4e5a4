// Which items are selected: ids, and the place from which a range extends.
export class Selection {
  constructor(changed) {
    this.ids = new Set();
    this.anchor = null;
    // Stands for ids that are being fetched. Whatever else happens to the selection gives them up.
    this.picking = null;
    this.changed = changed;
  }

  get size() {
    return this.ids.size;
  }
  has(id) {
    return this.ids.has(id);
  }

  set(ids, anchor = this.anchor) {
    this.picking = null;
    this.ids = new Set(ids);
    this.anchor = anchor;
    this.changed();
  }

  add(ids) {
    this.set([...this.ids, ...ids]);
  }

  toggle(id, anchor) {
    const ids = new Set(this.ids);
    if (!ids.delete(id)) ids.add(id);
    this.set(ids, anchor);
  }

  clear() {
    if (this.ids.size || this.anchor !== null || this.picking) this.set([], null);
  }

  // Waits for ids to select; null if they were given up meanwhile.
  async pick(fetched) {
    const picking = {};
    this.picking = picking;
    this.changed();
    const ids = await fetched.catch(() => null);
    if (picking !== this.picking) return null;
    this.picking = null;
    this.changed();
    return ids;
  }
}
