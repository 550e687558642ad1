"""The operator's desk in a real browser: few keys, and nothing typed is ever lost."""

import re
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import func, select

from devtools.gallery.studio import log_in
from dispatcher.models import Draft, HelpRequest, Task
from tests.browser.conftest import Windows, kill_browser, logged_out_elsewhere
from tests.conftest import PASSWORD
from tests.databases import on
from tests.world import Elder, World, eventually

pytestmark = [pytest.mark.scenario, pytest.mark.browser, on("sqlite")]

MOST_KEYS = 25
WORDS = {
    "zh": {"kept": "已存好", "here": "只存在这个浏览器里", "lost": "没有保存", "unfinished": "没填完的来电"},
    "en": {
        "kept": "is kept",
        "here": "in this browser only",
        "lost": "Not saved",
        "unfinished": "Unfinished",
    },
}


class Keys:
    """A keyboard that counts what is pressed beyond the words themselves."""

    def __init__(self, page: Page) -> None:
        self._page, self.pressed = page, 0

    def press(self, *keys: str) -> None:
        for key in keys:
            self._page.keyboard.press(key)
            self.pressed += key.count("+") + 1

    def say(self, words: str) -> None:
        self._page.keyboard.type(words)


def _open(page: Page, elder: Elder) -> None:
    page.goto(f"/hotline/people/{elder.id}")
    expect(page.locator("#want-medicine")).to_be_focused()


def _form_key(page: Page) -> str:
    return page.locator("[name=form_key]").first.input_value()


def _copies(page: Page) -> int:
    """How many drafts this browser holds."""
    return int(page.evaluate("Object.keys(localStorage).length"))


def _requests(world: World, form_key: str) -> int:
    with world.reading() as session:
        query = select(func.count(HelpRequest.id)).where(HelpRequest.form_key == form_key)
        return int(session.scalars(query).one())


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_call_takes_few_keys_and_no_mouse(world: World, windows: Windows, language: str) -> None:
    given, typed = {"zh": ("静", "ximenjing"), "en": ("岚", "ximenlan")}[language]
    elder = world.retiree(f"西门{given}", language=language)
    page = windows.staff("op", language)
    page.goto("/hotline")
    keys = Keys(page)
    expect(page.locator("#q")).to_be_focused()
    keys.say(typed)
    expect(page.locator("[data-match]")).to_have_count(1)
    visited: list[str] = []
    page.on("framenavigated", lambda frame: visited.append(frame.url))
    keys.press("Enter")
    expect(page.locator("#want-medicine")).to_be_focused()
    said = page.locator("#script [data-now]")
    expect(said).to_contain_text("本人，还是家里人" if language == "zh" else "Am I speaking with")
    keys.press("1")
    expect(page.locator("#medicine-name-0")).to_be_focused()
    expect(said).to_contain_text("药盒" if language == "zh" else "read the box to me")
    for name, strength, amount in (("阿司匹林", "100mg", "2盒"), ("硝苯地平", "20mg", "1盒")):
        keys.say(name)
        keys.press("Tab")
        keys.say(strength)
        keys.press("Tab")
        keys.say(amount)
        if amount == "2盒":
            keys.press("Enter")
    keys.press("Control+Enter")
    expect(page.locator("#confirm-yes")).to_be_focused()
    expect(page.locator("#confirm-lines > li")).to_have_text(["阿司匹林 100mg 2盒", "硝苯地平 20mg 1盒"])
    keys.press("Escape")  # "no, three boxes"
    expect(page.locator("#medicine-name-0")).to_be_focused()
    keys.press("Tab", "Tab")
    keys.say("3盒")
    keys.press("Control+Enter")
    expect(page.locator("#confirm-lines > li").first).to_have_text("阿司匹林 100mg 3盒")
    expect(page.locator("#confirm-yes")).to_be_focused()
    keys.press("Enter")
    page.wait_for_url(re.compile("saved="))
    expect(page.locator("#q")).to_be_focused()
    expect(page.locator(".saved")).to_contain_text("再见" if language == "zh" else "Goodbye")
    assert len(visited) == 2, visited  # the form, and the desk again
    assert keys.pressed <= MOST_KEYS
    elder.phone.expect("药品" if language == "zh" else "medicine")
    with world.reading() as session:
        task = session.get(Task, world.newest_task(elder))
        assert [item["amount"] for item in task.items] == ["3盒", "1盒"]
    assert "read_back" in world.events(task.id)

    # And the same once more: one key.
    page.goto(f"/hotline/people/{elder.id}")
    keys = Keys(page)
    expect(page.locator("#want-medicine")).to_be_focused()
    keys.press("Alt+r")
    expect(page.locator("#medicine-name-0")).to_have_value("阿司匹林")
    expect(page.locator("#medicine-amount-1")).to_have_value("1盒")
    keys.press("Alt+b")
    page.wait_for_url(re.compile(rf"/calls\?retiree={elder.id}"))
    page.locator("main h1").click()
    keys.press("?")
    expect(page.locator("#keys")).to_be_visible()
    expect(page.locator("#keys")).to_contain_text("Alt")
    keys.press("Escape", "/")
    page.wait_for_url(re.compile("/hotline/find"))
    expect(page.locator("#find")).to_be_focused()


