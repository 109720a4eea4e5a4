// How good the classifier is by now, class by class, and whether more labels would help.
import { get } from "./api.js";
import { learningCurve } from "./chart.js";
import { bar, bdi, byId, coded, el, focusQuietly, images, number, percent } from "./dom.js";
import { onState } from "./state.js";

const OFTEN = 700;
// More classes are shown on demand.
const SHOWN = 50;

let reply = null;
let timer = 0;
let all = false;

async function load() {
  try {
    reply = await get("api/progress");
    draw();
  } catch (error) {
    byId("progress").replaceChildren(el("p", { className: "nothing" }, ...coded(error.message)));
  }
}

// The images that were asked for are those that the classifier doubted.
export const harder = (left) =>
  left
    ? "Images that were asked for are harder than the rest: the accuracy on all images is usually higher."
    : "";

const range = ({ low, high }) => `${percent(low)} – ${percent(high)}`;

function headline({ accuracy, n_labelled: n, left, sentence, computing }) {
  const figures = [
    ["labelled", n],
    ["left to label", left],
  ].map(([name, count]) => el("div", {}, el("dt", {}, name), el("dd", {}, number(count))));
  const main = accuracy
    ? el(
        "div",
        { className: "main" },
        el("h2", {}, "Accuracy"),
        el("p", { className: "value" }, percent(accuracy.value, 1)),
        el(
          "p",
          { className: "fine" },
          `95 % interval ${range(accuracy)}, measured on ${images(accuracy.n)}, `,
          "each by a classifier that has not seen it",
        ),
        el("p", { className: "fine" }, harder(left)),
      )
    : el(
        "div",
        { className: "main" },
        el("h2", {}, "Accuracy"),
        el("p", { className: "value none" }, "–"),
        el("p", { className: "fine" }, computing ? "being measured" : "not known yet"),
      );
  return el(
    "section",
    { className: "headline" },
    main,
    el(
      "div",
      {},
      el(
        "p",
        { className: "sentence" },
        ...coded(accuracy && computing ? "The accuracy is being measured again …" : sentence),
      ),
      el("dl", { className: "figures" }, ...figures),
    ),
  );
}

function curve({ learning_curve: points }) {
  if (points.length < 2) return "";
  return el(
    "section",
    {},
    el("h2", {}, "Do more labels help?"),
    el("p", { className: "lead" }, "Accuracy with fewer labels, and the range in which it is likely to be."),
    ...learningCurve(points),
  );
}

function row({ name, n, recall }) {
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, bdi(name)),
    el("td", { className: "n" }, number(n)),
    el("td", { className: "share" }, recall ? percent(recall.value) : "–"),
    el("td", { className: "wide" }, recall ? bar(recall.value) : ""),
    el("td", { className: "range" }, recall ? range(recall) : "too few labels"),
  );
}

function perClass({ per_class: classes }) {
  if (!classes.length) return "";
  const head = [
    ["class", ""],
    ["images", "n"],
    ["found", "share"],
    ["range", "range"],
  ].map(([text, className]) => el("th", { scope: "col", className }, text));
  head.splice(3, 0, el("td", { className: "wide" }));
  const shown = all ? classes : classes.slice(0, SHOWN);
  const more = el(
    "button",
    {
      type: "button",
      className: "plain",
      onclick: () => {
        all = true;
        draw();
      },
    },
    `Show all ${number(classes.length)} classes`,
  );
  return el(
    "section",
    {},
    el("h2", {}, "Classes"),
    el(
      "p",
      { className: "lead" },
      "How many images of each class are labelled, and the share of them that the classifier finds (recall).",
    ),
    el(
      "table",
      { className: "bars" },
      el("thead", {}, el("tr", {}, ...head)),
      el("tbody", {}, ...shown.map(row)),
    ),
    shown.length < classes.length ? more : "",
  );
}

function draw() {
  const root = byId("progress");
  const open = root.querySelector("details")?.open;
  root.replaceChildren(headline(reply), el("div", { className: "pair" }, curve(reply), perClass(reply)));
  const details = root.querySelector("details");
  if (details && open) details.open = true;
}

export const progress = {
  root: byId("progress"),
  visible: false,
  panel: false,
  keys: {},
  show() {
    this.visible = true;
    load();
  },
  hide() {
    this.visible = false;
  },
  async acted() {
    await load();
  },
  async refused() {},
  refocus() {
    focusQuietly(this.root);
  },
};

// The chart is as wide as the window.
addEventListener("resize", () => {
  if (progress.visible && reply) draw();
});
onState((now) => {
  if (!progress.visible || timer) return;
  if (reply && now.revision === reply.revision && !reply.computing) return;
  timer = setTimeout(() => {
    timer = 0;
    if (progress.visible) load();
  }, OFTEN);
});
