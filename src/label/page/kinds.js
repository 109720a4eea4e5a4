// The kinds of findings, and how many there are of each.
import { get } from "./api.js";
import { button, byId, el, number } from "./dom.js";

const KINDS = [
  ["suspects", "Possible errors", "No label looks wrong."],
  ["contradictions", "Contradictions", "No two equal images have different labels."],
  ["duplicates", "Duplicates", "No image is there twice."],
  ["near_duplicates", "Near-duplicates", "No two images are almost the same."],
  ["outliers", "Outliers", "No labelled image is unlike all others."],
];

const counts = {};

export const isKind = (key) => KINDS.some(([other]) => other === key);
export const noneWords = (key) => KINDS.find(([other]) => other === key)[2];

// Nothing found is no finding while the search goes on.
export function count(key, { n, computing }) {
  counts[key] = n || !computing ? n : undefined;
}

// Counts all kinds but the one that is shown.
export async function tally(shown, signal) {
  const others = KINDS.filter(([key]) => key !== shown);
  await Promise.all(
    others.map(async ([key]) => {
      count(key, await get(`api/check/${key}?offset=0&limit=1`, signal));
    }),
  ).catch(() => {});
  if (!signal.aborted) drawKinds(shown);
}

export function drawKinds(shown) {
  const kinds = byId("kinds");
  const focused = kinds.contains(document.activeElement) && document.activeElement.dataset.kind;
  kinds.replaceChildren(
    ...KINDS.map(([key, title]) => {
      const made = button(
        el("span", {}, title, counts[key] === undefined ? "" : el("small", {}, ` ${number(counts[key])}`)),
        () => {
          location.hash = `check/${key}`;
        },
        "",
      );
      made.setAttribute("aria-pressed", String(key === shown));
      made.dataset.kind = key;
      return made;
    }),
  );
  if (focused) kinds.querySelector(`[data-kind="${focused}"]`)?.focus();
}
