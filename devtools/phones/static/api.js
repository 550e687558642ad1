// The simulator's JSON, for this page.

async function call(path, options) {
  const response = await fetch(path, { cache: "no-store", ...options });
  if (response.ok) return response.json();
  const content = await response.json().catch(() => ({}));
  throw new Error(content.error || `HTTP ${response.status}`);
}

const post = (path, content) =>
  call(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(content) });

const phonePath = (number) => `/api/phones/${encodeURIComponent(number)}`;
const BEYOND_ALL = 2 ** 40;

/** The revision now, without any message. */
export const currentRevision = async () => (await call(`/api/messages?since=${BEYOND_ALL}`)).rev;
/** Messages changed since a revision. */
export const changes = (revision) => call(`/api/messages?changed_since=${revision}`);
/** All phones, most recently active first. */
export const phones = () => call("/api/phones");
/** One phone's messages, oldest first. */
export const conversation = (number) => call(`${phonePath(number)}/messages`);
/** One phone with its switches. */
export const phone = (number) => call(phonePath(number));
/** Change a phone's switches. */
export const setPhone = (number, switches) => post(phonePath(number), switches);
/** Send a reply from a phone. */
export const reply = (number, body) => post(`${phonePath(number)}/messages`, { body });
