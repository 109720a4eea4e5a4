// Writes the files, and shows the commands that do the same.
import { post } from "./api.js";
import { say } from "./announce.js";
import { bdi, button, byId, coded, el, focusQuietly, images, number, percent } from "./dom.js";
import { harder } from "./progress.js";
import { onState, state } from "./state.js";

const NAMES = { labels: "Labels", head: "Classifier", report: "Report" };

let result = null;
let problem = null;
let running = false;

function copyButton(text, what) {
  const made = button(
    "Copy",
    async () => {
      await navigator.clipboard.writeText(text);
      made.textContent = "Copied";
      say(`${what} copied.`);
      setTimeout(() => {
        made.textContent = "Copy";
      }, 2000);
    },
    "plain copy",
  );
  made.setAttribute("aria-label", `Copy ${what.toLowerCase()}`);
  return made;
}

async function write() {
  running = true;
  problem = null;
  draw();
  try {
    result = await post("api/finish", {});
    say("The files are written.");
  } catch (error) {
    problem = error.code === "disk_full" ? `The disk is full. ${error.message}` : error.message;
  }
  running = false;
  draw();
  byId("finish")
    .querySelector(problem ? "#write" : "#written")
    ?.focus();
}

function files() {
  return el(
    "section",
    { id: "written", tabIndex: -1 },
    el("h2", {}, "Written"),
    result.accuracy === null
      ? ""
      : el(
          "p",
          { className: "lead" },
          `The classifier's cross-validated accuracy is ${percent(result.accuracy, 1)}. `,
          "Progress divides the images in another way: its figure may differ a little. ",
          harder(state().n_unlabelled),
        ),
    el(
      "ul",
      { className: "files" },
      ...result.files.map(({ what, path }) =>
        el(
          "li",
          {},
          el("span", { className: "what" }, NAMES[what] ?? what),
          el("code", {}, bdi(path)),
          copyButton(path, "Path"),
        ),
      ),
    ),
    ...result.notes.map((note) => el("p", { className: "fine" }, ...coded(note))),
  );
}

function commands() {
  const all = result.commands.join("\n");
  return el(
    "section",
    {},
    el("div", { className: "row" }, el("h2", {}, "The same with commands"), copyButton(all, "Commands")),
    el("p", { className: "lead" }, "Run them again when images or labels have changed."),
    el("pre", { tabIndex: 0 }, el("code", {}, all)),
  );
}

function draw() {
  const { n_labelled: n, n_unlabelled: left, labels_file: path } = state();
  const make = button(running ? "Writing …" : result ? "Write again" : "Write the files", write, "strong");
  make.id = "write";
  make.disabled = running || !n;
  const rest = left ? ` ${images(left)} without a label ${left === 1 ? "is" : "are"} left.` : "";
  const words = n
    ? `Writes the ${images(n)} labelled so far, the classifier and a report with every mistake.${rest}`
    : "No image has a label yet.";
  byId("finish").replaceChildren(
    el(
      "section",
      {},
      el("h2", {}, "Finish"),
      el("p", { className: "lead" }, words),
      make,
      problem ? el("p", { className: "problem", role: "alert" }, ...coded(problem)) : "",
      el(
        "p",
        { className: "fine below" },
        "Each label is already kept in ",
        el("code", {}, bdi(path)),
        ". You can go on labelling afterwards.",
      ),
    ),
    ...(result ? [files(), commands()] : []),
  );
}

export const finish = {
  root: byId("finish"),
  visible: false,
  panel: false,
  keys: {},
  show() {
    this.visible = true;
    draw();
  },
  hide() {
    this.visible = false;
  },
  async acted() {
    draw();
  },
  async refused() {},
  refocus() {
    focusQuietly(this.root);
  },
};

let counted = "";
onState((now) => {
  const counts = `${number(now.n_labelled)} ${number(now.n_unlabelled)}`;
  if (finish.visible && counts !== counted && !running) draw();
  counted = counts;
});
