/* The drawer over the right half: a task, or what is to be done to several. */

import { refresh } from "./live.js";
import { board, byId, drawer, htmx, openTask, page } from "./page.js";

const IN_DRAWER = /^\/board\/(tasks\/\d+|several)$/; // addresses that are shown in it
let opener = "";

/* Which row is open beside the board. */
export function mark() {
  const id = openTask();
  for (const row of document.querySelectorAll(".item.is-open")) {
    if (row.dataset.task !== id) row.classList.remove("is-open");
  }
  if (id) byId(`task-${id}`)?.classList.add("is-open");
}

/* The task has moved on, and what can be done to it is another matter now. Fetched anew when nothing has
   been entered; else the person decides. */
export function outdated() {
  const actions = byId("task-actions");
  const stale = byId("stale");
  if (!stale || byId("stand").dataset.state === actions.dataset.state) return;
  if (drawer && !entered(actions) && !actions.contains(document.activeElement)) {
    htmx.ajax("GET", `/board/tasks/${openTask()}`, {
      source: drawer, target: "#task-actions", select: "#task-actions", swap: "outerHTML",
    });
  } else {
    stale.hidden = false;
  }
}

function entered(root) {
  return [...root.querySelectorAll("input:not([type=hidden]), textarea")].some((field) =>
    ["radio", "checkbox"].includes(field.type) ? field.checked !== field.defaultChecked
      : field.value !== field.defaultValue);
}

function show() {
  drawer.hidden = false;
  page.classList.add("has-drawer");
  mark();
}

function hide() {
  if (!drawer || drawer.hidden) return;
  drawer.hidden = true;
  drawer.replaceChildren();
  page.classList.remove("has-drawer");
  mark();
  byId(opener)?.focus({ preventScroll: true });
}

/* The board is the entry before the drawer's own, always: another task opened in it takes the place of the
   first. */
const close = () => history.back();

export function reveal(hash) {
  const part = hash.length > 1 && document.querySelector(hash);
  if (!part) return false;
  if (part instanceof HTMLDetailsElement) part.open = true;
  part.scrollIntoView({ block: "start" });
  // Into what can be filled in; never onto a button, which the next Enter would press.
  const field = part.querySelector("input:not([type=hidden])");
  if (!field) part.setAttribute("tabindex", "-1");
  (field || part).focus({ preventScroll: true });
  return true;
}

/* After a form came back: to what it says. */
export function attend(root) {
  const news = root.querySelector("#several-result, #task-news, #task-said .notice:not([hidden])");
  const wrong = root.querySelector("[aria-invalid], [aria-describedby$='-error'] input:not([type=hidden])");
  const first = news || wrong || root.querySelector(".field-error");
  if (!first) return false;
  first.scrollIntoView({ block: "center" });
  if (!first.matches("input, textarea, select")) first.setAttribute("tabindex", "-1");
  first.focus({ preventScroll: true });
  return true;
}

function say(words) {
  const problem = byId("task-problem");
  if (!problem) return null;
  problem.textContent = words;
  problem.hidden = false;
  return problem;
}

function complain(words) {
  const problem = say(words);
  if (problem) problem.scrollIntoView({ block: "center" });
  else location.assign("/board");
}

/* From either end of the open drawer Tab goes on at the other: it may cover what would come next. Whoever
   has gone out of it, by the mouse or by j and k, is left where they are. */
const CONTROLS = "a[href], button:enabled, input:enabled:not([type=hidden]), select:enabled, textarea:enabled, summary";

function goRound(event) {
  if (event.key !== "Tab" || event.altKey || event.ctrlKey || event.metaKey || event.isComposing) return;
  if (!drawer || drawer.hidden || byId("keys")?.open) return;
  const here = document.activeElement;
  const inside = drawer.contains(here);
  if (!inside && drawer.clientWidth <= innerWidth * 0.9) return; // it doesn't cover the whole window
  const controls = [...drawer.querySelectorAll(CONTROLS)].filter((one) => one.checkVisibility());
  const [first, last] = [controls[0], controls.at(-1)];
  const back = Node.DOCUMENT_POSITION_PRECEDING;
  const isPast = event.shiftKey
    ? here === first || first.compareDocumentPosition(here) & back
    : here === last || here.compareDocumentPosition(last) & back;
  if (inside && !isPast) return;
  event.preventDefault();
  (event.shiftKey ? last : first).focus();
}

/* After another login the forms of this page are too old: the same person may send them with fresh tokens.
   Whether it is the same. */
async function renewTokens() {
  const answer = await fetch("/board").catch(() => null);
  const parsed = answer && new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!page.dataset.me || parsed?.documentElement.dataset.me !== page.dataset.me) return false;
  const { value } = parsed.querySelector("#act [name=csrf_token]");
  for (const field of document.querySelectorAll("[name=csrf_token]")) field.value = value;
  return true;
}

