"""The volunteers among whom a task looks for help, as columns, so that thousands are weighed at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from dispatcher.rules.settings import CATEGORIES, DispatchSettings, Learning, Price

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

DAYPARTS = ("morning", "midday", "evening", "night")
"""From 6, 12, 17 and 22 o'clock, local time."""

FACETS = (*CATEGORIES, *DAYPARTS)
"""What outcomes are counted by: each offer counts once for its category and once for its hour."""

_OF_CATEGORY = slice(0, len(CATEGORIES))


def daypart(local: datetime) -> str:
    """The part of the day, for what is known of people by the hour."""
    hour = local.hour
    return DAYPARTS[3 if hour < 6 or hour >= 22 else 0 if hour < 12 else 1 if hour < 17 else 2]


def fading(elapsed: timedelta, half_life: timedelta) -> float:
    """What is left of something after `elapsed`, from 1 to 0."""
    return float(0.5 ** (max(elapsed, timedelta()) / half_life))


@dataclass(frozen=True)
class Candidate:
    """What the policy needs to know of a volunteer.

    `on_duty_until`: None off duty. `available`: neither paused nor stopped. `held`: tasks held now.
    `alerts_today`: non-urgent offers today. `live_offers`, `live_urgent`: those that wait for an answer,
    non-urgent and urgent. `agreed_urgent`: may be asked for urgent help in quiet hours and beyond the
    caps. `recent_offers`: offers lately, each fading with time. `load`: tasks for each hour on duty over
    four weeks. `week_load`: tasks taken in seven days, for people to read. `accepts`, `refusals`:
    faded outcomes by :data:`FACETS`.
    """

    volunteer_id: int
    campus_id: int
    on_duty_until: datetime | None = None
    available: bool = True
    agreed_urgent: bool = False
    held: int = 0
    capacity: int = 2
    alerts_today: int = 0
    live_offers: int = 0
    live_urgent: int = 0
    recent_offers: float = 0.0
    load: float = 0.0
    week_load: int = 0
    accepts: Sequence[float] = (0.0,) * len(FACETS)
    refusals: Sequence[float] = (0.0,) * len(FACETS)

    @property
    def on_duty(self) -> bool:
        """Whether they are on duty now."""
        return self.on_duty_until is not None


@dataclass(frozen=True)
class Crowd:
    """Candidates as columns of equal length n; `accepts` and `refusals` are (n, len(FACETS))."""

    volunteer_id: Ints
    campus_id: Ints
    on_duty: Flags
    available: Flags
    agreed_urgent: Flags
    held: Ints
    capacity: Ints
    alerts_today: Ints
    live_offers: Ints
    live_urgent: Ints
    recent_offers: Floats
    load: Floats
    accepts: Floats
    refusals: Floats

    @classmethod
    def of(cls, candidates: Iterable[Candidate]) -> "Crowd":
        """The columns of `candidates`."""
        people = list(candidates)
        columns: dict[str, Any] = {}
        for column in fields(cls):
            values = [getattr(person, column.name) for person in people]
            columns[column.name] = np.array(values, dtype=_TYPES[column.type])
        for name in ("accepts", "refusals"):
            columns[name] = columns[name].reshape(len(people), len(FACETS))
        return cls(**columns)

    def __len__(self) -> int:
        return len(self.volunteer_id)


_TYPES: dict[Any, type] = {Ints: np.int64, Flags: np.bool_, Floats: np.float64}


def bars(crowd: Crowd, urgent: bool, quiet: bool, settings: DispatchSettings) -> dict[str, Flags]:
    """Why each can't be asked now, by reason: the caps that nothing passes.

    Urgent help passes the last three for those who have agreed to it. Whoever has urgent help to
    answer isn't asked for anything else meanwhile.
    """
    answering = crowd.live_offers >= settings.live_cap
    spared = ~crowd.agreed_urgent if urgent else np.ones(len(crowd), dtype=np.bool_)
    return {
        "unavailable": ~crowd.available | (crowd.capacity < 1),
        "off_duty": ~crowd.on_duty,
        "busy": crowd.held >= crowd.capacity,
        "live_offer": spared & answering if urgent else answering | (crowd.live_urgent > 0),
        "daily_cap": spared & (crowd.alerts_today >= settings.daily_cap),
        "quiet_hours": spared & quiet,
    }


PASSING = ("busy", "live_offer")
"""Bars that may be gone in minutes: who has one of these alone may soon be asked."""


def log_odds(crowd: Crowd, category: str, part: str, learning: Learning) -> Floats:
    """How likely each is to accept this kind of help at this part of the day, as log odds.

    A mean of what is known of them for this category and for this hour, by :data:`_FACET_SHARES`. Each
    is a Beta mean that begins, not with what is believed of strangers, but with what is known of the
    volunteer in general, worth `facet_weight` offers. So a yes, of whatever kind, never makes anybody
    look less ready. Less for each recent offer and for each task in hand.
    """
    tired = learning.fatigue_logit * crowd.recent_offers + learning.held_logit * crowd.held
    if not learning.enabled:
        nothing = np.zeros(len(crowd))
        return _rounded(_beta_odds(nothing, nothing, learning) + tired)
    accepts, refusals = crowd.accepts[:, _OF_CATEGORY], crowd.refusals[:, _OF_CATEGORY]
    general = chance(_beta_odds(accepts.sum(axis=1), refusals.sum(axis=1), learning))
    odds, weight = tired, learning.facet_weight
    for facet, share in zip((category, part), _FACET_SHARES, strict=True):
        yes, no = crowd.accepts[:, FACETS.index(facet)], crowd.refusals[:, FACETS.index(facet)]
        odds = odds + share * np.log((yes + weight * general) / (no + weight * (1 - general)))
    return _rounded(odds)


def chance(odds: Floats) -> Floats:
    """Log odds as chances from 0 to 1."""
    return np.asarray(1 / (1 + np.exp(-odds)))


_LITTLE_LOAD = 0.001
"""Tasks per duty hour below which nobody has done more than others."""


def burdens(crowd: Crowd, price: Price) -> Floats:
    """What asking each costs beyond 1, the price of asking somebody rested who has done no more than
    others."""
    mean = float(crowd.load[crowd.on_duty].mean()) if crowd.on_duty.any() else 0.0
    above = np.maximum(crowd.load / max(mean, _LITTLE_LOAD) - 1, 0)
    return _rounded(
        price.fatigue * crowd.recent_offers
        + price.load * above
        + price.pending * (crowd.live_offers + crowd.live_urgent)
    )


def _rounded(values: Floats) -> Floats:
    """Without the last bits: they depend on the place in the column, which must decide nothing."""
    return np.round(values, 9)


_FACET_SHARES = (0.6, 0.4)
"""How much the category and the hour have to say; together they are the whole."""


def _beta_odds(accepts: Floats, refusals: Floats, learning: Learning) -> Floats:
    return np.asarray(np.log((accepts + learning.prior_accepts) / (refusals + learning.prior_refusals)))
