"""From the text of an SMS reply to what the sender wants.

A code is `slot` (the task's number on that phone) and one digit for the answer, such as 31 for "task 3: yes".
With a single live task on the phone the answer alone is understood. The whole text is read: the digits
wherever they stand (:mod:`.numbers`), and whether the words around them agree (:mod:`.words`). What agrees is
done; what doesn't, or could mean two things, is asked about. The words are kept as the sender's own.

Letters are no commands: the gateway takes YES, STOP and the like for opting in and out. The one word that
is understood, from a volunteer, asks for the link to their own page. A retiree who is asked whether all is
well may say so in plain words, where nothing else can be meant.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from dispatcher.rules.replies.agreement import ANSWERS as ANSWERS
from dispatcher.rules.replies.agreement import DENIALS, REFUSALS, agrees, is_pleased, may_be_a_unit
from dispatcher.rules.replies.agreement import Intent as Intent
from dispatcher.rules.replies.agreement import Stage as Stage
from dispatcher.rules.replies.distress import calls_for_help as calls_for_help
from dispatcher.rules.replies.numbers import LONGEST, Group, groups, joinings
from dispatcher.rules.replies.text import plain
from dispatcher.rules.replies.words import HAS_COME, HAS_NOT_COME, are_thanks, says, signals

FIRST_SLOT, LAST_SLOT = 2, 99
"""Slots start at 2, so that "10" and "11" aren't mistaken for a bare answer typed twice."""


class Unclear(StrEnum):
    """Why a reply couldn't be acted on."""

    NOT_UNDERSTOOD = "not_understood"
    NOTHING_LIVE = "nothing_live"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True)
class Thread:
    """A task on the phone that replied. `ref` is the caller's own handle for it."""

    slot: int
    stage: Stage
    ref: int


@dataclass(frozen=True)
class Understood:
    """A reply that names exactly one live task and one thing to do. `text`: the sender's own words."""

    intent: Intent
    ref: int
    text: str


@dataclass(frozen=True)
class NotUnderstood:
    """A reply that can't be acted on. `ref`: the task it is most likely about. For one that names a task that
    is over: `answer` is the digit, `words` what was said with it."""

    why: Unclear
    text: str
    ref: int | None = None
    answer: str = ""
    words: str = ""

    def says(self, intent: Intent) -> bool:
        """Whether its digit and its words would have said `intent` while the task waited for an answer."""
        if intent is Intent.ALL_WELL and calls_for_help(self.text):
            return False
        digits = {answers.get(self.answer) for answers in ANSWERS.values()}
        return intent in digits and agrees(intent, self.words)


@dataclass(frozen=True)
class Several:
    """A reply that names several tasks: what it says of each, in its order."""

    parts: tuple[Understood | NotUnderstood, ...]


Meaning = Understood | NotUnderstood | Several


_PAGE_WORDS = frozenset(
    {"我的", "我的页面", "我的頁面", "我的主页", "我的主頁", "my page", "mypage", "my", "me"}
)
_AROUND = " \t\r\n,.;:!?，。；：！？、「」『』“”\"'‘’（）()【】"


def asks_for_page(body: str) -> bool:
    """Whether it says no more than the word by which volunteers ask for the link to their own page."""
    words = unicodedata.normalize("NFKC", body).strip(_AROUND).casefold()
    return " ".join(words.split()) in _PAGE_WORDS


def slot(number: int) -> int:
    """The short number people type for the `number`-th code of a phone (counting from 0)."""
    return FIRST_SLOT + number % (LAST_SLOT - FIRST_SLOT + 1)


@dataclass(frozen=True)
class _Claim:
    """One reading of one number: an answer to a task. `intent`: None when the task has no such answer (any
    more)."""

    thread: Thread
    answer: str
    intent: Intent | None
    words: str
    glued: bool = False


def understand(body: str, threads: Sequence[Thread]) -> Meaning:
    """What `body` means to a phone with these `threads`, newest first.

    Only the newest thread of a slot counts; older ones gave their number back long ago.
    """
    return _Reading(body, threads).meaning()


