"""All faces in one story, by keyboard alone and by touch on a phone; and what a live board leaves alone."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from sqlalchemy import update

from dispatcher.database import transaction
from dispatcher.models import Staff
from tests.browser.conftest import Windows
from tests.browser.hands import Hands, Keyboard, Touch
from tests.conftest import PASSWORD
from tests.world import World, own_link

pytestmark = [pytest.mark.scenario, pytest.mark.browser]

SOON = 10_000
WORDS = {
    "zh": {
        "open": "正在找人", "accepted": "已接单", "more": "30", "told": "会给您打电话", "claim": "我来处理",
        "claimed": "钱宁在处理", "thanks": "谢谢您", "helper": "李伟", "pausing": "正在暂停",
    },
    "en": {
        "open": "Looking", "accepted": "Accepted", "more": "30", "told": "will call you",
        "claim": "I'll see to it", "claimed": "钱宁 is on it", "thanks": "Thank you", "helper": "Li Wei",
        "pausing": "You are pausing",
    },
}  # fmt: skip

each_language = pytest.mark.parametrize(
    ("database", "language"), [("sqlite", "zh"), ("postgresql", "en")], indirect=["database"], scope="session"
)
"""One language on each database."""


def _log_in(hands: Hands, username: str) -> None:
    page = hands.page
    page.goto("/login")
    hands.write(page.locator("[name=username]"), username)
    hands.write(page.locator("[name=password]"), PASSWORD)
    hands.press(page.locator("main form button"))
    page.wait_for_url(lambda url: "/login" not in url)


def _take_the_call(hands: Hands, typed: str) -> None:
    """From the desk to a saved call for medicine, with a slip noticed while it is read back."""
    desk = hands.page
    expect(desk.locator("#q")).to_be_focused()
    hands.write(desk.locator("#q"), typed)
    hands.press(desk.locator("#matches a[href*='/hotline/people/']"))
    hands.tick(desk.locator("#want-medicine"))
    hands.write(desk.locator("#medicine-name-0"), "阿司匹林")
    hands.write(desk.locator("#medicine-strength-0"), "100mg")
    hands.write(desk.locator("#medicine-amount-0"), "2盒")
    hands.press(desk.locator("#save"))
    expect(desk.locator("#confirm-lines > li")).to_have_text(["阿司匹林 100mg 2盒"])
    hands.press(desk.locator("#confirm-no"))
    hands.write(desk.locator("#medicine-amount-0"), "3盒")
    hands.press(desk.locator("#save"))
    hands.press(desk.locator("#confirm-yes"))
    desk.wait_for_url(re.compile("saved="))


def _write_a_note(hands: Hands, task: int, words: str) -> None:
    """Open the task beside the board, add a note, and close it again."""
    board = hands.page
    hands.press(board.locator(f"#open-{task}"))
    drawer = board.locator("#drawer")
    expect(drawer.locator("#task-title")).to_be_focused(timeout=SOON)
    hands.write(drawer.locator("#note-said"), words)
    hands.press(drawer.locator("form[action$='/note'] button"))
    expect(drawer.locator("#history")).to_contain_text(words, timeout=SOON)
    hands.press(drawer.locator("[data-close]"))
    expect(drawer).not_to_be_visible()


@pytest.mark.parametrize("by", [Keyboard, Touch], ids=["keyboard", "touch"])
@each_language
def test_the_whole_story(world: World, windows: Windows, by: type[Hands], language: str) -> None:
    """Operator, coordinator and volunteer, each with nothing but their keys or their thumb."""
    given, typed = {"zh": ("文华", "ouyangwenhua"), "en": ("雪松", "ouyangxuesong")}[language]
    given, typed = (given, typed) if by is Keyboard else (given + "生", typed + "sheng")
    words, touch = WORDS[language], by is Touch
    elder, helper = (
        world.retiree(f"欧阳{given}", language=language),
        world.volunteer("李伟", language=language),
    )

    def hands() -> Hands:
        return by(windows.open(language, by.width, touch=touch))

    operator, coordinator, volunteer = hands(), hands(), hands()
    board, phone = coordinator.page, volunteer.page
    _log_in(coordinator, "co")
    board.goto("/board")
    expect(board.locator("#live-state")).to_have_attribute("data-now", "live", timeout=SOON)
    _log_in(operator, "op")
    operator.page.goto("/hotline")
    _take_the_call(operator, typed)
    task = world.newest_task(elder)
    row = board.locator(f"#task-{task}")
    expect(row).to_contain_text(words["open"], timeout=SOON)
    expect(row).to_contain_text("李伟", timeout=SOON)
    elder.phone.expect()

    phone.goto(helper.phone.expect("/o/").link)
    volunteer.press(phone.locator("form[action*='/accept'] button"))
    expect(phone.locator("#address")).to_contain_text("3号楼2单元501")
    expect(row).to_contain_text(words["accepted"], timeout=SOON)
    helper.phone.expect(elder.name)
    elder.phone.expect(words["helper"])
    _write_a_note(coordinator, task, "老人说门铃坏了")

    volunteer.press(phone.locator("form[action*='/later'] button"))
    expect(phone.locator(".task-line > .soft")).to_contain_text(words["more"])
    elder.phone.expect(words["helper"], words["more"])
    volunteer.press(phone.locator("#stuck > summary"))
    volunteer.tick(phone.locator("#stuck [value=not_home]"))
    volunteer.write(phone.locator("#trouble-said"), "敲了三次门")
    volunteer.press(phone.locator("#stuck button"))
    expect(phone.locator("#trouble-told")).to_contain_text(words["told"])
    expect(row).to_contain_text("敲了三次门", timeout=SOON)
    coordinator.press(row.get_by_role("button", name=words["claim"]))
    expect(row).to_contain_text(words["claimed"], timeout=SOON)

    volunteer.press(phone.locator("form[action*='/underway'] button"))
    volunteer.write(phone.locator("form[action*='/delivered'] [name=spent]"), "三十五")
    volunteer.press(phone.locator("form[action*='/delivered'] button"))
    expect(phone.locator("[aria-invalid=true]")).to_have_value("三十五")
    volunteer.write(phone.locator("form[action*='/delivered'] [name=spent]"), "35.50")
    volunteer.press(phone.locator("form[action*='/delivered'] button"))
    expect(phone.locator("h1")).to_contain_text(words["thanks"])
    elder.phone.expect(words["helper"], "1", "2")
    elder.phone.reply("1")
    world.wait_state(task, "closed")
    elder.phone.expect("谢谢您" if language == "zh" else "Thank you")
    expect(row).to_have_count(0, timeout=SOON)

    operator.press(operator.page.locator(".subnav a[href='/hotline/mine']"))
    expect(operator.page.locator(".mine > li", has_text=elder.name)).to_contain_text("李伟")
    helper.phone.reply("我的")
    phone.goto(own_link(helper))
    volunteer.press(phone.locator("#pause > summary"))
    volunteer.tick(phone.locator("#pause [value='3days']"))
    volunteer.press(phone.locator("#pause button"))
    expect(phone.locator("main")).to_contain_text(words["pausing"])


@pytest.fixture
def _nobody_s_language(world: World) -> Iterator[None]:
    """Afterwards, staff have chosen no language; it would be remembered into other tests."""
    yield
    with world.app.app_context(), transaction() as tx:
        tx.execute(update(Staff).values(language=None))


@pytest.mark.usefixtures("_nobody_s_language")
@pytest.mark.parametrize("by", [Keyboard, Touch], ids=["keyboard", "touch"])
@each_language
def test_the_office_s_pages(world: World, windows: Windows, by: type[Hands], language: str) -> None:
    """Figures with the table behind a picture, a wording tried, a card to print; in either language."""
    office = by(windows.open(language, by.width, touch=by is Touch))
    page = office.page
    _log_in(office, "co")
    office.press(page.locator(".nav a[href='/board/figures']"))
    office.press(page.locator(".periods a[href$='period=today']"))
    expect(page.locator(".periods [aria-current=page]")).to_have_attribute("href", re.compile("period=today"))
    table = page.locator(".figure").first
    office.press(table.locator("summary"))
    expect(table.locator("table")).to_be_visible()

    office.press(page.locator(".nav a[href='/office/texts']"))
    office.press(page.locator("a[href*='entry=sms.taken&language=zh']"))
    page.wait_for_url(re.compile(r"entry=sms\.taken"))  # the page before has such a box, too
    office.write(page.locator("#text"), "{campus}有人去了")
    office.press(page.locator("#try form button"))
    expect(page.locator("#trial [role=alert]")).to_contain_text("{category}", timeout=SOON)
    expect(page.locator("#text")).to_have_value("{campus}有人去了")
    office.press(page.locator(".texts-intro a[href='/hotline/card']"))
    expect(page.locator(".phone-card")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans" if language == "zh" else "en")
    _switch(office, "en" if language == "zh" else "zh")
    _switch(office, language)


def _switch(hands: Hands, language: str) -> None:
    page = hands.page
    hands.press(page.locator(f".language [value={language}]"))
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans" if language == "zh" else "en")


@pytest.mark.parametrize("database", ["postgresql"], indirect=True, scope="session")
def test_half_typed_text_and_the_open_drawer_survive_what_others_do(world: World, windows: Windows) -> None:
    elder, helper = world.retiree(), world.volunteer("李伟")
    task = world.call(elder)
    elder.phone.expect("记下了")
    offer = helper.phone.expect("买药")
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
    expect(drawer.locator("#task-live")).to_contain_text("已接单", timeout=SOON)
    expect(note).to_have_value("老人说门铃坏")
    board.keyboard.press("Escape")  # the first leaves the field, so that a slip loses nothing
    expect(note).to_have_value("老人说门铃坏")
    board.keyboard.press("Escape")
    expect(drawer).not_to_be_visible()
