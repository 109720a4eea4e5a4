// Pictures that are dropped, pasted, chosen or taken are classified, and not kept.
import { post } from "./api.js";
import { bar, bdi, byId, coded, el, focusQuietly, percent } from "./dom.js";
import { neighbours } from "./neighbours.js";

const SHOWN = 5;
const KEPT = 30;

let last = Promise.resolve();

function add(files) {
  for (const file of files) {
    const card = el("li", { className: "result" });
    const img = el("img", { alt: "", draggable: false });
    img.onload = () => URL.revokeObjectURL(img.src);
    // The browser may not know the format.
    img.onerror = () => {
      URL.revokeObjectURL(img.src);
      card.classList.add("unseeable");
      img.parentElement.remove();
    };
    img.src = URL.createObjectURL(file);
    const body = el(
      "div",
      { className: "body", role: "status" },
      el("p", { className: "path" }, bdi(file.name)),
      el("p", { className: "answer" }, "…"),
    );
    card.append(el("span", { className: "picture" }, img), body);
    byId("results").prepend(card);
    last = last.then(() => classify(file, card, body));
  }
  const old = [...byId("results").children].slice(KEPT);
  for (const card of old) card.remove();
}

async function classify(file, card, body) {
  try {
    show(body, await post("api/try", file, "application/octet-stream"));
  } catch (error) {
    card.classList.add("error");
    const words =
      error.code === "not_ready"
        ? "The classifier is not ready yet: label some images of two classes, and try again."
        : error.message;
    body.lastChild.replaceWith(
      el("p", { className: "answer" }, "Not classified"),
      el("p", { className: "fine" }, ...coded(words)),
    );
  }
}

function show(body, { label, probabilities, unknown, neighbours: near }) {
  const answer = el("p", { className: "answer" }, unknown ? "unknown" : bdi(label));
  const reason = unknown
    ? el(
        "p",
        { className: "fine" },
        `Unknown: ${unknown.reason}. The most probable class is `,
        bdi(label),
        ".",
      )
    : "";
  const rows = probabilities
    .slice(0, SHOWN)
    .map(({ class: name, probability }) =>
      el(
        "div",
        {},
        el("dt", {}, bdi(name)),
        el("dd", {}, bar(probability), el("span", {}, percent(probability, 1))),
      ),
    );
  body.classList.toggle("unknown-answer", Boolean(unknown));
  body.lastChild.replaceWith(
    answer,
    reason,
    el("dl", { className: "probabilities" }, ...rows),
    neighbours("Nearest images", near),
  );
}

export const tryView = {
  root: byId("try"),
  visible: false,
  panel: false,
  keys: {},
  show() {
    this.visible = true;
  },
  hide() {
    this.visible = false;
  },
  async acted() {},
  async refused() {},
  refocus() {
    focusQuietly(this.root);
  },
};

for (const id of ["files", "camera"]) {
  byId(id).addEventListener("change", (event) => {
    add([...event.target.files]);
    event.target.value = "";
  });
}
document.addEventListener("paste", (event) => {
  if (tryView.visible) add([...event.clipboardData.files]);
});
// A picture dropped on another view must not replace the page.
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  byId("drop").classList.add("over");
});
document.addEventListener("dragleave", () => byId("drop").classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  byId("drop").classList.remove("over");
  const files = [...event.dataTransfer.files];
  if (!files.length) return;
  location.hash = "try";
  add(files);
});
