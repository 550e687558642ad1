// What is typed into a call is kept as it is typed: at once in this browser, a moment later on the server.
// The server's copy survives this browser, this browser's copy a lost network; the newest wins.

import { $ } from "./dom.js";

const PREFIX = "draft:";
const SEND_AFTER_MS = 800;
const STILL_OPEN_MS = 15000;

const nameOf = (operator, key) => `${PREFIX}${operator}:${key}`;

// Storage may be full or forbidden; then the server's copy has to do.
function quietly(act) {
  try {
    return act();
  } catch {
    return undefined;
  }
}

function names() {
  return quietly(() => Object.keys(localStorage).filter((name) => name.startsWith(PREFIX))) ?? [];
}

export function forget(operator, key) {
  quietly(() => localStorage.removeItem(nameOf(operator, key)));
}


function post(body, keepalive = false) {
  return fetch("/hotline/drafts", { method: "POST", body, keepalive });
}

const loggedOut = (response) => new URL(response.url).pathname === "/login";

// What another operator has left in this browser is nobody's business; what this one has left goes to the
// server, which knows whether it has been saved meanwhile. Returns whether anything was sent.
export async function handIn(operator, except = "") {
  let sent = false;
  for (const name of names()) {
    if (!name.startsWith(nameOf(operator, ""))) {
      quietly(() => localStorage.removeItem(name));
      continue;
    }
    const text = quietly(() => localStorage.getItem(name));
    if (!text || name === nameOf(operator, except)) continue;
    const body = new URLSearchParams(text);
    body.set("csrf_token", $("[name=csrf_token]").value);
    try {
      const response = await post(body);
      if (loggedOut(response)) return sent;
      const known = response.ok || response.status === 409;
      // Unless the form is open in another tab and has been typed into since.
      if (known && localStorage.getItem(name) === text) localStorage.removeItem(name);
      sent ||= response.ok;
    } catch {
      return sent; // it stays here until the network is back
    }
  }
  return sent;
}

// A form that throws away says until when: what was typed before stays away, whenever it arrives.
export function untilNow(form) {
  form.elements.typed_at.value = String(Date.now());
}

function typedInto(form) {
  return [...form.elements].some((field) => {
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    return field.matches("textarea, input:not([type=hidden])") && field.value !== field.defaultValue;
  });
}

// Keeps the form that `form()` finds: another one takes its place when the server has found something wrong.
export function keep(form, { fresh, show }) {
  let timer = 0;
  let over = false;
  let known = true; // whether the server has all that is typed
  let here = true; // whether this browser has
  const { operator } = form().dataset;

  function copy() {
    const body = new URLSearchParams(new FormData(form()));
    body.delete("csrf_token");
    return body;
  }

  function touched() {
    if (over) return;
    form().elements.typed_at.value = String(Date.now());
    known = false;
    const body = copy();
    here = quietly(() => localStorage.setItem(nameOf(operator, body.get("form_key")), String(body)) ?? true) ?? false;
    clearTimeout(timer);
    timer = setTimeout(send, SEND_AFTER_MS);
  }

  async function send(again = true) {
    clearTimeout(timer);
    if (over) return;
    const body = copy();
    const at = body.get("typed_at");
    body.set("csrf_token", form().elements.csrf_token.value);
    let response;
    try {
      response = await post(body);
    } catch {
      say(at);
      return;
    }
    if (over) return;
    if (response.status === 400 && again && (await fresh())) {
      await send(false);
    } else if (response.status === 409) {
      over = true;
      forget(operator, body.get("form_key"));
      show.saved();
    } else if (response.ok && !loggedOut(response)) {
      known = form().elements.typed_at.value === at;
      show.others(await response.text());
      if (at) show.kept("kept");
    } else say(at);
  }

  function say(at) {
    if (at) show.kept(here ? "keptHere" : "keptNowhere");
  }

  function leave() {
    if (over) return;
    const body = copy();
    body.set("csrf_token", form().elements.csrf_token.value);
    body.set("closing", "1");
    quietly(() => post(body, true).catch(() => {}));
  }

  // The call has been saved, or is no longer wanted.
  function end() {
    over = true;
    clearTimeout(timer);
    forget(operator, form().elements.form_key.value);
  }

  if (typedInto(form())) touched(); // on a slow line, before this script was there
  send();
  setInterval(send, STILL_OPEN_MS);
  document.addEventListener("focusout", () => {
    if (!known) send();
  });
  window.addEventListener("pagehide", leave);
  window.addEventListener("beforeunload", (event) => {
    if (!over && !known && !here) event.preventDefault();
  });
  return { touched, end };
}
