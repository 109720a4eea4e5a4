// The learning curve as an SVG, and the same numbers as a table.
import { el, number, percent } from "./dom.js";

const HEIGHT = 270;
const LEFT = 48;
const RIGHT = 16;
const TOP = 10;
const BOTTOM = 40;

function svg(name, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// Round numbers of 1, 2 or 5 times a power of ten, about `wanted` of them.
function ticks(least, most, wanted) {
  const raw = (most - least) / wanted;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= raw) * power;
  const found = [];
  for (let value = Math.ceil(least / step) * step; value <= most + step / 1000; value += step)
    found.push(value);
  return found;
}

function drawing(points) {
  // As wide as its card, so that the letters keep their size.
  const width = Math.min(992, innerWidth - 58);
  const most = points.at(-1).n;
  const lowest = Math.min(0.9, ...points.map(({ low }) => low));
  const least = Math.max(0, Math.floor(10 * lowest) / 10);
  const x = (n) => LEFT + ((width - LEFT - RIGHT) * n) / most;
  const y = (share) => TOP + ((HEIGHT - TOP - BOTTOM) * (1 - share)) / (1 - least);
  const path = (list) =>
    list.map(([n, share], i) => `${i ? "L" : "M"}${x(n).toFixed(1)} ${y(share).toFixed(1)}`).join("");
  const upper = points.map(({ n, high }) => [n, high]);
  const lower = points.map(({ n, low }) => [n, low]).reverse();
  const label = (text, at) => svg("text", at, text);
  return svg(
    "svg",
    { viewBox: `0 0 ${width} ${HEIGHT}`, class: "chart", role: "img", "aria-label": inWords(points) },
    ...ticks(least, 1, 5).flatMap((share) => [
      svg("line", { x1: LEFT, x2: width - RIGHT, y1: y(share), y2: y(share), class: "rule" }),
      label(percent(share), { x: LEFT - 8, y: y(share) + 4, class: "end" }),
    ]),
    ...ticks(0, most, width < 500 ? 3 : 6).map((n) =>
      label(number(n), { x: x(n), y: HEIGHT - BOTTOM + 18, class: "middle" }),
    ),
    label("labelled images used for training (4 of every 5)", {
      x: (LEFT + width - RIGHT) / 2,
      y: HEIGHT - 4,
      class: "middle",
    }),
    svg("path", { d: `${path(upper)}${path(lower).replace("M", "L")}Z`, class: "band" }),
    svg("path", { d: path(points.map(({ n, accuracy }) => [n, accuracy])), class: "line" }),
    ...points.map(({ n, accuracy }) => svg("circle", { cx: x(n), cy: y(accuracy), r: 3.5, class: "dot" })),
  );
}

function inWords(points) {
  const [first, last] = [points[0], points.at(-1)].map(
    ({ n, accuracy }) => `${percent(accuracy, 1)} with ${number(n)}`,
  );
  return `Learning curve: accuracy ${first} labels, ${last}.`;
}

function table(points) {
  const row = ({ n, accuracy, low, high }) =>
    el(
      "tr",
      {},
      el("td", {}, number(n)),
      el("td", {}, percent(accuracy, 1)),
      el("td", {}, `${percent(low, 1)} – ${percent(high, 1)}`),
    );
  const head = ["training images", "accuracy", "range"].map((text) => el("th", { scope: "col" }, text));
  return el(
    "details",
    {},
    el("summary", {}, "As a table"),
    el(
      "table",
      { className: "numbers" },
      el("thead", {}, el("tr", {}, ...head)),
      el("tbody", {}, ...points.map(row)),
    ),
  );
}

export const learningCurve = (points) => [drawing(points), table(points)];