async function refused() {
  if (await renewTokens()) complain(drawer.dataset.failed);
  else if (byId("task-problem")) complain(drawer.dataset.loggedOut);
  else refresh(); // which hears of it, too
}

/* A button in a row holds no words: with fresh tokens it is pressed once more, for its person. */
let pressedAgain = null;

async function pressAgain(button) {
  if (button === pressedAgain || !(await renewTokens())) return;
  pressedAgain = button;
  button.click();
}

/* Whoever has been logged out finds the page for it here, but not in place of what they have entered. */
export function loggedOut() {
  if (!entered(document)) location.reload();
  else if (drawer) say(drawer.dataset.loggedOut); // beside what they type, which stays in sight
}

export async function loggedIn() {
  const problem = byId("task-problem");
  if (await renewTokens() && drawer && problem?.textContent === drawer.dataset.loggedOut) problem.hidden = true;
}

/* The box above the list of volunteers: only of use with a script, so shown by it. */
export function prepare() {
  for (const box of document.querySelectorAll("[data-find]")) box.hidden = false;
}

function find(event) {
  const box = event.target.closest("[data-find]");
  if (!box) return;
  const wanted = event.target.value.trim().toLowerCase();
  const form = box.closest("form");
  for (const one of form.querySelectorAll(".candidate")) {
    one.hidden = wanted !== "" && !one.textContent.toLowerCase().includes(wanted);
  }
  const more = form.querySelector("details.more");
  if (more && wanted) more.open = true;
}

function listenToHtmx() {
  document.addEventListener("htmx:before:history:update", (event) => {
    if (!drawer.hidden) event.detail.history.type = "replace";
  });
  document.addEventListener("htmx:before:swap", (event) => {
    const { ctx } = event.detail;
    if (ctx.target !== drawer) return;
    if (![200, 409, 422].includes(ctx.response?.status)) {
      event.preventDefault();
      if ([400, 401].includes(ctx.response?.status)) refused();
      else complain(drawer.dataset.failed);
    }
  });
  document.addEventListener("htmx:response:error", (event) => {
    const { ctx } = event.detail;
    const button = event.target instanceof Element && event.target.closest("#board-live button");
    if (button && ctx.target !== drawer && ctx.response?.status === 400) pressAgain(button);
  });
  document.addEventListener("htmx:error", (event) => {
    const { ctx } = event.detail;
    if (ctx?.target === drawer) complain(drawer.dataset.offline);
  });
  document.addEventListener("htmx:after:swap", (event) => {
    const { ctx } = event.detail;
    if (ctx.target !== drawer) return;
    show();
    prepare();
    if (ctx.request?.method === "POST") {
      if (!attend(drawer)) drawer.scrollTop = 0;
      refresh();
      return;
    }
    drawer.scrollTop = 0;
    if (!reveal(ctx.request?.anchor ? `#${ctx.request.anchor}` : "")) byId("task-title")?.focus();
  });
  document.addEventListener("htmx:finally:request", (event) => {
    if (board.contains(event.target)) refresh();
  });
}

function onClick(event) {
  const link = event.target.closest("a");
  if (link?.matches("[data-close]")) {
    event.preventDefault();
    close();
  } else if (link?.hash && link.getAttribute("href").startsWith("#") && byId("task-live")?.contains(link)) {
    event.preventDefault();
    reveal(link.hash);
  } else if (link?.hasAttribute("hx-push-url")) {
    opener = link.closest(".item")?.querySelector(".open")?.id || "";
  } else if (!event.target.closest("a, button, input, select, textarea, label, summary, dialog")) {
    // Anywhere on the row is the row's link, but marking text isn't a click.
    const row = event.target.closest(".item[data-task]");
    if (row && String(getSelection()) === "") row.querySelector(".open").click();
  }
}

export function start() {
  if (drawer) listenToHtmx();
  /* Back and forward are seen to here: the board behind must not be fetched and drawn anew. */
  document.addEventListener("htmx:before:history:restore", (event) => event.preventDefault());
  window.addEventListener("popstate", () => {
    if (!drawer) location.reload();
    else if (!IN_DRAWER.test(location.pathname)) hide();
    else {
      const url = location.pathname + location.search;
      htmx.ajax("GET", url, { source: drawer, target: "#drawer", swap: "innerHTML" });
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !drawer || drawer.hidden || event.defaultPrevented) return;
    if (byId("keys")?.open) return;
    // The first Esc leaves a field with something in it, so that a slip loses nothing.
    const field = document.activeElement;
    if (field?.matches("textarea, input:not([type=radio])") && field.value && drawer.contains(field)) {
      drawer.focus();
      return;
    }
    close();
  });
  document.addEventListener("keydown", goRound);
  document.addEventListener("click", onClick);
  document.addEventListener("input", find);
  prepare();
}
