// A call: lines to fill in, words to say, read back, save. Nothing that is typed is lost.

import { $, $$, alone, composing, plain, seen, typing } from "./dom.js";
import { keep, untilNow } from "./draft.js";

const CATEGORIES = ["medicine", "groceries", "urgent", "other"];
const wantBox = (category) => $(`#want-${category}`);
const theForm = () => $("#call-form");
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

// -- Lines ----------------------------------------------------------------------------------------

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
  const form = element.closest("form") ?? theForm();
  const last = $$("input, select, textarea", element).at(-1) ?? element;
  const all = fields(form);
  // Radios are one stop: the chosen one.
  const rest = all.slice(all.indexOf(last) + 1).filter((f) => f.type !== "radio" || f.checked);
  (rest[0] ?? $("#save")).focus();
}

// -- Same as last time ------------------------------------------------------------------------------

// Which one Alt+R means: that of the section in hand, or else the newest that isn't filled in yet.
function whichAgain() {
  const left = $$("[data-again]").filter((link) => !link.dataset.filled);
  const section = document.activeElement?.closest("[data-help]")?.dataset.help;
  return left.find((link) => link.dataset.again === section)
    ?? left.find((link) => wantBox(link.dataset.again).checked)
    ?? left[0];
}

function again(link) {
  const category = link.dataset.again;
  const section = $(`#help-${category}`);
  const lines = $("[data-lines]", section);
  wantBox(category).checked = true;
  link.dataset.filled = "yes";
  let first = null;
  for (const item of JSON.parse(link.dataset.lines)) {
    const line = $$("[data-line]", lines).find(empty) ?? addLine(lines);
    for (const [name, value] of Object.entries(item)) {
      const field = $(`[name="${category}-${name}"]`, line);
      if (field) field.value = value;
    }
    first ??= line;
  }
  const notes = $(`[name="${category}-notes"]`, section);
  if (!notes.value.trim()) notes.value = link.dataset.notes;
  section.dispatchEvent(new Event("input", { bubbles: true }));
  $("input", first ?? section).focus();
  say(category);
}

// -- Reading back -----------------------------------------------------------------------------------

const value = (root, name) => $(`[name="${name}"]`, root)?.value.trim() ?? "";

function items(section) {
  const category = section.dataset.help;
  return $$("[data-line]", section)
    .map((line) => ["name", "strength", "amount"].map((column) => value(line, `${category}-${column}`)).filter(Boolean).join(" "))
    .filter(Boolean);
}

function list(texts) {
  return texts.map((text) => {
    const item = document.createElement("li");
    item.textContent = text;
    return item;
  });
}

function readBack(form) {
  const lines = [];
  for (const section of $$("[data-help]", form)) {
    const category = section.dataset.help;
    if (!wantBox(category).checked) continue;
    const due = $(`[name="${category}-due"]`, section);
    const set = value(section, `${category}-due-at`).replace("T", " ");
    const by = due.value === "at" ? set : due.value && due.selectedOptions[0].text;
    const urgency = $(`[name="${category}-urgency"]:checked`, section)?.closest("label").textContent.trim();
    lines.push([section.dataset.label, items(section).join(form.dataset.and), value(section, `${category}-notes`), by, urgency]
      .filter(Boolean).join(" · "));
  }
  $("#readback-lines", form).replaceChildren(...list(lines));
  $("#readback", form).hidden = lines.length === 0;
}

// The medicine as it would be bought now; what was read back counts only while it is still the same.
const medicine = () => (wantBox("medicine").checked ? items($("#help-medicine")).join("\n") : "");

// Medicine is read back before it is saved: people have been brought what nobody had meant. Not while a
// life is in danger.
function mustReadBack(form) {
  const read = form.elements.read_back;
  if (read.value !== medicine()) read.value = "";
  return medicine() && !read.value && !$("#life_danger").checked;
}

function askBack() {
  $("#confirm-lines").replaceChildren(...list(items($("#help-medicine"))));
  say("end");
  $("#confirm").showModal();
  $("#confirm-yes").focus();
}

// -- Saving: typed things stay on the page until the server has them --------------------------------

function notSaved(form, text) {
  const notice = document.createElement("div");
  notice.className = "notice notice-error";
  notice.textContent = text;
  $("#not-saved", form).replaceChildren(notice);
  notice.scrollIntoView({ block: "nearest" });
}

class AnotherOperator extends Error {}

// The form's token has run out (a new login, a long shift): take a fresh one, if it is still the same operator.
async function freshToken() {
  const page = await fetch(location.href).catch(() => null);
  const parsed = page && new DOMParser().parseFromString(await page.text(), "text/html");
  const form = parsed?.querySelector("#call-form");
  if (form && form.dataset.operator !== theForm().dataset.operator) throw new AnotherOperator();
  if (form) theForm().elements.csrf_token.value = form.elements.csrf_token.value;
  return form ? null : page;
}

async function send(form) {
  const post = () => fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  const response = await post();
  if (response.status !== 400) return response;
  return (await freshToken()) ?? post();
}