class _Reading:
    """One text read against the tasks on the phone that sent it."""

    def __init__(self, body: str, threads: Sequence[Thread]) -> None:
        self._body = body.strip()
        self._text = plain(body)
        self._groups = groups(self._text)
        self._by_slot = {thread.slot: thread for thread in reversed(threads)}
        self._last = threads[0] if threads else None
        live = [thread for thread in threads if thread.stage is not Stage.OVER]
        self._live = [thread for thread in live if self._by_slot[thread.slot] is thread]

    def meaning(self) -> Meaning:
        if not self._groups:
            return self._plain_words() or self._unclear()
        claims: list[_Claim] = []
        for group in self._groups:
            if group.counts or not group.stands_apart:
                continue
            read = self._claims(group)
            if read is None:
                return self._plain_words() or self._no_code(group)
            claims += [replace(claim, glued=group.glued) for claim in read]
        if not claims:
            return self._plain_words() or self._unclear(self._named_in_passing())
        if self._contested(claims):
            return self._unclear(claims[0].thread)
        parts = tuple({claim.thread.ref: self._answered(claim) for claim in claims}.values())
        return parts[0] if len(parts) == 1 else Several(parts)

    def _claims(self, group: Group) -> list[_Claim] | None:
        """The answers that a group of numbers gives; None when it gives none, or could give two."""
        if group.before_count and any(len(number) == 1 for number in group.numbers):
            # 2 10:42: the time, or a code that is parted in two?
            longer = joinings([*group.numbers, group.before_count])
            if any(self._coded(joined, "") for joined in longer):
                return None
        if len(group.numbers) == 1 and len(group.numbers[0]) == 1:
            bare = self._bare(group.numbers[0], group.words)
            return [bare] if bare is not None and len(self._apart()) == 1 else None
        readings = [read for joined in joinings(group.numbers) if (read := self._coded(joined, group.words))]
        if len(readings) != 1:
            return None
        read = readings[0]
        joins = len(read) < len(group.numbers)
        as_written = any(self._code(number, "") for number in group.numbers if len(number) > 1)
        bare = self._bare(group.numbers[0], "") if len(group.numbers[0]) == 1 else None
        if joins and (as_written or (bare is not None and self._outdoes(bare, read[0]))):
            return None
        return read

    @staticmethod
    def _outdoes(bare: _Claim, joined: _Claim) -> bool:
        """Whether a first digit by itself says too much for the code that it begins to be believed."""
        return joined.intent is None or (bare.intent in REFUSALS and bare.intent is not joined.intent)

    def _apart(self) -> list[Group]:
        return [group for group in self._groups if group.stands_apart]

    def _coded(self, codes: Sequence[str], words: str) -> list[_Claim]:
        """What these codes claim, if each of them is one."""
        read = [self._code(code, words) for code in codes]
        return [claim for claim in read if claim is not None] if all(read) else []

    def _code(self, digits: str, words: str) -> _Claim | None:
        """What a slot and an answer claim, if the phone has that slot."""
        if len(digits) < 2 or digits.startswith("0"):
            return None
        thread = self._by_slot.get(int(digits[:-1]))
        if thread is None:
            return None
        intent = ANSWERS[thread.stage].get(digits[-1])
        known = intent is not None or thread.stage is Stage.OVER
        return _Claim(thread, digits[-1], intent, words) if known else None

    def _bare(self, digit: str, words: str) -> _Claim | None:
        """What an answer without a slot claims: something only when a single live task can be meant."""
        if len(self._live) != 1:
            return None
        intent = ANSWERS[self._live[0].stage].get(digit)
        return _Claim(self._live[0], digit, intent, words) if intent is not None else None

    def _contested(self, claims: list[_Claim]) -> bool:
        """Whether another number of the text says something else of a task that is claimed."""
        said = {claim.thread.ref: claim.intent for claim in claims}
        others = [
            other
            for group in self._groups
            if not group.stands_apart
            for other in self._mentions(group, at_start=group is self._groups[0])
        ]
        within = [part for group in self._groups if group.stands_apart for part in self._parts(group)]
        within = [part for part in within if part.thread.ref in said]
        return any(said.get(claim.thread.ref) is not claim.intent for claim in [*claims, *others, *within])

    def _parts(self, group: Group) -> Iterator[_Claim]:
        """What some of the numbers of a group claim when they are put together, and the rest left aside."""
        numbers = group.numbers
        for start in range(len(numbers)):
            for end in range(start + 2, min(start + LONGEST, len(numbers)) + 1):
                claim = self._code("".join(numbers[start:end]), "")
                if claim is not None and claim.intent is not None:
                    yield claim

    def _mentions(self, group: Group, at_start: bool) -> Iterator[_Claim]:
        """What a number within a sentence claims; one that counts, at the beginning of the text only."""
        if group.counts and not at_start:
            return
        for joined in joinings(group.numbers):
            for number in joined:
                claim = self._bare(number, "") if len(number) == 1 else self._code(number, "")
                if claim is not None and claim.intent is not None:
                    yield claim

    def _named_in_passing(self) -> Thread | None:
        named = (claim for group in self._groups for claim in self._mentions(group, at_start=False))
        return next((claim.thread for claim in named), None)

    def _answered(self, claim: _Claim) -> Understood | NotUnderstood:
        """What is done about a claim, if the words leave it what the digits say."""
        words = _trimmed(claim.words)
        if claim.intent is None:
            return NotUnderstood(Unclear.NOTHING_LIVE, self._body, claim.thread.ref, claim.answer, words)
        intent = claim.intent
        if intent is Intent.ALL_WELL and (signals(claim.words) & DENIALS or calls_for_help(self._body)):
            # Whoever is asked whether all is well and says what isn't shall be called, whatever the digit.
            intent = Intent.PROBLEM
        counts = intent in REFUSALS and may_be_a_unit(claim.words, claim.glued)
        if counts or not agrees(intent, claim.words):
            return NotUnderstood(Unclear.NOT_UNDERSTOOD, self._body, claim.thread.ref)
        return Understood(intent, claim.thread.ref, words)

    def _no_code(self, group: Group) -> NotUnderstood:
        """A number that stands like a code and isn't one of a live task on this phone, or isn't only one."""
        apart = self._apart()
        alone = len(apart) == 1 and len(group.numbers) == 1
        if not alone:
            return self._unclear()
        if len(group.numbers[0]) > 1:
            known = int(group.numbers[0][:-1]) in self._by_slot
            return self._unclear() if known else NotUnderstood(Unclear.NOTHING_LIVE, self._body)
        if not self._live:
            # Most likely the last one was meant.
            ref = self._last.ref if self._last else None
            words = _trimmed(group.words)
            return NotUnderstood(Unclear.NOTHING_LIVE, self._body, ref, group.numbers[0], words)
        if len(self._live) > 1:
            return NotUnderstood(Unclear.AMBIGUOUS, self._body)
        return self._unclear()

    def _plain_words(self) -> Understood | None:
        """A retiree's own words about the one thing that they are asked."""
        if len(self._live) != 1 or self._live[0].stage is not Stage.CHECK:
            return None
        ref, words, said = self._live[0].ref, _trimmed(self._text), signals(self._text)
        if said & DENIALS and says(words, HAS_NOT_COME):
            return Understood(Intent.PROBLEM, ref, words)
        gladly = not self._groups and is_pleased(self._text) and says(words, HAS_COME)
        gladly = gladly and not calls_for_help(self._body)
        return Understood(Intent.ALL_WELL, ref, words) if gladly else None

    def _unclear(self, about: Thread | None = None) -> NotUnderstood:
        about = about or (self._live[0] if len(self._live) == 1 else None)
        return NotUnderstood(Unclear.NOT_UNDERSTOOD, self._body, about.ref if about else None)


def only_thanks(body: str) -> bool:
    """Whether a text thanks or acknowledges, and says nothing else."""
    text = plain(body)
    return not re.search(r"\d", text) and are_thanks(text) and not calls_for_help(body)


def _trimmed(words: str) -> str:
    return words.strip(" \t\r\n,.;:!?，。；：！？、「」『』“”\"'‘’()（）【】[]-—_|*#")
