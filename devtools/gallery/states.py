"""Every page in every state: who sees it, where, and what they do there before one looks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from playwright.sync_api import Page

from devtools.gallery.scene import Scene, want
from devtools.gallery.studio import Studio

FACES = ("staff", "hotline", "board", "volunteer", "phones")
"""Whose pages there are."""

Do = Callable[[Page], None]


@dataclass(frozen=True)
class State:
    """One page in one state. `face`: whose it is; `who`: the role that is logged in, or "" for nobody.

    `path`: where it is, on the product's server unless it is a whole address. `then`: what is done there.
    """

    face: str
    name: str
    who: str
    path: str
    then: Do | None = None

    def open(self, page: Page, language: str) -> None:
        """Bring `page`, a window of `who`, into this state."""
        path = self.path
        if not self.who:
            path += f"{'&' if '?' in path else '?'}lang={language}"
        page.goto(path)
        if self.then is not None:
            self.then(page)
        # Counted from zero again for each state: where the last one was scrolled to is no part of it.
        page.evaluate("window.scrollTo(0, 0)")


def _nothing_filled_in(page: Page) -> None:
    page.locator("form[action='/hotline/requests'] button").last.click()
    page.locator("[aria-invalid=true]").first.wait_for()


def _refused(page: Page) -> None:
    page.fill("[name=username]", "hotline1")
    page.fill("[name=password]", "certainly wrong")
    page.press("[name=password]", "Enter")
    page.locator("[name=password]").wait_for()


def _drawer(page: Page) -> None:
    page.locator("#board-live a[href*='/board/tasks/']").first.click()
    page.wait_for_url(re.compile("/board/tasks/"))
    page.locator("#drawer h1, #drawer h2").first.wait_for()


def _wrong_amount(page: Page) -> None:
    page.locator("form[action*='/delivered'] [name=spent]").first.fill("三十五")
    page.locator("form[action*='/delivered'] button").first.click()
    page.locator("[aria-invalid=true]").first.wait_for()


def states(studio: Studio, scene: Scene) -> list[State]:
    """All of them, face by face."""
    return [*_staff(), *_hotline(scene), *_board(scene), *_volunteer(scene), *_phones(studio)]


def _staff() -> Iterator[State]:
    yield State("staff", "login", "", "/login")
    yield State("staff", "login refused", "", "/login", _refused)
    yield State("staff", "nothing here", "operator", "/nothing-here")
    yield State("staff", "not for this account", "operator", "/board/forecast")


def _hotline(scene: Scene) -> Iterator[State]:
    person = f"/hotline/people/{scene.ids['yours-retiree']}"
    yield State("hotline", "desk", "operator", "/hotline")
    yield State("hotline", "found", "operator", "/hotline?q=wang")
    yield State("hotline", "nobody found", "operator", "/hotline?q=nobodyatall")
    yield State("hotline", "card", "operator", person)
    yield State(
        "hotline", "call", "operator", person,
        want("medicine", name="阿司匹林", strength="100mg", amount="2盒"),
    )  # fmt: skip
    yield State("hotline", "out of reach", "operator", f"/hotline/people/{scene.ids['remote-retiree']}")
    yield State("hotline", "new person", "operator", "/hotline/new?q=13934567890")
    yield State("hotline", "errors", "operator", "/hotline/new", _nothing_filled_in)


def _board(scene: Scene) -> Iterator[State]:
    yield State("board", "board", "coordinator", "/board")
    yield State("board", "empty", "coordinator", "/board?campus=wucheng&state=underway")
    yield State("board", "drawer", "coordinator", "/board", _drawer)
    for name in ("urgent", "yours", "delivered", "remote", "handed back"):
        yield State("board", f"task {name}", "coordinator", f"/board/tasks/{scene.ids[name]}")
    yield State("board", "as an operator sees it", "operator", "/board")
    yield State("board", "volunteers", "coordinator", "/board/volunteers")
    yield State("board", "forecast", "coordinator", "/board/forecast")
    yield State("board", "forecast made", "coordinator", "/board/forecast?per_day=5")
    yield State("board", "forecast not understood", "coordinator", "/board/forecast?per_day=many")


def _volunteer(scene: Scene) -> Iterator[State]:
    for name, link in scene.links.items():
        yield State("volunteer", name, "", link)
    yield State("volunteer", "wrong amount", "", scene.links["underway"], _wrong_amount)
    yield State("volunteer", "unknown link", "", "/o/abcdefghijkm")


def _phones(studio: Studio) -> Iterator[State]:
    yield State("phones", "phones", "", f"{studio.system.phones_url}/")
