"""The office's people in front of their browsers: operators who save calls, coordinators who step in.

They use the real pages over HTTP. Each operator writes down what was saved and what they were told, in a
ledger of their own that the audit compares with the database.
"""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from queue import Empty, SimpleQueue
from typing import Any

import psutil
import requests

from devtools.chaos.rig import Rig
from devtools.chaos.roster import OPERATORS, PASSWORD
from devtools.local import hidden_fields

CATEGORIES = ("medicine", "groceries", "urgent", "other")
TIMEOUT_S = 35.0
"""Longer than the web server gives a request: an answer is waited for as long as there may be one."""

RETRY_S = 1.0
PACE_EVERY_S, BUSY = 3.0, 75.0
"""So often operators look how busy the machine is, in per cent of all cores, and as busy it shall be."""

SLOWEST = 6
"""They never slow down to less than a sixth: a storm over an empty house shows nothing."""

_TASK = re.compile(r"/board/tasks/(\d+)")
_SAVED = re.compile(r"[?&]saved=(\d+)")


class NotNow(Exception):
    """The pages can't be had just now."""


class Browser:
    """A browser with a login. Methods raise NotNow when there is no answer, or one that says so."""

    def __init__(self, url: str, username: str) -> None:
        self._url, self._username = url, username
        self._session = requests.Session()
        self._session.trust_env = False

    def get(self, path: str) -> requests.Response:
        """A page, after a login if it asks for one."""
        answer = self._ask("GET", path)
        if answer.status_code in (302, 303) and "/login" in answer.headers["Location"]:
            form = hidden_fields(self._ask("GET", "/login").text)
            form |= {"username": self._username, "password": PASSWORD}
            self._ask("POST", "/login", form)
            answer = self._ask("GET", path)
        return answer

    def post(self, path: str, form: dict[str, Any]) -> requests.Response:
        """The answer to a form, a redirect not followed."""
        return self._ask("POST", path, form)

    def _ask(self, method: str, path: str, form: dict[str, Any] | None = None) -> requests.Response:
        try:
            answer = self._session.request(
                method, self._url + path, data=form, timeout=TIMEOUT_S, allow_redirects=False
            )
        except requests.RequestException as error:
            raise NotNow(type(error).__name__) from error
        if answer.status_code >= 500:
            raise NotNow(f"status {answer.status_code}")
        return answer


@dataclass
class Entry:
    """A call as its operator knows it: `told`, by the page, that it is saved. `wanted`: the kinds of help."""

    form_key: str
    retiree_id: int
    wanted: list[str]
    told: bool = False
    request_id: int | None = None
    tries: int = 0
    refused: str = ""


@dataclass
class Ledger:
    """All calls, as the operators know them."""

    entries: list[Entry] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, entry: Entry) -> None:
        """Write down a call before its first try."""
        with self.lock:
            self.entries.append(entry)

    def as_json(self) -> list[dict[str, Any]]:
        """All entries."""
        return [asdict(entry) for entry in self.entries]


def take_call(
    browser: Browser, ledger: Ledger, retiree_id: int, wanted: Sequence[str], told_on_call: bool,
    over: threading.Event, most_tries: int = 60,
) -> Entry | None:  # fmt: skip
    """Save one call, pressing the button again until the page says that it is saved.

    None when not even the form could be had. The form's key is the same at each try.
    """
    try:
        page = browser.get(f"/hotline/people/{retiree_id}")
    except NotNow:
        return None
    form: dict[str, Any] = hidden_fields(page.text)
    if "form_key" not in form:
        return None
    form |= {"want": list(wanted)} | ({"told_on_call": "1"} if told_on_call else {})
    for category in wanted:
        form[f"{category}-repeat"] = "new"
    form |= {
        "medicine-name": "阿司匹林", "medicine-amount": "2盒", "groceries-name": "鸡蛋",
        "groceries-amount": "10个", "other-notes": "想找人聊聊", "urgent-notes": "门打不开",
    }  # fmt: skip
    entry = Entry(form["form_key"], retiree_id, list(wanted))
    ledger.add(entry)
    while entry.tries < most_tries:
        entry.tries += 1
        try:
            answer = browser.post("/hotline/requests", form)
        except NotNow:
            if over.wait(RETRY_S):
                return entry
            continue
        saved = _SAVED.search(answer.headers.get("Location", ""))
        if answer.status_code == 303 and saved:
            entry.told, entry.request_id = True, int(saved[1])
        else:
            entry.refused = f"status {answer.status_code}"
        return entry
    return entry