async function save(form) {
  const button = $("#save", form);
  if (button.disabled) return;
  if (mustReadBack(form)) {
    askBack();
    return;
  }
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
      draft.end();
      location.assign(response.url);
      return;
    } else notSaved(form, form.dataset.broken);
  } catch (error) {
    notSaved(form, error instanceof AnotherOperator ? form.dataset.another : form.dataset.offline);
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

// -- Wiring -----------------------------------------------------------------------------------------

function changed(form) {
  draft.touched();
  readBack(form);
}

function start() {
  const form = theForm();
  trimLines(form);
  readBack(form);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    save(form);
  });
  $("#call").addEventListener("input", (event) => {
    if (event.target.name === "new_language") form.dataset.caller = event.target.value;
    const section = event.target.closest("[data-help]");
    // Where no :has() hides the others, typing in a section asks for it.
    if (section && !wantBox(section.dataset.help).checked) wantBox(section.dataset.help).checked = true;
    changed(form);
  });
  $("#call").addEventListener("change", (event) => {
    const box = event.target;
    if (box.name === "want") {
      if (box.value === "urgent" && !box.checked) $("#life_danger").checked = false;
      if (box.checked) enter(box.value);
      else box.focus();
    }
    changed(form);
  });
  $("#call").addEventListener("focusin", (event) => {
    const section = event.target.closest("[data-help]");
    if (section) say(section.dataset.help);
    else if (event.target.closest("[data-step-of]")) say("end");
    else if (event.target.closest(".card")) say("start");
  });
  $("#call").addEventListener("keydown", onKey);
  $("#call").addEventListener("click", (event) => {
    const link = event.target.closest("[data-again]");
    if (!link || !plain(event)) return;
    event.preventDefault();
    again(link);
  });
  // What is known of a new caller needn't be typed again to call them back.
  $("#call-back").addEventListener("click", (event) => {
    const [phone, name] = ["new_phone", "new_name"].map((field) => form.elements[field]?.value.trim());
    if (phone || name) event.currentTarget.search = new URLSearchParams({ q: phone || name, name: name || "" });
  });
  $("#errors")?.addEventListener("click", (event) => {
    const target = event.target.closest("a") && $(event.target.closest("a").hash);
    if (!target) return;
    event.preventDefault();
    const field = typing(target) || target.matches("input") ? target : $("input, select, textarea", target);
    field.focus();
  });
  const confirm = $("#confirm");
  $("#confirm-yes").addEventListener("click", () => {
    form.elements.read_back.value = medicine();
    confirm.close();
    save(form);
  });
  $("#confirm-no").addEventListener("click", () => confirm.close());
  // A key held down must not answer for the caller.
  confirm.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.repeat || !plain(event))) event.preventDefault();
  });
  confirm.addEventListener("close", () => {
    if (form.elements.read_back.value !== medicine()) $("input", $("#help-medicine")).focus();
  });
}

function onKey(event) {
  if (composing(event)) return;
  const target = event.target;
  const digit = event.code.match(/^(?:Digit|Numpad)([1-4])$/)?.[1];
  const onToggle = target.name === "want";
  if (digit && onToggle && plain(event)) {
    event.preventDefault();
    toggle(CATEGORIES[digit - 1]);
  } else if (event.key === "Enter" && plain(event) && !event.shiftKey && target.matches("input, select")) {
    // Enter never saves by accident: it goes on to the next field.
    event.preventDefault();
    if (onToggle) toggle(target.value);
    else if (target.closest("[data-line]")) nextLine(target);
    else after(target);
  }
}

const draft = keep(theForm, {
  fresh: async () => !(await freshToken().catch(() => "not theirs")),
  show: {
    others: (html) => {
      // Said once: the same words again would be read aloud every time.
      const box = $("#others");
      const told = document.createElement("div");
      told.innerHTML = html;
      if (told.textContent.trim() !== box.textContent.trim()) box.replaceChildren(...told.childNodes);
    },
    kept: (how) => {
      const words = theForm().dataset[how];
      if ($("#kept").textContent !== words) $("#kept").textContent = words;
    },
    saved: () => notSaved(theForm(), theForm().dataset.savedAlready),
  },
});

start();
// Filled in by the page, as last time: that is kept as well.
if ($("#want :checked") && !theForm().elements.typed_at.value) draft.touched();
// No scrolling: on a small screen the card is what the operator came for.
if (!$("[autofocus]:not(#keys *)") && !$("#errors")) wantBox("medicine").focus({ preventScroll: true });
// These keys work wherever the focus is, also outside the form.
document.addEventListener("keydown", (event) => {
  if (composing(event) || $("dialog[open]")) return;
  const digit = event.code.match(/^(?:Digit|Numpad)([1-4])$/)?.[1];
  if (digit && alone(event)) {
    event.preventDefault();
    toggle(CATEGORIES[digit - 1]);
  } else if (event.code === "KeyR" && alone(event)) {
    event.preventDefault();
    const link = whichAgain();
    if (link) again(link);
  } else if (event.code === "KeyB" && alone(event)) {
    event.preventDefault();
    $("#call-back").click();
  } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.repeat) {
    event.preventDefault();
    theForm().requestSubmit();
  }
});
document.addEventListener("submit", (event) => {
  if (event.target.dataset.throwAway === undefined) return;
  untilNow(event.target);
  if (event.target.dataset.throwAway === theForm().elements.form_key.value) draft.end();
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload(); // a form of the past may have been saved meanwhile
});
