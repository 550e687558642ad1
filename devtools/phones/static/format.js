// Words, times and states as the page shows them.

const texts = JSON.parse(document.body.dataset.texts || "{}");
export const language = document.body.dataset.lang || "en";
const locale = language === "zh" ? "zh-CN" : "en-GB";

const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hour12: false });
const day = new Intl.DateTimeFormat(locale, { month: "long", day: "numeric", weekday: "long" });
const shortDay = new Intl.DateTimeFormat(locale, { month: "numeric", day: "numeric" });

/** The text for `key`, with each {name} in it replaced from `values`. */
export function say(key, values = {}) {
  return (texts[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/** Hours and minutes of an ISO time, in the reader's time zone. */
export function timeOf(iso) {
  return clock.format(new Date(iso));
}

/** The day of an ISO time in words, to head a part of a conversation. */
export function dayOf(iso) {
  return day.format(new Date(iso));
}

/** The time if it is today, else the day: short enough for a list. */
export function listTimeOf(iso) {
  const at = new Date(iso);
  return at.toDateString() === new Date().toDateString() ? clock.format(at) : shortDay.format(at);
}

/** A Chinese number with spaces where people expect them: +86 138 0000 0000, +86 351 701 0001. */
export function readable(number) {
  const chinese = /^\+86(1[3-9]\d|10|2\d|[3-9]\d{2})(\d{3,4})(\d{4})$/.exec(number);
  return chinese ? `+86 ${chinese[1]} ${chinese[2]} ${chinese[3]}` : number;
}

/** What a phone is called: its label, else its number. */
export function nameOf(phone) {
  return phone.label || readable(phone.number);
}

/** Whether a message did not get where it should. */
export function isTrouble(message) {
  if (message.direction === "to_phone") return ["undelivered", "failed"].includes(message.status);
  return message.status === "received" && !(message.webhook_status >= 200 && message.webhook_status < 400);
}

/** The state of a message in words, with the reason when something went wrong. */
export function stateOf(message) {
  const colon = language === "zh" ? "：" : ": ";
  if (message.direction === "from_phone" && isTrouble(message)) {
    const reason = message.webhook_status ? `HTTP ${message.webhook_status}` : say("no_answer");
    return say("not_taken") + colon + reason;
  }
  const word = say(`status_${message.status}`);
  if (!message.error_code) return word;
  const known = texts[`error_${message.error_code}`] ?? say("error_other");
  const code = language === "zh" ? `（${message.error_code}）` : ` (${message.error_code})`;
  return word + colon + known + code;
}

/** Write `text` into `place` and mark it as Chinese if it is, for the right glyphs and the right voice. */
export function write(place, text) {
  place.textContent = text;
  markLanguage(place, text);
}

/** Mark `place` as Chinese if `text` has Chinese characters. */
export function markLanguage(place, text) {
  if (/[\u3400-\u9fff]/.test(text)) place.lang = "zh-CN";
  else place.removeAttribute("lang");
}

/** The switches of a phone that are worth a word beside its name. */
export function tagsOf(phone) {
  return ["off", "opted_out", "landline", "unreachable"].filter((name) => phone[name]).map((name) => say(name));
}

/** Put `words` as tags into `place`, touching nothing when they are there already. */
export function showTags(place, words) {
  const joined = words.join("\n");
  if (place.dataset.tags === joined) return;
  place.dataset.tags = joined;
  place.replaceChildren(
    ...words.map((word) => {
      const tag = document.createElement("span");
      tag.className = "tag";
      tag.textContent = word;
      return tag;
    }),
  );
}
