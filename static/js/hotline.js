// The operator's keyboard. Every page works without this; with it, hands stay on the keys.
"use strict";

(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  // Keys pressed while an input method composes characters belong to the input method.
  const composing = (event) => event.isComposing || event.keyCode === 229;
  const plain = (event) => !event.ctrlKey && !event.metaKey && !event.altKey;
  const typing = (element) => element.matches("input:not([type=checkbox], [type=radio]), textarea, select");
  const seen = (element) => element.getClientRects().length > 0;

  // -- The desk: search, choose, open ---------------------------------------------------------------

  function desk(search) {
    const matches = $("#matches");
    const broken = $("#search-broken");
    let openWhenFound = false;

    const links = () => $$("[data-match], [data-match-new]", matches);
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

    document.addEventListener("htmx:after:swap", () => {
      broken.hidden = true;
      if (!openWhenFound || !fresh()) return;
      openWhenFound = false;
      // Nobody saw these matches before Enter was pressed, so only a single one is opened.
      const found = $$("[data-match]", matches);
      if (found.length === 1) found[0].click();
    });
    for (const name of ["htmx:error", "htmx:response:error"]) {
      document.addEventListener(name, () => (broken.hidden = false));
    }

    document.addEventListener("keydown", (event) => {
      if (composing(event)) return;
      const free = !typing(event.target);
      if ((event.key === "/" && free && plain(event)) || event.key === "Escape") {
        event.preventDefault();
        search.focus();
        search.select();
      } else if (event.key === "F2") {
        event.preventDefault();
        const link = $("[data-match-new]", matches);
        // What is typed now, not what was typed when the matches came.
        link.search = search.value.trim() ? `?q=${encodeURIComponent(search.value.trim())}` : "";
        link.click();
      } else if (free && plain(event) && /^[^ ]$/u.test(event.key) && !$("#call-form")) {
        search.focus(); // What is typed before the field has the focus isn't lost: it follows.
      }
    });
  }

  // -- The call -------------------------------------------------------------------------------------

  let unsaved = false;

  const wantBox = (category) => $(`#want-${category}`);
  // In the order of the page, with those outside the form that belong to it.
  const fields = (form) => [...form.elements]
    .filter((field) => field.matches("input:not([type=hidden]), select, textarea") && seen(field));

  function say(step) {
    for (const part of $$("#script [data-step]")) part.toggleAttribute("data-now", part.dataset.step === step);
  }

  function toggle(category) {
    const box = wantBox(category);
    box.checked = !box.checked;
    box.dispatchEvent(new Event("change", { bubbles: true }));
  }

  function enter(category) {
    $("input, textarea", $(`#help-${category}`)).focus();
    say(category);
  }

  // A new line is a copy of the last, emptied and numbered on.
  function addLine(lines) {
    const all = $$("[data-line]", lines);
    const line = all.at(-1).cloneNode(true);
    for (const error of $$(".field-error", line)) error.remove();
    for (const field of $$("input, select", line)) {
      const id = field.id.replace(/\d+$/, String(all.length));
      $(`label[for="${field.id}"]`, line).htmlFor = id;
      field.id = id;
      field.value = "";
      field.removeAttribute("aria-invalid");
      field.removeAttribute("aria-describedby");
    }
    all.at(-1).after(line);
    return line;
  }

  const empty = (line) => $$("input", line).every((input) => !input.value.trim());

  function trimLines(form) {
    for (const lines of $$("[data-lines]", form)) {
      const all = $$("[data-line]", lines);
      while (all.length > 1 && empty(all.at(-1)) && empty(all.at(-2))) all.pop().remove();
      for (const hint of $$("[data-with-script]", lines)) hint.hidden = false;
    }
  }

  function nextLine(field) {
    const line = field.closest("[data-line]");
    const lines = line.closest("[data-lines]");
    const next = line.nextElementSibling?.matches("[data-line]") ? line.nextElementSibling : null;
    if (empty(line)) after(lines);
    else $("input", next ?? addLine(lines)).focus();
  }

  function after(element) {
    const form = element.closest("form") ?? $("#call-form");
    const last = $$("input, select, textarea", element).at(-1) ?? element;
    const all = fields(form);
    // Radios are one stop: the chosen one.
    const rest = all.slice(all.indexOf(last) + 1).filter((f) => f.type !== "radio" || f.checked);
    (rest[0] ?? $("#save")).focus();
  }

  function readBack(form) {
    const list = $("#readback-lines", form);
    const lines = [];
    for (const section of $$("[data-help]", form)) {
      const category = section.dataset.help;
      if (!wantBox(category).checked) continue;
      const items = $$("[data-line]", section)
        .map((line) => ["name", "strength", "amount"]
          .map((column) => $(`[name="${category}-${column}"]`, line)?.value.trim()).filter(Boolean).join(" "))
        .filter(Boolean).join(form.dataset.and);
      const due = $(`[name="${category}-due"]`, section);
      const set = $(`[name="${category}-due-at"]`, section).value.replace("T", " ");
      const by = due.value === "at" ? set : due.value && due.selectedOptions[0].text;
      const urgency = $(`[name="${category}-urgency"]:checked`, section)?.closest("label").textContent.trim();
      const notes = $(`[name="${category}-notes"]`, section).value.trim();
      lines.push([section.dataset.label, items, notes, by, urgency].filter(Boolean).join(" · "));
    }
    list.replaceChildren(...lines.map((text) => {
      const item = document.createElement("li");
      item.textContent = text;
      return item;
    }));
    $("#readback", form).hidden = lines.length === 0;
  }

  // -- Saving: typed things stay on the page until the server has them -------------------------------

  function notSaved(form, text) {
    const notice = document.createElement("div");
    notice.className = "notice notice-error";
    notice.textContent = text;
    $("#not-saved", form).replaceChildren(notice);
    notice.scrollIntoView({ block: "nearest" });
  }

  async function send(form) {
    const post = () => fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    const response = await post();
    if (response.status !== 400) return response;
    // The form's token has run out (a new login, a long shift): take a fresh one and try once more.
    const page = await fetch(location.href);
    const parsed = new DOMParser().parseFromString(await page.text(), "text/html");
    const token = parsed.querySelector("#call-form [name=csrf_token]");
    if (!token) return page;
    form.elements.csrf_token.value = token.value;
    return post();
  }

  async function save(form) {
    const button = $("#save", form);
    if (button.disabled) return;
    const label = [...button.childNodes];
    button.disabled = true;
    button.textContent = form.dataset.saving;
    $("#not-saved", form).replaceChildren();
    try {
      const response = await send(form);
      if (response.status === 422) {
        showErrors(await response.text());
        return;
      }
      if (response.ok && new URL(response.url).pathname === "/login") notSaved(form, form.dataset.loggedOut);
      else if (response.ok && response.redirected) {
        unsaved = false;
        location.assign(response.url);
        return;
      } else notSaved(form, form.dataset.broken);
    } catch {
      notSaved(form, form.dataset.offline);
    }
    button.replaceChildren(...label);
    button.disabled = false;
    button.focus();
  }

  function showErrors(html) {
    const page = new DOMParser().parseFromString(html, "text/html");
    document.title = page.title;
    $("#call").replaceWith(page.querySelector("#call"));
    start();
    const links = $$("#errors a");
    if (links.length === 1) links[0].click(); // straight to the only thing that is wrong
    else $("#errors").focus();
  }

  // -- Wiring ---------------------------------------------------------------------------------------

  function start() {
    const form = $("#call-form");
    trimLines(form);
    readBack(form);
    unsaved = Boolean($("#errors"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      save(form);
    });
    $("#call").addEventListener("input", (event) => {
      unsaved = true;
      if (event.target.name === "new_language") form.dataset.caller = event.target.value;
      const section = event.target.closest("[data-help]");
      // Where no :has() hides the others, typing in a section asks for it.
      if (section && !wantBox(section.dataset.help).checked) wantBox(section.dataset.help).checked = true;
      readBack(form);
    });
    $("#call").addEventListener("change", (event) => {
      const box = event.target;
      if (box.name === "want") {
        if (box.value === "urgent" && !box.checked) $("#life_danger").checked = false;
        if (box.checked) enter(box.value);
        else box.focus();
      }
      readBack(form);
    });
    $("#call").addEventListener("focusin", (event) => {
      const section = event.target.closest("[data-help]");
      if (section) say(section.dataset.help);
      else if (event.target.closest("[data-step-of]")) say("end");
      else if (event.target.closest(".card")) say("start");
    });
    $("#call").addEventListener("keydown", onKey);
    $("#errors")?.addEventListener("click", (event) => {
      const target = event.target.closest("a") && $(event.target.closest("a").hash);
      if (!target) return;
      event.preventDefault();
      const field = typing(target) || target.matches("input") ? target : $("input, select, textarea", target);
      field.focus();
    });
  }

  function onKey(event) {
    if (composing(event)) return;
    const target = event.target;
    const digit = event.code.match(/^(?:Digit|Numpad)([1-4])$/)?.[1];
    const onToggle = target.name === "want";
    if (digit && (onToggle ? plain(event) : false)) {
      event.preventDefault();
      toggle(["medicine", "groceries", "urgent", "other"][digit - 1]);
    } else if (event.key === "Enter" && plain(event) && !event.shiftKey && target.matches("input, select")) {
      // Enter never saves by accident: it goes on to the next field.
      event.preventDefault();
      if (onToggle) toggle(target.value);
      else if (target.closest("[data-line]")) nextLine(target);
      else after(target);
    }
  }

  const search = $("#q");
  if (search) desk(search);
  if ($("#call-form")) {
    start();
    // No scrolling: on a small screen the card is what the operator came for.
    if (!$("[autofocus]") && !$("#errors")) wantBox("medicine").focus({ preventScroll: true });
    // Alt and a digit and Ctrl+Enter work wherever the focus is, also outside the form.
    document.addEventListener("keydown", (event) => {
      if (composing(event)) return;
      const digit = event.code.match(/^(?:Digit|Numpad)([1-4])$/)?.[1];
      if (digit && event.altKey && !event.ctrlKey && !event.metaKey) {
        event.preventDefault();
        toggle(["medicine", "groceries", "urgent", "other"][digit - 1]);
      } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        $("#call-form").requestSubmit();
      }
    });
    window.addEventListener("beforeunload", (event) => {
      if (unsaved) event.preventDefault();
    });
    window.addEventListener("pageshow", (event) => {
      if (event.persisted && !unsaved) location.reload(); // a saved form must not be sent again
    });
  }
})();
