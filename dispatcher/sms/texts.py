"""SMS in words: kind + parameters + language → text. The wording is in texts.<language>.toml.

The office may have its own wording (:mod:`dispatcher.sms.office_texts`).

Parameters are plain JSON. These shapes are worded here: a mapping with "zh" and "en" is picked by
language; `due_at` (ISO 8601 or None) becomes `due`; `retiree` (name, title, sex) becomes `greeting`
and `name`; `volunteer` is written in Latin letters in English; `asks` (stage, slot and category of each
task that waits for an answer) becomes `codes`.
"""

import tomllib
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import smsutil

from dispatcher.rules import addresses, names
from dispatcher.rules.roster import LANGUAGES as LANGUAGES

MOST_SEGMENTS = 2
LONGEST_ADDRESS = 60
_HERE = Path(__file__).parent
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

Catalogue = dict[str, dict[str, str]]
"""The tables `words`, `sms` and `say` of one language."""


@cache
def built_in(language: str) -> Catalogue:
    """The texts that come with the program.

    Raises:
        KeyError: there are none in this language.
    """
    if language not in LANGUAGES:
        raise KeyError(language)
    with (_HERE / f"texts.{language}.toml").open("rb") as file:
        return tomllib.load(file)


_catalogue: Callable[[str], Catalogue] = built_in


def use(source: Callable[[str], Catalogue]) -> None:
    """Take the texts from `source` from now on, in the whole process."""
    global _catalogue
    _catalogue = source


def catalogue(language: str) -> Catalogue:
    """The texts in use: the office's own where it has some, else those that come with the program."""
    return _catalogue(language)


def render(kind: str, language: str, params: dict[str, Any], now: datetime, zone: ZoneInfo) -> str:
    """The text of an SMS. What its reader can do without is left out where it would cost a third segment.

    Raises:
        KeyError: no such kind, or a parameter is missing.
    """
    words = catalogue(language)
    return fill(words["sms"][kind], words["words"], language, params, now, zone)


def fill(
    template: str, words: dict[str, str], language: str, params: dict[str, Any], now: datetime, zone: ZoneInfo
) -> str:
    """`template` as an SMS; see :func:`render`."""
    worded = worded_by(words, language, params, now, zone)
    text = template.format_map(worded)
    if segments(text) <= MOST_SEGMENTS:
        return text
    shorter: dict[str, Any] = {}
    if worded.get("area"):
        shorter["area"] = ""
    campus, address = str(worded.get("campus", "")), str(worded.get("address", ""))
    if campus and address.startswith(f"{campus} "):
        shorter["address"] = address.removeprefix(campus).strip()  # the offer has named the campus
    if shorter:
        text = template.format_map(worded | shorter).replace(" ,", ",")
    if not address or segments(text) <= MOST_SEGMENTS:
        return text
    address = shorter.get("address", address)
    for most in range(len(address) - 1, len(addresses.house_and_door(address)), -1):
        tight = {"address": addresses.shortened(address, most)}
        tighter = template.format_map(worded | shorter | tight).replace(" ,", ",")
        if segments(tighter) <= MOST_SEGMENTS:
            return tighter
    return text


def say(kind: str, language: str, params: dict[str, Any], now: datetime, zone: ZoneInfo) -> str:
    """What a person says on the phone in place of the SMS."""
    words = catalogue(language)
    return words["say"][kind].format_map(worded_by(words["words"], language, params, now, zone))


def segments(text: str) -> int:
    """How many SMS segments `text` costs (70 or 67 characters of Chinese, 160 or 153 of GSM-7)."""
    return len(smsutil.split(text).parts)


def when(moment: datetime, now: datetime, zone: ZoneInfo, language: str) -> str:
    """`moment` as people say it: 今天16:00, tomorrow 09:00, 11月25日9:00."""
    local, today = moment.astimezone(zone), now.astimezone(zone).date()
    clock = f"{local.hour}:{local.minute:02}"
    days = (local.date() - today) // timedelta(days=1)
    if language == "en":
        clock = f"{local.hour:02}:{local.minute:02}"
        day = {0: "today", 1: "tomorrow"}.get(days)
        return f"{day} {clock}" if day else f"{local.day} {_MONTHS[local.month - 1]} {clock}"
    day = {0: "今天", 1: "明天"}.get(days) or f"{local.month}月{local.day}日"
    return day + clock


def greeting(name: str, title_zh: str, sex: str, language: str) -> str:
    """How a retiree is addressed: 王老师; Ms Wang. In Chinese a Latin name stays whole."""
    if names.is_chinese(name):
        if language == "zh":
            return names.surname(name) + title_zh
        surname = names.surname_pinyin(name)
    else:
        surname = name.split()[-1] if name.strip() else name
        if language == "zh":
            return name + title_zh
    prefix = {"f": "Ms", "m": "Mr"}.get(sex)
    return f"{prefix} {surname}" if prefix else name


def worded_by(
    words: dict[str, str], language: str, params: dict[str, Any], now: datetime, zone: ZoneInfo
) -> dict[str, Any]:
    """What stands for the names in braces, with `words` for what parameters become."""
    values: dict[str, Any] = {}
    for name, value in params.items():
        values[name] = value[language] if isinstance(value, dict) and "zh" in value else value
    if "retiree" in params:
        person = params["retiree"]
        values["greeting"] = greeting(person["name"], person["title"], person["sex"], language)
        values["name"] = person["name"] + (person["title"] if language == "zh" else "")
    to_retiree = "greeting" in values and "address" not in values
    if "category" in params:
        own = f"your_{params['category']}" if to_retiree else params["category"]
        values["category"] = words[own]
        values["ended"] = words[f"ended_{params['category']}"]
        values["does"] = words[f"comes_{params['category']}"]
    if "categories" in params:
        values["categories"] = words["and"].join(words[f"your_{c}"] for c in params["categories"])
    if values.get("address"):
        # The page behind the link has it whole.
        values["address"] = addresses.shortened(str(values["address"]), LONGEST_ADDRESS)
    if language == "en" and "volunteer" in values:
        # Who can't read the name couldn't ask for it, and one Chinese character doubles the price.
        values["volunteer"] = names.romanised(values["volunteer"])
    if "due_at" in params:
        due = params["due_at"]
        moment = datetime.fromisoformat(due) if due else None
        values["due"] = (
            words["due"].format(when=when(moment, now, zone, language)) if moment else words["no_due"]
        )
    if "urgency" in params:
        values["mark"] = words[f"{params['urgency']}_mark"]
    if "asks" in params:
        values["codes"] = _codes(params["asks"], words)
    if "step" in params:
        values["step"] = words[f"step_{params['step']}"]
    return values


def _codes(asks: list[dict[str, Any]], words: dict[str, str]) -> str:
    """Which digits say what, of each task that waits for an answer of the phone."""
    worded = []
    for ask in asks:
        slot = ask["slot"]
        digits = {
            "yes": f"{slot}1", "no": f"{slot}0", "go": f"{slot}2", "done": f"{slot}3", "back": f"{slot}0",
            "well": f"{slot}1", "problem": f"{slot}2",
        }  # fmt: skip
        said = words[f"ask_{ask['stage']}"].format_map(digits)
        if len(asks) > 1:
            said = words["ask_one_of_several"].format(category=words[ask["category"]], ask=said)
        worded.append(said)
    return words["ask_next"].join(worded)
