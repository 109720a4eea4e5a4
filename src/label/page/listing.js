// Which images Sort shows, and what it says of them: by state, of one class, group by group, or none at all.
import { bdi, button, byId, coded, el, number } from "./dom.js";
import { itemsOf, unlabelled } from "./pages.js";
import { classes, state } from "./state.js";

const STATES = [
  ["unlabelled", "Unlabelled", "n_unlabelled"],
  ["labelled", "Labelled", "n_labelled"],
  ["left_out", "Left out", "n_left_out"],
  ["skipped", "Skipped", "n_skipped"],
];
const HINTS = {
  predictions: "Grouped by what the classifier thinks, the most useful images first.",
  clusters: "Groups of similar images. Select some and give them a class.",
  all: "Images get groups when their features have been computed. You can already label them.",
  left_out: "Images that take no part. A class brings them back.",
  skipped: "Images that cannot be used, with the reason.",
};

let shown = "unlabelled";
let only = null;

export const shows = () => shown;

export function show(key, className = null) {
  shown = key;
  only = className;
}

export const source = () =>
  shown === "unlabelled" ? unlabelled : itemsOf(shown, only, STATES.find(([key]) => key === shown)[1]);

function choice(key, name, n, choose) {
  const made = button(el("span", {}, name, " ", el("small", {}, number(n))), () => choose(key), "");
  made.setAttribute("aria-pressed", String(key === shown));
  made.dataset.state = key;
  return made;
}

// The counts of all states; `choose(key)` is called when one is chosen.
export function drawStates(now, choose) {
  const states = byId("states");
  const focused = states.contains(document.activeElement) && document.activeElement.dataset.state;
  states.replaceChildren(...STATES.map(([key, name, count]) => choice(key, name, now[count], choose)));
  if (focused) states.querySelector(`[data-state="${focused}"]`).focus();
  byId("only-field").hidden = shown !== "labelled";
  const options = [
    new Option("all", ""),
    ...classes().map(({ name, n }) => new Option(`${name} (${number(n)})`, `=${name}`)),
  ];
  byId("only").replaceChildren(...options);
  byId("only").value = only === null ? "" : `=${only}`;
}

// The groups that there are.
export function drawGroups(pages, place) {
  byId("hint").textContent = pages.n ? (HINTS[pages.kind] ?? "") : "";
  const many = pages.groups.length > 1;
  byId("jump-field").hidden = byId("next").hidden = !many;
  if (many) {
    byId("jump").replaceChildren(
      ...pages.groups.map(({ title, n }, group) => new Option(`${title} (${number(n)})`, group)),
    );
    byId("jump").value = place.group;
  }
}

// What to do where there are no pictures.
export function emptyWords(error) {
  const { phase, message, n_images: n, images: folder } = state();
  let words = [
    {
      labelled: only === null ? "No image has a label yet." : "No image has this label.",
      left_out: "No image is left out.",
      skipped: "All images can be read.",
    }[shown],
  ];
  if (error) words = coded(error);
  else if (phase === "failed") words = coded(message ?? "The images cannot be prepared.");
  else if (phase === "scanning") words = ["Looking for images in ", bdi(folder), " …"];
  else if (shown === "unlabelled" && !n) words = ["There are no images in ", bdi(folder), "."];
  else if (shown === "unlabelled") {
    words = [
      "Every image has been dealt with. ",
      el("a", { href: "#check" }, "Check"),
      " what may be wrong, or ",
      el("a", { href: "#finish" }, "finish"),
      ".",
    ];
  }
  return words;
}