def _type_a_call(page: Page) -> None:
    page.keyboard.press("Alt+1")
    for words, key in (
        ("阿司匹林", "Tab"),
        ("100mg", "Tab"),
        ("2盒", "Enter"),
        ("硝苯地平", "Tab"),
        ("20mg", "Tab"),
    ):
        page.keyboard.type(words)
        page.keyboard.press(key)
    page.locator("[name=medicine-urgency][value=urgent]").check()
    page.locator("#medicine-source-1").select_option("card")
    page.keyboard.press("Alt+3")
    page.locator("#life_danger").check()
    page.locator("#urgent-notes").fill("摔倒了")


def _is_as_typed(page: Page) -> None:
    for field, value in {
        "#medicine-name-0": "阿司匹林", "#medicine-strength-0": "100mg", "#medicine-amount-0": "2盒",
        "#medicine-name-1": "硝苯地平", "#medicine-strength-1": "20mg", "#medicine-source-1": "card",
        "#urgent-notes": "摔倒了",
    }.items():  # fmt: skip
        expect(page.locator(field)).to_have_value(value)
    for box in ("#want-medicine", "#want-urgent", "#life_danger", "[name=medicine-urgency][value=urgent]"):
        expect(page.locator(box)).to_be_checked()
    expect(page.locator("#want-other")).not_to_be_checked()


def test_what_is_typed_survives_browser_network_and_server(
    world: World, windows: Windows, tmp_path: Path
) -> None:
    words, elder = WORDS["zh"], world.retiree("东方亮")
    with windows.of_their_own(tmp_path) as page:
        log_in(page, "op", PASSWORD)
        _open(page, elder)
        key = _form_key(page)
        with page.expect_response(lambda answer: quote("摔倒了") in (answer.request.post_data or "")):
            _type_a_call(page)
        expect(page.locator("#kept")).to_contain_text(words["kept"])
        kill_browser(tmp_path)
        world.system.kill("web", group=True)  # it is started again by itself
    world.system.wait_ready(60)

    page = windows.staff("op")
    page.goto("/hotline")
    unfinished = page.locator("#unfinished")
    expect(unfinished).to_contain_text(words["unfinished"])
    unfinished.locator("li", has_text=elder.name).locator("a").click()
    _is_as_typed(page)
    assert _form_key(page) == key

    # The network goes, and typing goes on; then this window goes as well.
    page.wait_for_load_state()  # a script that is still on its way would never come
    page.context.set_offline(True)
    page.locator("#urgent-notes").fill("摔倒了，起不来")
    expect(page.locator("#kept")).to_contain_text(words["here"])
    later = page.context.new_page()
    page.close()
    later.context.set_offline(False)
    later.goto("/hotline")
    entry = later.locator("#unfinished li", has_text=elder.name)
    expect(entry).to_have_count(1)
    eventually(lambda: _copies(later) == 0, "the server has it now")
    entry.locator("a").click()
    expect(later.locator("#urgent-notes")).to_have_value("摔倒了，起不来")
    expect(later.locator("#medicine-name-1")).to_have_value("硝苯地平")

    # Whoever comes to this browser next finds nothing of it.
    later.wait_for_load_state()
    later.locator("#urgent-notes").fill("还是起不来")
    assert _copies(later) == 1
    later.locator("form[action='/logout'] button").click()
    later.wait_for_url(re.compile("/login"))
    assert _copies(later) == 0

    page = windows.staff("op")
    page.goto("/hotline")
    page.evaluate("localStorage.setItem('draft:99999:x', 'form_key=x&typed_at=1&notes=theirs')")
    page.goto("/hotline")
    eventually(lambda: _copies(page) == 0, "what isn't theirs is gone")
    with world.reading() as session:
        assert session.scalars(select(Draft).where(Draft.form_key == "x")).all() == []
    entry = page.locator("#unfinished li", has_text=elder.name)
    entry.locator("a").click()
    expect(page.locator("#urgent-notes")).to_have_value("还是起不来")
    page.goto("/hotline")
    entry.locator("summary").click()
    entry.locator("form button").click()
    expect(page.locator("#unfinished li", has_text=elder.name)).to_have_count(0)
    # A form in which nothing was typed isn't an unfinished call.
    _open(page, elder)
    page.wait_for_timeout(300)
    page.goto("/hotline")
    expect(page.locator("#unfinished li", has_text=elder.name)).to_have_count(0)
    with world.reading() as session:
        left = session.scalars(select(Draft).where(Draft.form_key == key)).one()
        assert left.thrown_away
        assert "起不来" not in left.typed


