/* Keeps an open board, and the task open beside it, true to what the database says: a stream brings
   what has changed, and where no stream can be had it is asked for every few seconds. A refresh is merged into the page,
   and nothing a person is doing there is lost by it. Without scripts the pages are plain links and
   forms. */
(() => {
  "use strict";

  const TOGETHER_MS = 300; // a burst of changes is one refresh
  const SAFETY_MS = 20000; // the words "12 min" age even when nothing happens
  const POLL_MS = 2000;
  const LISTEN_AGAIN_MS = 30000;

  const htmx = window.htmx;
  const page = document.documentElement;
  const byId = (id) => document.getElementById(id);
  const board = byId("board-live");
  const drawer = byId("drawer");
  const boardUrl = location.pathname + location.search;
  page.classList.add("has-script");

  /* What a person has opened stays open: a refresh doesn't know of it. */
  htmx.registerExtension("kept-open", {
    htmx_before_morph_attr: (element, { attrName }) =>
      !(element instanceof HTMLDetailsElement && attrName === "open"),
  });

  /* -- Refreshing ------------------------------------------------------------------------------ */

  const tags = new Map(); // the version of each part that is on the page
  let running = false;
  let again = false;
  let timer = 0;
  let lastAt = 0;
  let pressed = false; // a row must not move away under a finger
  let reached = true;
  let brought = null; // what the stream has brought and isn't on the page yet
  let streams = 0; // how many have begun

  function refresh() {
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
    if (answer.status === 401 || answer.redirected) return location.reload();
    if (answer.status >= 500) throw new Error(String(answer.status));
    if (answer.status !== 200) return undefined;
    const text = await answer.text();
    if (!part.isConnected || part.dataset.src !== url) return undefined;
    if (part === board && asked !== streams) return undefined; // a stream that began since knows better
    await merge(part, text);
    part.tag = { url, value: answer.headers.get("ETag") || "" };
    return undefined;
  }

  async function merge(part, text) {
    const focused = document.activeElement;
    await htmx.swap({ text, target: part, swap: "innerMorph", sourceElement: part });
    // Moved to another place of the table, a focused link loses the focus in some browsers.
    if (focused && focused !== document.activeElement && part.contains(focused)) {
      focused.focus({ preventScroll: true });
    }
    if (part === board) {
      count();
      mark();
    } else {
      outdated();
    }
  }

  /* -- What the numbers say -------------------------------------------------------------------- */

  const title = document.title;
  let needed = null;

  function count() {
    const tally = byId("tally");
    if (!tally) return;
    const now = Number(tally.dataset.needs);
    document.title = now ? `(${now}) ${title}` : title;
    if (needed !== null && now > needed) {
      const announce = byId("announce");
      announce.textContent = announce.dataset.words.replace("{n}", now);
    }
    needed = now;
  }

  /* Which row is open beside the board. */
  function mark() {
    const id = openTask();
    for (const row of document.querySelectorAll(".item.is-open")) {
      if (row.dataset.task !== id) row.classList.remove("is-open");
    }
    if (id) byId(`task-${id}`)?.classList.add("is-open");
  }

  function openTask() {
    if (!drawer || drawer.hidden) return "";
    return /\/tasks\/(\d+)/.exec(byId("task-live")?.dataset.src || "")?.[1] || "";
  }

  /* The task has moved on, and what can be done to it is another matter now. Fetched anew when
     nothing has been entered; else the person decides. */
  function outdated() {
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
      field.type === "radio" ? field.checked !== field.defaultChecked
        : field.value !== field.defaultValue);
  }

  /* -- Being told ------------------------------------------------------------------------------ */

  const state = byId("live-state");
  let source = null;
  let streaming = false;
  let polling = 0;
  let listenAgain = 0;

  function tell() {
    const now = streaming ? "live" : reached ? "polling" : "lost";
    if (!state || state.dataset.now === now) return;
    state.dataset.now = now;
    state.textContent = state.dataset[now];
  }

  function listen() {
    hush();
    const query = new URLSearchParams(board ? board.dataset.src.split("?")[1] : "");
    if (board) query.set("rows", "1");
    source = new EventSource(`/board/stream?${query}`);
    source.addEventListener("hello", () => {
      streaming = true;
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
      streaming = false;
      polling = polling || setInterval(refresh, POLL_MS); // not at once: all the others have lost theirs, too
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
    clearInterval(polling);
    polling = 0;
  }

  // A page nobody looks at holds no stream; its slow refresh keeps the number in its title.
  const follow = () => (document.visibilityState === "visible" ? listen() : hush());
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

  /* -- The drawer ------------------------------------------------------------------------------ */

  let opener = "";

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

  /* The board is the entry before the drawer's own, always: another task opened in it takes the
     place of the first. */
  const close = () => history.back();

  function reveal(hash) {
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
  function attend(root) {
    const news = root.querySelector("#task-news, #task-said .notice:not([hidden])");
    const wrong = root.querySelector("[aria-invalid], [aria-describedby$='-error'] input:not([type=hidden])");
    const first = news || wrong || root.querySelector(".field-error");
    if (!first) return false;
    first.scrollIntoView({ block: "center" });
    if (!first.matches("input, textarea, select")) first.setAttribute("tabindex", "-1");
    first.focus({ preventScroll: true });
    return true;
  }

  if (drawer) {
    document.addEventListener("htmx:before:history:update", (event) => {
      if (!drawer.hidden) event.detail.history.type = "replace";
    });
    document.addEventListener("htmx:before:swap", (event) => {
      const { ctx } = event.detail;
      if (ctx.target !== drawer) return;
      if (![200, 409, 422].includes(ctx.response?.status)) {
        event.preventDefault();
        complain(drawer.dataset.failed);
      }
    });
    document.addEventListener("htmx:error", (event) => {
      if (event.detail.ctx?.target === drawer) complain(drawer.dataset.offline);
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

  function complain(words) {
    const problem = byId("task-problem");
    if (!problem) return location.assign("/board");
    problem.textContent = words;
    problem.hidden = false;
    problem.scrollIntoView({ block: "center" });
    return undefined;
  }

  /* Back and forward are seen to here: the board behind must not be fetched and drawn anew. */
  document.addEventListener("htmx:before:history:restore", (event) => event.preventDefault());
  window.addEventListener("popstate", () => {
    const wanted = /^\/board\/tasks\/\d+$/.test(location.pathname);
    if (!drawer) location.reload();
    else if (!wanted) hide();
    else htmx.ajax("GET", location.pathname, { source: drawer, target: "#drawer", swap: "innerHTML" });
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !drawer || drawer.hidden || event.defaultPrevented) return;
    // The first Esc leaves a field with something in it, so that a slip loses nothing.
    const field = document.activeElement;
    if (field?.matches("textarea, input:not([type=radio])") && field.value && drawer.contains(field)) {
      drawer.focus();
      return;
    }
    close();
  });

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (link?.matches("[data-close]")) {
      event.preventDefault();
      close();
    } else if (link?.hash && link.getAttribute("href").startsWith("#") && byId("task-live")?.contains(link)) {
      event.preventDefault();
      reveal(link.hash);
    } else if (link?.hasAttribute("hx-push-url")) {
      opener = link.closest(".item")?.querySelector(".open")?.id || "";
    } else if (!event.target.closest("a, button, input, select, textarea, label, summary")) {
      // Anywhere on the row is the row's link, but marking text isn't a click.
      const row = event.target.closest(".item[data-task]");
      if (row && String(getSelection()) === "") row.querySelector(".open").click();
    }
  });

  /* -- The filters and the list of volunteers -------------------------------------------------- */

  const filters = byId("filters");
  if (filters) {
    for (const button of filters.querySelectorAll("[data-without-script]")) button.hidden = true;
    filters.addEventListener("change", () => {
      const query = new URLSearchParams([...new FormData(filters)].filter(([, value]) => value));
      const tail = query.size ? `?${query}` : "";
      board.dataset.src = `/board/rows${tail}`;
      if (drawer.hidden) history.replaceState(history.state, "", `/board${tail}`);
      needed = null; // another question, another number: nothing to announce
      lastAt = 0;
      brought = null;
      follow();
      refresh();
    });
  }

  /* The box above the list of volunteers: only of use with a script, so shown by it. */
  function prepare() {
    for (const box of document.querySelectorAll("[data-find]")) box.hidden = false;
  }

  document.addEventListener("input", (event) => {
    const box = event.target.closest("[data-find]");
    if (!box) return;
    const wanted = event.target.value.trim().toLowerCase();
    const form = box.closest("form");
    for (const one of form.querySelectorAll(".candidate")) {
      one.hidden = wanted !== "" && !one.textContent.toLowerCase().includes(wanted);
    }
    const more = form.querySelector("details.more");
    if (more && wanted) more.open = true;
  });

  prepare();
  count();
  if (!drawer && location.hash) reveal(location.hash);
  else if (!drawer) attend(document);
  follow();
})();
