// The images most similar to one image, which can be labelled like those of any grid.
import * as actions from "./actions.js";
import { get } from "./api.js";
import { aim } from "./classes.js";
import { bdi, button, byId, coded, el, keyed } from "./dom.js";
import { Grid } from "./grid.js";
import { openLarge, updateLarge } from "./large.js";
import { fetchPages, fixed } from "./pages.js";
import { onState, state } from "./state.js";
import { inWords, picture } from "./tiles.js";
import { gridKeys } from "./walk.js";

const TOP = 60;

let id = null;
let asked = null;
let cosines = new Map();
let back = "sort";

const grid = new Grid(byId("similar-grid"), {
  badge,
  // What a person sees is part of what a screen reader says.
  words: (item) => inWords(item, `similarity ${badge(item)}`),
  headed: () => false,
  focused: () => {
    aimed();
    updateLarge();
  },
  selected: aimed,
  opened: () => openLarge(similar),
  shifted() {},
  rested() {},
});

function badge(item) {
  return [cosines.get(item.id)?.toFixed(2), item.label].filter(Boolean).join(" · ");
}

function aimed() {
  aim(grid.aim(), Boolean(grid.place), grid.item?.predicted);
}

function heading(item) {
  const away = button("", () => similar.leave());
  away.append(...keyed("Back", "Esc"));
  byId("like").replaceChildren(
    picture(item, "small"),
    el(
      "div",
      { className: "words" },
      el("h2", {}, "Most similar to ", bdi(item.name)),
      el(
        "p",
        { className: "fine" },
        item.label === null ? "not labelled" : el("span", {}, "labelled ", bdi(item.label)),
      ),
    ),
    away,
  );
}

async function load(follow) {
  const mine = (asked = Symbol("request"));
  try {
    const [
      {
        items: [item],
      },
      { items },
    ] = await Promise.all([
      get(`api/items?state=all&offset=${id}&limit=1`),
      get(`api/similar/${id}?top=${TOP}`),
    ]);
    const pages = await fetchPages(
      fixed(
        state().revision,
        `Similar to ${item.name}`,
        items.map((near) => near.item),
      ),
      [],
    );
    if (mine !== asked) return;
    cosines = new Map(items.map((near) => [near.item.id, near.cosine]));
    heading(item);
    grid.empty.textContent = "The other images have no features yet.";
    grid.show(pages, follow);
    if (follow === "top") grid.focus();
  } catch (error) {
    if (mine !== asked) return;
    byId("like").replaceChildren(el("h2", {}, "Similar images"));
    grid.empty.replaceChildren(...coded(error.message));
    grid.empty.hidden = false;
  }
}

export const similar = {
  root: byId("similar"),
  visible: false,
  panel: true,
  grid,

  show(argument, from) {
    this.visible = true;
    byId("unlabel").hidden = false;
    if (from && from !== "similar") back = from;
    const same = id === argument;
    id = argument;
    load(same ? "place" : "top");
    aimed();
  },
  hide() {
    this.visible = false;
  },
  leave() {
    location.hash = back;
  },
  refocus() {
    grid.focus();
  },

  label(name) {
    const ids = grid.targets();
    if (!ids.length) return actions.addClass(this, name);
    return actions.label(this, ids, name, grid.selection.size > 0);
  },
  leaveOut() {
    if (grid.targets().length) return actions.leaveOut(this, grid.targets(), grid.selection.size > 0);
  },
  clear() {
    if (grid.targets().length) return actions.clear(this, grid.targets(), grid.selection.size > 0);
  },

  async acted() {
    grid.selection.clear();
    await load("place");
  },
  async refused() {
    grid.unmark();
  },
};

similar.keys = {
  ...gridKeys(grid),
  x: () => similar.leaveOut(),
  Delete: () => similar.clear(),
  Backspace: () => similar.clear(),
  Enter: () => openLarge(similar),
  Escape: () => (grid.selection.size || grid.selection.picking ? grid.selection.clear() : similar.leave()),
};

onState((now) => {
  if (
    similar.visible &&
    grid.pages &&
    now.revision !== grid.pages.revision &&
    !actions.acting() &&
    !grid.selection.size
  )
    load("place");
});
