"""Every figure of the dispatch policy in one place, with its unit. All of it is configuration."""

from dataclasses import dataclass, field, fields, replace
from datetime import time, timedelta
from typing import Any, TypeVar

from dispatcher.rules.availability import QuietHours

ROUTINE, SOON, URGENT = "routine", "soon", "urgent"
URGENCIES = (ROUTINE, SOON, URGENT)
"""From least to most pressing; a repeated call can only raise it."""

MEDICINE, GROCERIES, URGENT_HELP, OTHER = "medicine", "groceries", "urgent", "other"
CATEGORIES = (MEDICINE, GROCERIES, URGENT_HELP, OTHER)


Figures = TypeVar("Figures", bound="DispatchSettings | Pace | Learning | Price")


@dataclass(frozen=True)
class Pace:
    """How a kind of task looks for help. Durations in seconds, chances from 0 to 1.

    `target`: ask until the chance that somebody says yes within `look_ahead_s` reaches it, offers
    that are out already included. `target_late`: the same once `coordinator_s` have passed; in
    between it grows evenly, because a task that has waited long may wait less and less.
    `wave_max`: no more than so many are asked within `pause_s`, the time that a wave is left alone.
    `expiry_s`: the life of an offer. `rings_s`: when the rings same campus, neighbours and
    everybody on duty open. `patience_s`: with everybody asked, or busy just now, how long the task
    may wait for somebody to become free before a person is told. `coordinator_s`: when a person is
    told at the latest; also the target against which the board shows the age. `progress_s`: how
    long after accepting somebody should have moved.
    """

    target: float
    target_late: float
    look_ahead_s: float
    pause_s: float
    wave_max: int
    expiry_s: float
    rings_s: tuple[float, float, float]
    little: float
    patience_s: float
    coordinator_s: float
    progress_s: float


@dataclass(frozen=True)
class Learning:
    """How the chance that somebody accepts is learned.

    `prior_accepts`, `prior_refusals`: what is believed of somebody who was never asked, as if so
    many offers had been accepted and refused. `half_life_days`: evidence this old counts half.
    `facet_weight`: how many offers of one kind of help (or of one part of the day) it takes until
    what they say counts as much as what is known of the volunteer in general.
    `ring_logit`: what a further ring adds to the log odds. `fatigue_logit`: what each recent offer
    adds; an offer `fatigue_half_life_h` hours ago counts half. `decline_share`: of those who won't
    accept, how many say so. `curve_weight`: how many offers it takes until the learned time to
    answer counts as much as the assumed one.
    """

    enabled: bool = True
    prior_accepts: float = 1.8
    prior_refusals: float = 3.2
    half_life_days: float = 60
    facet_weight: float = 4.5
    held_logit: float = -0.5
    ring_logit: tuple[float, float, float] = (0.0, -0.3, -0.6)
    fatigue_logit: float = -0.09
    fatigue_half_life_h: float = 24
    decline_share: float = 0.6
    curve_weight: float = 60


@dataclass(frozen=True)
class Price:
    """What asking somebody costs, against 1 for somebody rested who has done no more than others.

    `fatigue`: for each recent offer. `load`: for each multiple of the mean load (tasks per duty
    hour) above it. `pending`: for each other offer they have to answer.
    """

    fatigue: float = 0.5
    load: float = 1.8
    pending: float = 0.75


@dataclass(frozen=True)
class DispatchSettings:
    """The policy's figures. `live_cap` and `daily_cap` count non-urgent offers to one volunteer.

    `little`: with nobody left to ask, a chance below this that somebody asked still says yes is not
    worth waiting for. `recheck_s`: with nobody left to ask, how often to look whether somebody has
    come on duty. `check_s`: how long after delivery the retiree's word is waited for before
    somebody calls.
    """

    urgent: Pace = Pace(0.95, 0.98, 60, 60, 11, 300, (0, 60, 120), 0.9, 0, 240, 900)
    soon: Pace = Pace(0.43, 0.7, 126, 165, 1, 900, (0, 600, 1200), 0.28, 950, 2700, 3600)
    routine: Pace = Pace(0.3, 0.4, 200, 1000, 1, 1800, (0, 1800, 3600), 0.11, 2470, 7200, 7200)
    learning: Learning = field(default_factory=Learning)
    price: Price = field(default_factory=Price)
    daily_cap: int = 3
    live_cap: int = 1
    recheck_s: float = 60
    check_s: float = 7200
    quiet: QuietHours | None = field(default_factory=lambda: QuietHours(time(21, 0), time(7, 0)))

    def pace(self, category: str, urgency: str) -> Pace:
        """The pace of a task: urgent help is urgent whatever was ticked, medicine never dawdles."""
        if is_urgent(category, urgency):
            return self.urgent
        if urgency == SOON or category == MEDICINE:
            return self.soon
        return self.routine


def is_urgent(category: str, urgency: str) -> bool:
    """Whether a task may wake people and pass the caps of those who agreed to it."""
    return urgency == URGENT or category == URGENT_HELP


def with_overrides(settings: Figures, overrides: dict[str, Any], prefix: str = "") -> Figures:
    """`settings` with values replaced by those of a nested mapping, as read from a TOML file.

    Raises:
        ValueError: a name that isn't a setting, so that a misspelt one can't pass unnoticed.
    """
    changes: dict[str, Any] = {}
    known = {f.name for f in fields(settings)}
    for name, value in overrides.items():
        if name not in known or name == "quiet":
            raise ValueError(f"unknown dispatch setting: {prefix}{name}")
        before = getattr(settings, name)
        if isinstance(before, (Pace, Learning, Price)):
            if not isinstance(value, dict):
                raise ValueError(f"a group of dispatch settings, not a value: {prefix}{name}")
            value = with_overrides(before, value, f"{prefix}{name}.")
        changes[name] = tuple(value) if isinstance(value, list) else value
    return replace(settings, **changes)


def parse_quiet_hours(text: str) -> QuietHours | None:
    """Quiet hours from "21:00-07:00", or None from "off".

    Raises:
        ValueError: anything else.
    """
    if text.strip().lower() == "off":
        return None
    start, _, end = text.partition("-")
    return QuietHours(time.fromisoformat(start.strip()), time.fromisoformat(end.strip()))


def seconds(value: float) -> timedelta:
    """A duration from seconds."""
    return timedelta(seconds=value)
