// Starts the page: which view is shown, the bar at the top, and the dialogs.
import * as actions from "./actions.js";
import { actionsUnsaved, actionsWaiting } from "./api.js";
import { check } from "./check.js";
import { startClasses, typeClass } from "./classes.js";
import { listenTo, onConnection, REPLACED, replaced } from "./connection.js";
import { base, byId, coded, el, number } from "./dom.js";
import { finish } from "./finish.js";
import { listenToKeys, showKeys } from "./keys.js";
import { closeLarge, largeKeys, largeView } from "./large.js";
import { progress } from "./progress.js";
import { similar } from "./similar.js";
import { sort } from "./sort.js";
import { classes, onState, state, tell } from "./state.js";
import { tryView } from "./try.js";

const views = { sort, check, progress, try: tryView, similar, finish };
let view = null;

function route() {
  const [name, argument] = location.hash.slice(1).split("/");
  const next = views[name] ? name : "sort";
  const from = Object.keys(views).find((key) => views[key] === view);
  closeLarge(false);
  if (views[next] !== view) {
    view?.hide();
    if (view) view.root.hidden = true;
    view = views[next];
    view.root.hidden = false;
    byId("panel").hidden = !view.panel;
    const title = view.root.getAttribute("aria-label");
    document.title = `${title} – ${base(state().images)} – frostline label`;
    for (const link of document.querySelectorAll("nav a")) {
      if (link.hash === `#${next}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }
  view.show(argument === undefined ? undefined : decodeURIComponent(argument), from);
  if (from) view.refocus();
}

function showSimilar() {
  const item = view.grid ? view.grid.item : view.member?.();
  if (item) location.hash = `similar/${item.id}`;
}

const pageKeys = {
  c: typeClass,
  u: () => actions.undo(view),
  "ctrl+z": () => actions.undo(view),
  U: () => actions.redo(view),
  "ctrl+y": () => actions.redo(view),
  "ctrl+shift+z": () => actions.redo(view),
  s: showSimilar,
  "?": showKeys,
};

function label(name) {
  if (view.panel) view.label(name);
}

function drawBar(now) {
  byId("folder").textContent = base(now.images);
  byId("folder").title = now.images;
  const all = now.n_images - now.n_skipped;
  byId("tally").replaceChildren(
    `${number(now.n_labelled)} of ${number(all)}`,
    el("span", {}, ` ${all === 1 ? "image" : "images"} labelled`),
  );
  const undo = byId("undo");
  undo.disabled = !now.can_undo;
  const what = now.undo?.replace(/`(.*)`/g, "“$1”") ?? "the last action";
  undo.title = now.can_undo ? `Undo: ${what} (u)` : "Nothing to undo";
  byId("redo").disabled = !now.can_redo;
  byId("redo").title = "Redo (U)";
  const { done, total } = now.progress;
  const work = {
    scanning: "Looking for images …",
    extracting: `Preparing images: ${number(done)} of ${number(total)}`,
  }[now.phase];
  byId("work").hidden = !work;
  if (!work) return;
  byId("extraction").max = Math.max(1, total);
  byId("extraction").value = done;
  byId("work-words").textContent = work;
}

function lostWords(waiting) {
  const wait = ["", "1 action waits for it. "][waiting] ?? `${waiting} actions wait for it. `;
  const what = "If frostline was stopped, start it again and open the address that it prints.";
  return `Connection lost. ${wait}Trying again … ${what}`;
}

function replacedWords(unsaved) {
  const lost = ["", " 1 action was not saved."][unsaved] ?? ` ${unsaved} actions were not saved.`;
  return `${REPLACED}${lost}`;
}

// What the person should know, the most urgent first.
function notice() {
  const node = byId("notice");
  const now = state();
  let text = "";
  if (replaced()) text = replacedWords(actionsUnsaved());
  else if (!connection) text = lostWords(actionsWaiting());
  else if (now?.phase === "failed") text = now.message ?? "The images could not be prepared.";
  else if (now?.notes?.length) text = dismissed.has(now.notes.join(" ")) ? "" : now.notes.join(" ");
  if (node.dataset.text === text) return;
  node.dataset.text = text;
  node.hidden = !text;
  node.classList.toggle("urgent", !connection || now?.phase === "failed");
  const close = el(
    "button",
    {
      type: "button",
      className: "plain",
      onclick: () => {
        dismissed.add(text);
        notice();
      },
    },
    "Close",
  );
  const words = el("span", {}, ...coded(text));
  node.replaceChildren(words, connection && now?.phase !== "failed" ? close : "");
}

let connection = true;
const dismissed = new Set();
onConnection((now) => {
  connection = now;
  notice();
});
setInterval(() => {
  if (!connection) notice();
}, 500);

function startDialogs() {
  for (const dialog of document.querySelectorAll("dialog")) {
    dialog.querySelector(".close").addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => view.refocus());
  }
  const rename = byId("rename");
  byId("rename-open").addEventListener("click", () => {
    byId("rename-from").replaceChildren(...classes().map(({ name }) => new Option(name, name)));
    byId("rename-to").value = "";
    rename.showModal();
  });
  rename
    .querySelector("form")
    .addEventListener("submit", () =>
      actions.renameClass(view, byId("rename-from").value, byId("rename-to").value.trim()),
    );
  onState((now) => {
    byId("rename-open").hidden = !now.classes.length;
  });
}

// What the keys do, for a pointer.
function startTools() {
  const tools = {
    enlarge: () => view.keys.Enter(),
    similars: showSimilar,
    "leave-out": () => view.leaveOut(),
    unlabel: () => view.clear?.(),
  };
  for (const [id, action] of Object.entries(tools)) byId(id).addEventListener("click", action);
}

function start() {
  startDialogs();
  startTools();
  startClasses(label, () => view.refocus());
  listenToKeys(() => [largeView() ? { ...largeKeys } : {}, view?.keys ?? {}, pageKeys], label);
  byId("undo").addEventListener("click", () => actions.undo(view));
  byId("redo").addEventListener("click", () => actions.redo(view));
  byId("help").addEventListener("click", showKeys);
  onState(drawBar);
  onState(notice);
  onState(() => {
    if (!view) route();
  });
  addEventListener("hashchange", () => {
    if (view) route();
  });
  listenTo("api/events", tell);
}

start();
