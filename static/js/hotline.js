// The operator's keyboard on every page of the hotline. Every page works without this; with it, hands stay
// on the keys.

import { $, $$, composing, plain, typing } from "./dom.js";
import { forget, handIn, untilNow } from "./draft.js";

// -- The desk: search, choose, open -----------------------------------------------------------------

function desk(search) {
  const matches = $("#matches");
  const broken = $("#search-broken");
  let openWhenFound = false;

  const links = () => $$("[data-match], [data-match-new], [data-match-other]", matches);
  // Only what was found for the letters now typed may be opened.
  const fresh = () => $(".found", matches)?.dataset.query === search.value.trim().slice(0, 60);

  search.addEventListener("keydown", (event) => {
    if (composing(event)) return;
    if (event.key === "Enter") {
      event.preventDefault();
      const found = $$("[data-match]", matches);
      if (fresh()) found[0]?.click();
      else {
        openWhenFound = true;
        htmx.trigger(search, "again"); // also after a failure, with the same letters
      }
    } else if (event.key === "ArrowDown" && links().length) {
      event.preventDefault();
      // The first match is what Enter opens from here, so the arrow goes to the one after it.
      (links()[1] ?? links()[0]).focus();
    } else if (event.key !== "Escape") {
      openWhenFound = false;
    }
  });

  matches.addEventListener("keydown", (event) => {
    const all = links();
    const at = all.indexOf(document.activeElement);
    if (at < 0 || !plain(event)) return;
    if (event.key === "ArrowDown") {
      event.preventDefault();
      all[Math.min(at + 1, all.length - 1)].focus();
    } else if (event.key === "ArrowUp") {
      event.preventDefault();
      (at > 0 ? all[at - 1] : search).focus();
    } else if (event.key.length === 1 && event.key !== " ") {
      search.focus(); // The character itself follows into the field.
    }
  });

  const elsewhere = (event) => event.target instanceof Element && event.target.closest(".subnav");
  document.addEventListener("htmx:after:swap", (event) => {
    if (elsewhere(event)) return;
    broken.hidden = true;
    if (!openWhenFound || !fresh()) return;
    openWhenFound = false;
    // Nobody saw these matches before Enter was pressed, so only a single one is opened.
    const found = $$("[data-match]", matches);
    if (found.length === 1) found[0].click();
  });
  for (const name of ["htmx:error", "htmx:response:error"]) {
    document.addEventListener(name, (event) => {
      if (!elsewhere(event)) broken.hidden = false;
    });
  }

  document.addEventListener("keydown", (event) => {
    if (composing(event) || $("#keys:popover-open")) return;
    const free = !typing(event.target);
    if (event.key === "Escape") {
      event.preventDefault();
      search.focus();
      search.select();
    } else if (event.key === "F2") {
      event.preventDefault();
      const link = $("[data-match-new]", matches);
      if (!link) return; // logged out
      // What is typed now, not what was typed when the matches came.
      link.search = search.value.trim() ? `?q=${encodeURIComponent(search.value.trim())}` : "";
      link.click();
    } else if (free && plain(event) && /^[^ /?？]$/u.test(event.key)) {
      search.focus(); // What is typed before the field has the focus isn't lost: it follows.
    }
  });
}

// -- Everywhere ------------------------------------------------------------------------------------

document.addEventListener("keydown", (event) => {
  if (composing(event) || !plain(event)) return;
  // The desk's search has the focus nearly always; nothing that is looked for begins like this.
  const free = !typing(event.target) || (event.target.matches("#q, #find") && !event.target.value);
  if (!free) return;
  if (event.key === "?" || event.key === "？") {
    event.preventDefault();
    $("#keys").togglePopover();
  } else if (event.key === "/") {
    event.preventDefault();
    const search = $("#q, #find");
    if (search) {
      search.focus();
      search.select();
    } else location.assign("/hotline/find");
  }
});

async function unfinished() {
  const { operator } = $(".subnav").dataset;
  const list = $("#unfinished");
  if (!(await handIn(operator, $("#call-form")?.elements.form_key.value))) return;
  const response = list && (await fetch("/hotline/drafts").catch(() => null));
  if (response?.ok) {
    list.innerHTML = await response.text();
    htmx.process(list);
  }
}

document.addEventListener("submit", (event) => {
  const key = event.target.dataset.throwAway;
  if (!key) return;
  untilNow(event.target);
  forget($(".subnav").dataset.operator, key);
});

const search = $("#q");
if (search) desk(search);
unfinished();
// "Back" may show the desk as it was before a call was begun.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) unfinished();
});
