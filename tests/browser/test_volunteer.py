"""The volunteer's face: by touch, without scripts and cookies; better with a script; for everybody."""

import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO

import pytest
import requests
from flask import Flask
from PIL import Image
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, Page, Response, expect
from werkzeug.serving import make_server

from devtools.local import free_port
from devtools.system import System
from dispatcher import create_app
from dispatcher.database import db
from tests.browser.conftest import Windows
from tests.databases import on
from tests.world import Elder, Helper, Sms, World, eventually, own_link

pytestmark = [pytest.mark.scenario, pytest.mark.browser, on("postgresql")]

MOST_BYTES = 60_000
WORDS = {
    "zh": {
        "who": "李伟", "home": "家里没有人", "phone_you": "会给您打电话", "kept": "已收到 1 张",
        "thanks": "谢谢您",
        "taken": "刚刚有另一位志愿者先接了", "again": "撤回", "left": "秒", "pausing": "正在暂停"},
    "en": {
        "who": "Li Wei", "home": "Nobody is at home", "phone_you": "will call you",
        "kept": "1 picture has arrived",
        "thanks": "Thank you", "taken": "Another volunteer was a moment earlier", "again": "Take it back",
        "left": "seconds", "pausing": "You are pausing"},
}  # fmt: skip


@pytest.fixture(scope="session")
def patient(system: System, app: Flask) -> Iterator[str]:
    """The address of a web server of the same system that lets everybody take things back for a minute."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in system.env.items():
            patch.setenv(name, value)
        slow = create_app({"UNDO": timedelta(seconds=60)})
    port = free_port()
    server = make_server("127.0.0.1", port, slow, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{port}"
    server.shutdown()
    thread.join()
    server.server_close()
    with slow.app_context():
        db.engine.dispose()


@pytest.fixture
def bare(chromium: Chromium, world: World) -> Iterator[tuple[BrowserContext, list[str]]]:
    """An old phone that runs no scripts and keeps no cookies; what was tried to be kept."""
    tried: list[str] = []
    context = chromium.new_context(
        java_script_enabled=False, has_touch=True, is_mobile=True, viewport={"width": 390, "height": 844}
    )

    def look(response: Response) -> None:
        if "set-cookie" in response.headers:
            tried.append(response.url)

    context.on("response", look)
    yield context, tried
    assert context.cookies() == []
    assert tried == []
    context.close()


def photo() -> bytes:
    out = BytesIO()
    Image.new("RGB", (1200, 900), "orange").save(out, "JPEG")
    return out.getvalue()


def lead_on(page: Page, selector: str) -> None:
    """Tap what leads to another page, and wait for that."""
    with page.expect_navigation():
        page.locator(selector).first.tap()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_whole_story_by_one_thumb_without_scripts_or_cookies(
    world: World, bare: tuple[BrowserContext, list[str]], language: str
) -> None:
    words = WORDS[language]
    elder, helper = world.retiree(language=language), world.volunteer("李伟", language=language)
    task = world.call(elder)
    elder.phone.expect()
    offer = helper.phone.expect("/o/")
    page = bare[0].new_page()
    page.goto(offer.link)
    expect(page.locator("body")).not_to_contain_text("王秀兰")
    lead_on(page, "form[action$='/accept'] button")
    expect(page.locator("h1")).to_contain_text("王秀兰")
    expect(page.locator("#address")).to_contain_text("3号楼2单元501")
    expect(page.locator(".shopping")).to_contain_text("阿司匹林")
    helper.phone.expect("王秀兰")
    elder.phone.expect(words["who"])
    assert page.locator(f"a[href='tel:{elder.phone.number}']").count() == 1
    # Nothing is offered that wouldn't work here.
    expect(page.locator("[data-copy]")).to_be_hidden()
    for control in page.locator("main :is(button, a, summary, .choice):visible, footer button").all():
        box = control.bounding_box()
        assert box is not None
        assert box["height"] >= 48, control.inner_text()

    lead_on(page, "form[action$='/later'] button")
    elder.phone.expect(words["who"], "30")
    page.locator("#stuck > summary").tap()
    lead_on(page, "#stuck button")
    expect(page.locator("#trouble-error")).to_be_visible()
    page.locator("#stuck label", has_text=words["home"]).tap()
    page.locator("#trouble-said").fill("敲了三次门")
    lead_on(page, "#stuck button")
    expect(page.locator("#trouble-told")).to_contain_text(words["phone_you"])
    assert "敲了三次门" in world.board()
    lead_on(page, "form[action$='/underway'] button")
    page.locator("#receipt > summary").tap()
    page.locator("#photo").set_input_files({"name": "a.txt", "mimeType": "text/plain", "buffer": b"no"})
    lead_on(page, "#receipt button")
    expect(page.locator("#photo-error")).to_be_visible()
    page.locator("#photo").set_input_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": photo()})
    lead_on(page, "#receipt button")
    page.locator("#receipt > summary").tap()
    expect(page.locator("#photo-hint")).to_contain_text(words["kept"])
    page.locator("form[action$='/delivered'] [name=spent]").fill("三十五")
    lead_on(page, "form[action$='/delivered'] button")
    expect(page.locator("[aria-invalid=true]")).to_have_value("三十五")
    page.locator("form[action$='/delivered'] [name=spent]").fill("35.50")
    lead_on(page, "form[action$='/delivered'] button")
    expect(page.locator("h1")).to_contain_text(words["thanks"])
    expect(page.locator("#receipt-spent")).to_have_value("35.50")
    elder.phone.expect(words["who"], "1", "2")
    picture = world.coordinator.get(f"/board/tasks/{task}/receipts/1")
    assert picture.headers["Content-Type"] == "image/jpeg"
    assert len(picture.content) < 400_000

    lead_on(page, "form[action$='/page'] button")
    page.goto(own_link(helper))
    lead_on(page, f"a[href*='/tasks/{task}']")
    expect(page.locator("#receipt-spent")).to_have_value("35.50")
    lead_on(page, "a.home")
    page.locator("#pause > summary").tap()
    page.locator("#pause input[value='3days']").tap()
    lead_on(page, "#pause button")
    expect(page.locator("main")).to_contain_text(words["pausing"])
    elder.phone.reply("1")
    world.wait_state(task, "closed")
    elder.phone.expect("谢谢您" if language == "zh" else "Thank you")
    page.reload()
    page.locator("#past > summary").tap()
    expect(page.locator("#past li")).to_have_count(1)
    expect(page.locator("main")).not_to_contain_text("王秀兰")


def test_an_open_page_hears_that_it_is_taken_and_keeps_what_is_typed(world: World, windows: Windows) -> None:
    elder = world.retiree()
    first, second = world.volunteer("李伟"), world.volunteer("赵强")
    world.call(elder)
    elder.phone.expect("记下了")
    offers = {helper.id: helper.phone.expect("买药") for helper in (first, second)}
    typing, reading = windows.open(width=390), windows.open(width=390)
    for page in (typing, reading):
        page.goto(offers[first.id].link)
    typing.locator(".decline summary").click()
    typing.locator("[name=said]").fill("等一下，我问问")
    second.tap(offers[second.id], "accept")
    second.phone.expect("王秀兰")
    first.phone.expect("已有别的志愿者")
    elder.phone.expect("赵强")
    for page in (typing, reading):
        # As when it is looked at again.
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        expect(page.locator("#news")).to_contain_text(WORDS["zh"]["taken"])
    expect(typing.locator("[name=said]")).to_have_value("等一下，我问问")
    expect(typing.locator("#news a")).to_be_visible()
    expect(reading.locator("form[action$='/accept']")).to_have_count(0)
    expect(reading.locator("h1")).to_contain_text("已经有人去了")
    typing.locator("#news a").click()
    expect(typing.locator("form[action$='/accept']")).to_have_count(0)


def test_a_slip_is_taken_back_while_the_seconds_run(world: World, windows: Windows, patient: str) -> None:
    elder, helper = world.retiree(), world.volunteer("李伟")
    task, offer = world.held(elder, helper)
    page = windows.open(width=390)
    page.goto(offer.link.replace(world.system.url, patient))
    ticked = page.locator(".shopping input").first
    ticked.check()
    page.locator("form[action$='/underway'] button").click()
    expect(page.locator(".shopping input").first).to_be_checked()
    page.locator("form[action$='/delivered'] button").click()
    counted = page.locator("[data-count]")
    expect(counted).to_contain_text(WORDS["zh"]["left"])
    before = counted.inner_text()
    eventually(lambda: counted.inner_text() != before, "the next second")
    page.locator("form[action$='/undo'] button").dblclick()
    expect(page.locator("form[action$='/delivered']")).to_have_count(1)
    assert world.state(task) == "underway"
    page.locator("form[action$='/undo'] button").click()
    expect(page.locator("form[action$='/underway']")).to_have_count(1)
    assert world.state(task) == "assigned"
    assert world.events(task)[-2:] == ["undone", "undone"]
    page.evaluate(
        "navigator.clipboard.writeText = (words) => { window.copied = words; return Promise.resolve() }"
    )
    page.locator("[data-copy]").click()
    expect(page.locator("[data-copy]")).to_have_text("已复制")
    assert "3号楼2单元501" in page.evaluate("window.copied")
    assert "501" not in (page.locator("a[href*='amap']").get_attribute("href") or "")


@pytest.mark.parametrize("kind", ["offered", "held", "own"])
def test_a_page_weighs_little(world: World, kind: str) -> None:
    elder, helper = world.retiree(), world.volunteer("李伟")
    if kind == "offered":
        _, sms = world.offered(elder, helper)
    else:
        _, sms = world.held(elder, helper)
    address = sms.link
    if kind == "own":
        helper.phone.reply("我的")
        address = own_link(helper)
    answer = requests.get(address, timeout=20)
    parts = re.findall(r'(?:href|src)="(/static/[^"]+|[^"]+webmanifest[^"]*)"', answer.text)
    assert any(part.endswith(".js") for part in parts)
    assert any(part.endswith(".png") for part in parts)
    weight = _bytes(answer)
    for part in parts:
        found = requests.get(world.system.url + part, timeout=20)
        assert found.status_code == 200, part
        assert "url(" not in found.text or not part.endswith(".css"), "nothing is loaded from a style sheet"
        weight += _bytes(found)
        if part.endswith(".js"):
            assert len(found.content) <= 4096
    assert weight <= MOST_BYTES, f"{weight} bytes in {1 + len(parts)} answers"


def _bytes(answer: requests.Response) -> int:
    """Over the wire, headers and all."""
    return len(answer.content) + sum(len(f"{name}: {value}\r\n") for name, value in answer.headers.items())


def test_pages_speak_the_language_of_the_person_and_switch(world: World, windows: Windows) -> None:
    elder, helper = world.retiree(), world.volunteer("李伟", language="en")
    offer = _offer(world, elder, helper)
    page = windows.open("zh", 390)
    page.goto(offer.link)
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.locator(".languages a").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    page.locator("form[action*='/accept'] button").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    helper.phone.expect("王秀兰")
    elder.phone.expect("李伟")


def _offer(world: World, elder: Elder, helper: Helper) -> Sms:
    world.call(elder)
    elder.phone.expect("记下了")
    return helper.phone.expect("/o/")
