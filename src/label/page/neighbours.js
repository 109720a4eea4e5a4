// A row of similar images with their labels.
import { bdi, el } from "./dom.js";
import { picture } from "./tiles.js";

// A neighbour's label is marked where it speaks for the suggested class or for the given one.
export function neighbours(title, near, suggested = null, given = null) {
  if (!near?.length) return "";
  const items = near.map(({ item, cosine }) => {
    const className =
      suggested === null ? "" : item.label === suggested ? "right" : item.label === given ? "wrong" : "";
    return el(
      "li",
      {},
      el("a", { href: `#similar/${item.id}`, "aria-label": `Similar to ${item.name}` }, picture(item)),
      el("span", { className }, bdi(item.label ?? item.name)),
      el("span", { className: "fine" }, cosine.toFixed(2)),
    );
  });
  return el("div", { className: "near" }, el("h3", {}, title), el("ul", {}, ...items));
}
