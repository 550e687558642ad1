// A volunteer's page, a little better; it works without. For old phones' browsers too.
(function () {
  "use strict";
  var news = document.getElementById("news");

  function each(selector, act, within) {
    (within || document).querySelectorAll(selector).forEach(act);
  }

  // Whether what is shown is still true. Nothing typed is ever lost by it.
  function typing() {
    var found = false;
    each("main textarea, main input:not([type=hidden])", function (field) {
      if (field.type === "radio") found = found || field.checked !== field.defaultChecked;
      else if (field.type !== "checkbox") found = found || field.value !== field.defaultValue;
    });
    return found;
  }

  function tell(words, link) {
    var line = document.createElement("p");
    line.className = "notice";
    line.textContent = words + " ";
    if (link) {
      link = line.appendChild(document.createElement("a"));
      link.href = news.dataset.page;
      link.textContent = news.dataset.show;
    }
    news.textContent = "";
    news.appendChild(line);
  }

  function renew(words) {
    fetch(news.dataset.page).then(function (answer) { return answer.text(); }).then(function (html) {
      var fresh = new DOMParser().parseFromString(html, "text/html");
      var now = fresh.getElementById("news"), main = fresh.getElementById("main");
      if (typing()) return tell(words, true);
      if (!now) return location.reload();
      document.getElementById("main").replaceWith(main);
      document.title = fresh.title;
      news.dataset.mark = now.dataset.mark;
      tell(words);
      dress(main);
    }).catch(function () {});
  }

  function look() {
    if (document.hidden) return;
    fetch(news.dataset.poll).then(function (answer) {
      return answer.ok ? answer.json() : null;
    }).then(function (now) {
      if (!now || now.mark === news.dataset.mark) return;
      var words = now.stage === "taken" ? news.dataset.taken : news.dataset.changed;
      if (typing()) tell(words, true);
      else renew(words);
    }).catch(function () {}); // no signal: asked again in a while
  }

  if (news && window.fetch) {
    setInterval(look, 8000);
    document.addEventListener("visibilitychange", look);
  }

  function countDown(form) {
    var ends = Date.now() + form.dataset.left * 1000, line = form.querySelector("[data-count]");
    (function tick() {
      var left = Math.ceil((ends - Date.now()) / 1000);
      if (left <= 0) return form.remove();
      line.textContent = form.dataset.words.replace("%s", left);
      setTimeout(tick, 500);
    })();
  }

  function copying(button) {
    if (!navigator.clipboard) return;
    button.hidden = false;
    button.onclick = function () {
      navigator.clipboard.writeText(button.dataset.copy).then(function () {
        button.textContent = button.dataset.copied;
      });
    };
  }

  // Ticks outlive a reload; only which lines, and only on this phone.
  function ticking(list) {
    var key = "ticks-" + list.dataset.ticks, boxes = list.querySelectorAll("input");
    try {
      (localStorage[key] || "").split("").forEach(function (on, n) {
        if (boxes[n]) boxes[n].checked = on === "1";
      });
      list.onchange = function () {
        localStorage[key] = [].map.call(boxes, function (box) { return box.checked ? 1 : 0; }).join("");
      };
    } catch (_refused) { /* then they don't */ }
  }

  function dress(within) {
    each("[data-left]", countDown, within);
    each("[data-copy]", copying, within);
    each("[data-ticks]", ticking, within);
  }

  // A second tap does nothing; with a bad signal it does again after a while.
  function ready(form) {
    form.removeAttribute("aria-busy");
  }
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.getAttribute("aria-busy")) return event.preventDefault();
    form.setAttribute("aria-busy", "true");
    setTimeout(ready, 10000, form);
  });
  window.addEventListener("pageshow", function () { each("form", ready); });
  dress(document);
})();
