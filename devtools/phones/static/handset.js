// One phone: its conversation, its switches and its reply box.

import * as api from "./api.js";
import { dayOf, isTrouble, markLanguage, nameOf, readable, say, showTags, stateOf, tagsOf, timeOf, write } from "./format.js";

const NEAR_END_PX = 80;

/** `body` as nodes: the addresses in `links` become links, all else stays text. */
function bodyNodes(body, links) {
  const nodes = [];
  let rest = body;
  for (const address of links) {
    const at = rest.indexOf(address);
    if (at < 0) continue;
    const link = document.createElement("a");
    link.href = address;
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    link.textContent = address;
    nodes.push(rest.slice(0, at), link);
    rest = rest.slice(at + address.length);
  }
  return [...nodes, rest];
}

export class Handset {
  /** Show the phone `number`; `onTouch()` is called when somebody starts using it. */
  constructor(number, onTouch) {
    this.number = number;
    this.element = document.getElementById("handset-template").content.firstElementChild.cloneNode(true);
    this.element.dataset.number = number;
    this.bubbleTemplate = document.getElementById("bubble-template");
    this.part = (name) => this.element.querySelector(name);
    this.talk = this.part(".talk");
    this.box = this.part(".reply input");
    this.button = this.part(".reply button");
    this.phone = { number, label: "", messages: 0 };
    this.messages = new Map();
    this.bubbles = new Map();
    const id = `reply-${number.slice(1)}`;
    this.box.id = id;
    this.part(".reply label").htmlFor = id;
    this.part(".reply").addEventListener("submit", (event) => {
      event.preventDefault();
      this.send(this.box.value, true);
    });
    this.part(".switches").addEventListener("change", (event) => this.flip(event.target));
    this.part(".quick").addEventListener("click", (event) => {
      const code = event.target.closest("button")?.textContent;
      if (code) this.send(code, false);
    });
    this.element.addEventListener("focusin", onTouch);
  }

  /** Whether replacing this phone would take something away from somebody. */
  get inUse() {
    return this.element.contains(document.activeElement) || this.box.value !== "";
  }

  /** When the last message came, as a number that only grows. */
  get lastSeq() {
    return Math.max(0, ...[...this.messages.values()].map((message) => message.seq));
  }

  /** Load the whole conversation anew. */
  async load() {
    const [phone, messages] = await Promise.all([api.phone(this.number), api.conversation(this.number)]);
    this.messages.clear();
    this.bubbles.clear();
    this.part("ol").replaceChildren();
    this.setPhone(phone);
    for (const message of messages) this.setMessage(message);
    this.talk.scrollTop = this.talk.scrollHeight;
  }

  /** Take over the phone's name and switches. */
  setPhone(phone) {
    this.phone = phone;
    const name = nameOf(phone);
    write(this.part(".handset-name"), name);
    this.part(".handset-number").textContent = phone.label ? readable(phone.number) : say("unnamed");
    showTags(this.part(".tags"), tagsOf({ landline: phone.landline, unreachable: phone.unreachable }));
    for (const box of this.element.querySelectorAll("[data-switch]")) box.checked = phone[box.dataset.switch];
    this.talk.setAttribute("aria-label", name);
    this.part(".reply label").textContent = say("reply", { name });
    this.box.placeholder = say(phone.off ? "reply_off" : "reply_hint");
    this.box.disabled = phone.off;
    this.button.disabled = phone.off;
    this.element.classList.toggle("is-off", phone.off);
    this.showQuick();
  }

  /** Show a message, or show what has changed about it. */
  setMessage(message) {
    const atEnd = this.talk.scrollHeight - this.talk.scrollTop - this.talk.clientHeight < NEAR_END_PX;
    const isNew = !this.messages.has(message.sid);
    this.messages.set(message.sid, message);
    const bubble = isNew ? this.addBubble(message) : this.bubbles.get(message.sid);
    const state = bubble.querySelector(".bubble-status");
    state.textContent = stateOf(message);
    bubble.classList.toggle("trouble", isTrouble(message));
    this.part(".talk .hint").hidden = true;
    if (isNew) this.showQuick();
    if (atEnd) this.talk.scrollTop = this.talk.scrollHeight;
  }

  /** Draw the eye here: a message has just arrived. */
  buzz() {
    this.element.classList.remove("fresh");
    requestAnimationFrame(() => this.element.classList.add("fresh"));
  }

  addBubble(message) {
    const bubble = this.bubbleTemplate.content.firstElementChild.cloneNode(true);
    const list = this.part("ol");
    bubble.classList.add(message.direction === "to_phone" ? "from-hotline" : "from-phone");
    bubble.querySelector(".bubble-who").textContent =
      say(message.direction === "to_phone" ? "hotline" : "you") + ": ";
    const body = bubble.querySelector(".bubble-body");
    body.append(...bodyNodes(message.body, message.links));
    markLanguage(body, message.body);
    const time = bubble.querySelector("time");
    time.dateTime = message.at;
    time.textContent = timeOf(message.at);
    const before = list.lastElementChild?.querySelector("time").dateTime;
    if (!before || dayOf(before) !== dayOf(message.at)) {
      const heading = bubble.querySelector(".bubble-day");
      heading.hidden = false;
      heading.textContent = dayOf(message.at);
    }
    list.append(bubble);
    this.bubbles.set(message.sid, bubble);
    return bubble;
  }

  showQuick() {
    const asking = [...this.messages.values()].at(-1);
    const codes = asking && !this.phone.off ? asking.reply_codes : [];
    const place = this.part(".quick");
    place.hidden = codes.length === 0;
    if (place.dataset.codes === codes.join("\n")) return;
    place.dataset.codes = codes.join("\n");
    place.replaceChildren(
      ...codes.map((code) => {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = code;
        return button;
      }),
    );
  }

  async send(text, clear) {
    if (!text.trim() || this.button.disabled) return;
    this.button.disabled = true;
    this.button.textContent = say("sending_reply");
    this.problem("");
    try {
      this.setMessage(await api.reply(this.number, text));
      if (clear) this.box.value = "";
    } catch (error) {
      this.problem(say("send_failed", { reason: error.message }));
    } finally {
      this.button.disabled = this.phone.off;
      this.button.textContent = say("send");
    }
  }

  async flip(box) {
    try {
      this.problem("");
      this.setPhone(await api.setPhone(this.number, { [box.dataset.switch]: box.checked }));
    } catch (error) {
      box.checked = !box.checked;
      this.problem(say("switch_failed", { reason: error.message }));
    }
  }

  problem(text) {
    const place = this.part(".problem");
    place.textContent = text;
    place.hidden = !text;
  }
}
