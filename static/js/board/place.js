/* Nothing jumps: what a person points at, or reads, keeps its place on the screen while rows come and go
   above it, and the focus stays on the board when its row goes. */

import { byId, items } from "./page.js";

const POINTING_MS = 10000; // a mouse that has lain still for longer points at nothing
const pointer = { x: -1, y: -1, at: -POINTING_MS };

document.addEventListener("pointermove", (event) => {
  if (event.pointerType !== "touch") Object.assign(pointer, { x: event.clientX, y: event.clientY, at: Date.now() });
}, { passive: true });
document.addEventListener("pointerleave", () => { pointer.x = pointer.y = -1; });

let owed = 0; // pages scroll by whole pixels, rows are not so high: what is left over adds up, change by change

const top = (element) => element.getBoundingClientRect().top;

/* To be called before the board changes; what it returns, right after. */
export function hold() {
  const before = items();
  const places = new Map();
  for (const item of before) {
    const box = item.getBoundingClientRect();
    if (box.bottom > 0 && box.top < innerHeight) places.set(item.id, box.top - owed);
  }
  const focused = document.activeElement?.closest?.(".item") || null;
  const scrolled = window.scrollY > 0;
  const pointed = pointer.x >= 0 && (scrolled || Date.now() - pointer.at < POINTING_MS)
    ? document.elementFromPoint(pointer.x, pointer.y)?.closest(".item") : null;
  const order = before.map((item) => item.id);
  const first = [pointed, focused].find((item) => item && places.has(item.id));

  return () => {
    settle(first?.id, places, scrolled);
    if (focused && !focused.isConnected) takeOver(order, focused.id);
  };
}

function settle(first, places, scrolled) {
  const moved = (id) => (byId(id) ? top(byId(id)) - places.get(id) : null);
  let by = first ? moved(first) : null;
  if (by === null) {
    // Whoever is at the top wants to see what comes there.
    if (!scrolled) return;
    // Most rows agree on how far they have moved; one that has found another place doesn't lead away.
    const all = [...places.keys()].map(moved).filter((far) => far !== null).sort((a, b) => a - b);
    by = all.length ? all[Math.floor(all.length / 2)] : 0;
  }
  const before = window.scrollY;
  if (Math.abs(by) >= 0.5) window.scrollBy({ top: by, behavior: "instant" });
  const left = by - (window.scrollY - before);
  owed = Math.abs(left) < 1 ? left : 0; // more is what a page can't scroll beyond its ends
}

/* The row that had the focus is gone: the next one has it now. */
function takeOver(order, gone) {
  if (document.activeElement && document.activeElement !== document.body) return;
  const at = order.indexOf(gone);
  const next = [...order.slice(at + 1), ...order.slice(0, at).reverse()].map(byId).find(Boolean);
  (next?.querySelector(".open") || next?.querySelector("a, button"))?.focus({ preventScroll: true });
}
