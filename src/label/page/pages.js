// The pictures of a view, group by group, fetched in windows while they are looked at. Only the windows used
// last are kept.
import { get } from "./api.js";

const WINDOW = 200;
const KEPT = 40;
const ALL_AT_ONCE = 1000;

// Where a view's pictures come from: `groups()` and `part(key, offset, limit)`, both with a signal.
export const unlabelled = {
  groups: (signal) => get("api/groups", signal),
  part: (key, offset, limit, signal) =>
    get(`api/groups/${encodeURIComponent(key)}?offset=${offset}&limit=${limit}`, signal),
};

export function itemsOf(state, className, title) {
  const query = (offset, limit) =>
    new URLSearchParams({ state, ...(className !== null && { class: className }), offset, limit });
  const part = (key, offset, limit, signal) => get(`api/items?${query(offset, limit)}`, signal);
  return {
    part,
    async groups(signal) {
      const { revision, n, items } = await part("", 0, WINDOW, signal);
      return { revision, kind: state, groups: n ? [{ key: state, title, n, first: items }] : [] };
    },
  };
}

// A list that is known as a whole.
export const fixed = (revision, title, items) => ({
  groups: async () => ({
    revision,
    kind: "fixed",
    groups: items.length ? [{ key: "fixed", title, n: items.length, first: items }] : [],
  }),
  part: async () => ({ revision, items: [] }),
});

class Pages {
  constructor(source, reply) {
    Object.assign(this, {
      source,
      revision: reply.revision,
      kind: reply.kind,
      windows: new Map(),
      running: new Map(),
    });
    this.groups = reply.groups;
    this.starts = [];
    let total = 0;
    for (const group of this.groups) {
      this.starts.push(total);
      total += group.n;
    }
    this.n = total;
  }

  // The item at a place of a group, if it has arrived.
  at(group, index) {
    const { key, first } = this.groups[group];
    if (index < first.length) return first[index];
    return this.windows.get(`${Math.floor(index / WINDOW)} ${key}`)?.[index % WINDOW];
  }

  flat(place) {
    return this.starts[place.group] + place.index;
  }

  place(flat) {
    let low = 0;
    for (let high = this.starts.length; high - low > 1;) {
      const middle = (low + high) >> 1;
      if (this.starts[middle] <= flat) low = middle;
      else high = middle;
    }
    return { group: low, index: flat - this.starts[low] };
  }

  put(key, number, items) {
    const name = `${number} ${key}`;
    this.windows.delete(name);
    this.windows.set(name, items);
    if (this.windows.size > KEPT) this.windows.delete(this.windows.keys().next().value);
  }

  // The windows that hold places of a group and are needed for it.
  needed(group, from, to) {
    const { first, n } = this.groups[group];
    const numbers = [];
    for (
      let number = Math.floor(Math.max(from, first.length) / WINDOW);
      number * WINDOW < Math.min(to, n);
      number += 1
    ) {
      numbers.push(number);
    }
    return Math.min(to, n) > first.length ? numbers : [];
  }

  // Fetches the windows wanted now and gives up those that are no longer wanted; `arrived` is told of each.
  want(wanted, arrived) {
    const names = new Set(wanted.map(({ group, number }) => `${number} ${this.groups[group].key}`));
    for (const [name, controller] of this.running) {
      if (!names.has(name)) controller.abort();
    }
    for (const { group, number } of wanted) {
      const { key } = this.groups[group];
      const name = `${number} ${key}`;
      if (this.windows.has(name) || this.running.has(name)) continue;
      const controller = new AbortController();
      this.running.set(name, controller);
      this.source
        .part(key, number * WINDOW, WINDOW, controller.signal)
        .then(
          (reply) => {
            this.put(key, number, reply.items);
            arrived(reply.revision);
          },
          () => {},
        )
        .finally(() => this.running.delete(name));
    }
  }

  stop() {
    for (const controller of this.running.values()) controller.abort();
  }

  // The ids of places in flat order, from `from` up to but without `to`; those that are missing are fetched.
  async ids(from, to) {
    const found = [];
    for (let flat = from; flat < to;) {
      const { group, index } = this.place(flat);
      const item = this.at(group, index);
      if (item) {
        found.push(item.id);
        flat += 1;
        continue;
      }
      const limit = Math.min(ALL_AT_ONCE, to - flat, this.groups[group].n - index);
      const { items } = await this.source.part(this.groups[group].key, index, limit);
      if (!items.length) break;
      found.push(...items.map(({ id }) => id));
      flat += items.length;
    }
    return found;
  }
}

// Asks for the groups and, at the same time, for the windows that were on the screen.
export async function fetchPages(source, seen, signal) {
  for (let attempt = 0; ; attempt += 1) {
    const parts = seen.map(({ key, number }) =>
      source.part(key, number * WINDOW, WINDOW, signal).then(
        (reply) => ({ key, number, reply }),
        () => null,
      ),
    );
    const [reply, ...arrived] = await Promise.all([source.groups(signal), ...parts]);
    const same = arrived.filter((part) => part?.reply.revision === reply.revision);
    const other = arrived.some((part) => part && part.reply.revision !== reply.revision);
    // The order has changed between the replies.
    if (other && attempt < 2) continue;
    const pages = new Pages(source, reply);
    for (const part of same) pages.put(part.key, part.number, part.reply.items);
    return pages;
  }
}
