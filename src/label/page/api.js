// Requests to the service. Actions go one after another, and wait for a connection if repeating them does no
// harm.
import { connected, lost, REPLACED, replaced, whenConnected } from "./connection.js";

class Refused extends Error {
  constructor(message, code, status, body) {
    super(message);
    Object.assign(this, { code, status, body });
  }
}

const UNREACHABLE = "There is no connection to frostline.";

function unreachable() {
  lost();
  return new Refused(UNREACHABLE, "unreachable", 0, null);
}

async function answer(reply) {
  const body = await reply.json().catch(() => null);
  if (reply.ok && body) return body;
  // It is not this page's session that answers.
  if (reply.status === 404 && !body) throw unreachable();
  throw new Refused(
    body?.error ?? `The service replied with status ${reply.status}.`,
    body?.code ?? "failed",
    reply.status,
    body,
  );
}

async function send(path, options) {
  let reply;
  try {
    reply = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw unreachable();
  }
  return answer(reply);
}

export async function get(path, signal) {
  for (;;) {
    try {
      return await send(path, { signal });
    } catch (error) {
      if (error.code !== "unreachable") throw error;
      await whenConnected(signal);
    }
  }
}

export const post = (path, body, type = "application/json") =>
  send(path, {
    method: "POST",
    headers: { "Content-Type": type },
    body: type === "application/json" ? JSON.stringify(body) : body,
  });

// A second undo would take back something else; all other actions can be sent twice.
const repeatable = (action) => action.kind !== "undo" && action.kind !== "redo";

// An action that takes longer makes the page look whether the service is still there.
const SLOW = 10_000;

let last = Promise.resolve();
let waiting = 0;
let unsaved = 0;
export const actionsWaiting = () => waiting;
// How many were given up, because another session answers.
export const actionsUnsaved = () => unsaved;

async function deliver(action) {
  if (!connected() && !repeatable(action))
    throw new Refused(`${replaced() ? REPLACED : UNREACHABLE} Nothing was changed.`, "unreachable", 0, null);
  for (;;) {
    const slow = setTimeout(lost, SLOW);
    try {
      return await post("api/act", action);
    } catch (error) {
      if (error.code !== "unreachable") throw error;
      if (!repeatable(action))
        throw new Refused(`${UNREACHABLE} Look whether the ${action.kind} was done.`, "unreachable", 0, null);
      await whenConnected();
    } finally {
      clearTimeout(slow);
    }
  }
}

// Resolves when the action is on the disk.
export function act(action) {
  waiting += 1;
  const done = last
    .then(() => deliver(action))
    .finally(() => {
      waiting -= 1;
      if (replaced()) unsaved += 1;
    });
  last = done.catch(() => {});
  return done;
}

addEventListener("beforeunload", (event) => {
  if (waiting) event.preventDefault();
});
