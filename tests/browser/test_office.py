"""The office's pages in a real browser: for everybody, in both languages, and on paper."""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Windows
from tests.databases import on
from tests.world import World

pytestmark = [pytest.mark.scenario, pytest.mark.browser, on("sqlite")]

MM = 72 / 25.4


def _all_drawn(page: Page) -> None:
    """Every picture is there; those far down are loaded when they are scrolled to."""
    for picture in page.locator("main img").all():
        picture.scroll_into_view_if_needed()
        expect(picture).to_have_js_property("complete", True)
        assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") >= 400
        assert picture.get_attribute("alt")


def test_every_picture_is_drawn(world: World, windows: Windows) -> None:
    far = world.retiree("李建国", campus="away")
    world.call(far, "groceries")
    far.phone.expect("工作人员")
    page = windows.staff("co", width=390)
    page.goto("/board/figures?period=30d")
    _all_drawn(page)


def test_a_picture_on_its_own_page_keeps_its_policy(world: World, windows: Windows) -> None:
    """Opened by itself, its style sheet is allowed by its hash: the fixture fails on any refusal."""
    page = windows.staff("co")
    page.goto("/board/figures/hours.svg?period=7d")
    assert page.evaluate("getComputedStyle(document.querySelector('text')).fontSize") == "12px"
    assert page.locator("script").count() == 0


def test_a_wording_is_tried_without_leaving_the_page(world: World, windows: Windows) -> None:
    page = windows.staff("co", "en")
    page.goto("/office/texts?entry=sms.taken&language=zh")
    box = page.locator("#text")
    expect(box).to_be_focused()
    box.fill("{campus}：{category}有人去了")
    page.locator("#try button").click()
    expect(page.locator("#trial .bubble")).to_have_text("【离退休工作处】迎泽校区：买药有人去了")
    expect(page.locator("#line")).to_have_value(re.compile(r'^\[zh.sms\]\ntaken = "'))
    box.fill("{campus}有人去了")
    page.locator("#try button").click()
    expect(page.locator("#trial [role=alert]")).to_contain_text("{category}")
    expect(box).to_have_value("{campus}有人去了")


@pytest.mark.parametrize(
    ("query", "wide", "high"), [("", 148, 210), ("?size=a4&lang=en", 210, 297), ("?size=four", 210, 297)]
)
def test_the_card_is_printed_on_one_sheet_of_its_size(
    world: World, windows: Windows, query: str, wide: int, high: int
) -> None:
    page = windows.staff("op", dark=True)
    page.goto(f"/hotline/card{query}")
    pdf = page.pdf(prefer_css_page_size=True, print_background=True)
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    assert len(re.findall(rb"/Type /Page\b", pdf)) == len(boxes) == 1
    assert [float(side) for side in boxes[0]] == pytest.approx([wide * MM, high * MM], abs=1)
    page.emulate_media(media="print", color_scheme="light")
    sizes = page.evaluate(
        """[...document.querySelectorAll(".phone-card")].map(card => {
          const number = card.querySelector(".card-number");
          const box = card.getBoundingClientRect();
          const parts = [...card.children].map(part => part.getBoundingClientRect());
          return [parseFloat(getComputedStyle(number).fontSize) * 0.75,
                  parts.every(p => p.right <= box.right && p.bottom <= box.bottom + 1),
                  number.scrollWidth <= number.clientWidth];
        })"""
    )
    assert len(sizes) == (4 if "four" in query else 1)
    for points, inside, on_one_line in sizes:
        assert points >= 28
        assert inside
        assert on_one_line
    expect(page.locator(".topbar")).to_be_hidden()
    expect(page.locator(".card-choose")).to_be_hidden()


def test_figures_on_paper_have_their_tables(world: World, windows: Windows) -> None:
    page = windows.staff("co", "en", dark=True)
    today = datetime.now(UTC).date()
    page.goto(f"/board/figures?period=from-to&from={today}&to={today}")
    page.emulate_media(media="print", color_scheme="light")
    expect(page.locator(".topbar")).to_be_hidden()
    expect(page.locator(".figures-choose")).to_be_hidden()
    expect(page.locator(".figure").first.locator("table")).to_be_visible()
