// Moving through a grid and selecting with the keyboard.
import { images } from "./dom.js";
import { say } from "./announce.js";

const ARROWS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"];

export function gridKeys(grid) {
  const ready = (action) => () => {
    if (grid.place) action();
  };
  const go = (place) => {
    if (place) grid.go(place);
  };
  const extend = (place) => {
    if (!place) return;
    const anchor = grid.selection.anchor ?? grid.pages.flat(grid.place);
    grid.go(place);
    grid.selectRange(grid.pages.flat(place), anchor);
  };
  const screens = (n) => {
    const rows = Math.max(1, Math.floor(grid.root.clientHeight / grid.layout.pitch) - 1);
    let { place } = grid;
    for (let i = 0; i < rows; i += 1)
      place = grid.layout.step(place, n > 0 ? "ArrowDown" : "ArrowUp") ?? place;
    return place;
  };
  const size = (group) => grid.pages.groups[group].n;
  const last = () => grid.pages.groups.length - 1;
  // After the last group comes the first. Going round the groups asks for images of every kind, which gives a
  // better classifier than asking for the most doubtful ones of all.
  const other = (step) => {
    const count = grid.pages.groups.length;
    const group = (grid.place.group + step + count) % count;
    grid.jump(group);
    say(`${grid.pages.groups[group].title}, ${images(size(group))}.`);
  };

  const keys = {
    Home: ready(() => go({ group: grid.place.group, index: 0 })),
    End: ready(() => go({ group: grid.place.group, index: size(grid.place.group) - 1 })),
    "ctrl+home": ready(() => go({ group: 0, index: 0 })),
    "ctrl+end": ready(() => go({ group: last(), index: size(last()) - 1 })),
    PageDown: ready(() => go(screens(1))),
    PageUp: ready(() => go(screens(-1))),
    "[": ready(() => other(-1)),
    "]": ready(() => other(1)),
    n: ready(() => other(1)),
    a: ready(() => grid.selectGroup(grid.place.group)),
    Space: ready(() => {
      if (grid.item) grid.selection.toggle(grid.item.id, grid.pages.flat(grid.place));
    }),
    Escape: () => grid.selection.clear(),
  };
  for (const key of ARROWS) {
    keys[key] = ready(() => go(grid.layout.step(grid.place, key)));
    keys[`shift+${key}`] = ready(() => extend(grid.layout.step(grid.place, key)));
  }
  return keys;
}
