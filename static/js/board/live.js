/* Keeps an open board, and the task open beside it, true to what the database says: a stream brings what
   has changed, and where no stream can be had it is asked for every few seconds. A refresh is merged into
   the page, and nothing a person is doing there is lost by it. */

import { forget, soundIsOn } from "./count.js";
import { board, byId, clock, drawer, htmx, openTask } from "./page.js";
import { hold } from "./place.js";

const TOGETHER_MS = 300; // a burst of changes is one refresh
const SAFETY_MS = 20000; // the words "12 min" age even when nothing happens
const POLL_MS = 2000;
const LISTEN_AGAIN_MS = 30000;
const PATIENCE_MS = 3000; // a stream that hasn't begun by then may never do

/* What a person has opened stays open: a refresh doesn't know of it. */
htmx.registerExtension("kept-open", {
  htmx_before_morph_attr: (element, { attrName }) =>
    !(element instanceof HTMLDetailsElement && attrName === "open"),
});

/* -- Refreshing -------------------------------------------------------------------------------- */

const afterMerge = []; // called with the part of the page that has just been merged
let running = false;
let again = false;
let timer = 0;
let lastAt = 0;
let pressed = false; // a row must not move away under a finger
let reached = true;
let reachedAt = Date.now();
let out = false; // the server doesn't know any more who this is
let login = {}; // what is done when that is so, and when it is over
let brought = null; // what the stream has brought and isn't on the page yet
let streams = 0; // how many have begun

export function onMerge(act) {
  afterMerge.push(act);
}

export function onLogin(acts) {
  login = acts;
}

export function refresh() {
  if (running || pressed) {
    again = true;
    return;
  }
  if (!timer) timer = setTimeout(run, Math.max(0, lastAt + TOGETHER_MS - Date.now()));
}

async function run() {
  timer = 0;
  running = true;
  again = false;
  lastAt = Date.now();
  try {
    const rows = brought;
    brought = null;
    await Promise.all([rows ? put(rows) : pull(board), pull(byId("task-live"))]);
    reached = true;
    if (!out) reachedAt = Date.now();
  } catch {
    reached = false;
  }
  running = false;
  tell();
  if (again) refresh();
}

/* What the stream has brought. A board that shows it all needn't be asked for. */
function take(event) {
  const value = `"${event.lastEventId}"`;
  const url = board.dataset.src;
  if (board.tag && board.tag.url === url && board.tag.value === value) return;
  brought = { url, value, text: event.data };
  refresh();
}

async function put(rows) {
  if (board.dataset.src !== rows.url) return;
  await merge(board, rows.text);
  board.tag = { url: rows.url, value: rows.value };
}

async function pull(part) {
  if (!part || part.closest("[hidden]")) return;
  const url = part.dataset.src;
  const headers = { "HX-Request": "true" };
  // The full page's buttons are plain ones; asked for as part of a page, they come as the drawer's.
  if (part.id === "task-live" && !drawer) delete headers["HX-Request"];
  if (part.tag && part.tag.url === url) headers["If-None-Match"] = part.tag.value;
  const asked = streams;
  const answer = await fetch(url, { headers, cache: "no-store" });
  if (answer.status === 401 || answer.redirected) return setOut(true);
  if (answer.status >= 500) throw new Error(String(answer.status));
  setOut(false);
  if (answer.status !== 200) return undefined;
  const text = await answer.text();
  if (!part.isConnected || part.dataset.src !== url) return undefined;
  if (part === board && asked !== streams) return undefined; // a stream that began since knows better
  await merge(part, text);
  part.tag = { url, value: answer.headers.get("ETag") || "" };
  return undefined;
}

function setOut(now) {
  if (now === out) return;
  out = now;
  if (out) {
    login.lost();
    follow(); // the old stream may go on for minutes: without one, the page asks until it is known again
  } else login.back();
}

async function merge(part, text) {
  const focused = document.activeElement;
  const settle = part === board ? hold() : () => undefined;
  const merged = htmx.swap({ text, target: part, swap: "innerMorph", sourceElement: part });
  settle(); // before anything is painted; once more below, should the merge have taken its time
  await merged;
  // Moved to another place of the table, a focused link loses the focus in some browsers.
  if (focused && focused !== document.activeElement && part.contains(focused)) {
    focused.focus({ preventScroll: true });
  }
  settle();
  for (const act of afterMerge) act(part);
}

/* -- Being told -------------------------------------------------------------------------------- */

const state = byId("live-state");
let source = null;
let streaming = false;
let polling = 0;
let listenAgain = 0;
let patience = 0;

function tell() {
  const now = out ? "out" : streaming ? "live" : reached ? "polling" : "lost";
  if (!state || state.dataset.now === now) return;
  state.dataset.now = now;
  state.textContent = state.dataset[now].replace("{t}", clock(reachedAt, state.dataset.zone));
}

/* Not at once: all the others have lost their streams, too. */
function poll() {
  polling = polling || setInterval(refresh, POLL_MS);
}

function listen() {
  hush();
  const query = new URLSearchParams(board ? board.dataset.src.split("?")[1] : "");
  if (board) query.set("rows", "1");
  source = new EventSource(`/board/stream?${query}`);
  clearTimeout(patience);
  patience = setTimeout(() => { if (source && !streaming) poll(); }, PATIENCE_MS);
  source.addEventListener("hello", () => {
    setOut(false);
    streaming = true;
    reachedAt = Date.now();
    clearInterval(polling);
    polling = 0;
    tell();
    streams += 1;
    if (!board || openTask()) refresh(); // what happened while nobody told us; the rows come by themselves
  });
  if (board) {
    source.addEventListener("rows", take);
    // What the last stream brought is what there is; but the page may have asked since.
    source.addEventListener("same", (event) => {
      if (!board.tag || board.tag.value !== `"${event.lastEventId}"`) refresh();
    });
  }
  // The board's rows come by themselves; the task beside it is asked for.
  source.addEventListener("changed", () => {
    if (!board || openTask()) refresh();
  });
  source.addEventListener("error", () => {
    if (streaming) reachedAt = Date.now();
    streaming = false;
    poll();
    // The browser tries again by itself, unless it was told that there is no stream to be had.
    if (source && source.readyState === EventSource.CLOSED) {
      listenAgain = setTimeout(listen, LISTEN_AGAIN_MS);
    }
  });
}

function hush() {
  source?.close();
  source = null;
  streaming = false;
  clearTimeout(listenAgain);
  clearTimeout(patience);
  clearInterval(polling);
  polling = 0;
}

// A page nobody looks at holds no stream, unless somebody listens for its sound; its slow refresh keeps the
// number in its title.
export const follow = () => (document.visibilityState === "visible" || soundIsOn() ? listen() : hush());

/* Show something else from now on. */
export function ask(url) {
  board.dataset.src = url;
  forget();
  lastAt = 0;
  brought = null;
  follow();
  refresh();
}

export function start() {
  document.addEventListener("visibilitychange", follow);
  window.addEventListener("pagehide", hush);
  window.addEventListener("pageshow", (event) => event.persisted && follow());
  setInterval(() => { if (!streaming || byId("task-live")) refresh(); }, SAFETY_MS);
  document.addEventListener("pointerdown", () => { pressed = true; });
  for (const end of ["pointerup", "pointercancel"]) {
    document.addEventListener(end, () => {
      // The click comes after this; let it land first.
      setTimeout(() => { pressed = false; if (again) refresh(); }, 50);
    });
  }
  follow();
}
