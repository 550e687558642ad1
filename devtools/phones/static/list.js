// The list of phones with its filter.

import { language, listTimeOf, nameOf, readable, say, showTags, tagsOf, write } from "./format.js";

const MAX_SNIPPET = 60;

/** The address of a phone's own view. */
export const pathOf = (number) => `/phones/${encodeURIComponent(number)}?lang=${language}`;

function snippetOf(message) {
  const text = message.body.slice(0, MAX_SNIPPET);
  return message.direction === "from_phone" ? say("replied", { text }) : text;
}

export class PhoneList {
  /** `choose(number)` is called when a row is followed. */
  constructor(choose) {
    this.rows = document.getElementById("rows");
    this.hint = document.getElementById("list-hint");
    this.filter = document.getElementById("filter");
    this.template = document.getElementById("row-template");
    this.items = new Map();
    this.phones = [];
    this.chosen = "";
    this.filter.addEventListener("input", () => this.show(this.phones, this.chosen));
    this.rows.addEventListener("click", (event) => {
      const row = event.target.closest("a.row");
      if (!row || event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      choose(row.dataset.number);
    });
  }

  /** Show `phones` in their order; the `chosen` one is marked. */
  show(phones, chosen) {
    this.phones = phones;
    this.chosen = chosen;
    const wanted = this.filter.value.trim().toLowerCase();
    const digits = wanted.replace(/[\s+-]/g, "");
    const fits = (phone) =>
      phone.label.toLowerCase().includes(wanted) || (/^\d+$/.test(digits) && phone.number.includes(digits));
    const found = wanted ? phones.filter(fits) : phones;
    const items = found.map((phone) => this.item(phone));
    // Rows keep their elements, so that focus survives; only a changed order moves them.
    if (items.length !== this.rows.children.length || items.some((item, i) => this.rows.children[i] !== item)) {
      const focused = document.activeElement;
      this.rows.replaceChildren(...items);
      if (this.rows.contains(focused)) focused.focus({ preventScroll: true });
    }
    this.hint.hidden = found.length > 0;
    this.hint.textContent = say(phones.length ? "no_match" : "no_phones");
  }

  /** Draw the eye to a phone that has just got a message. */
  buzz(number) {
    const row = this.rowOf(number);
    if (!row) return;
    row.classList.remove("fresh");
    requestAnimationFrame(() => row.classList.add("fresh"));
  }

  /** The link of a phone in the list, if it has one. */
  rowOf(number) {
    return this.items.get(number)?.querySelector(".row");
  }

  item(phone) {
    let item = this.items.get(phone.number);
    if (!item) {
      item = this.template.content.firstElementChild.cloneNode(true);
      const link = item.querySelector(".row");
      link.href = pathOf(phone.number);
      link.dataset.number = phone.number;
      this.items.set(phone.number, item);
    }
    const part = (name) => item.querySelector(name);
    const last = phone.last_message;
    write(part(".row-name"), nameOf(phone));
    part(".row-number").textContent = phone.label ? readable(phone.number) : say("unnamed");
    part(".row-time").textContent = last ? listTimeOf(last.at) : "";
    part(".row-time").dateTime = last ? last.at : "";
    write(part(".row-last"), last ? snippetOf(last) : say("no_messages"));
    part(".row-unread").hidden = phone.unread === 0;
    part(".row-count").textContent = phone.unread > 99 ? "99+" : String(phone.unread);
    part(".row-count-words").textContent = say("unread", { n: phone.unread });
    showTags(part(".tags"), tagsOf(phone));
    if (phone.number === this.chosen) part(".row").setAttribute("aria-current", "page");
    else part(".row").removeAttribute("aria-current");
    return item;
  }
}