class Office:
    """Operators and coordinators at work until the end of the load.

    `tasks_per_s`: how many tasks they make together, if the pages keep up and the machine has time left: they
    begin with half of that, and go by how busy it is. Without time left only its queues could be measured.
    """

    def __init__(
        self, rig: Rig, ledger: Ledger, seed: int, tasks_per_s: float, operators: int = OPERATORS
    ) -> None:
        self._rig, self._ledger, self._seed = rig, ledger, seed
        self._shortest_s = operators * _MEAN_KINDS / tasks_per_s
        self._pause_s = 2 * self._shortest_s
        self._over = threading.Event()
        self._saved: SimpleQueue[int] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._operate, args=(n,), name=f"operator-{n}", daemon=True)
            for n in range(operators)
        ]
        self._threads.append(threading.Thread(target=self._coordinate, name="coordinator", daemon=True))
        self._threads.append(threading.Thread(target=self._keep_pace, name="pace", daemon=True))

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """No new calls; those being saved are brought to their end."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _operate(self, number: int) -> None:
        draw = random.Random(f"{self._seed}/operator/{number}")
        browser = Browser(self._rig.system.url, f"op{number}")
        self._over.wait(draw.uniform(0, self._pause_s))
        while not self._over.is_set():
            retiree_id = draw.choice(self._rig.people.retirees)
            wanted = draw.sample(CATEGORIES, draw.choice(_KINDS))
            entry = take_call(
                browser, self._ledger, retiree_id, wanted, draw.random() < 0.4, threading.Event()
            )
            if entry is None:
                self._over.wait(RETRY_S)
                continue
            if entry.request_id is not None and draw.random() < 0.06:
                self._saved.put(entry.request_id)
            self._over.wait(draw.expovariate(1 / self._pause_s))

    def _keep_pace(self) -> None:
        """By what all processes of the machine leave of it, and slowly."""
        psutil.cpu_percent()  # from now on
        while not self._over.wait(PACE_EVERY_S):
            change = min(1.1, max(0.9, psutil.cpu_percent() / BUSY))
            self._pause_s = min(max(self._shortest_s, self._pause_s * change), SLOWEST * self._shortest_s)

    def _coordinate(self) -> None:
        """Step in now and then: cancel, close, open again, ask more, give to somebody by hand."""
        draw = random.Random(f"{self._seed}/coordinator")
        browser = Browser(self._rig.system.url, "co0")
        while not self._over.is_set():
            try:
                request_id = self._saved.get(timeout=0.5)
            except Empty:
                continue
            self._over.wait(draw.uniform(0, 6))
            try:
                desk = browser.get(f"/hotline?saved={request_id}")
                tasks = _TASK.findall(desk.text)
                if tasks:
                    self._step_in(browser, int(tasks[0]), draw)
            except NotNow:
                continue

    def _step_in(self, browser: Browser, task_id: int, draw: random.Random) -> None:
        act = draw.choice(("cancel", "close", "reopen", "ask", "assign", "assign"))
        page = browser.get(f"/board/tasks/{task_id}")
        form = hidden_fields(page.text) | {"said": "演练"}
        if act == "assign":
            form["volunteer_id"] = str(draw.choice(self._rig.people.volunteers))
        browser.post(f"/board/tasks/{task_id}/{act}", form)


_KINDS = (1, 2, 3, 3, 4, 4)
_MEAN_KINDS = sum(_KINDS) / len(_KINDS)
