"""Every page in every state: who sees it, where, and what they do there before one looks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

from devtools.gallery.scene import Scene, want
from devtools.gallery.studio import Studio

FACES = ("staff", "hotline", "desk", "board", "coordinators", "volunteer", "own page", "office", "phones")
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
            page.wait_for_load_state()
        # Counted from zero again for each state: where the last one was scrolled to is no part of it.
        page.evaluate("window.scrollTo(0, 0)")


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


def _confirm(page: Page) -> None:
    want("medicine", name="阿司匹林", strength="100mg", amount="2盒")(page)
    page.keyboard.press("Control+Enter")
    page.locator("#confirm-yes").wait_for()


def _keys(page: Page) -> None:
    page.locator("h1").first.wait_for()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    page.locator("#keys").wait_for()


def _press(selector: str, then: str = "[aria-invalid=true]") -> Do:
    """Press something, and wait for what comes of it."""

    def do(page: Page) -> None:
        page.locator(selector).last.click()
        page.locator(then).first.wait_for()

    return do


def _pressed(part: str) -> Do:
    """Open a part, and press its button with nothing filled in."""

    def do(page: Page) -> None:
        page.locator(f"{part} > summary").click()
        page.locator(f"{part} button").last.click()
        page.locator(".field-error").first.wait_for()

    return do


def _logged_out(page: Page) -> None:
    """Somebody whose login ends while they search; here it comes back afterwards."""
    kept = page.context.cookies()
    page.context.clear_cookies()
    page.locator("#q").fill("wang")
    page.locator("#matches [role=alert]").wait_for()
    page.context.add_cookies(list[Any](kept))


def _too_old(page: Page) -> None:
    page.locator("form.tell textarea").fill("王老师明早要再打一次")
    page.evaluate("document.querySelector('form.tell [name=csrf_token]').value = 'of yesterday'")
    page.locator("form.tell button").click()
    page.locator("main form [name=words][type=hidden]").wait_for(state="attached")


def _no_picture(page: Page) -> None:
    page.locator("#receipt-spent").fill("many")
    page.locator("form[action*='/receipt'] button").last.click()
    page.locator("[aria-invalid=true]").first.wait_for()


def _unfold(page: Page) -> None:
    page.evaluate("document.querySelectorAll('main details').forEach(part => { part.open = true })")


def _marked(page: Page) -> None:
    boxes = page.locator("[id^=tick-]:not(#tick-all)")
    boxes.nth(0).check()
    boxes.nth(1).check()


def _several_asked(page: Page) -> None:
    _marked(page)
    page.locator("#several button[value=cancel]").click()
    page.locator("#drawer #several-said").wait_for()


def _past_pause(page: Page) -> None:
    page.locator("input[name=until]").fill("2020-01-01")
    page.locator("input[name=until] >> xpath=ancestor::form >> button").click()
    page.locator("[aria-invalid=true]").wait_for()


def _wording(page: Page) -> None:
    page.locator("#text").fill("{campus}有人去了")
    page.locator("#try button").click()
    page.locator("#trial [role=alert]").wait_for()


def states(studio: Studio, scene: Scene) -> list[State]:
    """All of them, face by face."""
    return [
        *_staff(), *_hotline(scene), *_desk(scene), *_board(scene), *_coordinators(scene), *_volunteer(scene),
        *_own_page(scene), *_office(scene), *_phones(studio),
    ]  # fmt: skip


def _staff() -> Iterator[State]:
    yield State("staff", "login", "", "/login")
    yield State("staff", "login refused", "", "/login", _refused)
    yield State("staff", "nothing here", "operator", "/nothing-here")
    yield State("staff", "not for this account", "operator", "/board/forecast")
    yield State("staff", "form too old", "operator", "/hotline/handover", _too_old)
    yield State("staff", "design", "coordinator", "/design", _unfold)


def _hotline(scene: Scene) -> Iterator[State]:
    """From the search to what is saved."""
    person, again = (f"/hotline/people/{scene.ids[name]}" for name in ("yours-retiree", "delivered-retiree"))
    yield State("hotline", "desk", "operator", "/hotline")
    yield State("hotline", "desk at first", "administrator", "/hotline")
    yield State("hotline", "found", "operator", "/hotline?q=wang")
    yield State("hotline", "nobody found", "operator", "/hotline?q=nobodyatall")
    yield State("hotline", "logged out", "operator", "/hotline", _logged_out)
    yield State("hotline", "keys", "operator", "/hotline?q=wang", _keys)
    yield State("hotline", "card", "operator", person)
    yield State(
        "hotline", "call", "operator", person,
        want("medicine", name="阿司匹林", strength="100mg", amount="2盒"),
    )  # fmt: skip
    yield State("hotline", "urgent call", "operator", person, want("urgent", notes="摔倒了，起不来"))
    yield State("hotline", "read back", "operator", person, _confirm)
    yield State("hotline", "same as last time", "operator", f"{again}?again=groceries")
    yield State("hotline", "returned call", "operator", f"{person}?call={scene.ids['call']}")
    yield State("hotline", "out of reach", "operator", f"/hotline/people/{scene.ids['remote-retiree']}")
    yield State("hotline", "new person", "operator", "/hotline/new?q=13934567890")
    yield State(
        "hotline", "errors", "operator", "/hotline/new", _press("form[action='/hotline/requests'] #save")
    )


def _desk(scene: Scene) -> Iterator[State]:
    """What an operator does between calls."""
    yield State("desk", "calls to return", "operator", "/hotline/calls")
    yield State("desk", "no call to note", "operator", "/hotline/calls", _press("form.promise button"))
    yield State("desk", "my calls", "operator", "/hotline/mine")
    yield State("desk", "no calls yet", "administrator", "/hotline/mine")
    yield State("desk", "hand-over", "operator", "/hotline/handover")
    yield State("desk", "no words", "operator", "/hotline/handover", _press("form.tell button"))
    yield State("desk", "search", "operator", "/hotline/find")
    yield State("desk", "found", "operator", "/hotline/find?q=王秀兰")
    yield State("desk", "nothing found", "operator", "/hotline/find?q=nobodyatall")
    card = f"/hotline/people/{scene.ids['yours-retiree']}/card"
    yield State("desk", "card to print", "operator", card)
    yield State("desk", "four cards", "operator", f"{card}?size=four&lang=en")


def _board(scene: Scene) -> Iterator[State]:
    yield State("board", "board", "coordinator", "/board")
    yield State("board", "empty", "coordinator", "/board?campus=wucheng&state=underway")
    yield State("board", "drawer", "coordinator", "/board", _drawer)
    yield State("board", "marked", "coordinator", "/board", _marked)
    yield State("board", "several asked", "coordinator", "/board", _several_asked)
    yield State("board", "keys", "coordinator", "/board", _keys)
    for name in ("urgent", "yours", "underway", "delivered", "over", "remote", "handed back"):
        yield State("board", f"task {name}", "coordinator", f"/board/tasks/{scene.ids[name]}")
    yield State("board", "as an operator sees it", "operator", "/board")
    yield State("board", "lanes", "coordinator", "/board?view=lanes")
    yield State("board", "lane", "coordinator", "/board?view=lanes&lane=held")
    yield State("board", "wall", "coordinator", "/board/wall")
    yield State("board", "wall at rest", "coordinator", "/board/wall?campus=pingyang")


def _coordinators(scene: Scene) -> Iterator[State]:
    """The coordinators' pages beside the board."""
    two = f"task_id={scene.ids['urgent']}&task_id={scene.ids['offered']}"
    yield State("coordinators", "several assigned", "coordinator", f"/board/several?act=assign&{two}")
    yield State("coordinators", "several told", "coordinator", f"/board/several?act=notify&{two}")
    yield State("coordinators", "none marked", "coordinator", "/board/several?act=cancel")
    result = f"act=cancel&done={scene.ids['urgent']}&changed={scene.ids['offered']}"
    yield State("coordinators", "several done", "coordinator", f"/board/several/result?{result}")
    yield State("coordinators", "texts", "coordinator", "/board/texts")
    yield State("coordinators", "texts of strangers", "coordinator", "/board/texts?who=strangers")
    yield State("coordinators", "paper", "coordinator", "/board/paper")
    yield State("coordinators", "volunteers", "coordinator", "/board/volunteers")
    yield State("coordinators", "no volunteer", "coordinator", "/board/volunteers?q=nobody&which=paused")
    yield State("coordinators", "volunteer", "coordinator", "/board/volunteers/1")
    yield State("coordinators", "pause in the past", "coordinator", "/board/volunteers/1", _past_pause)
    yield State("coordinators", "forecast", "coordinator", "/board/forecast")
    yield State("coordinators", "forecast made", "coordinator", "/board/forecast?per_day=5")
    yield State("coordinators", "forecast not understood", "coordinator", "/board/forecast?per_day=many")


