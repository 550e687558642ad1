"""The page in a real browser: messages arrive by themselves, replies and switches work."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.simulator.harness import FANG, WEI, Harness

pytestmark = pytest.mark.browser


def open_page(chromium: Browser, url: str, width: int) -> tuple[Page, list[str]]:
    """A page, and everything that goes wrong in it."""
    page = chromium.new_page(viewport={"width": width, "height": 800}, locale="zh-CN")
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    page.goto(url)
    return page, problems


def test_phones_fill_by_themselves_beside_the_list(phones: Harness, chromium: Browser) -> None:
    page, problems = open_page(chromium, phones.url + "/", 1440)
    expect(page.get_by_text("还没有手机")).to_be_visible()
    markup = '<img src=x onerror="alert(1)">'
    phones.send(WEI, f"{markup} 请看 https://example.org/t/1。能去请回复 1，不能回复 0。")
    phones.send(FANG, "另一条")
    wei = page.locator(f'.handset[data-number="{WEI}"]')
    expect(wei.locator(".bubble-status")).to_have_text("已送达")
    expect(wei.locator(".bubble-body")).to_contain_text(markup)
    link = wei.get_by_role("link", name="https://example.org/t/1")
    expect(link).to_have_attribute("target", "_blank")
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    expect(page.locator(".handset")).to_have_count(2)
    expect(page.locator("#announce")).not_to_be_empty()
    expect(wei.locator(".quick button")).to_have_text(["1", "0"])
    wei.get_by_role("button", name="1", exact=True).click()
    expect(wei.locator(".from-phone .bubble-status")).to_have_text("平台已收到")
    assert phones.receiver.hooks[-1].params["Body"] == "1"
    assert problems == []
    page.close()


def test_a_phone_is_a_view_of_its_own_on_a_narrow_screen(phones: Harness, chromium: Browser) -> None:
    phones.wait_for(phones.send(WEI, "您好").sid, "delivered")
    page, problems = open_page(chromium, phones.url + "/?lang=zh", 390)
    row = page.locator("a.row")
    expect(row.locator(".row-count")).to_have_text("1")
    row.click()
    expect(page).to_have_url(re.compile(r"/phones/%2B8613800000001\?lang=zh$"))
    expect(row).to_be_hidden()
    page.get_by_label("已关机").check()
    expect(page.get_by_placeholder("手机已关机，不能发送")).to_be_disabled()
    phones.wait_for(phones.send(WEI, "又一条").sid, "undelivered")
    expect(page.locator(".bubble-status").last).to_have_text("未送达：手机已关机（30003）")
    page.get_by_role("link", name="全部手机").click()
    expect(row).to_be_focused()
    expect(row.locator(".row-unread")).to_be_hidden()
    expect(row.locator(".tag")).to_have_text(["已关机"])
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Phones · simulator")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert problems == []
    page.close()


def test_the_filter_and_a_reset_are_followed(phones: Harness, chromium: Browser) -> None:
    phones.send(WEI)
    phones.send(FANG)
    phones.post(f"/api/phones/{FANG}", {"label": "王芳"})
    page, problems = open_page(chromium, phones.url + "/", 1440)
    expect(page.locator("a.row")).to_have_count(2)
    for wanted in ("王", "138 0000 0002"):
        page.get_by_label("按姓名或号码查找").fill(wanted)
        expect(page.locator(".row-name")).to_have_text(["王芳"])
    page.get_by_label("按姓名或号码查找").fill("无此人")
    expect(page.get_by_text("没有符合的手机。")).to_be_visible()
    page.get_by_label("按姓名或号码查找").fill("")
    phones.post("/api/reset", {})
    expect(page.locator("a.row")).to_have_count(0)
    expect(page.locator(".handset")).to_have_count(0)
    assert problems == []
    page.close()
