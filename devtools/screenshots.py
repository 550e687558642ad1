"""Take the pictures of the documentation: four faces, two languages, two widths, of a real system.

Run by `make screenshots`. Starts the whole system on invented people in a temporary folder, lives
through a small evening of calls in a real browser, and photographs each face on the way.
"""

from __future__ import annotations

import json
import os
import re
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from devtools.system import ROOT, System

OUT = ROOT / "docs" / "screenshots"
SIZES = {390: 844, 1440: 900}
LANGUAGES = {"zh": "zh-CN", "en": "en-GB"}
CHROMIUM_ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def free_port() -> int:
    """A TCP port nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Studio:
    """A running system, a browser, and the accounts to log in with."""

    def __init__(self, system: System, browser: Browser) -> None:
        self.system = system
        self.browser = browser
        accounts = json.loads((system.data_dir / "demo-accounts.json").read_text("utf-8"))
        self.passwords = {a["username"]: a["password"] for a in accounts}

    def context(self, language: str, width: int) -> BrowserContext:
        """A browser window of this language and width."""
        return self.browser.new_context(
            locale=LANGUAGES[language],
            viewport={"width": width, "height": SIZES[width]},
            device_scale_factor=2 if width < 600 else 1,
        )

    def staff(self, username: str, language: str, width: int) -> Page:
        """A page on which `username` has logged in."""
        page = self.context(language, width).new_page()
        page.goto(f"{self.system.url}/login")
        page.fill("[name=username]", username)
        page.fill("[name=password]", self.passwords[username])
        page.press("[name=password]", "Enter")
        page.wait_for_url(lambda url: "/login" not in url)
        return page

    def inbox(self, number: str) -> list[dict[str, Any]]:
        """The SMS that a phone has got."""
        answer = requests.get(f"{self.system.phones_url}/api/phones/{number}/messages", timeout=10)
        found: list[dict[str, Any]] = [m for m in answer.json() if m["direction"] == "to_phone"]
        return found

    def call(self, page: Page, name: str, fill: Callable[[Page], None]) -> None:
        """Take a call for the first match of `name`."""
        page.goto(f"{self.system.url}/hotline?q={name}")
        page.locator("#matches a[href*='/hotline/people/']").first.click()
        fill(page)
        page.locator("form[action='/hotline/requests'] button[type=submit], form[action='/hotline/requests'] .button-primary").last.click()
        page.wait_for_url(re.compile("saved="))


def want(category: str, **fields: str) -> Callable[[Page], None]:
    """Fill the form for one thing."""

    def fill(page: Page) -> None:
        page.locator(f"input[name=want][value={category}]").check(force=True)
        for name, value in fields.items():
            control = page.locator(f"[name='{category}-{name}']").first
            if control.evaluate("e => e.tagName") == "SELECT":
                control.select_option(value)
            else:
                control.fill(value)
        if page.locator("[name=told_on_call]").count():
            page.locator("[name=told_on_call]").first.check(force=True)

    return fill
