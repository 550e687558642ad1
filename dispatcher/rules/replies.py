"""From the text of an SMS reply to what the sender wants.

A reply is digits first, then anything: `slot` (the task's number on that phone) and one digit for
the answer, such as 31 for "task 3: yes". With a single live task on the phone the answer alone is
understood. What follows the digits is the sender's own words and is never thrown away.
Letters are no commands: the gateway takes YES, STOP and the like for opting in and out. The one word that
is understood, from a volunteer, asks for the link to their own page.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

FIRST_SLOT, LAST_SLOT = 2, 99
"""Slots start at 2, so that "10" and "11" aren't mistaken for a bare answer typed twice."""

# 31号楼, 3 点, 2 hours, 3:30, 3到4点: a number that counts or tells the time is talk, not an answer.
_COUNTS = re.compile(
    r"\s*[号点楼分个单元块月日天年盒瓶片袋斤公里层室栋幢小时度件样种支包桶条颗粒箱罐位次%％]"
    r"|\s*(?:hours?|hrs?|h|minutes?|mins?|min|a\.?m|p\.?m|o['’]?clock|days?|boxes|pcs)\b"
    r"|\s*[:：.．、~～/-]\s*\d"
    r"|\s*[到至]\s*\d",
    re.IGNORECASE,
)
# With "all is well" only thanks may follow: "1 box is missing" closes nothing.
_THANKS = re.compile(
    r"(?:[\s\W]|谢谢|多谢|感谢|辛苦|没问题|收到|好|挺|了|您|你|们|啊|呀|都|很"
    r"|ok|okay|thanks?|thank you|very much|all|is|well|good|fine|great|received|yes)*",
    re.IGNORECASE,
)
# 1不行, 1 can't: a yes that goes on as a no had better be asked about. 不过 is "but".
_TAKEN_BACK = re.compile(r"\W*(?:不(?!过)|没|can['’]?t\b|cannot\b|no\b|not\b)", re.IGNORECASE)
_REPLY = re.compile(r"^[\s\W]*(\d{1,3})(?P<rest>(?:\D.*)?)$", re.DOTALL)


class Intent(StrEnum):
    """What a reply asks for."""

    ACCEPT = "accept"
    DECLINE = "decline"
    UNDERWAY = "underway"
    DELIVERED = "delivered"
    HAND_BACK = "hand_back"
    ALL_WELL = "all_well"
    PROBLEM = "problem"


class Stage(StrEnum):
    """What a task on a phone waits for from that phone."""

    OFFERED = "offered"
    HELD = "held"
    CHECK = "check"
    OVER = "over"


class Unclear(StrEnum):
    """Why a reply couldn't be acted on."""

    NOT_UNDERSTOOD = "not_understood"
    NOTHING_LIVE = "nothing_live"
    AMBIGUOUS = "ambiguous"


ANSWERS: dict[Stage, dict[str, Intent]] = {
    Stage.OFFERED: {"1": Intent.ACCEPT, "0": Intent.DECLINE},
    Stage.HELD: {
        "1": Intent.ACCEPT,  # a second yes is harmless and deserves no rebuke
        "2": Intent.UNDERWAY,
        "3": Intent.DELIVERED,
        "0": Intent.HAND_BACK,
    },
    Stage.CHECK: {"1": Intent.ALL_WELL, "2": Intent.PROBLEM},
    Stage.OVER: {},
}


@dataclass(frozen=True)
class Thread:
    """A task on the phone that replied. `ref` is the caller's own handle for it."""

    slot: int
    stage: Stage
    ref: int


@dataclass(frozen=True)
class Understood:
    """A reply that names exactly one live task and one thing to do with it."""

    intent: Intent
    ref: int
    text: str


@dataclass(frozen=True)
class NotUnderstood:
    """A reply that can't be acted on. For one that names a task that is over: `ref` is that task,
    `answer` the digit, `words` what followed."""

    why: Unclear
    text: str
    ref: int | None = None
    answer: str = ""
    words: str = ""

    @property
    def late_all_well(self) -> bool:
        """Whether it says no more than "all is well", of a task that is closed already."""
        return self.answer == "1" and bool(_THANKS.fullmatch(self.words))


