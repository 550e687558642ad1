"""What outcomes teach: evidence for and against each volunteer, fading with time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatcher.rules.crowd import FACETS, daypart, fading
from dispatcher.rules.settings import Learning


@dataclass(frozen=True)
class Evidence:
    """Offers accepted and refused, by :data:`FACETS`, as much as counts at `as_of`."""

    accepts: Sequence[float]
    refusals: Sequence[float]
    as_of: datetime

    def at(self, now: datetime, learning: Learning) -> "Evidence":
        """The same, faded."""
        left = fading(now - self.as_of, timedelta(days=learning.half_life_days))
        return Evidence([n * left for n in self.accepts], [n * left for n in self.refusals], now)


def outcome(
    before: Evidence,
    category: str,
    made: datetime,
    ended: datetime,
    accepted: bool,
    learning: Learning,
    refused_at: datetime | None = None,
) -> Evidence:
    """`before` with one more outcome: an offer of this category, made and ended at these local times.

    An offer that was declined or has expired is a refusal; one that was withdrawn says nothing. A yes
    that comes late takes back the refusal that was counted at `refused_at`, when the offer expired.
    """
    faded = before.at(ended, learning)
    taken_back = fading(ended - refused_at, timedelta(days=learning.half_life_days)) if refused_at else 0.0
    hits = {FACETS.index(category), FACETS.index(daypart(made))}
    return Evidence(
        [n + (accepted and i in hits) for i, n in enumerate(faded.accepts)],
        [max(n + (not accepted) - taken_back, 0.0) if i in hits else n for i, n in enumerate(faded.refusals)],
        ended,
    )


def recent_offers(recent: float, since: timedelta, learning: Learning) -> float:
    """What is left of recent offers `since` after the last of them."""
    return recent * fading(since, timedelta(hours=learning.fatigue_half_life_h))
