/* The board and a task's page. Without scripts they are plain links and forms. */

import * as counting from "./count.js";
import * as beside from "./drawer.js";
import * as live from "./live.js";
import { board, byId, clock, drawer, page } from "./page.js";
import * as rows from "./rows.js";

page.classList.add("has-script");

/* Of the buttons about who sees to something, each sees the one that is theirs. The rows are drawn alike for
   all, so a style sheet of this browser's own chooses. */
const { me } = page.dataset;
if (board && me) {
  const own = new CSSStyleSheet();
  own.replaceSync(`.claim-of-mine:not(.claimer-${me}) { display: none; }
    .claim-of-others.claimer-${me} { display: none; }`);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, own];
}

live.onMerge((part) => {
  if (part === board) {
    counting.count();
    beside.mark();
    if (drawer) rows.keepTicks();
  } else {
    beside.outdated();
  }
});

live.onLogin({ lost: beside.loggedOut, back: beside.loggedIn });

const filters = byId("filters");
if (filters) {
  for (const button of filters.querySelectorAll("[data-without-script]")) button.hidden = true;
  filters.addEventListener("change", () => {
    const query = new URLSearchParams([...new FormData(filters)].filter(([, value]) => value));
    const tail = query.size ? `?${query}` : "";
    if (drawer.hidden) history.replaceState(history.state, "", `/board${tail}`);
    live.ask(`/board/rows${tail}`);
  });
}

const time = byId("clock");
if (time) {
  setInterval(() => {
    const now = clock(Date.now(), time.dataset.zone);
    if (time.textContent !== now) time.textContent = now;
  }, 1000);
}

beside.start();
rows.start();
counting.start(live.follow);
counting.count();
if (!drawer && location.hash) beside.reveal(location.hash);
else if (!drawer) beside.attend(document);
live.start();
