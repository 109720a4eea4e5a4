// The view in which images get their labels: unlabelled ones in groups, and those that have been dealt with.
import * as actions from "./actions.js";
import { say } from "./announce.js";
import { aim } from "./classes.js";
import { bdi, button, byId, el, images, keyed, number, percent } from "./dom.js";
import { Grid } from "./grid.js";
import { openLarge, updateLarge } from "./large.js";
import { drawGroups, drawStates, emptyWords, show, shows, source } from "./listing.js";
import { fetchPages } from "./pages.js";
import { onState, state } from "./state.js";
import { inWords } from "./tiles.js";
import { gridKeys } from "./walk.js";

// A new order that no action of ours has made waits until nobody is looking for a place, in milliseconds.
const IDLE = 1500;
const OFTEN = 2000;
// After such an order, keys that would label what has just come into focus are ignored for as long.
const STARTLED = 400;

let request = null;
let input = 0;
let changed = 0;
let asked = 0;
let timer = 0;

const root = byId("sort-grid");
const grid = new Grid(root, {
  badge: (item) =>
    item.label ?? (shows() === "unlabelled" && item.probability !== null ? percent(item.probability) : null),
  words: (item) => inWords(item),
  headed: () => shows() === "unlabelled",
  head,
  focused: () => {
    aimed();
    updateLarge();
  },
  selected: aimed,
  opened: () => openLarge(sort),
  shifted: later,
  rested: (group) => {
    byId("jump").value = group;
  },
});

function head(group, pages) {
  const { title, n } = pages.groups[group];
  const predicted = pages.kind === "predictions";
  const select = button("", () => grid.selectGroup(group));
  select.append(
    ...keyed(el("span", {}, "Select all", el("span", { className: "unseen" }, ` of ${title}`)), "a"),
  );
  select.dataset.kind = "select";
  const children = [el("h2", {}, bdi(title)), el("span", { className: "n" }, number(n))];
  if (predicted) {
    const accept = button("", () => acceptGroup(group), "plain accept");
    accept.append(
      ...keyed(el("span", {}, n === 1 ? "Label it " : `Label all ${number(n)} `, bdi(title)), "g"),
    );
    accept.dataset.kind = "accept";
    children.push(accept);
  }
  return [...children, select];
}

function acceptGroup(group = grid.place?.group) {
  const { pages } = grid;
  const entry = pages?.groups[group];
  if (!entry) return;
  if (pages.kind !== "predictions") {
    grid.selectGroup(group);
    say(`Group selected: ${images(entry.n)}. Give it a class.`);
    return;
  }
  actions.accept(sort, entry, pages.revision);
}

function aimed() {
  aim(grid.aim(), Boolean(grid.place), grid.item?.predicted);
  root.classList.toggle("selecting", grid.selection.size > 0);
}

async function load(follow) {
  request?.abort();
  request = new AbortController();
  const { signal } = request;
  asked = performance.now();
  try {
    const before = grid.item?.id;
    const pages = await fetchPages(source(), follow === "top" ? [] : grid.seen(), signal);
    if (signal.aborted) return;
    const kind = grid.pages?.kind;
    grid.show(pages, kind !== undefined && kind !== pages.kind ? "top" : follow);
    if (document.activeElement === document.body) grid.focus();
    if (follow === "item" && grid.item?.id !== before) changed = performance.now();
    drawGroups(pages, grid.place);
    if (!pages.n) nothing();
  } catch (error) {
    if (error.name !== "AbortError") nothing(error.message);
  }
}

function nothing(error) {
  grid.empty.replaceChildren(el("p", {}, ...emptyWords(error)));
  grid.empty.hidden = false;
  grid.canvas.hidden = true;
  if (sort.visible && document.activeElement === document.body) sort.root.focus();
}

// An order that no action of ours has made.
function later() {
  if (timer || byId("sort").hidden) return;
  const wait = Math.max(300, asked + OFTEN - performance.now());
  timer = setTimeout(() => {
    timer = 0;
    if (!sort.visible || state().revision === grid.pages?.revision) return;
    const busy = grid.selection.size || actions.acting() || root.classList.contains("dragging");
    if (grid.pages?.n && (busy || performance.now() - input < IDLE)) later();
    else load("item");
  }, wait);
}

export const sort = {
  root: byId("sort"),
  visible: false,
  panel: true,
  grid,

  show() {
    this.visible = true;
    draw(state());
    if (!grid.pages || grid.pages.revision !== state().revision) load(grid.pages ? "item" : "top");
    else grid.resized();
    aimed();
    grid.focus();
  },

  hide() {
    this.visible = false;
  },

  choose(key) {
    show(key);
    grid.selection.clear();
    draw(state());
    load("top");
  },

  // The ids that a key is about, and whether a person chose them.
  label(name) {
    if (!grid.selection.size && performance.now() - changed < STARTLED)
      return say("The order has just changed: nothing was done.");
    const ids = grid.targets();
    if (!ids.length) return actions.addClass(this, name);
    return actions.label(this, ids, name, grid.selection.size > 0);
  },

  leaveOut() {
    const ids = grid.targets();
    if (ids.length) return actions.leaveOut(this, ids, grid.selection.size > 0);
  },

  clear() {
    const ids = grid.targets();
    if (ids.length && shows() !== "unlabelled") return actions.clear(this, ids, grid.selection.size > 0);
  },

  async acted(ids) {
    const gone = new Set(ids);
    if (ids.some((id) => grid.selection.has(id)))
      grid.selection.set(
        [...grid.selection.ids].filter((id) => !gone.has(id)),
        null,
      );
    await load("place");
  },

  async refused(error) {
    grid.unmark();
    if (error.code === "stale") await load("item");
  },

  refocus() {
    grid.focus();
  },
};

sort.keys = {
  ...gridKeys(grid),
  g: () => acceptGroup(),
  x: () => sort.leaveOut(),
  Delete: () => sort.clear(),
  Backspace: () => sort.clear(),
  Enter: () => openLarge(sort),
};

function draw(now) {
  if (sort.visible) byId("unlabel").hidden = shows() === "unlabelled";
  drawStates(now, (key) => sort.choose(key));
}

for (const kind of ["keydown", "pointerdown", "pointermove", "wheel", "touchstart"]) {
  root.addEventListener(
    kind,
    () => {
      input = performance.now();
    },
    { passive: true },
  );
}
byId("next").addEventListener("click", () => sort.keys.n());
byId("jump").addEventListener("change", (event) => grid.jump(Number(event.target.value)));
byId("only").addEventListener("change", (event) => {
  show("labelled", event.target.value ? event.target.value.slice(1) : null);
  load("top");
});
let last = "";
onState((now) => {
  const counts = JSON.stringify([
    now.n_unlabelled,
    now.n_labelled,
    now.n_left_out,
    now.n_skipped,
    now.classes,
  ]);
  if (counts !== last) draw(now);
  last = counts;
  if (sort.visible && grid.pages && now.revision !== grid.pages.revision && !actions.acting()) later();
});
