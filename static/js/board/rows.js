/* Selecting rows, and moving among them by keys. What is ticked is known to the browser alone. */

import { board, byId, drawer, items } from "./page.js";

const bar = byId("several");
const ticked = new Set(); // ids of tasks; those that are not on the board just now count for nothing
let last = ""; // the one ticked last: where a range begins

const boxes = () => [...board.querySelectorAll(".tick input")];
const boxOf = (id) => byId(`tick-${id}`);

/* After a refresh: a row that was drawn anew is ticked again. */
export function keepTicks() {
  if (!bar) return;
  for (const id of ticked) {
    const box = boxOf(id);
    if (box && !box.checked) box.checked = true;
  }
  tell();
}

export function clear() {
  for (const box of boxes()) box.checked = false;
  ticked.clear();
  last = "";
  tell();
}

function tell() {
  const shown = boxes().filter((box) => box.checked).length;
  const words = byId("several-count");
  const said = shown === 1 ? words.dataset.one : words.dataset.many.replace("{n}", shown);
  if (words.textContent !== said) words.textContent = said;
  bar.hidden = shown === 0;
  byId("select-none").hidden = shown === 0;
  const all = boxes();
  for (const box of all) box.closest(".item").classList.toggle("is-ticked", box.checked);
  const head = byId("tick-all");
  if (head) {
    head.checked = shown > 0 && shown === all.length;
    head.indeterminate = shown > 0 && shown < all.length;
  }
}

function set(box, on) {
  box.checked = on;
  if (on) ticked.add(box.value);
  else ticked.delete(box.value);
}

/* From the one ticked last to this one, all alike. */
function range(box, on) {
  const all = boxes();
  const from = all.findIndex((one) => one.value === last);
  const to = all.indexOf(box);
  const [low, high] = from < 0 ? [to, to] : [Math.min(from, to), Math.max(from, to)];
  for (const one of all.slice(low, high + 1)) set(one, on);
  last = box.value;
  tell();
}

function toggle(box, whole) {
  if (whole) return range(box, true);
  set(box, !box.checked);
  last = box.value;
  tell();
  return undefined;
}

/* -- Keys -------------------------------------------------------------------------------------- */

const here = () => document.activeElement?.closest?.("#board-live .item") || null;

function goTo(item) {
  if (!item) return;
  const target = item.querySelector(".open") || item;
  if (target === item) item.setAttribute("tabindex", "-1");
  target.focus({ preventScroll: true });
  item.scrollIntoView({ block: "nearest" });
}

function step(by) {
  const all = items().filter((item) => item.offsetParent !== null);
  const at = all.indexOf(here());
  goTo(at < 0 ? all[by > 0 ? 0 : all.length - 1] : all[at + by]);
}

const isField = (element) =>
  element?.matches?.("textarea, select, input:not([type=checkbox], [type=radio]), [contenteditable]");

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || event.isComposing) return;
  const sheet = byId("keys");
  if (isField(event.target) || sheet?.open) return;
  const row = here();
  const behind = drawer.contains(document.activeElement);
  const act = {
    j: () => step(1),
    k: () => step(-1),
    ArrowDown: row && (() => step(1)),
    ArrowUp: row && (() => step(-1)),
    Enter: row && row === document.activeElement && (() => row.querySelector("a")?.click()),
    x: row && bar && row.dataset.task && (() => toggle(boxOf(row.dataset.task), false)),
    X: row && bar && row.dataset.task && (() => toggle(boxOf(row.dataset.task), true)),
    "?": sheet && (() => sheet.showModal()),
  }[event.key];
  if (!act || (behind && event.key !== "j" && event.key !== "k" && event.key !== "?")) return;
  event.preventDefault();
  act();
}

export function start() {
  if (!board || !drawer) return;
  document.addEventListener("keydown", onKey);
  const button = byId("keys-button");
  button.hidden = false;
  button.addEventListener("click", () => byId("keys").showModal());
  if (!bar) return;
  const all = (on) => {
    for (const box of boxes()) set(box, on);
    tell();
  };
  board.addEventListener("click", (event) => {
    if (event.target.id === "tick-all") all(event.target.checked);
    const box = event.target.closest(".tick input");
    if (!box) return;
    if (event.shiftKey) range(box, box.checked);
    else {
      set(box, box.checked);
      last = box.value;
      tell();
    }
  });
  byId("select-all").hidden = false;
  byId("select-all").addEventListener("click", () => all(true));
  byId("select-none").addEventListener("click", () => { clear(); byId("main").focus(); });
  document.addEventListener("htmx:after:swap", (event) => {
    if (event.detail.ctx.target === drawer && byId("several-result")) clear();
  });
  tell();
}
