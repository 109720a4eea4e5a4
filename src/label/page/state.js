// The last state that the service told, and who wants to know.
const watchers = new Set();
let current = null;

export const state = () => current;
export const classes = () => current?.classes ?? [];
export const classOfKey = (key) => classes().find((entry) => entry.key === key)?.name;

// The watcher is called with each state, and with the last one at once.
export function onState(watcher) {
  watchers.add(watcher);
  if (current) watcher(current);
}

// Replies and events may overtake each other: an older state never replaces a newer one, unless the service
// has started again and counts from the beginning.
export function tell(next, restarted = false) {
  if (current && next.revision < current.revision && !restarted) return;
  current = next;
  for (const watcher of [...watchers]) watcher(next);
}
