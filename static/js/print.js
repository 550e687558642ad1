/* The button that prints this page. Without scripts the browser's own does. */
(() => {
  "use strict";

  const button = document.getElementById("print");
  button.hidden = false;
  for (const words of document.querySelectorAll("[data-without-script]")) words.hidden = true;
  button.addEventListener("click", () => window.print());
})();
