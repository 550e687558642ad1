"""A running system on invented people, and a browser in which anybody's window can be opened."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import requests
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from devtools.local import free_port
from devtools.system import System

WIDTHS = {390: 844, 768: 1024, 1440: 900}
"""Window widths in CSS pixels (a phone, a tablet, a desk), with their heights."""

LOCALES = {"zh": "zh-CN", "en": "en-GB"}
CHROMIUM_ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE_S = 30

BROWSER = os.environ.get("BROWSER") or next(
    filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "google-chrome"))), None
)
"""Where there is a Chromium; None: nowhere. `scripts/find-browser.sh`, which make asks, knows more names."""

ACCOUNTS = {
    "operator": "hotline1",
    "colleague": "hotline2",
    "coordinator": "coord-yingze",
    "administrator": "admin",
}
"""Accounts of the invented roster, by whom a state of a page belongs to."""

Fill = Callable[[Page], None]


class Logins:
    """Who has logged in: each once, by the page; to a further window they bring their cookies along, unless
    they have logged out meanwhile."""

    def __init__(self) -> None:
        self._cookies: dict[str, list[Any]] = {}

    def enter(self, page: Page, username: str, password: str) -> None:
        """Let them in, in the empty window of `page`, which stays empty."""
        if username in self._cookies:
            page.context.add_cookies(self._cookies[username])
            first = page.context.request.get("/", max_redirects=0)
            if "/login" not in first.headers.get("location", ""):
                return
            page.context.clear_cookies()
        log_in(page, username, password)
        page.goto("about:blank")
        self._cookies[username] = list(page.context.cookies())


def log_in(page: Page, username: str, password: str) -> None:
    """Log in by the page for it."""
    page.goto("/login")
    page.fill("[name=username]", username)
    page.fill("[name=password]", password)
    page.press("[name=password]", "Enter")
    page.wait_for_url(lambda url: "/login" not in url)


class Studio:
    """A running system and a browser, with everything needed to act as its people."""

    def __init__(self, system: System, browser: Browser) -> None:
        self.system = system
        self.browser = browser
        accounts = json.loads((system.data_dir / "demo-accounts.json").read_text("utf-8"))
        self.passwords = {a["username"]: a["password"] for a in accounts}
        self._logins = Logins()

    def window(self, language: str, width: int, dark: bool = False) -> BrowserContext:
        """A browser window of this language and width."""
        return self.browser.new_context(
            base_url=self.system.url,
            locale=LOCALES[language],
            timezone_id="Asia/Shanghai",
            color_scheme="dark" if dark else "light",
            viewport={"width": width, "height": WIDTHS[width]},
            has_touch=width < 600,
            is_mobile=width < 600,
            device_scale_factor=2 if width < 600 else 1,
        )

    def page(self, who: str, language: str, width: int, dark: bool = False) -> Page:
        """A window in which somebody of this role has logged in, or nobody when `who` is ""."""
        page = self.window(language, width, dark).new_page()
        if who:
            self._logins.enter(page, ACCOUNTS[who], self.passwords[ACCOUNTS[who]])
        return page

    def call(self, page: Page, name: str, fill: Fill) -> int:
        """Take a call for the first match of `name`; the id of the retiree."""
        page.goto(f"/hotline?q={name}")
        page.locator("#matches a[href*='/hotline/people/']").first.click()
        page.wait_for_url(re.compile(r"/people/\d+"))
        retiree = int(page.url.rpartition("/")[2])
        fill(page)
        page.keyboard.press("Control+Enter")
        if page.locator("#confirm[open]").count():
            page.keyboard.press("Enter")  # the medicine has been read back
        page.wait_for_url(re.compile("saved="))
        return retiree

    def offers(self, task_id: int) -> list[str]:
        """The links in the offers of a task, once all of its wave have arrived."""
        return self._wait(0, "/o/", task_id)

    def own_page(self, phone: str) -> str:
        """The link to their own page that a volunteer gets who asks for it by SMS."""
        before = self.last()
        self.reply(phone, "我的")
        return self._wait(before, "/v/")[0]

    def reply(self, phone: str, words: str) -> None:
        """Send an SMS to the hotline."""
        url = f"{self.system.phones_url}/api/phones/{phone}/messages"
        requests.post(url, json={"body": words}, timeout=10).raise_for_status()

    def act(self, link: str, step: str, **fields: str) -> None:
        """Press a button of the page behind a volunteer's link."""
        requests.post(f"{link}/{step}", data=fields, timeout=10).raise_for_status()

    def last(self) -> int:
        """The number of the newest message."""
        return max((m["seq"] for m in self._messages(0)), default=0)

    def _wait(self, since: int, kind: str, task_id: int | None = None) -> list[str]:
        """Links of this kind in SMS that have arrived after message number `since`; about a task, once there
        are as many as people were asked."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            arrived = [m for m in self._messages(since) if m["direction"] == "to_phone"]
            if task_id is not None:
                about = self._sids(task_id)
                arrived = [m for m in arrived if m["sid"] in about]
            links = [link for m in arrived for link in m["links"] if kind in link]
            if links and (task_id is None or len(links) >= self._asked(task_id)):
                return links
            time.sleep(0.1)
        raise RuntimeError(f"no link with {kind} arrived, or not all of them")

    def _asked(self, task_id: int) -> int:
        """How many have been asked about a task."""
        return len(self._rows("SELECT id FROM offer WHERE task_id = ?", task_id))

    def _sids(self, task_id: int) -> set[str]:
        """By what the gateway calls the SMS about a task."""
        return {row[0] for row in self._rows("SELECT gateway_id FROM message WHERE task_id = ?", task_id)}

    def _rows(self, query: str, task_id: int) -> list[Any]:
        with closing(sqlite3.connect(self.system.data_dir / "dispatcher.db")) as database:
            return database.execute(query, (task_id,)).fetchall()

    def _messages(self, since: int) -> list[dict[str, Any]]:
        answer = requests.get(f"{self.system.phones_url}/api/messages?since={since}", timeout=10)
        found: list[dict[str, Any]] = answer.json()["messages"]
        return found


@contextmanager
def opened(env: Mapping[str, str] | None = None) -> Iterator[Studio]:
    """A studio of its own in a temporary folder, closed at the end."""
    if BROWSER is None:
        raise SystemExit("no Chromium: name one in BROWSER, or install it")
    with tempfile.TemporaryDirectory(prefix="dispatcher-") as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=CHROMIUM_ARGS)
        with running(Path(folder), env) as system:
            yield Studio(system, browser)
        browser.close()


@contextmanager
def running(folder: Path, env: Mapping[str, str] | None = None) -> Iterator[System]:
    """The whole system with the invented roster, all its data in `folder`.

    Whoever has duty on this day has it all day and may be asked often: the pictures are the same at night.
    """
    settings = folder / "dispatch.toml"
    settings.write_text("live_cap = 10\ndaily_cap = 100\n")
    known = {
        "QUIET_HOURS": "off", "DISPATCH_SETTINGS": str(settings), "LOGIN_RATE": "1000 per minute",
        "UNDO_S": "3600",  # what can be taken back is to be seen all the time
    }  # fmt: skip
    system = System(folder, free_port(), free_port(), {**known, **(env or {})})
    system.prepare()
    system.flask("demo", "load")
    with closing(sqlite3.connect(folder / "dispatcher.db")) as database, database:
        database.execute("UPDATE duty_window SET start_min = 0, end_min = 1440")
    system.start()
    try:
        system.wait_ready(90)
        yield system
    finally:
        system.stop()
