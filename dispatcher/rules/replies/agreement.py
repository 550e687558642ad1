"""What a digit answers, and what the words beside it must and mustn't say for that."""

import re
from dataclasses import dataclass
from enum import StrEnum

from dispatcher.rules.replies.words import Signal, signals, unknown


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
class Agreement:
    """What the words beside an answer must and mustn't say.

    `never`: signals that disagree with it always; `alone`: unless one of `unless` is there too. `needs`: an
    answer that somebody counts on. Unless the words are mere courtesy, one of these must be there, and every
    word must be known: a single one that isn't may say that they can't.
    """

    never: frozenset[Signal] = frozenset()
    alone: frozenset[Signal] = frozenset()
    unless: frozenset[Signal] = frozenset()
    needs: frozenset[Signal] = frozenset()

    def holds(self, words: str) -> bool:
        """Whether `words` leave the answer what its digits say."""
        said = signals(words)
        if said & self.never or (said & self.alone and not said & self.unless):
            return False
        if not self.needs:
            return True
        return not unknown(words) and (said <= COURTESY or bool(said & self.needs))


def _these(*signals: Signal) -> frozenset[Signal]:
    return frozenset(signals)


COURTESY = _these(Signal.POLITE, Signal.PLEASED)
DENIALS = _these(Signal.NO, Signal.TROUBLE)
_COMES = _these(Signal.YES, Signal.WILL, Signal.GOING, Signal.DONE)
_EXCUSES = DENIALS | {Signal.SORRY, Signal.LATER, Signal.ANOTHER_DAY}
_DOUBT = DENIALS | {Signal.MISTAKE, Signal.UNSURE, Signal.ANOTHER_DAY}

_WONT_COME = Agreement(
    never=_these(Signal.MISTAKE, Signal.QUESTION), alone=_COMES | {Signal.TIME, Signal.NOT_YET},
    unless=_EXCUSES,
)  # fmt: skip

AGREEMENT: dict[Intent, Agreement] = {
    Intent.ACCEPT: Agreement(
        never=_DOUBT, alone=_these(Signal.QUESTION, Signal.SORRY), unless=_these(Signal.WILL, Signal.GOING),
        needs=_COMES | {Signal.TIME, Signal.NOT_YET, Signal.LATER, Signal.PLACE, Signal.GOT},
    ),
    Intent.DECLINE: _WONT_COME,
    Intent.HAND_BACK: _WONT_COME,
    Intent.UNDERWAY: Agreement(
        never=_DOUBT | {Signal.DONE, Signal.LATER}, alone=_these(Signal.QUESTION),
        unless=_these(Signal.GOING),
        needs=_these(Signal.GOING, Signal.WILL, Signal.YES, Signal.TIME, Signal.NOT_YET, Signal.GOT),
    ),
    Intent.DELIVERED: Agreement(
        never=_DOUBT | {Signal.QUESTION, Signal.NOT_YET, Signal.LATER},
        alone=_these(Signal.GOING, Signal.WILL, Signal.TIME), unless=_these(Signal.DONE),
        needs=_these(Signal.DONE, Signal.YES),
    ),
    Intent.PROBLEM: Agreement(
        never=_these(Signal.MISTAKE), alone=_these(Signal.QUESTION, Signal.PLEASED, Signal.YES),
        unless=DENIALS,
    ),
}  # fmt: skip
"""What the words beside an answer must say; "all is well", which ends a task, has a rule of its own."""

REFUSALS = frozenset({Intent.DECLINE, Intent.HAND_BACK, Intent.PROBLEM})
_GLAD = _these(Signal.PLEASED, Signal.YES, Signal.DONE, Signal.GOT)


def agrees(intent: Intent, words: str) -> bool:
    """Whether `words` leave an answer what its digits say."""
    if intent is not Intent.ALL_WELL:
        return AGREEMENT[intent].holds(words)
    # This ends a task, so the words must be pleased ones, be known to the last, and count nothing.
    says_nothing = not signals(words) and not unknown(words) and not re.search(r"\d", words)
    return says_nothing or is_pleased(words)


def may_be_a_unit(words: str, glued: bool) -> bool:
    """Whether `words` behind a number may only say what it counts: nobody knows them, they excuse nothing,
    and they are `glued` to its last digit, or they are all that is said and as short as a unit."""
    left, said = unknown(words), signals(words)
    short = not said and len(left) <= 2 and not left.isascii()
    return bool(left) and (glued or short) and not said & _EXCUSES


def is_pleased(words: str) -> bool:
    """Whether `words` say that all is well, and nothing besides."""
    said = signals(words)
    nothing_else = said <= _GLAD | {Signal.POLITE, Signal.SORRY} and not unknown(words)
    return bool(said & _GLAD) and nothing_else and not re.search(r"\d", words)
