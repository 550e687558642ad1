// Whoever logs out leaves nothing of what they typed in this browser. (A session that ends by itself does:
// its owner may still need it.)
"use strict";

document.addEventListener("submit", (event) => {
  if (!/^\/logout(\/|$)/.test(new URL(event.target.action).pathname)) return;
  try {
    for (const name of Object.keys(localStorage)) {
      if (name.startsWith("draft:")) localStorage.removeItem(name);
    }
  } catch {
    // Storage that can't be read holds nothing of ours.
  }
});
