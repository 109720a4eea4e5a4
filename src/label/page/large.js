// One picture as large as the screen allows; the keys of the view go on working, one picture at a time.
import { bdi, button, byId, el, keyed, number, percent } from "./dom.js";
import { image, inWords, thumbnail } from "./tiles.js";

const root = byId("large");
let view = null;
let item = null;

export const largeView = () => view;

// `owner` has a `grid` or `member`s: what it shows as `item`, and how to `step` on.
export function openLarge(owner) {
  if (!pictured(owner)) return;
  view = owner;
  owner.grid?.selection.clear();
  for (const child of owner.root.children) child.inert = true;
  root.hidden = false;
  updateLarge();
  root.focus();
}

export function closeLarge(refocus = true) {
  if (!view) return;
  for (const child of view.root.children) child.inert = false;
  root.hidden = true;
  root.replaceChildren();
  const owner = view;
  view = item = null;
  if (refocus) owner.refocus();
}

const pictured = (owner) => (owner.grid ? owner.grid.item : owner.member());

function step(key) {
  if (!view.grid) return view.step(key === "ArrowRight" ? 1 : -1);
  const place = view.grid.layout.step(view.grid.place, key);
  if (place) view.grid.go(place);
}

export const largeKeys = {
  ArrowLeft: () => step("ArrowLeft"),
  ArrowUp: () => step("ArrowLeft"),
  ArrowRight: () => step("ArrowRight"),
  ArrowDown: () => step("ArrowRight"),
  Enter: () => closeLarge(),
  Escape: () => closeLarge(),
  Space: () => step("ArrowRight"),
  a: () => {},
  g: () => {},
};

function facts() {
  const words = [];
  if (item.label !== null) words.push(el("span", {}, "labelled ", bdi(item.label)));
  if (item.state === "left_out") words.push("left out");
  if (item.predicted !== null)
    words.push(el("span", {}, "probably ", bdi(item.predicted), ` ${percent(item.probability)}`));
  if (item.reason) words.push(item.reason);
  return words.flatMap((word, i) => (i ? [" · ", word] : [word]));
}

function position() {
  if (!view.grid) return "";
  const { group, index } = view.grid.place;
  const { title, n } = view.grid.pages.groups[group];
  return el("span", { className: "fine" }, `${number(index + 1)} of ${number(n)} in `, bdi(title));
}

function tool(text, key, action) {
  const made = button("", action);
  made.append(...keyed(text, key));
  return made;
}

export function updateLarge() {
  if (!view) return;
  const next = pictured(view);
  if (!next) return closeLarge();
  if (next.id !== item?.id || next.v !== item.v || !root.firstChild) drawPicture(next);
  item = next;
  const focused = root.contains(document.activeElement);
  root.querySelector(".facts").replaceChildren(...facts());
  root.querySelector(".position").replaceChildren(position());
  root.setAttribute("aria-label", `Large view: ${inWords(item)}`);
  // The grid under it may have taken the focus for its own picture.
  if (!focused) root.focus();
}

function drawPicture(next) {
  const frame = el("div", { className: "frame" });
  const img = el("img", { alt: next.name, draggable: false });
  frame.style.backgroundImage = `url("${thumbnail(next)}")`;
  img.onload = () => {
    frame.style.backgroundImage = "";
  };
  img.onerror = () => {
    frame.style.backgroundImage = "";
    frame.replaceChildren(
      el(
        "p",
        { className: "nothing" },
        next.reason ? `Not readable: ${next.reason}.` : "This image is gone or has changed.",
      ),
    );
  };
  img.src = image(next);
  frame.append(img);
  const held = document.activeElement?.dataset?.tool;
  const tools = [
    tool("Previous", "←", () => step("ArrowLeft")),
    tool("Next", "→", () => step("ArrowRight")),
    tool("Close", "Esc", () => closeLarge()),
  ];
  tools.forEach((made, i) => {
    made.dataset.tool = i;
  });
  root.replaceChildren(
    frame,
    el(
      "div",
      { className: "caption" },
      el(
        "div",
        { className: "words" },
        el("h2", {}, bdi(next.name)),
        el("p", { className: "facts" }),
        el("p", { className: "position" }),
      ),
      el("div", { className: "tools" }, ...tools),
    ),
  );
  if (held) tools[held].focus();
}
