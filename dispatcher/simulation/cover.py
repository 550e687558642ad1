"""Who is on duty when, and where that is few: the week of a roster, quarter hour by quarter hour."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import NamedTuple

import numpy as np

from dispatcher.rules.availability import QuietHours, Window
from dispatcher.simulation.world import BY_HOUR, QUARTERS_A_WEEK, START, ZONE, Flags, Floats, Ints

ENOUGH = 6
"""With fewer people than this to ask, on a campus and its neighbours together, it is thin there: of
those who are asked one in three says yes at once, of six in nine cases out of ten somebody does."""

_BANDS = (1, 3, ENOUGH)

_A_DAY = QUARTERS_A_WEEK // 7
_QUARTER_MIN = 15


@dataclass(frozen=True)
class Place:
    """One campus: its neighbours by index, nearest first, and its share of all requests, 0 to 1."""

    neighbours: tuple[int, ...]
    share: float


@dataclass(frozen=True)
class Person:
    """One volunteer: the index of their campus, and what they have agreed to."""

    place: int
    windows: tuple[Window, ...]
    agreed_urgent: bool
    capacity: int


@dataclass(frozen=True)
class Roster:
    """The campuses and the volunteers who serve them."""

    places: tuple[Place, ...]
    people: tuple[Person, ...]


@dataclass(frozen=True)
class Spot:
    """A stretch of the week with too few people to ask for urgent help.

    `places`: indices of the campuses for which it holds. `weekdays`: on which it begins, 0 is
    Monday. `start_min`: since midnight. `minutes`: how long it lasts; 10080 is the whole week.
    `fewest`, `most`: so many could be asked, on the campus and its neighbours. `weight`: the requests
    a week that fall into it, each counted for the share of people that is missing.
    """

    places: tuple[int, ...]
    weekdays: tuple[int, ...]
    start_min: int
    minutes: int
    fewest: int
    most: int
    weight: float

    @property
    def end_min(self) -> int:
        """When it ends, in minutes since midnight of the day of the end."""
        return (self.start_min + self.minutes) % (24 * 60)


def duty_mask(people: Sequence[Person]) -> Flags:
    """(672, n): who is on duty in each quarter of the week; windows are rounded to quarters."""
    mask = np.zeros((QUARTERS_A_WEEK, len(people)), dtype=np.bool_)
    for column, person in enumerate(people):
        for window in person.windows:
            first, end = (round(minute / _QUARTER_MIN) for minute in (window.start_min, window.end_min))
            mask[window.weekday * _A_DAY + first : window.weekday * _A_DAY + end, column] = True
    return mask


def on_duty(roster: Roster, duty: Flags) -> Ints:
    """(campuses, 672): how many of each campus are on duty."""
    at = [person.place for person in roster.people]
    count = np.zeros((len(roster.places), QUARTERS_A_WEEK), dtype=np.int64)
    np.add.at(count, at, duty.T)
    return count


def within_reach(roster: Roster, duty: Flags, quiet: QuietHours | None) -> Ints:
    """(campuses, 672): how many could be asked for urgent help, on each campus and its neighbours.

    In quiet hours only those who have agreed to it.
    """
    agreed = np.array([person.agreed_urgent for person in roster.people], dtype=np.bool_)
    own = on_duty(roster, duty & (agreed | ~_quiet(quiet)[:, None]))
    return np.array(
        [
            own[[i, *(n for n in place.neighbours if n != i)]].sum(axis=0)
            for i, place in enumerate(roster.places)
        ]
    ).reshape(len(roster.places), QUARTERS_A_WEEK)


class _Stretch(NamedTuple):
    """Quarters after midnight, how many of them, and how many people at least and at most."""

    start: int
    length: int
    fewest: int
    most: int


def thin_spots(roster: Roster, duty: Flags, quiet: QuietHours | None, per_day: float) -> list[Spot]:
    """Where and when fewer than :data:`ENOUGH` could be asked: where there is nobody first, then one
    or two, then more; and of these where most requests are hit.

    A stretch ends where one of these becomes another. Stretches that are the same on several days,
    or for several campuses, are told together.
    """
    expected = per_day * np.tile(np.repeat(BY_HOUR / BY_HOUR.sum() / 4, 4), 7)
    days: defaultdict[tuple[int, _Stretch], list[int]] = defaultdict(list)
    weights: defaultdict[tuple[int, _Stretch], float] = defaultdict(float)
    for i, reach in enumerate(within_reach(roster, duty, quiet)):
        missed = roster.places[i].share * expected * np.maximum(1 - reach / ENOUGH, 0)
        for first, length in _stretches(reach):
            quarters = np.arange(first, first + length) % QUARTERS_A_WEEK
            people = reach[quarters]
            same = _Stretch(first % _A_DAY, length, int(people.min()), int(people.max()))
            days[i, same].append(first // _A_DAY)
            weights[i, same] += float(missed[quarters].sum())
    places: defaultdict[tuple[tuple[int, ...], _Stretch], list[int]] = defaultdict(list)
    for (i, stretch), weekdays in days.items():
        places[tuple(sorted(weekdays)), stretch].append(i)
    spots = [
        Spot(
            tuple(where), weekdays, stretch.start * _QUARTER_MIN, stretch.length * _QUARTER_MIN,
            stretch.fewest, stretch.most, sum(weights[i, stretch] for i in where),
        )
        for (weekdays, stretch), where in places.items()
    ]  # fmt: skip
    return sorted(spots, key=lambda s: (_band(s.fewest), -s.weight, s.places, s.weekdays, s.start_min))


def _band(people: int) -> int:
    return int(np.searchsorted(_BANDS, people, side="right"))


def _stretches(reach: Ints) -> list[tuple[int, int]]:
    """Runs of quarters in the same band, below enough: first quarter of the week, and length.

    The week is a circle: Sunday night runs on into Monday.
    """
    band = np.searchsorted(_BANDS, reach, side="right")
    edges = np.flatnonzero(band != np.roll(band, 1))
    at = int(edges[0]) if len(edges) else 0
    runs = []
    for which, group in groupby(np.roll(band, -at).tolist()):
        length = len(list(group))
        if which < len(_BANDS):
            runs.append((at % QUARTERS_A_WEEK, length))
        at += length
    return runs


def _quiet(quiet: QuietHours | None) -> Flags:
    """Which quarters of the week lie in quiet hours."""
    if quiet is None:
        return np.zeros(QUARTERS_A_WEEK, dtype=np.bool_)
    monday = START.astimezone(ZONE)
    quarters = [monday + timedelta(minutes=_QUARTER_MIN * q) for q in range(_A_DAY)]
    return np.tile(np.array([quiet.covers(local) for local in quarters]), 7)


def mean_by_block(count: Ints, hours: int) -> Floats:
    """(campuses, 24 / hours): the mean over the week for each so many hours of the day."""
    by_day = count.reshape(len(count), 7, 24 // hours, hours * 4)
    return np.asarray(by_day.mean(axis=(1, 3)))
