/* A button that prints the page; without scripts there is none, and the browser's own way remains. */

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
for (const words of document.querySelectorAll("[data-without-script]")) words.hidden = true;
