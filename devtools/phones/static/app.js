// Keeps the list and the phones beside it up to date, and follows the address.

import * as api from "./api.js";
import { language, nameOf, say } from "./format.js";
import { Handset } from "./handset.js";
import { PhoneList, pathOf } from "./list.js";

const POLL_MS = 1000;
const PHONE_WIDTH_PX = 340;
const MAX_PHONES = 3;
const REMEMBERED = 5000;
const wide = window.matchMedia("(min-width: 800px)");
const stage = document.getElementById("stage");
const connection = document.getElementById("connection");
const announcer = document.getElementById("announce");

let chosen = document.body.dataset.number;
let phones = [];
let revision = 0;
let labelsRevision = -1;
const shown = new Map();
const arrived = new Set();

const list = new PhoneList(choose);

function choose(number) {
  const left = chosen;
  history.pushState({}, "", number ? pathOf(number) : `/?lang=${language}`);
  setChosen(number);
  if (wide.matches) return;
  // The view that had the focus is gone; go on from where the reader would.
  const next = number ? shown.get(number)?.part(".back") : list.rowOf(left);
  next?.focus({ preventScroll: true });
}

function setChosen(number) {
  chosen = number;
  document.body.dataset.view = number ? "phone" : "list";
  const link = document.getElementById("language");
  const address = new URL(link.href);
  address.pathname = window.location.pathname;
  link.href = address.href;
  if (number) markRead(number);
  list.show(phones, chosen);
  arrange();
}

function markRead(number) {
  const phone = phones.find((entry) => entry.number === number);
  if (phone?.unread) report(api.setPhone(number, { read: true }));
}

/** How many phones fit beside the list. */
function places() {
  if (!wide.matches) return chosen ? 1 : 0;
  return Math.min(MAX_PHONES, Math.max(1, Math.floor(stage.clientWidth / PHONE_WIDTH_PX)));
}

/** Show the chosen phone first and, where there is room, those that were active last. */
function arrange() {
  const room = places();
  const keep = chosen ? [chosen] : [];
  const stay = [...shown.values()].filter((handset) => handset.inUse && handset.number !== chosen);
  keep.push(...stay.map((handset) => handset.number));
  const active = phones.filter((phone) => phone.last_message).map((phone) => phone.number);
  const wanted = new Set([...new Set([...keep, ...active])].slice(0, room));
  for (const [number, handset] of shown) {
    if (wanted.has(number)) continue;
    handset.element.remove();
    shown.delete(number);
  }
  for (const number of wanted) {
    if (shown.has(number)) continue;
    const handset = new Handset(number, () => markRead(number));
    shown.set(number, handset);
    stage.append(handset.element);
    report(handset.load());
  }
  // A phone that is here already keeps its place; only the chosen one moves to the front.
  const first = shown.get(chosen)?.element;
  if (first && stage.querySelector(".handset") !== first) stage.prepend(first);
  document.getElementById("stage-hint").hidden = shown.size > 0;
}

function report(promise) {
  promise.catch(fail);
}

function fail(error) {
  console.error(error);
  showConnection(false);
}

function showConnection(works) {
  connection.textContent = say(works ? "connected" : "disconnected");
  connection.classList.toggle("trouble", !works);
}

function announce(numbers) {
  if (numbers.length === 0) return;
  const phone = phones.find((entry) => entry.number === numbers[0]);
  announcer.textContent =
    numbers.length === 1 && phone
      ? say("new_message", { name: nameOf(phone) })
      : say("new_messages", { n: numbers.length });
}

async function refreshPhones() {
  phones = await api.phones();
  list.show(phones, chosen);
  arrange();
  for (const handset of shown.values()) {
    const phone = phones.find((entry) => entry.number === handset.number);
    if (phone) handset.setPhone(phone);
    // Fewer messages than are shown: the simulator was reset.
    if ((phone?.messages ?? 0) < handset.messages.size) await handset.load();
  }
}

async function poll() {
  const feed = await api.changes(revision);
  if (feed.rev < revision) {
    await start();
    return;
  }
  const isNews = feed.rev !== revision || feed.labels_rev !== labelsRevision;
  revision = feed.rev;
  labelsRevision = feed.labels_rev;
  if (isNews) await refreshPhones();
  const buzzing = [];
  for (const message of feed.messages) {
    shown.get(message.number)?.setMessage(message);
    if (message.status !== "delivered" || arrived.has(message.sid)) continue;
    arrived.add(message.sid);
    buzzing.push(message.number);
  }
  while (arrived.size > REMEMBERED) arrived.delete(arrived.values().next().value);
  for (const number of new Set(buzzing)) {
    list.buzz(number);
    shown.get(number)?.buzz();
  }
  announce(buzzing);
  if (buzzing.includes(chosen)) markRead(chosen);
}

async function start() {
  revision = await api.currentRevision();
  await refreshPhones();
  if (chosen) markRead(chosen);
  await Promise.all([...shown.values()].map((handset) => handset.load()));
}

async function keepUp(step) {
  try {
    if (!document.hidden) await step();
    showConnection(true);
    window.setTimeout(keepUp, POLL_MS, poll);
  } catch (error) {
    fail(error);
    window.setTimeout(keepUp, POLL_MS, step);
  }
}

window.addEventListener("popstate", () => {
  const match = /^\/phones\/([^/]+)$/.exec(window.location.pathname);
  setChosen(match ? decodeURIComponent(match[1]) : "");
});
stage.addEventListener("click", (event) => {
  if (!event.target.closest(".back") || event.metaKey || event.ctrlKey) return;
  event.preventDefault();
  choose("");
});
window.addEventListener("resize", arrange);
keepUp(start);
