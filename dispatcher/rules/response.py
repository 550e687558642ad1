"""How fast people answer: the chance that somebody who will answer has answered by a given time.

The curve is assumed at first and learned from outcomes as they come in: for each stretch of time
after an offer, how many were still waiting for an answer at its start, and how many answered in it.
Offers that ended otherwise (withdrawn, expired) count for as long as they were watched, as in the
product-limit estimate of Kaplan and Meier (1958), so that nobody's silence is mistaken for an answer
that never came, nor a withdrawal for silence.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

from dispatcher.rules.settings import Learning

EDGES_S = (0, 10, 20, 30, 45, 60, 90, 120, 180, 300, 480, 720, 1200, 1800, 3600, 7200)
"""The stretches of time in which answers are counted begin here, in seconds; the last has no end."""

STRETCHES = len(EDGES_S)

REMEMBERED = 2000
"""So many offers of one campus are counted in full."""


@dataclass(frozen=True)
class ResponseCurve:
    """`answered[i]`: the share of all who will answer that has by `EDGES_S[i]`, from 0 to 1."""

    answered: tuple[float, ...]

    def by(self, elapsed_s: float) -> float:
        """The share that has answered after `elapsed_s` seconds."""
        if elapsed_s <= 0:
            return 0.0
        last = STRETCHES - 1
        if elapsed_s >= EDGES_S[last]:
            return 1.0
        i = bisect_right(EDGES_S, elapsed_s) - 1
        low, high = self.answered[i], self.answered[i + 1]
        return low + (high - low) * (elapsed_s - EDGES_S[i]) / (EDGES_S[i + 1] - EDGES_S[i])


@dataclass(frozen=True)
class Counts:
    """What was seen: for each stretch, offers still waiting at its start, and answered within it."""

    waiting: tuple[float, ...] = (0.0,) * STRETCHES
    answered: tuple[float, ...] = (0.0,) * STRETCHES


def observed(counts: Counts, elapsed_s: float, answered: bool, since_s: float = 0.0) -> Counts:
    """`counts` with one more offer, that ended `elapsed_s` seconds after it was made.

    `since_s`: for so long it has been counted already (it had expired, then came a late yes). `counts`
    are halved whenever :data:`REMEMBERED` offers have been counted, so that new habits show.
    """
    kept = 0.5 if counts.waiting[0] >= REMEMBERED else 1.0
    end = max(bisect_right(EDGES_S, elapsed_s) - 1, 0)
    # Watched only for a part of its last stretch: without an answer that part says nothing.
    watched = end + 1 if answered else end
    first = max(bisect_right(EDGES_S, since_s) - 1, 0)
    return Counts(
        tuple(n * kept + (first <= i < watched) for i, n in enumerate(counts.waiting)),
        tuple(n * kept + (answered and i == end) for i, n in enumerate(counts.answered)),
    )


def together(counts: Iterable[Counts]) -> Counts:
    """What was seen in several places."""
    every = list(counts) or [Counts()]
    return Counts(
        tuple(sum(column) for column in zip(*(c.waiting for c in every), strict=True)),
        tuple(sum(column) for column in zip(*(c.answered for c in every), strict=True)),
    )


@cache
def assumed(urgent: bool) -> ResponseCurve:
    """The curve before anything is known.

    Urgent: most take 15 s to notice and a Gamma(2, 15 s) to decide, a sixth takes minutes.
    Otherwise lognormal with a median of three minutes.
    """
    return ResponseCurve((*(_urgent(t) if urgent else _calm(t) for t in EDGES_S[:-1]), 1.0))


def learned(urgent: bool, counts: Counts, learning: Learning) -> ResponseCurve:
    """The assumed curve, moved by what was seen."""
    accepts = learning.prior_accepts / (learning.prior_accepts + learning.prior_refusals)
    ever, weight = accepts + (1 - accepts) * learning.decline_share, learning.curve_weight
    start = assumed(urgent).answered
    silent, cumulated = 1.0, [0.0]
    for i in range(STRETCHES - 1):
        before, after = ever * start[i], ever * start[i + 1]
        hazard = (after - before) / (1 - before)
        hazard = (weight * hazard + counts.answered[i]) / (weight + counts.waiting[i])
        silent *= 1 - hazard
        cumulated.append(1 - silent)
    if cumulated[-1] <= 0:
        return assumed(urgent)
    return ResponseCurve(tuple(min(c / cumulated[-1], 1.0) for c in cumulated))


@dataclass(frozen=True)
class Curves:
    """How fast people answer, for urgent help and otherwise."""

    urgent: ResponseCurve = field(default_factory=lambda: assumed(True))
    calm: ResponseCurve = field(default_factory=lambda: assumed(False))


def learned_curves(urgent: Counts, calm: Counts, learning: Learning) -> Curves:
    """How fast people answer, by what was seen so far."""
    return Curves(learned(True, urgent, learning), learned(False, calm, learning))


def _urgent(t: float) -> float:
    decided = max(t - 15, 0) / 15
    return 0.84 * (1 - (1 + decided) * math.exp(-decided)) + 0.16 * _lognormal(t, 240, 1.0)


def _calm(t: float) -> float:
    return _lognormal(t, 180, 1.1)


def _lognormal(t: float, median: float, sigma: float) -> float:
    return 0.5 * (1 + math.erf(math.log(t / median) / (sigma * math.sqrt(2)))) if t > 0 else 0.0
