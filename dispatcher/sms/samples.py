"""Invented parameters for every kind of SMS: as they usually are, and as long as they get.

By them the texts are checked, and shown to the office before anybody gets one. A kind that uses a new name in
braces needs a value for it here.
"""

import itertools
import string
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dispatcher.sms import texts

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
CATEGORIES = ("medicine", "groceries", "urgent", "other")

_USUAL: dict[str, Any] = {
    "retiree": {"name": "王秀兰", "title": "老师", "sex": "f"},
    "hotline": "0351-7010000",
    "category": "medicine",
    "categories": ["medicine", "groceries"],
    "campus": {"zh": "迎泽校区", "en": "Yingze campus"},
    "area": "东区",
    "urgency": "soon",
    "due_at": (NOW + timedelta(hours=6)).isoformat(),
    "link": "https://help.example.edu.cn/o/Ab3dEf5hJk7m",
    "yes": "31", "no": "30", "go": "32", "done": "33", "back": "30", "well": "1", "problem": "2",
    "asks": [
        {"stage": "offered", "slot": 3, "category": "medicine"},
        {"stage": "held", "slot": 4, "category": "groceries"},
    ],
    "volunteer": "李伟",
    "code": {"zh": "青松", "en": "pine"},
    "address": {"zh": "迎泽校区 东区 3号楼2单元501", "en": "Yingze campus 东区 3号楼2单元501"},
    "phone": "13935102222",
    "step": "delivered",
    "minutes": 30,
    "changes": [{"kind": "amount", "name": "阿司匹林肠溶片", "strength": "100mg", "amount": "1盒"}],
}  # fmt: skip

_LONGEST: dict[str, Any] = _USUAL | {
    "campus": {"zh": "太原市其他小区", "en": "Other compounds in Taiyuan"},
    "area": "晋祠路馨苑小区",
    "urgency": "urgent",
    "due_at": (NOW + timedelta(days=3)).isoformat(),
    "yes": "991", "no": "990", "go": "992", "done": "993", "back": "990", "well": "991", "problem": "992",
    "asks": [{"stage": "held", "slot": 97 + n, "category": "groceries"} for n in range(3)],
    "minutes": "120",
    "danger": True,
    "changes": [
        {"kind": "urgency", "urgency": "urgent"},
        {"kind": "due", "due_at": (NOW + timedelta(days=3)).isoformat()},
        *({"kind": kind, "name": "苯磺酸左旋氨氯地平片", "strength": "2.5mg*14片", "amount": "十二盒"}
          for kind in ("amount", "more", "more", "more")),
        {"kind": "notes", "said": "医生换了药，原来的先不要买了，买的时候请看清楚盒子上的厂家和规格。" * 9},
    ],
    "code": {"zh": "向日葵", "en": "persimmon"},
    "address": {
        "zh": "太原市其他小区 晋祠路馨苑小区 10号楼3单元102",
        "en": "Other compounds in Taiyuan 晋祠路馨苑小区 10号楼3单元102",
    },
}  # fmt: skip
_LONG_NAMES = (
    ({"name": "欧阳建国", "title": "老师", "sex": "m"}, "Daniel Mensah"),
    ({"name": "Jean-Luc Fournier", "title": "老师", "sex": "m"}, "上官志军"),
)
"""Of retirees and volunteers."""


class NoSample(LookupError):
    """A text has a name in braces for which there is no value here."""

    def __init__(self, kind: str, names: set[str]) -> None:
        wanted = ", ".join(sorted(names))
        super().__init__(f"{kind} needs a sample of {wanted}: give one in dispatcher/sms/samples.py")


def placeholders(template: str) -> set[str]:
    """The names in braces.

    Raises:
        ValueError: a brace without its other half, or more in braces than a name.
    """
    found = set()
    for _text, name, spec, conversion in string.Formatter().parse(template):
        if name is None:
            continue
        if not name.isidentifier() or spec or conversion:
            raise ValueError(name)
        found.add(name)
    return found


def usual(kind: str, language: str) -> dict[str, Any]:
    """Parameters as they usually are."""
    return _for(kind, language, _USUAL)


def longest(kind: str, language: str) -> Iterator[dict[str, Any]]:
    """Parameters as long as they get: every kind of help, names of both scripts."""
    for category, (person, volunteer) in itertools.product(CATEGORIES, _LONG_NAMES):
        own = {"category": category, "retiree": person, "volunteer": volunteer}
        several = {"categories": [*CATEGORIES[:3]] if category == "medicine" else [category]}
        yield _for(kind, language, _LONGEST | own | several)


def _for(kind: str, language: str, values: dict[str, Any]) -> dict[str, Any]:
    """Only what a message of this kind has: by that it is decided how things are called in it."""
    wanted = set[str]()
    for other in texts.LANGUAGES:
        tables = texts.built_in(other)
        wanted |= placeholders(tables["sms"].get(kind, "")) | placeholders(tables["say"].get(kind, ""))
    given = dict(values)
    if not wanted & {"greeting", "name", "asked", "step"}:
        del given["retiree"]
    if kind == "reply_help":
        given["asks"] = given["asks"][:1]
    if "address" not in wanted:
        del given["address"]
    known = texts.worded_by(texts.built_in(language)["words"], language, given, NOW, ZONE)
    if missing := wanted - known.keys():
        raise NoSample(kind, missing)
    return given
