// Findings about the labels, one at a time: possible errors, duplicates, contradictions and outliers.
import * as actions from "./actions.js";
import { get } from "./api.js";
import { aim } from "./classes.js";
import { button, byId, coded, el, images, number } from "./dom.js";
import { drawFinding } from "./finding.js";
import { count, drawKinds, isKind, noneWords, tally } from "./kinds.js";
import { openLarge, updateLarge } from "./large.js";
import { onState, state } from "./state.js";
import { inWords, picture } from "./tiles.js";

const AT_ONCE = 30;
const OFTEN = 700;

let kind = "suspects";
let reply = null;
let index = 0;
let marked = 0;
// The images of an action that was taken back: their finding is shown as soon as it is there again.
let undone = [];
let request = null;
let timer = 0;

const entry = () => reply?.entries[index];
const members = (finding) => (finding ? (finding.items ?? [finding.item]) : []);
const idOf = (finding) =>
  members(finding)
    .map(({ id }) => id)
    .join(" ");

async function load(follow) {
  request?.abort();
  request = new AbortController();
  const { signal } = request;
  const before = idOf(entry());
  try {
    const next = await get(`api/check/${kind}?offset=0&limit=${Math.max(AT_ONCE, index + AT_ONCE)}`, signal);
    reply = next;
    const place = (test) => next.entries.findIndex(test);
    const again = place((finding) => members(finding).some(({ id }) => undone.includes(id)));
    const same = follow ? place((finding) => idOf(finding) === before) : -1;
    if (again >= 0 || !next.computing) undone = [];
    if (again >= 0 || same < 0) marked = 1;
    index = again >= 0 ? again : same >= 0 ? same : index;
    index = Math.max(0, Math.min(index, next.entries.length - 1));
    count(kind, next);
    draw();
    tally(kind, signal);
  } catch (error) {
    if (error.name !== "AbortError")
      byId("finding").replaceChildren(el("p", { className: "nothing" }, ...coded(error.message)));
  }
}

function draw() {
  drawKinds(kind);
  const finding = entry();
  byId("queue").hidden = !finding || reply.entries.length < 2;
  const root = byId("finding");
  const held = root.contains(document.activeElement) && document.activeElement.dataset.act;
  marked = Math.min(marked, members(finding).length - 1);
  const order = kind === "suspects" ? ", the most doubtful first" : "";
  const position =
    finding &&
    `${number(index + 1)} of ${number(reply.n)}${order}${reply.computing ? " · still checking" : ""}`;
  root.replaceChildren(...(finding ? drawFinding(finding, kind, position, marked, does) : [nothing()]));
  root.className = finding?.items ? "several" : "single";
  if (held) root.querySelector(`[data-act="${held}"]`)?.focus();
  drawQueue();
  aimed();
  updateLarge();
}

function nothing() {
  const { n_labelled: n } = state();
  const words = reply.computing
    ? "Checking the labels …"
    : n < 2
      ? "There are not enough labels to check yet."
      : noneWords(kind);
  return el(
    "p",
    { className: "nothing" },
    words,
    n < 2 && !reply.computing ? el("a", { href: "#sort" }, " Label some images") : "",
  );
}

function drawQueue() {
  const queue = byId("queue");
  const focused = queue.contains(document.activeElement);
  const buttons = (reply.entries ?? []).map((finding, i) => {
    const made = button(
      "",
      () => {
        index = i;
        marked = 1;
        draw();
      },
      "queued",
    );
    made.append(picture(members(finding)[0]));
    made.setAttribute("aria-label", `Finding ${i + 1}: ${inWords(members(finding)[0])}`);
    if (i === index) made.setAttribute("aria-current", "true");
    return made;
  });
  queue.replaceChildren(...buttons);
  buttons[index]?.scrollIntoView({ block: "nearest", inline: "center" });
  if (focused) buttons[index]?.focus();
}

function aimed() {
  const n = members(entry()).length;
  aim(
    n ? (n > 1 ? `Label all ${images(n)} alike` : "Change the label") : "No image to label",
    n > 0,
    entry()?.suggested,
  );
}

const does = {
  keep: () => check.keep(),
  label: (name) => check.label(name),
  leaveOut: () => check.leaveOut(),
  enlarge: () => openLarge(check),
  mark(at) {
    marked = at;
    draw();
  },
};

export const check = {
  root: byId("check"),
  visible: false,
  panel: true,

  show(argument) {
    this.visible = true;
    byId("unlabel").hidden = true;
    const wanted = isKind(argument) ? argument : kind;
    if (wanted !== kind) {
      kind = wanted;
      reply = null;
      index = 0;
    }
    load(true);
    if (!reply) byId("finding").replaceChildren();
    aimed();
  },

  hide() {
    this.visible = false;
  },
  member: () => members(entry())[entry()?.items ? marked : 0],
  ids: () => members(entry()).map(({ id }) => id),
  refocus() {
    this.root.focus();
  },

  label(name) {
    if (entry()) return this.pending(actions.label(this, this.ids(), name, false));
    return actions.addClass(this, name);
  },
  keep() {
    if (entry()) return this.pending(actions.keep(this, this.ids()));
  },
  leaveOut() {
    if (entry()) return this.pending(actions.leaveOut(this, [this.member().id], false));
  },

  // The finding fades until the next one is there.
  async pending(done) {
    byId("finding").classList.add("busy");
    await done;
    byId("finding").classList.remove("busy");
  },

  step(by) {
    if (!reply) return;
    undone = [];
    index = Math.max(0, Math.min(reply.entries.length - 1, index + by));
    marked = 1;
    draw();
    if (index + 5 > reply.entries.length && reply.entries.length < reply.n) load(true);
  },

  turn(by) {
    if (!entry()?.items) return;
    const { length } = entry().items;
    marked = (marked + by + length) % length;
    draw();
  },

  async acted(changed, kind) {
    undone = kind === "undo" ? changed : [];
    await load(false);
  },
  async refused(error) {
    if (error.code === "stale") await load(true);
  },
};

check.keys = {
  k: () => check.keep(),
  y: () => {
    if (entry()?.suggested !== undefined) check.label(entry().suggested);
  },
  x: () => check.leaveOut(),
  ArrowLeft: () => check.step(-1),
  ArrowRight: () => check.step(1),
  ArrowUp: () => check.turn(-1),
  ArrowDown: () => check.turn(1),
  Enter: () => openLarge(check),
};

onState((now) => {
  if (!check.visible || timer || actions.acting()) return;
  if (reply && now.revision === reply.revision && !reply.computing) return;
  timer = setTimeout(() => {
    timer = 0;
    if (check.visible && !actions.acting()) load(true);
  }, OFTEN);
});