_PAGE_WORDS = frozenset(
    {"我的", "我的页面", "我的頁面", "我的主页", "我的主頁", "my page", "mypage", "my", "me"}
)
_AROUND = " \t\r\n,.;:!?，。；：！？、「」『』“”\"'‘’（）()【】"


def asks_for_page(body: str) -> bool:
    """Whether it says no more than the word by which volunteers ask for the link to their own page."""
    words = unicodedata.normalize("NFKC", body).strip(_AROUND).casefold()
    return " ".join(words.split()) in _PAGE_WORDS


_GRATITUDE = re.compile(r"谢|感激|thank|thx", re.IGNORECASE)
_HELP = re.compile(
    r"救命|求救|快来人|摔倒|跌倒|摔了一跤|起不来|胸口?疼|胸口?痛|胸闷|喘不(?:过|上)气|晕倒|着火|流血"
    r"|\bhelp\b.*\b(?:fell|fallen|hurt|me)\b|\bi(?:'ve| have)? fell\b|\bfallen\b|chest pain|can['’]?t breathe"
    r"|\bbleeding\b|\bemergency\b",
    re.IGNORECASE,
)


def only_thanks(text: str) -> bool:
    """Whether it says no more than thanks: nothing has to be done about it."""
    return bool(_GRATITUDE.search(text)) and bool(_THANKS.fullmatch(text))


def calls_for_help(text: str) -> bool:
    """Whether it sounds like somebody in danger: a fall, pain in the chest, a cry for help."""
    return bool(_HELP.search(unicodedata.normalize("NFKC", text)))


def slot(number: int) -> int:
    """The short number people type for the `number`-th code of a phone (counting from 0)."""
    return FIRST_SLOT + number % (LAST_SLOT - FIRST_SLOT + 1)


def understand(body: str, threads: Sequence[Thread]) -> Understood | NotUnderstood:
    """What `body` means to a phone with these `threads`, newest first.

    Only the newest thread of a slot counts; older ones gave their number back long ago.
    """
    text = body.strip()
    match = _REPLY.match(text)
    if not match or _COUNTS.match(match["rest"]):
        return NotUnderstood(Unclear.NOT_UNDERSTOOD, text)
    digits = unicodedata.normalize("NFKC", match[1])  # full-width ３１ is 31
    rest = match["rest"].strip(" \t\r\n,.;:!?，。；：！？、」』”\"')）】")
    meant = _bare(digits, rest, text, threads) if len(digits) == 1 else _coded(digits, rest, text, threads)
    if isinstance(meant, Understood) and not _sincere(meant):
        return NotUnderstood(Unclear.NOT_UNDERSTOOD, text, meant.ref)
    return meant


def _sincere(meant: Understood) -> bool:
    """Whether the words behind a yes leave it one."""
    if meant.intent is Intent.ACCEPT:
        return not _TAKEN_BACK.match(meant.text)
    return meant.intent is not Intent.ALL_WELL or bool(_THANKS.fullmatch(meant.text))


def _coded(digits: str, rest: str, text: str, threads: Sequence[Thread]) -> Understood | NotUnderstood:
    """An answer that names its task."""
    named = next((t for t in threads if t.slot == int(digits[:-1])), None)
    if named is None:
        return NotUnderstood(Unclear.NOTHING_LIVE, text)
    intent = ANSWERS[named.stage].get(digits[-1])
    if intent is None:
        over = named.stage is Stage.OVER
        why = Unclear.NOTHING_LIVE if over else Unclear.NOT_UNDERSTOOD
        return NotUnderstood(why, text, named.ref, digits[-1], rest)
    return Understood(intent, named.ref, rest)


def _bare(digit: str, rest: str, text: str, threads: Sequence[Thread]) -> Understood | NotUnderstood:
    """An answer without a task's number: understood only when a single live task can be meant."""
    live = [thread for thread in threads if thread.stage is not Stage.OVER]
    if not live:
        # Most likely the last one was meant.
        last = threads[0].ref if threads else None
        return NotUnderstood(Unclear.NOTHING_LIVE, text, last, digit, rest)
    if len(live) > 1:
        return NotUnderstood(Unclear.AMBIGUOUS, text)
    intent = ANSWERS[live[0].stage].get(digit)
    if intent is None:
        return NotUnderstood(Unclear.NOT_UNDERSTOOD, text, live[0].ref)
    return Understood(intent, live[0].ref, rest)