def test_what_is_typed_before_the_script_is_there_is_kept_too(world: World, windows: Windows) -> None:
    elder = world.retiree("司马光")
    page = windows.staff("op")
    held: list[Route] = []
    page.route("**/js/call.js*", lambda route: held.append(route))
    page.goto(f"/hotline/people/{elder.id}", wait_until="commit")
    page.locator("#notes").fill("说话慢一点")
    page.locator("#notes").blur()
    eventually(
        lambda: page.evaluate("document.readyState") == "interactive" and held, "the script is asked for"
    )
    held[0].continue_()
    expect(page.locator("#kept")).to_contain_text(WORDS["zh"]["kept"])
    with world.reading() as session:
        key = _form_key(page)
        assert "说话慢一点" in session.scalars(select(Draft).where(Draft.form_key == key)).one().typed


def test_a_lost_network_costs_one_more_key(world: World, windows: Windows) -> None:
    elder = world.retiree("南宫燕")
    page = windows.staff("op", "en")
    _open(page, elder)
    page.keyboard.press("Alt+4")
    page.keyboard.type("灯坏了")
    key = _form_key(page)
    page.context.set_offline(True)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#not-saved")).to_contain_text(WORDS["en"]["lost"])
    expect(page.locator("#other-notes")).to_have_value("灯坏了")
    assert _requests(world, key) == 0
    page.context.set_offline(False)

    # Now it is saved, but the answer gets lost on its way back.
    def lose(route: Route) -> None:
        route.fetch(max_redirects=0)
        route.abort("connectionreset")

    page.route("**/hotline/requests", lose)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#save")).to_be_focused()
    # The copy that is kept as one types may have learnt from the server meanwhile that the call is saved.
    either = re.compile(f"{WORDS['en']['lost']}|has been saved already")
    expect(page.locator("#not-saved")).to_contain_text(either)
    assert _requests(world, key) == 1
    # Not by `times=1`: with the last route taken away the browser lets go of a request that is held by it.
    page.unroute("**/hotline/requests")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile("saved="))
    assert _requests(world, key) == 1
    assert _copies(page) == 0
    expect(page.locator("#unfinished")).not_to_contain_text(elder.name)
    elder.phone.expect("记下了")


def test_a_half_typed_promise_outlives_the_login(world: World, windows: Windows) -> None:
    page = windows.staff("op")
    page.clock.install()
    page.goto("/hotline/calls")
    page.locator("#phone").fill("13935277777")
    other = logged_out_elsewhere(page)
    with page.expect_response("**/hotline/calls/list"):
        page.clock.run_for(15_500)  # the list asks for itself, and is refused
    expect(page.locator("#phone")).to_have_value("13935277777")
    page.locator("#phone").press("Enter")
    expect(page.locator("h1")).to_have_text("这一页打开太久了")
    send = page.locator("form[action='/hotline/calls'] button")
    expect(send).to_have_text("现在提交")
    for login in (False, True):  # too early, that is no loss either
        if login:
            log_in(other, "op", PASSWORD)
        with page.expect_navigation():
            send.click()
    expect(send).to_have_text("以赵敏的名义提交")
    send.click()
    entry = page.locator(".return-call", has_text="139 3527 7777")
    expect(entry).to_have_count(1)
    entry.locator("button").first.click()
    entry.locator("button", has_text="电话里说好了").click()
    expect(entry).to_have_count(0)


def test_two_operators_with_one_card_see_each_other(world: World, windows: Windows) -> None:
    elder = world.retiree("上官云")
    mine, theirs = windows.staff("op", "en"), windows.staff("co", "en")
    mine.clock.install()
    with mine.expect_response("**/hotline/drafts"):
        _open(mine, elder)
    expect(mine.locator("#others")).to_be_empty()
    with theirs.expect_response("**/hotline/drafts"):
        _open(theirs, elder)
    expect(theirs.locator("#others")).to_contain_text("赵敏 has this card open too, since")
    mine.clock.run_for(15_500)
    expect(mine.locator("#others")).to_contain_text("钱宁 has this card open too, since")
    theirs.goto("/hotline")

    def alone() -> bool:
        """That they have left may be known only after the next time it is asked for."""
        with mine.expect_response("**/hotline/drafts"):
            mine.clock.run_for(15_500)
        return mine.locator("#others").text_content() == ""

    eventually(alone, "nobody else has it open")

    # And who calls back somebody whom nobody knows.
    mine.goto("/hotline/calls")
    mine.locator("#phone").fill("13935266666")
    mine.locator("#phone").press("Enter")
    mine.wait_for_load_state()  # the clock is put forward only after the page has wound it up
    entry = mine.locator(".return-call", has_text="139 3526 6666")
    expect(entry).to_contain_text(re.compile(r"in \d+ min"))
    theirs.goto("/hotline/calls")
    theirs.locator(".return-call", has_text="139 3526 6666").locator("button").click()
    expect(theirs.locator(".return-call", has_text="139 3526 6666")).to_contain_text("You make this call")
    mine.clock.run_for(15_500)
    expect(entry).to_contain_text("钱宁 makes this call")
    expect(entry.locator("button")).to_have_count(0)
    theirs.locator(".return-call", has_text="139 3526 6666").locator("button", has_text="Settled").click()
    expect(theirs.locator(".return-call", has_text="139 3526 6666")).to_have_count(0)
