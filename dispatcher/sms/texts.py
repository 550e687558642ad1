"""SMS in words: kind + parameters + language → text. The wording is in texts.<language>.toml.

The office may have its own wording (:mod:`dispatcher.sms.office_texts`).

Parameters are plain JSON. These shapes are worded here: a mapping with "zh" and "en" is picked by
language; `due_at` (ISO 8601 or None) becomes `due`, without a time by the `urgency`; `retiree` (name, title,
sex) becomes `greeting` and `name`; `volunteer` is written in Latin letters in English; `changes` become
`what` (:mod:`dispatcher.sms.changes`); `asks` (stage, slot and category of each task that waits for an
answer) becomes `codes`.
"""

import re
import tomllib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import smsutil

from dispatcher.rules import addresses, names
from dispatcher.rules.roster import LANGUAGES as LANGUAGES
from dispatcher.sms import changes as changing

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
_SPACE_IN_CHINESE = re.compile(r"(?<=[^\x00-\x7f]) +| +(?=[^\x00-\x7f])")
_signatures: dict[str, str] = {}
_BRACKETS = str.maketrans({"【": "「", "】": "」"})


def use(source: Callable[[str], Catalogue]) -> None:
    """Take the texts from `source` from now on, in the whole process."""
    global _catalogue
    _catalogue = source


def sign(signatures: dict[str, str]) -> None:
    """Put the office's signature of each language in front of every SMS from now on, in the whole process."""
    _signatures.clear()
    _signatures.update(signatures)


def catalogue(language: str) -> Catalogue:
    """The texts in use: the office's own where it has some, else those that come with the program."""
    return _catalogue(language)


_OF_CODES = ("reply_help", "reply_help_many")
"""These say which digits answer what. One that processes of the version before have queued doesn't know the
digits: it says that the text has come."""


def render(kind: str, language: str, params: dict[str, Any], now: datetime, zone: ZoneInfo) -> str:
    """The text of an SMS. What its reader can do without is left out where it would cost a third segment.

    Raises:
        KeyError: no such kind, or a parameter is missing.
    """
    words = catalogue(language)
    if kind in _OF_CODES and not {"asks", "codes"} & params.keys():
        kind = "reply_seen"
    return fill(words["sms"][kind], words["words"], language, params, now, zone)


def fill(
    template: str, words: dict[str, str], language: str, params: dict[str, Any], now: datetime, zone: ZoneInfo
) -> str:
    """`template` as an SMS, signed; see :func:`render`."""
    worded = worded_by(words, language, params, now, zone)
    text = _signed(template.format_map(worded), language)
    if segments(text) <= MOST_SEGMENTS:
        return text
    for room in changing.narrower(params.get("changes") or (), language) if "{what}" in template else ():
        worded["what"] = _what(words, language, params, now, zone, room)
        text = _signed(template.format_map(worded), language)
        if segments(text) <= MOST_SEGMENTS:
            return text
    shortened = [text]
    for shorter in _shorter(words, params, worded, language):
        worded |= shorter
        shortened.append(_signed(template.format_map(worded).replace(" ,", ","), language))
        if segments(shortened[-1]) <= MOST_SEGMENTS:
            break
    return min(shortened, key=segments)  # the first, and longest, of those that cost the least


def _shorter(
    words: dict[str, str], params: dict[str, Any], worded: dict[str, Any], language: str
) -> Iterator[dict[str, Any]]:
    """What a reader can do without, the most dispensable first."""
    if worded.get("area"):
        yield {"area": ""}
    campus, address = str(worded.get("campus", "")), str(worded.get("address", ""))
    if campus and address.startswith(f"{campus} "):
        address = address.removeprefix(campus).strip()  # the offer has named the campus
        yield {"address": address}
    yield {"thanks": ""}
    if "retiree" in params and "category" in params:
        bare = words[f"asked_{params['category']}"].format_map({"name": params["retiree"]["name"]})
        yield {"asked": bare}  # without the title
    if language == "zh" and address:
        yield {"address": _SPACE_IN_CHINESE.sub("", address)}
    address = str(worded.get("address", ""))
    for most in range(len(address) - 1, len(addresses.house_and_door(address)), -1):
        yield {"address": addresses.shortened(address, most)}


def _signed(text: str, language: str) -> str:
    """`text` with the signature in front. Gateways take what stands in 【】 for one: nothing else may."""
    return _signatures.get(language, "") + text.translate(_BRACKETS)


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
    values: dict[str, Any] = {"thanks": words["thanks"]}
    for name, value in params.items():
        values[name] = value[language] if isinstance(value, dict) and "zh" in value else value
    if "retiree" in params:
        person = params["retiree"]
        values["greeting"] = greeting(person["name"], person["title"], person["sex"], language)
        values["name"] = person["name"] + (person["title"] if language == "zh" else "")
    to_retiree = "greeting" in values and "address" not in values
    if "category" in params:
        category = params["category"]
        values["category"] = words[f"your_{category}" if to_retiree else category]
        values["errand"] = words[category]
        values["ended"] = words[f"ended_{category}"]
        values["does"] = words[f"comes_{category}"]
        for name in ("needs", "right", "wrong"):
            values[name] = words[f"{name}_{category}"]
        if "name" in values:
            values["asked"] = words[f"asked_{category}"].format_map(values)
            values["brought"] = words[f"brought_{category}"].format_map(values)
    if "categories" in params:
        values["categories"] = words["and"].join(words[f"your_{c}"] for c in params["categories"])
    if values.get("address"):
        # The page behind the link has it whole.
        values["address"] = addresses.shortened(str(values["address"]), LONGEST_ADDRESS)
    if language == "en" and "volunteer" in values:
        # Who can't read the name couldn't ask for it, and one Chinese character doubles the price.
        values["volunteer"] = names.romanised(values["volunteer"])
    if "due_at" in params:
        # Without a time, only what is urgent is said to be: "no hurry" must not become "at once".
        urgency = params.get("urgency", "soon")
        of = "your_" if to_retiree else ""
        due, none = words[f"{of}due"], words[f"{of}no_due_{urgency}"]
        values["due"] = (
            due.format(when=_when(params["due_at"], now, zone, language)) if params["due_at"] else none
        )
        values["what"] = _what(words, language, params, now, zone) or values["due"]
    if "urgency" in params:
        values["mark"] = words[f"{params['urgency']}_mark"]
        values["danger"] = words["danger_mark"] if params.get("danger") else ""
    if "asks" in params:
        values["codes"] = _codes(params["asks"], words)
    if "step" in params and "name" in values:
        values["step"] = words[f"step_{params['step']}"].format_map(values)
    return values


def _what(
    words: dict[str, str], language: str, params: dict[str, Any], now: datetime, zone: ZoneInfo,
    room: changing.Room = changing.WIDE,
) -> str:  # fmt: skip
    """What has changed; empty where it wasn't written down."""
    return changing.worded(
        params.get("changes") or (),
        words,
        lambda change: words["due"].format(when=_when(change["due_at"], now, zone, language)),
        room,
    )


def _when(moment: str, now: datetime, zone: ZoneInfo, language: str) -> str:
    return when(datetime.fromisoformat(moment), now, zone, language)


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
