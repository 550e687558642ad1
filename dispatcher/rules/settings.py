"""Every figure of the dispatch policy in one place, with its unit. All of it is configuration."""

import re
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, time, timedelta
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
    `wave_max`: of the offers made within `pause_s`, the time that a wave is left alone, no more than so
    many wait for an answer: a no makes room for the next.
    `expiry_s`: the life of an offer. `rings_s`: when the rings same campus, neighbours and
    everybody on duty open. `enough`: when all who were asked or can be asked make it less likely than
    this that somebody comes, a person is told. `patience_s`: with everybody asked, or busy just now,
    how long the task may wait for somebody to become free before that. `coordinator_s`: when a person
    is told at the latest; also the target against which the board shows the age. `progress_s`: how
    long after accepting somebody should have moved.
    """

    target: float
    target_late: float
    look_ahead_s: float
    pause_s: float
    wave_max: int
    expiry_s: float
    rings_s: tuple[float, float, float]
    enough: float
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
    facet_weight: float = 3.8
    held_logit: float = -0.45
    ring_logit: tuple[float, float, float] = (0.0, -0.3, -0.6)
    fatigue_logit: float = -0.11
    fatigue_half_life_h: float = 24
    decline_share: float = 0.6
    curve_weight: float = 60


@dataclass(frozen=True)
class Price:
    """What asking somebody costs, against 1 for somebody rested who has done no more than others.

    `fatigue`: for each recent offer. `load`: for each multiple of the mean load (tasks per duty
    hour) above it. `pending`: for each other offer they have to answer. `urgent_share`: so much of all
    that counts when help is urgent, 0 to 1.
    """

    fatigue: float = 0.44
    load: float = 3.7
    pending: float = 0.62
    urgent_share: float = 0.02


@dataclass(frozen=True)
class DispatchSettings:
    """The policy's figures. `live_cap` and `daily_cap` count non-urgent offers to one volunteer.

    `recheck_s`: with nobody left to ask, how often to look whether somebody has come on duty.
    `check_s`: how long after delivery the retiree's word is waited for before somebody calls.
    """

    urgent: Pace = Pace(0.955, 0.98, 70, 48, 10, 300, (0, 60, 120), 0.88, 0, 240, 900)
    soon: Pace = Pace(0.5, 0.77, 120, 175, 1, 900, (0, 600, 1200), 0.24, 860, 2700, 3600)
    routine: Pace = Pace(0.38, 0.5, 200, 860, 1, 1800, (0, 1800, 3600), 0.08, 3300, 7200, 7200)
    learning: Learning = field(default_factory=Learning)
    price: Price = field(default_factory=Price)
    daily_cap: int = 3
    live_cap: int = 1
    recheck_s: float = 60
    check_s: float = 7200
    quiet: QuietHours | None = field(default_factory=lambda: QuietHours(time(21, 0), time(7, 0)))

    def quiet_until(self, local: datetime) -> datetime | None:
        """The end of the quiet hours that cover `local`, or None."""
        if self.quiet is None or not self.quiet.covers(local):
            return None
        return self.quiet.next_end(local)

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


_MOST_S = 30 * 86400
_A_LITTLE = 1e-9

_RANGES: dict[str, tuple[float, float]] = {
    "target": (0.001, 1), "target_late": (0.001, 1), "look_ahead_s": (1, _MOST_S),
    "pause_s": (0.001, _MOST_S), "wave_max": (1, 100), "expiry_s": (1, _MOST_S), "rings_s": (0, _MOST_S),
    "enough": (0, 1), "patience_s": (0, _MOST_S), "coordinator_s": (1, _MOST_S), "progress_s": (1, _MOST_S),
    "prior_accepts": (_A_LITTLE, 1000), "prior_refusals": (_A_LITTLE, 1000), "half_life_days": (0.01, 10_000),
    "facet_weight": (_A_LITTLE, 10_000), "held_logit": (-10, 0), "ring_logit": (-10, 0),
    "fatigue_logit": (-10, 0), "fatigue_half_life_h": (0.01, 10_000), "decline_share": (0, 1),
    "curve_weight": (_A_LITTLE, 100_000), "fatigue": (0, 1000), "load": (0, 1000), "pending": (0, 1000),
    "urgent_share": (0, 1), "daily_cap": (0, 1000), "live_cap": (0, 1000), "recheck_s": (1, _MOST_S),
    "check_s": (1, _MOST_S),
}  # fmt: skip
"""The least and the most of each figure: beyond them a rule would divide by nothing, or never act."""


def check(settings: Figures, prefix: str = "") -> None:
    """See whether all figures are such as the rules can work with.

    Raises:
        ValueError: one isn't; which, and what it should be.
    """
    for figure in fields(settings):
        name, value = prefix + figure.name, getattr(settings, figure.name)
        if isinstance(value, (Pace, Learning, Price)):
            check(value, f"{name}.")
        elif figure.type is bool and not isinstance(value, bool):
            raise ValueError(f"true or false is wanted: {name}")
        elif figure.name in _RANGES:
            numbers = _numbers(name, value, figure.type is int, figure.type not in (int, float))
            low, high = _RANGES[figure.name]
            if not all(low <= number <= high for number in numbers):
                raise ValueError(f"a number from {low:g} to {high:g} is wanted: {name}")
            if figure.name == "rings_s" and (numbers[0] != 0 or numbers != sorted(numbers)):
                raise ValueError(f"0 and then later times are wanted: {name}")
            if figure.name == "ring_logit" and numbers != sorted(numbers, reverse=True):
                raise ValueError(f"no further ring may weigh more than a nearer one: {name}")


def _numbers(name: str, value: object, whole: bool, three: bool) -> list[float]:
    numbers: list[Any] = list(value) if isinstance(value, tuple) else [value]
    if isinstance(value, tuple) != three or (three and len(numbers) != 3):
        raise ValueError(f"{'three numbers are' if three else 'a number is'} wanted: {name}")
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int if whole else (int, float)):
            raise ValueError(f"a {'whole ' if whole else ''}number is wanted: {name}")
    return numbers


def parse_quiet_hours(text: str) -> QuietHours | None:
    """Quiet hours from "21:00-07:00", or None from "off".

    Raises:
        ValueError: anything else.
    """
    if text.strip().lower() == "off":
        return None
    clock = re.fullmatch(r"\s*(\d\d?):(\d\d)\s*-\s*(\d\d?):(\d\d)\s*", text)
    if clock is None:
        raise ValueError(f'"21:00-07:00" or "off" is wanted, not {text!r}')
    hour, minute, until_hour, until_minute = map(int, clock.groups())
    return QuietHours(time(hour, minute), time(until_hour, until_minute))


def seconds(value: float) -> timedelta:
    """A duration from seconds."""
    return timedelta(seconds=value)
