"""What may still come of the offers that are out, and for how long there is hope in them."""

import math
from collections.abc import Callable, Sequence
from datetime import datetime

from dispatcher.rules.decisions import PendingOffer
from dispatcher.rules.response import ResponseCurve

_STEPS = 8


class Outlook:
    """The offers of a task that are out: how likely one of them is still accepted."""

    def __init__(
        self, pending: Sequence[PendingOffer], now: datetime, curve: ResponseCurve, decline_share: float
    ) -> None:
        self.curve = curve
        self.offers = [(p.chance, max((now - p.created_at).total_seconds(), 0.0)) for p in pending]
        self.decline_share = decline_share

    def add(self, chance: float) -> None:
        """One more, made now."""
        self.offers.append((chance, 0.0))

    def within(self, look_ahead_s: float, after_s: float = 0.0) -> float:
        """The chance of a yes in the `look_ahead_s` that follow `after_s` of silence.

        1 − Π(1 − r), r the chance of each to say yes in it, given silence until then.
        """
        nobody = 1.0
        for p, age in self.offers:
            elapsed = age + after_s
            silent_so_far = self.curve.by(elapsed)
            declines = (1 - p) * self.decline_share
            left = 1 - (p + declines) * silent_so_far
            if left > 0:
                nobody *= 1 - p * (self.curve.by(elapsed + look_ahead_s) - silent_so_far) / left
        return 1 - nobody

    def ever(self, after_s: float = 0.0) -> float:
        """The chance of a yes at any time after `after_s` more of silence."""
        return self.within(math.inf, after_s)

    def falls(self, look_ahead_s: float, target_at: Callable[[float], float]) -> float:
        """After how many seconds of silence the chance falls below the target of that time."""
        return _first(lambda t: self.within(look_ahead_s, t) < target_at(t), look_ahead_s)

    def hopeful_for(self, enough: float, at_most_s: float, others: float) -> float:
        """For how many seconds of silence the chance that somebody comes is still `enough`.

        `others`: the chance that one of those who can still be asked says yes.
        """
        if others >= enough:
            return at_most_s

        def hopeless(after_s: float) -> bool:
            return 1 - (1 - self.ever(after_s)) * (1 - others) < enough

        return 0.0 if hopeless(0.0) else _first(hopeless, at_most_s)


def _first(happened: Callable[[float], bool], at_most: float) -> float:
    """The time in (0, `at_most`] at which something that then stays so becomes true, by bisection."""
    low, high = 0.0, at_most
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if happened(middle) else (middle, high)
    return high
