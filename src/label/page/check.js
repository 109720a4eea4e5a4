// Findings about the labels, one at a time: likely mistakes, duplicates, contradictions and outliers.
import * as actions from "./actions.js";
import { get } from "./api.js";
import { aim } from "./classes.js";
import { button, byId, el, images, number } from "./dom.js";
import { drawFinding } from "./finding.js";
import { openLarge, updateLarge } from "./large.js";
import { onState, state } from "./state.js";
import { inWords, picture } from "./tiles.js";

const KINDS = [
  ["suspects", "Likely mistakes", "No label looks wrong."],
  ["contradictions", "Contradictions", "No two equal images have different labels."],
  ["duplicates", "Duplicates", "No image is there twice."],
  ["near_duplicates", "Near-duplicates", "No two images are almost the same."],
  ["outliers", "Outliers", "No labelled image is unlike all others."],
];
const AT_ONCE = 30;
const OFTEN = 700;

let kind = "suspects";
let reply = null;
let index = 0;
let marked = 0;
let counts = {};
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
    const found = next.entries.findIndex((finding) => idOf(finding) === before);
    if (follow && found >= 0) index = found;
    else marked = 1;
    index = Math.max(0, Math.min(index, next.entries.length - 1));
    count(kind, next);
    draw();
    tally(signal);
  } catch (error) {
    if (error.name !== "AbortError")
      byId("finding").replaceChildren(el("p", { className: "nothing" }, error.message));
  }
}

// Nothing found is no finding while the search goes on.
function count(key, { n, computing }) {
  counts[key] = n || !computing ? n : undefined;
}

async function tally(signal) {
  const others = KINDS.filter(([key]) => key !== kind);
  await Promise.all(
    others.map(async ([key]) => {
      count(key, await get(`api/check/${key}?offset=0&limit=1`, signal));
    }),
  ).catch(() => {});
  if (!signal.aborted) drawKinds();
}

function drawKinds() {
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
      made.setAttribute("aria-pressed", String(key === kind));
      made.dataset.kind = key;
      return made;
    }),
  );
  if (focused) kinds.querySelector(`[data-kind="${focused}"]`)?.focus();
}

function draw() {
  drawKinds();
  const finding = entry();
  byId("queue").hidden = !finding || reply.entries.length < 2;
  const root = byId("finding");
  const held = root.contains(document.activeElement) && document.activeElement.dataset.act;
  marked = Math.min(marked, members(finding).length - 1);
  const position =
    finding && `${number(index + 1)} of ${number(reply.n)}${reply.computing ? " · still checking" : ""}`;
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
      : KINDS.find(([key]) => key === kind)[2];
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
    entry()?.suggested ?? null,
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
    const wanted = KINDS.some(([key]) => key === argument) ? argument : kind;
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

  async acted() {
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
