"""The SMS texts: every kind in both languages, and none longer than two segments."""

import itertools
import string
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from devtools import roster
from dispatcher.rules.codewords import CODE_WORDS
from dispatcher.sms import texts

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
PEOPLE = roster.build()
KINDS = sorted(texts.catalogue("zh")["sms"])
LINK = "https://help.example.edu.cn/o/Ab3dEf5hJk7m"
LONGEST_ADDRESS = max((r.address for r in PEOPLE.retirees), key=len)
NAMES = sorted({r.name for r in PEOPLE.retirees}, key=len)


def params(language: str, name: str, category: str) -> dict[str, Any]:
    """As long as real values get."""
    person = next(r for r in PEOPLE.retirees if r.name == name)
    place = max((p for p in PEOPLE.places if p.reachable), key=lambda p: len(p.name_zh))
    area = max((r.area for r in PEOPLE.retirees if r.place_code == place.code), key=len)
    return {
        "retiree": {"name": name, "title": person.honorific, "sex": person.sex},
        "hotline": "0351-7010000",
        "category": category,
        "categories": [category],
        "campus": {"zh": place.name_zh, "en": place.name_en},
        "area": area,
        "urgency": "urgent",
        "due_at": (NOW + timedelta(days=3)).isoformat(),
        "link": LINK,
        "yes": "991", "no": "990", "go": "992", "done": "993", "back": "990",
        "well": "991", "problem": "992", "codes": "991 981 971",
        "volunteer": max((v.name for v in PEOPLE.volunteers), key=len),
        "code": {"zh": max(CODE_WORDS, key=len), "en": max(CODE_WORDS.values(), key=len)},
        "address": LONGEST_ADDRESS,
        "phone": "13935102222",
        "step": "delivered",
        "minutes": 30,
    }  # fmt: skip


def needed(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_texts_with_the_same_facts() -> None:
    zh, en = texts.catalogue("zh"), texts.catalogue("en")
    for table in ("words", "sms", "say"):
        assert set(zh[table]) == set(en[table])
    for kind in KINDS:
        facts = needed(zh["sms"][kind]) ^ needed(en["sms"][kind])
        assert facts <= {"greeting"}, kind
    assert set(zh["say"]) <= set(zh["sms"])


@pytest.mark.parametrize(("kind", "language"), list(itertools.product(KINDS, texts.LANGUAGES)))
def test_two_segments_at_most_with_real_names(kind: str, language: str) -> None:
    short_latin = max((n for n in NAMES if n.isascii()), key=len)
    chinese = max((n for n in NAMES if not n.isascii()), key=len)
    for name, category in itertools.product((short_latin, chinese), ("medicine", "urgent", "groceries")):
        given = params(language, name, category)
        if kind not in ("assigned",):
            given.pop("address")
        text = texts.render(kind, language, given, NOW, ZONE)
        assert "{" not in text
        assert texts.segments(text) <= (2 if kind != "assigned" else 3), f"{len(text)}: {text}"


def test_segments_are_counted_as_the_networks_do() -> None:
    for length, cost in ((70, 1), (71, 2), (134, 2), (135, 3)):
        assert texts.segments("字" * length) == cost
    assert (texts.segments("a" * 160), texts.segments("a" * 161)) == (1, 2)
    assert texts.segments("it’s " + "a" * 70) == 2


def test_moments_are_said_as_people_say_them() -> None:
    assert texts.when(NOW + timedelta(hours=6), NOW, ZONE, "zh") == "今天16:00"
    assert texts.when(NOW + timedelta(days=1), NOW, ZONE, "en") == "tomorrow 10:00"
    assert texts.when(NOW + timedelta(days=9), NOW, ZONE, "zh") == "12月2日10:00"


@pytest.mark.parametrize(
    ("name", "sex", "language", "said"),
    [
        ("王秀兰", "f", "zh", "王老师"), ("欧阳文华", "m", "zh", "欧阳老师"),
        ("王秀兰", "f", "en", "Ms Wang"), ("单玉梅", "f", "en", "Ms Shan"),
        ("欧阳平", "m", "en", "Mr Ouyang"), ("Margaret Hill", "f", "en", "Ms Hill"),
        ("Margaret Hill", "f", "zh", "Margaret Hill老师"), ("王秀兰", "", "en", "王秀兰"),
    ],
)  # fmt: skip
def test_how_people_are_addressed(name: str, sex: str, language: str, said: str) -> None:
    assert texts.greeting(name, "老师", sex, language) == said


def test_the_offer_tells_nothing_that_isnt_to_be_told_yet() -> None:
    for language in texts.LANGUAGES:
        assert needed(texts.catalogue(language)["sms"]["offer"]) <= {
            "mark", "campus", "area", "category", "due", "link", "yes", "no",
        }  # fmt: skip
