// One picture of a grid: its thumbnail, what is written on it, and what a screen reader says of it.
import { bdi, el, percent } from "./dom.js";

// Twice the pixels for screens that have them.
const EDGE = devicePixelRatio > 1.25 ? 320 : 160;
export const thumbnail = (item, edge = EDGE) => `thumb/${item.id}?edge=${edge}&v=${item.v}`;
export const image = (item) => `image/${item.id}?v=${item.v}`;

// A picture that says so if it cannot be shown.
export function picture(item, className = "", edge = EDGE) {
  const box = el("span", { className: `picture ${className}` });
  const img = el("img", { alt: "", draggable: false, decoding: "async" });
  img.onerror = () => missing(box, item);
  img.src = thumbnail(item, edge);
  box.append(img);
  return box;
}

function missing(box, item) {
  box.classList.add("missing");
  box.replaceChildren(el("span", {}, item.status === "skipped" ? "not readable" : "gone or changed"));
}

export function inWords(item, place = "") {
  const words = [item.name];
  if (item.label !== null) words.push(`labelled ${item.label}`);
  else if (item.state === "left_out") words.push("left out");
  else if (item.predicted !== null) words.push(`probably ${item.predicted}, ${percent(item.probability)}`);
  if (item.status === "skipped") words.push(`skipped: ${item.reason}`);
  if (place) words.push(place);
  return words.join(", ");
}

export class Tile {
  constructor(item) {
    this.root = el("div", { role: "option", className: "tile", tabIndex: -1 });
    this.badge = el("span", { className: "badge", "aria-hidden": "true" });
    this.box = el("span", { className: "picture" });
    this.root.append(this.box, this.badge);
    this.item = null;
    this.fill(item);
  }

  fill(item) {
    if (this.item?.v !== item.v || this.item.status !== item.status) this.loaded = false;
    this.item = item;
    this.root.dataset.id = item.id;
  }

  // Writes what belongs to the view: the badge, the words, and whether it is selected.
  describe(badge, words, selected, n, position) {
    if (this.said !== words) this.root.setAttribute("aria-label", (this.said = words));
    const written = badge ?? "";
    if (this.written !== written) {
      this.written = written;
      this.badge.replaceChildren(...(written ? [bdi(written)] : []));
    }
    this.root.setAttribute("aria-selected", String(selected));
    this.root.setAttribute("aria-setsize", String(n));
    this.root.setAttribute("aria-posinset", String(position + 1));
  }

  move(x, y) {
    const moved = `translate(${x}px, ${y}px)`;
    if (this.root.style.transform !== moved) this.root.style.transform = moved;
  }

  load() {
    if (this.loaded) return;
    this.loaded = true;
    const { item } = this;
    const img = el("img", { alt: "", draggable: false, decoding: "async" });
    img.onerror = () => {
      missing(this.box, item);
    };
    img.src = thumbnail(item);
    this.box.classList.remove("missing");
    this.box.replaceChildren(img);
  }

  // Ends a download that nobody waits for any more.
  drop() {
    const img = this.box.querySelector("img");
    if (img && !img.complete) {
      img.onerror = null;
      img.removeAttribute("src");
    }
    this.root.remove();
  }
}
