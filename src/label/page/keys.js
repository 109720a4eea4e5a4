// The keyboard: a view's keys before those of the page, and none while a person types.
import { byId, el } from "./dom.js";
import { classOfKey } from "./state.js";

const OWN = "input:not([type=radio], [type=checkbox], [type=file]), textarea, select";
const PRESSED = "button, a, summary, label";

// "a", "A", "?", "ctrl+z", "shift+ArrowLeft".
function nameOf(event) {
  const command = event.ctrlKey || event.metaKey;
  const shift = event.shiftKey && (event.key.length > 1 || command);
  const key = event.key === " " ? "Space" : command ? event.key.toLowerCase() : event.key;
  return `${command ? "ctrl+" : ""}${shift ? "shift+" : ""}${key}`;
}

// `layers()` returns tables from a key's name to a function, the most special one first; `label(name)` is
// called for the keys of classes.
export function listenToKeys(layers, label) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.altKey) return;
    if (document.querySelector("dialog[open]") || event.target.closest?.(OWN)) return;
    const name = nameOf(event);
    if ((name === "Enter" || name === "Space") && event.target.closest?.(PRESSED)) return;
    const found = layers().find((layer) => layer[name]);
    const chosen = classOfKey(name);
    if (found) found[name](event);
    else if (chosen !== undefined) label(chosen);
    else return;
    event.preventDefault();
  });
}

const TABLE = [
  [
    "Anywhere",
    [
      ["1 … 9", "label with one of the first nine classes"],
      ["c", "type the name of a class; Enter labels, also with a new class"],
      ["u, Ctrl+Z", "undo, without limit"],
      ["U, Ctrl+Y", "redo"],
      ["x", "leave out"],
      ["s", "show similar images"],
      ["?", "show the keys"],
    ],
  ],
  [
    "Sort",
    [
      ["← ↑ ↓ →", "move"],
      ["Space", "select or unselect"],
      ["Shift+← ↑ ↓ →", "extend the selection"],
      ["a", "select all of the group"],
      ["g", "accept all of the group as its class"],
      ["n or ], and [", "most useful image of the next or previous group"],
      ["Home, End", "first and last image of the group"],
      ["Delete", "take the label away"],
      ["Enter", "large view"],
      ["Esc", "end the selection, or go back"],
    ],
  ],
  [
    "Check",
    [
      ["k", "keep the label"],
      ["y", "take the suggested class"],
      ["x", "leave the image out"],
      ["← →", "previous and next finding"],
      ["↑ ↓", "mark one of the images"],
      ["Enter", "large view"],
    ],
  ],
  [
    "By touch",
    [
      ["tap", "select or unselect an image"],
      ["drag sideways", "select the images in a frame"],
      ["long press, drag", "the same, in every direction"],
      ["drag up, down", "scroll"],
    ],
  ],
];

export function showKeys() {
  byId("keys-list").replaceChildren(
    ...TABLE.map(([title, rows]) =>
      el(
        "div",
        {},
        el("h3", {}, title),
        el(
          "dl",
          {},
          ...rows.map(([keys, meaning]) => el("div", {}, el("dt", {}, keys), el("dd", {}, meaning))),
        ),
      ),
    ),
  );
  byId("keys").showModal();
}
