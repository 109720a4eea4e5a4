// One finding about the labels: the pictures, what is wrong with them, and what can be done.
import { bar, bdi, button, el, keyed, number, percent } from "./dom.js";
import { neighbours } from "./neighbours.js";
import { image, inWords, picture } from "./tiles.js";

const named = (before, name) => el("span", {}, before, bdi(name));

function act(text, key, action, className = "plain") {
  const made = button("", action, className);
  made.append(...keyed(text, key));
  made.dataset.act = key;
  return made;
}

// `does` has what the buttons do: `keep()`, `label(name)`, `leaveOut()`, `enlarge()` and `mark(index)`.
export function drawFinding(finding, kind, position, marked, does) {
  const where = el("p", { className: "fine" }, position);
  if (finding.items) return [several(finding, kind, where, marked, does)];
  return [exhibit(finding.item, does), single(finding, where, does)];
}

function exhibit(item, does) {
  const gone = el("span", { className: "nothing" }, "gone or changed");
  const img = el("img", {
    alt: "",
    src: image(item),
    draggable: false,
    onerror: () => img.replaceWith(gone),
  });
  const name = `Large view of ${inWords(item)}`;
  const made = el("button", {
    type: "button",
    className: "exhibit",
    onclick: does.enlarge,
    "aria-label": name,
  });
  made.append(img);
  return made;
}

function single(finding, where, does) {
  const { item, suggested } = finding;
  const label = item.label ?? "";
  const acts = el("div", { className: "acts" }, act(named("Keep ", label), "k", does.keep));
  if (suggested !== undefined) {
    acts.append(act(named("Change to ", suggested), "y", () => does.label(suggested), "plain accept"));
  }
  acts.append(act("Leave out", "x", does.leaveOut));
  const title =
    suggested === undefined
      ? ["Unlike the other images labelled ", bdi(label)]
      : ["Labelled ", bdi(label), ", but it looks like ", bdi(suggested)];
  return el(
    "div",
    { className: "case" },
    where,
    el("h2", {}, ...title),
    el("p", { className: "path" }, bdi(item.name)),
    ...(suggested === undefined ? [distance(finding)] : probabilities(finding)),
    acts,
    neighbours("Nearest labelled images", finding.neighbours, suggested, label),
  );
}

function distance({ distance: far, limit, beyond }) {
  const words = beyond ? "more than usual" : "one of the largest";
  const text = `Its distance to the nearest images is ${far.toFixed(2)}, ${words}`;
  return el("p", { className: "measure" }, `${text}; up to ${limit.toFixed(2)} is usual.`);
}

function probabilities({ item, suggested, given_probability: given, suggested_probability: other }) {
  const rows = [
    [item.label ?? "", given, "given"],
    [suggested, other, "other"],
  ];
  const made = rows.map(([name, share, className]) => {
    const figure = el("dd", {}, bar(share), el("span", {}, percent(share)));
    return el("div", { className }, el("dt", {}, bdi(name)), figure);
  });
  const why = "The classifier, trained without this image, predicts another class:";
  return [el("p", { className: "fine why" }, why), el("dl", { className: "probabilities" }, ...made)];
}

function several({ items, cosine }, kind, where, marked, does) {
  const n = number(items.length);
  const titles = {
    duplicates: `${n} identical images`,
    near_duplicates: `${n} almost identical images`,
    contradictions: `${n} ${cosine === null ? "identical" : "almost identical"} images with different labels`,
  };
  const similarity = cosine === null ? "" : `Similarity (cosine): ${cosine.toFixed(3)}. `;
  const lead = `${similarity}A class labels all of them; the marked one can be left out.`;
  return el(
    "div",
    { className: "case" },
    where,
    el("h2", {}, titles[kind]),
    el("p", { className: "lead" }, lead),
    el("div", { className: "members" }, ...items.map((item, i) => member(item, i, i === marked, does))),
    el(
      "div",
      { className: "acts" },
      act("Keep all", "k", does.keep),
      act("Leave out the marked one", "x", does.leaveOut),
    ),
  );
}

function member(item, index, isMarked, does) {
  const made = button(picture(item, "", 320), () => does.mark(index), "member");
  made.append(
    el("span", { className: "said" }, bdi(item.label ?? item.state.replace("_", " "))),
    el("span", { className: "path" }, bdi(item.name)),
  );
  made.setAttribute("aria-pressed", String(isMarked));
  made.dataset.act = `member ${index}`;
  return made;
}
