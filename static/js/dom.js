// What the hotline's scripts share.

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
// Keys pressed while an input method composes characters belong to the input method.
export const composing = (event) => event.isComposing || event.keyCode === 229;
export const plain = (event) => !event.ctrlKey && !event.metaKey && !event.altKey;
export const alone = (event) => event.altKey && !event.ctrlKey && !event.metaKey;
export const typing = (element) => element.matches("input:not([type=checkbox], [type=radio]), textarea, select");
export const seen = (element) => element.getClientRects().length > 0;
