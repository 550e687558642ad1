"""Take the pictures of the documentation: four faces, two languages, two widths, of a real system.

Run by `make screenshots`. It starts the whole system on invented people in a temporary folder, lives
through a few calls in a real browser, and photographs each face on the way.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from devtools.local import free_port
from devtools.system import ROOT, System

OUT = ROOT / "docs" / "screenshots"
HEIGHTS = {390: 844, 1440: 900}
LOCALES = {"zh": "zh-CN", "en": "en-GB"}
CHROMIUM_ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE_S = 30

Fill = Callable[[Page], None]


def want(category: str, **fields: str) -> Fill:
    """What fills the operator's form with one wish."""

    def fill(page: Page) -> None:
        page.locator(f"input[name=want][value={category}]").check(force=True)
        for name, value in fields.items():
            control = page.locator(f"[name='{category}-{name}']").first
            if control.evaluate("e => e.tagName") == "SELECT":
                control.select_option(value)
            else:
                control.fill(value)

    return fill


class Studio:
    """A running system and a browser, with everything needed to act as its people."""

    def __init__(self, system: System, browser: Browser) -> None:
        self.system = system
        self.browser = browser
        accounts = json.loads((system.data_dir / "demo-accounts.json").read_text("utf-8"))
        self.passwords = {a["username"]: a["password"] for a in accounts}

    def window(self, language: str, width: int) -> BrowserContext:
        """A browser window of this language and width."""
        return self.browser.new_context(
            locale=LOCALES[language],
            timezone_id="Asia/Shanghai",
            viewport={"width": width, "height": HEIGHTS[width]},
            device_scale_factor=2 if width < 600 else 1,
        )

    def staff(self, username: str, language: str, width: int) -> Page:
        """A window in which `username` has logged in."""
        page = self.window(language, width).new_page()
        page.goto(f"{self.system.url}/login")
        page.fill("[name=username]", username)
        page.fill("[name=password]", self.passwords[username])
        page.press("[name=password]", "Enter")
        page.wait_for_url(lambda url: "/login" not in url)
        return page

    def call(self, page: Page, name: str, fill: Fill) -> None:
        """Take a call for the first match of `name`."""
        page.goto(f"{self.system.url}/hotline?q={name}")
        page.locator("#matches a[href*='/hotline/people/']").first.click()
        fill(page)
        page.keyboard.press("Control+Enter")
        if page.locator("#confirm[open]").count():
            page.keyboard.press("Enter")  # the medicine has been read back
        page.wait_for_url(re.compile("saved="))

    def offers(self, since: int) -> list[dict[str, Any]]:
        """SMS with a link that have arrived after message number `since`, once there are any."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            found = [m for m in self.messages(since) if m["links"] and m["direction"] == "to_phone"]
            if found:
                time.sleep(0.7)  # the other offers of the wave
                return [m for m in self.messages(since) if m["links"] and m["direction"] == "to_phone"]
            time.sleep(0.1)
        raise RuntimeError("no offer arrived")

    def messages(self, since: int = 0) -> list[dict[str, Any]]:
        """What the phones have got and sent since message number `since`."""
        answer = requests.get(f"{self.system.phones_url}/api/messages?since={since}", timeout=10)
        found: list[dict[str, Any]] = answer.json()["messages"]
        return found

    def last(self) -> int:
        """The number of the newest message."""
        return max((m["seq"] for m in self.messages()), default=0)


def evening(studio: Studio) -> dict[str, Any]:
    """A few calls in different states; what the pictures need of them."""
    operator = studio.staff("hotline1", "zh", 1440)
    before = studio.last()
    studio.call(operator, "王秀兰", want("medicine", name="阿司匹林", strength="100mg", amount="2盒"))
    first = studio.offers(before)
    requests.post(f"{first[0]['links'][0]}/accept", timeout=10).raise_for_status()
    held = first[0]["links"][0]

    before = studio.last()
    studio.call(operator, "李建国", want("groceries", name="鸡蛋", amount="10个", due="today"))
    done = studio.offers(before)[0]["links"][0]
    for step in ("accept", "underway", "delivered"):
        requests.post(f"{done}/{step}", data={"spent": "36.80"}, timeout=10).raise_for_status()

    before = studio.last()
    studio.call(operator, "zhangyumei", want("urgent", notes="洗手间漏水，地上很滑，一个人在家"))
    urgent = studio.offers(before)
    refusal = {"reason": "busy", "said": "两小时后可以"}
    requests.post(f"{urgent[0]['links'][0]}/decline", data=refusal, timeout=10).raise_for_status()

    before = studio.last()
    studio.call(operator, "ouyangwenhua", want("medicine", name="硝苯地平", amount="1盒", due="tomorrow"))
    offered = studio.offers(before)[0]["links"][0]
    operator.context.close()
    time.sleep(1)
    return {"held": held, "offered": offered}


def photograph(studio: Studio, links: dict[str, Any]) -> None:
    """Every face in every language and width."""
    for language in LOCALES:
        for width in HEIGHTS:

            def keep(page: Page, face: str, language: str = language, width: int = width) -> None:
                page.wait_for_timeout(900)
                page.screenshot(path=OUT / f"{face}-{language}-{width}.png")
                page.context.close()

            page = studio.staff("hotline1", language, width)
            page.goto(f"{studio.system.url}/hotline?q=wxl")
            page.locator("#matches a[href*='/hotline/people/']").first.click()
            want("medicine", name="阿司匹林", strength="100mg", amount="2盒")(page)
            if page.locator("[name='medicine-repeat'][value=new]").count():
                page.locator("[name='medicine-repeat'][value=new]").check(force=True)
            page.evaluate("window.scrollTo(0, 0)")
            keep(page, "hotline")

            page = studio.window(language, width).new_page()
            page.goto(f"{links['held' if width < 600 else 'offered']}?lang={language}")
            keep(page, "volunteer")

            page = studio.staff("coord-yingze", language, width)
            page.goto(f"{studio.system.url}/board")
            keep(page, "board")

            page = studio.window(language, width).new_page()
            page.goto(f"{studio.system.phones_url}/?lang={language}")
            keep(page, "phones")


def main() -> None:
    """Start, live, photograph, stop."""
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="dispatcher-") as folder:
        system = System(Path(folder), free_port(), free_port(), {"QUIET_HOURS": "off"})
        system.prepare()
        system.flask("demo", "load")
        system.start()
        try:
            system.wait_ready(90)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=os.environ.get("BROWSER", "/usr/bin/chromium"), args=CHROMIUM_ARGS
                )
                studio = Studio(system, browser)
                photograph(studio, evening(studio))
                browser.close()
        finally:
            system.stop()
    print(f"{len(list(OUT.glob('*.png')))} pictures in {OUT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
