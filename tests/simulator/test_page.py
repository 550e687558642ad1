"""The page: languages, headers, and texts that are complete."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

import devtools.phones
from devtools.phones.bodies import reply_codes
from devtools.phones.texts import TEXTS
from tests.simulator.harness import WEI, Harness

STATIC = Path(devtools.phones.__file__).parent / "static"
TEMPLATES = STATIC.parent / "templates"


@pytest.mark.parametrize("path", ["/", f"/phones/{WEI}", f"/phones/%2B{WEI[1:]}"])
@pytest.mark.parametrize(
    ("query", "accepted", "language"),
    [
        ("", "zh-CN,zh;q=0.9", "zh"),
        ("", "zh-TW", "zh"),
        ("", "fr,en;q=0.5", "en"),
        ("", "", "en"),
        ("?lang=en", "zh-CN", "en"),
        ("?lang=zh", "en", "zh"),
        ("?lang=xx", "zh", "zh"),
    ],
)
def test_the_page_speaks_the_readers_language(
    phones: Harness, path: str, query: str, accepted: str, language: str
) -> None:
    response = phones.session.get(phones.url + path + query, headers={"Accept-Language": accepted}, timeout=5)
    page = unescape(response.text)
    assert response.status_code == 200
    assert TEXTS[language]["title"] in page
    assert TEXTS[language]["note"] in page
    assert f'<html lang="{"zh-CN" if language == "zh" else "en"}">' in page


def test_the_page_allows_nothing_from_elsewhere_and_nothing_inline(phones: Harness) -> None:
    response = phones.session.get(phones.url + "/", timeout=5)
    assert response.headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=", response.text)
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", response.text)


def test_files_of_the_page_are_served(phones: Harness) -> None:
    for name in (path.name for path in STATIC.iterdir()):
        assert phones.session.get(f"{phones.url}/static/{name}", timeout=5).status_code == 200


def test_unknown_pages_say_so(phones: Harness) -> None:
    for path in ("/nothing", "/phones/abc"):
        response = phones.session.get(f"{phones.url}{path}?lang=zh", timeout=5)
        assert response.status_code == 404
        assert TEXTS["zh"]["not_found"] in response.text


def test_both_languages_have_all_texts_and_no_more() -> None:
    assert TEXTS["zh"].keys() == TEXTS["en"].keys()
    for key, text in TEXTS["zh"].items():
        assert re.findall(r"\{\w+\}", text) == re.findall(r"\{\w+\}", TEXTS["en"][key]), key
    sources = "".join(path.read_text("utf-8") for path in [*STATIC.glob("*.js"), *TEMPLATES.iterdir()])
    said = set(re.findall(r"\bsay\(\s*\"(\w+)\"", sources)) | set(re.findall(r"texts\.(\w+)", sources))
    assert said <= TEXTS["en"].keys()


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ("回复1接单，回复0婉拒。", ["1", "0"]),
        ("Reply 1 to accept or 0 to decline.", ["1", "0"]),
        ("3号楼5层有人摔倒，15分钟内。能去请回复「K7」。", ["K7"]),
        ("请回复 A12 确认，10 分钟内有效。", ["A12"]),
        ("Task 52. Reply Y or N. See http://h/1/2", ["Y", "N"]),
        ("您的号码是 4411。", []),
    ],
)
def test_replies_asked_for_are_suggested(body: str, codes: list[str]) -> None:
    assert reply_codes(body) == codes