def _volunteer(scene: Scene) -> Iterator[State]:
    for name, link in scene.links.items():
        if "/o/" in link:
            yield State("volunteer", name, "", link)
    for name in ("offered", "yours", "delivered"):
        yield State("volunteer", f"{name}, all unfolded", "", scene.links[name], _unfold)
    yield State("volunteer", "wrong amount", "", scene.links["underway"], _wrong_amount)
    yield State("volunteer", "no trouble named", "", scene.links["yours"], _pressed("#stuck"))
    yield State("volunteer", "no picture", "", scene.links["delivered"], _no_picture)
    yield State("volunteer", "unknown link", "", "/o/abcdefghijkm")


def _own_page(scene: Scene) -> Iterator[State]:
    for name, link in scene.links.items():
        if "/v/" in link:
            yield State("own page", name, "", link)
    yield State("own page", "all unfolded", "", scene.links["own"], _unfold)
    yield State("own page", "no end of the pause", "", scene.links["own"], _pressed("#pause"))
    yield State("own page", "unknown link", "", "/v/abcdefghijkm")


def _office(scene: Scene) -> Iterator[State]:
    day = "/board/figures?period=from-to&from"
    yield State("office", "figures", "coordinator", "/board/figures?period=30d")
    yield State("office", "figures with tables", "coordinator", "/board/figures?period=30d", _unfold)
    yield State("office", "no figures", "coordinator", f"{day}=2020-02-03&to=2020-02-03")
    yield State("office", "dates not understood", "coordinator", f"{day}=x&to=2026-02-30")
    yield State("office", "texts", "coordinator", "/office/texts", _unfold)
    yield State("office", "text", "coordinator", "/office/texts?entry=sms.coming&language=zh")
    yield State(
        "office", "text refused", "coordinator", "/office/texts?entry=sms.taken&language=zh", _wording
    )


def _phones(studio: Studio) -> Iterator[State]:
    yield State("phones", "phones", "", f"{studio.system.phones_url}/")
