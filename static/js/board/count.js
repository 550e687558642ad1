/* What the numbers say: the title, a word for those who listen, and for what is new and urgent a sign and,
   where it was asked for, a short sound. */

import { byId } from "./page.js";

const QUIET_MS = 20000; // a sound isn't repeated within this time
const KEPT = 200;
const HEARD = "board-heard", ON = "board-sound", LAST = "board-sound-at";

const title = document.title;
const alarm = byId("alarm");
const button = byId("sound");
const forNow = new Map();
let needed = null;
let audio = null;

/* Another question, another number: nothing to announce. */
export function forget() {
  needed = null;
}

export const soundIsOn = () => Boolean(button) && read(ON) === "1";

export function count() {
  const tally = byId("tally");
  if (!tally) return;
  const now = Number(tally.dataset.needs);
  document.title = now ? `(${now}) ${title}` : title;
  if (needed !== null && now > needed) {
    const announce = byId("announce");
    announce.textContent = announce.dataset.words.replace("{n}", now);
  }
  hear(tally.dataset.pressing.split(" ").filter(Boolean), needed === null);
  needed = now;
}

/* What this browser has shown once is no news in any of its windows. */
function hear(pressing, opening) {
  const heard = new Set((read(HEARD) || "").split(" "));
  const fresh = pressing.filter((id) => !heard.has(id));
  if (alarm && !alarm.hidden && !pressing.some((id) => alarm.dataset.ids.split(" ").includes(id))) {
    alarm.hidden = true; // somebody sees to it
  }
  if (!fresh.length) return;
  write(HEARD, [...heard, ...fresh].slice(-KEPT).join(" "));
  if (opening || !alarm) return; // whoever opens the page looks at it
  alarm.dataset.ids = fresh.join(" ");
  alarm.replaceChildren(sign(fresh[fresh.length - 1]));
  alarm.hidden = false;
  if (soundIsOn() && Date.now() - Number(read(LAST)) > QUIET_MS) {
    write(LAST, String(Date.now()));
    ring();
  }
}

function sign(id) {
  const link = document.createElement("a");
  link.href = `#why-${id}`;
  link.textContent = alarm.dataset.words;
  return link;
}

/* Two soft notes. */
function ring() {
  if (!audio || audio.state !== "running") return;
  [[0, 659], [0.18, 880]].forEach(([after, pitch]) => {
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    const at = audio.currentTime + after;
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.0001, at);
    volume.gain.exponentialRampToValueAtTime(0.25, at + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.35);
    tone.connect(volume).connect(audio.destination);
    tone.start(at);
    tone.stop(at + 0.4);
  });
}

/* Browsers let a page sound only after somebody has touched it. */
async function wakeUp() {
  if (!soundIsOn()) return;
  audio = audio || new AudioContext();
  if (audio.state !== "running") await audio.resume().catch(() => undefined);
  show();
}

function show() {
  const on = soundIsOn();
  const word = !on ? "off" : audio?.state === "running" ? "on" : "waits";
  button.setAttribute("aria-pressed", String(on));
  if (button.textContent !== button.dataset[word]) button.textContent = button.dataset[word];
}

function read(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return forNow.get(name) ?? null;
  }
}

function write(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    forNow.set(name, value); // a browser that keeps nothing: it is news once more in the next window
  }
}

export function start(changed) {
  if (alarm) {
    for (const act of ["pointerdown", "keydown"]) {
      document.addEventListener(act, (event) => {
        if (!alarm.contains(event.target)) alarm.hidden = true; // they have looked
      });
    }
    alarm.addEventListener("click", (event) => {
      event.preventDefault();
      const row = byId(alarm.querySelector("a").getAttribute("href").slice(1))?.closest(".item");
      if (!row) location.assign("/board"); // it isn't among those shown
      row?.scrollIntoView({ block: "center" });
      (row?.querySelector(".open") || row?.querySelector("a, button"))?.focus({ preventScroll: true });
      alarm.hidden = true;
    });
  }
  if (!button || !window.AudioContext) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const on = !soundIsOn();
    write(ON, on ? "1" : "0");
    if (on) {
      await wakeUp();
      ring(); // so that they know it
    }
    show();
    changed();
  });
  for (const act of ["pointerup", "keydown"]) document.addEventListener(act, wakeUp);
  show();
}
