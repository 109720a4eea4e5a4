// Whether the service can be reached, and the events that it sends.
export const REPLACED = "frostline was started again: open the address that it printed.";

const waiters = new Set();
const watchers = new Set();
let isConnected = true;
let isReplaced = false;
let source = null;
let retry = 0;
let pause = 500;
let heard = performance.now();

// The service sends a sign of life every 15 seconds.
const SILENT = 40_000;

export const connected = () => isConnected;
// Whether another session answers by now, which does not know this page.
export const replaced = () => isReplaced;
export const onConnection = (watcher) => watchers.add(watcher);

function set(value) {
  if (value === isConnected) return;
  isConnected = value;
  for (const watcher of watchers) watcher(value);
  if (value) for (const wake of [...waiters]) wake();
}

export function lost() {
  set(false);
  // The events may come over a connection that has not noticed yet.
  if (!retry) reconnect(300);
}

// Resolves at the next moment with a connection.
export function whenConnected(signal) {
  if (isConnected) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const wake = () => {
      waiters.delete(wake);
      if (isReplaced) reject(Object.assign(new Error(REPLACED), { code: "replaced" }));
      else resolve();
    };
    if (isReplaced) return wake();
    waiters.add(wake);
    signal?.addEventListener("abort", () => {
      waiters.delete(wake);
      reject(new DOMException("aborted", "AbortError"));
    });
  });
}

// Each session has a token of its own: one that was started at the same port refuses this page's.
async function isRefused() {
  const reply = await fetch("api/state", { method: "HEAD", signal: AbortSignal.timeout(5000) }).catch(
    () => null,
  );
  return reply?.status === 404;
}

function end() {
  isReplaced = true;
  for (const wake of [...waiters]) wake();
}

function reconnect(wait) {
  if (isReplaced) return;
  clearTimeout(retry);
  retry = setTimeout(() => {
    retry = 0;
    listen();
  }, wait);
}

let receive = () => {};

// Calls `receiver` with each state that the service sends and whether it is the first of a connection, and
// connects again for ever.
export function listenTo(path, receiver) {
  receive = (event, first) => receiver(JSON.parse(event.data), first);
  listen.path = path;
  listen();
}

function listen() {
  source?.close();
  const opened = new EventSource(listen.path);
  source = opened;
  heard = performance.now();
  let first = true;
  const alive = () => {
    heard = performance.now();
    pause = 500;
    set(true);
  };
  opened.addEventListener("alive", alive);
  opened.addEventListener("state", (event) => {
    alive();
    receive(event, first);
    first = false;
  });
  opened.addEventListener("error", async () => {
    opened.close();
    set(false);
    if (await isRefused()) end();
    else reconnect((pause = Math.min(5000, pause + 500)));
  });
}

// A page that is kept for the browser's "back" must not hold one of the few connections.
addEventListener("pagehide", () => source?.close());
addEventListener("pageshow", (event) => {
  if (event.persisted) reconnect(0);
});
// A laptop that was opened again should not wait for a timer.
addEventListener("online", () => {
  if (!isConnected) reconnect(0);
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    // A browser has six connections to one address, for all its tabs.
    source?.close();
    source = null;
  } else if (!source || !isConnected) reconnect(0);
});
// A process that was stopped, or a network that swallows everything, reports no error.
setInterval(() => {
  if (source && isConnected && performance.now() - heard > SILENT) lost();
}, 5000);
