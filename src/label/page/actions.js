// What a person does to the labels: sent, announced, and shown by the view.
import { act } from "./api.js";
import { complain, say } from "./announce.js";
import { byId, images } from "./dom.js";
import { state, tell } from "./state.js";

let running = 0;
export const acting = () => running > 0;

function working(by) {
  running += by;
  byId("main").setAttribute("aria-busy", String(running > 0));
}

// `view` has `acted(changed, kind)`, which shows the new order, and `refused()`. A picture that only has the
// focus is another one after the last action: no key may label a picture that was not seen.
async function perform(view, action, words, explicit) {
  if (view.grid?.selection.picking) {
    complain("The images are still being selected: nothing was done.");
    return false;
  }
  if (running && !explicit) {
    complain("The last action is still being saved: nothing was done.");
    return false;
  }
  if (action.kind === "label") view.grid?.markBusy(action.ids, action.class);
  working(1);
  try {
    const reply = await act(action);
    tell(reply.state);
    say(words(reply.changed.length));
    await view.acted(reply.changed, action.kind);
    return true;
  } catch (error) {
    await refused(view, error);
    return false;
  } finally {
    working(-1);
  }
}

async function refused(view, error) {
  if (error.code === "disk_full") complain(`The disk is full: nothing was changed. ${error.message}`);
  else if (error.code === "stale") complain(`${error.message} Nothing was changed. Look at it again.`);
  else complain(error.message);
  if (error.body?.state) tell(error.body.state);
  await view.refused(error);
}

export const label = (view, ids, name, explicit) =>
  perform(view, { kind: "label", ids, class: name }, (n) => `${images(n)} labelled ${name}.`, explicit);
export const leaveOut = (view, ids, explicit) =>
  perform(view, { kind: "leave_out", ids }, (n) => `${images(n)} left out.`, explicit);
export const clear = (view, ids, explicit) =>
  perform(view, { kind: "clear", ids }, (n) => `${images(n)} without a label again.`, explicit);
export const keep = (view, ids) =>
  perform(view, { kind: "keep", ids }, (n) => `${n === 1 ? "The label is" : `${n} labels are`} kept.`, false);
export const accept = (view, group, revision) =>
  perform(
    view,
    { kind: "accept_group", key: group.key, revision },
    (n) => `${images(n)} labelled ${group.title}.`,
    false,
  );
export const addClass = (view, name) =>
  perform(view, { kind: "add_class", name }, () => `Class ${name} added.`, false);
export const renameClass = (view, from, to) =>
  perform(view, { kind: "rename_class", from, to }, () => `Class ${from} is now ${to}.`, false);

export function undo(view) {
  const { can_undo: can, undo: what } = state() ?? {};
  if (!can) return say("There is nothing to undo.");
  return perform(view, { kind: "undo" }, () => `Undone: ${what ?? "the last action"}.`, false);
}

export function redo(view) {
  if (!state()?.can_redo) return say("There is nothing to redo.");
  return perform(view, { kind: "redo" }, () => "Done again.", false);
}
