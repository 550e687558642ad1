"""The faces in a real browser: the story by keyboard and touch, the live board, access for all."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Windows
from tests.world import World

pytestmark = [pytest.mark.scenario, pytest.mark.browser]

TOUCH = 390
WORDS = {
    "zh": {
        "accept": "接单",
        "open": "正在找人",
        "accepted": "已接单",
        "go": "出发",
        "done": "送到",
        "helper": "李伟",
    },
    "en": {
        "accept": "I'll go",
        "open": "Looking",
        "accepted": "Accepted",
        "go": "on my way",
        "done": "elivered",
        "helper": "Li Wei",
    },
}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_story_by_keyboard_and_touch(world: World, windows: Windows, language: str) -> None:
    """The operator never touches the mouse; the board is never reloaded."""
    given, typed = {"zh": ("文华", "ouyangwenhua"), "en": ("雪松", "ouyangxuesong")}[language]
    elder = world.retiree(f"欧阳{given}", language=language)
    helper = world.volunteer("李伟", language=language)
    board = windows.staff("co", language)
    board.goto("/board")

    desk = windows.staff("op", language)
    expect(desk.locator("#q")).to_be_focused()
    desk.evaluate("document.activeElement.blur()")  # as before the page has put it there
    desk.keyboard.type(typed)
    expect(desk.locator("#matches")).to_contain_text(elder.name)
    expect(desk.locator("#matches a[href*='/hotline/people/']")).to_have_count(1)
    desk.keyboard.press("Enter")
    desk.wait_for_url(re.compile(rf"/people/{elder.id}$"))
    desk.keyboard.press("Alt+1")
    desk.locator("[name='medicine-name']").first.wait_for()
    desk.locator("[name='medicine-name']").first.focus()
    desk.keyboard.type("阿司匹林")
    desk.keyboard.press("Tab")
    desk.keyboard.type("100mg")
    desk.keyboard.press("Tab")
    desk.keyboard.type("2盒")
    desk.keyboard.press("Control+Enter")
    expect(desk.locator("#confirm-yes")).to_be_focused()
    desk.keyboard.press("Enter")
    desk.wait_for_url(re.compile("saved="))
    task = world.newest_task(elder)

    row = board.locator(f"#board-live :is(tr, tbody, li):has(a[href$='/board/tasks/{task}'])").first
    expect(row).to_contain_text(WORDS[language]["open"], timeout=10_000)
    expect(row).to_contain_text("李伟", timeout=10_000)

    elder.phone.expect()
    offer = helper.phone.expect("/o/")
    phone = windows.open(language, TOUCH)
    phone.goto(offer.link)
    phone.locator("form[action*='/accept'] button").first.click()
    expect(phone.locator("body")).to_contain_text(elder.name)
    expect(phone.locator("body")).to_contain_text("3号楼2单元501")
    expect(row).to_contain_text(WORDS[language]["accepted"], timeout=10_000)
    helper.phone.expect(elder.name)
    elder.phone.expect(WORDS[language]["helper"])

    phone.locator("form[action*='/underway'] button").first.click()
    phone.locator("form[action*='/delivered'] [name=spent]").first.fill("三十五")
    phone.locator("form[action*='/delivered'] button").first.click()
    expect(phone.locator("[aria-invalid=true]")).to_have_value("三十五")
    phone.locator("form[action*='/delivered'] [name=spent]").first.fill("35.50")
    phone.locator("form[action*='/delivered'] button").first.click()
    elder.phone.expect(WORDS[language]["helper"], "1", "2")
    elder.phone.reply("1")
    world.wait_state(task, "closed")
    expect(row).to_have_count(0, timeout=10_000)


def test_half_typed_text_and_the_open_drawer_survive_what_others_do(world: World, windows: Windows) -> None:
    elder, helper = world.retiree(), world.volunteer("李伟")
    task = world.call(elder)
    elder.phone.expect("记下了")
    offer = helper.phone.expect("药品")
    board = windows.staff("co")
    board.goto("/board")
    board.locator(f"#board-live a[href$='/board/tasks/{task}']").first.click()
    drawer = board.locator("#drawer")
    expect(drawer).to_contain_text("3号楼2单元501")
    note = drawer.locator(f"form[action$='/tasks/{task}/note'] [name=said]")
    note.fill("老人说门铃坏")
    helper.tap(offer, "accept")
    helper.phone.expect("王秀兰")
    elder.phone.expect("李伟")
    expect(drawer.locator("#task-live")).to_contain_text("已接单", timeout=10_000)
    expect(note).to_have_value("老人说门铃坏")
    board.keyboard.press("Escape")  # the first leaves the field, so that a slip loses nothing
    expect(note).to_have_value("老人说门铃坏")
    board.keyboard.press("Escape")
    expect(drawer).not_to_be_visible()
