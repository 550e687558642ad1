"""Every figure of the dispatch policy in one place, with its unit. All of it is configuration."""

from dataclasses import dataclass, field, fields, replace
from datetime import time, timedelta
from typing import Any

from dispatcher.rules.availability import QuietHours

ROUTINE, SOON, URGENT = "routine", "soon", "urgent"
URGENCIES = (ROUTINE, SOON, URGENT)
"""From least to most pressing; a repeated call can only raise it."""

MEDICINE, GROCERIES, URGENT_HELP, OTHER = "medicine", "groceries", "urgent", "other"
CATEGORIES = (MEDICINE, GROCERIES, URGENT_HELP, OTHER)


@dataclass(frozen=True)
class Pace:
    """How fast a kind of task looks for help. All durations in seconds.

    `wave`: how many are asked at once. `look_ahead_s`: how long an unanswered offer counts as
    likely to be accepted before the next wave. `expiry_s`: the life of an offer. `rings_s`: when
    the rings same campus, neighbours and everybody on duty open. `coordinator_s`: when a person is
    told at the latest; also the target against which the board shows the age. `progress_s`: how
    long after accepting somebody should have moved.
    """

    wave: int
    look_ahead_s: float
    expiry_s: float
    rings_s: tuple[float, float, float]
    coordinator_s: float
    progress_s: float


@dataclass(frozen=True)
class DispatchSettings:
    """The policy's figures. `live_cap` and `daily_cap` count non-urgent offers to one volunteer.

    `recheck_s`: with nobody left to ask, how often to look whether somebody has come on duty.
    `check_s`: how long after delivery the retiree's word is waited for before somebody calls.
    """

    urgent: Pace = Pace(4, 60, 300, (0, 60, 120), 240, 900)
    soon: Pace = Pace(2, 180, 900, (0, 600, 1200), 2700, 3600)
    routine: Pace = Pace(1, 420, 1800, (0, 1800, 3600), 7200, 7200)
    daily_cap: int = 4
    live_cap: int = 1
    urgent_live_max: int = 8
    recheck_s: float = 120
    check_s: float = 7200
    quiet: QuietHours | None = field(default_factory=lambda: QuietHours(time(21, 0), time(7, 0)))

    def pace(self, category: str, urgency: str) -> Pace:
        """The pace of a task: urgent help is urgent whatever was ticked, medicine never dawdles."""
        if urgency == URGENT or category == URGENT_HELP:
            return self.urgent
        if urgency == SOON or category == MEDICINE:
            return self.soon
        return self.routine


def is_urgent(category: str, urgency: str) -> bool:
    """Whether a task may wake people and pass the caps of those who agreed to it."""
    return urgency == URGENT or category == URGENT_HELP


def with_overrides(settings: DispatchSettings, overrides: dict[str, Any]) -> DispatchSettings:
    """`settings` with values replaced by those of a nested mapping, as read from a TOML file.

    Raises:
        ValueError: a name that isn't a setting, so that a misspelt one can't pass unnoticed.
    """
    changes: dict[str, Any] = {}
    known = {f.name for f in fields(settings)}
    for name, value in overrides.items():
        if name not in known or name == "quiet":
            raise ValueError(f"unknown dispatch setting: {name}")
        before = getattr(settings, name)
        if isinstance(before, Pace):
            pace_names = {f.name for f in fields(Pace)}
            if unknown := set(value) - pace_names:
                raise ValueError(f"unknown dispatch setting: {name}.{min(unknown)}")
            value = {k: tuple(v) if isinstance(v, list) else v for k, v in value.items()}
            changes[name] = replace(before, **value)
        else:
            changes[name] = value
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
