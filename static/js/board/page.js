/* What all parts of the board share: the places of the page. */

export const htmx = window.htmx;
export const page = document.documentElement;
export const byId = (id) => document.getElementById(id);
export const board = byId("board-live");
export const drawer = byId("drawer");

/* The task that is open beside the board, by its id; "" when none is. */
export function openTask() {
  if (!drawer || drawer.hidden) return "";
  return /\/tasks\/(\d+)/.exec(byId("task-live")?.dataset.src || "")?.[1] || "";
}

/* Tasks and other things on the board, in their order. */
export const items = () => (board ? [...board.querySelectorAll(".item")] : []);

/* A moment on the office's clock, whatever the browser's own says. */
export function clock(moment, zone) {
  const options = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  return new Intl.DateTimeFormat("en-GB", zone ? { ...options, timeZone: zone } : options).format(moment);
}
