"""Who is on duty when, and where that is few: the week of a roster, quarter hour by quarter hour."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

import numpy as np

from dispatcher.rules.availability import WEEK_MIN, QuietHours, Window
from dispatcher.simulation.world import BY_HOUR, QUARTERS_A_WEEK, START, ZONE, Flags, Floats, Ints

ENOUGH = 3
"""With fewer people than this to ask, on a campus and its neighbours together, it is thin there."""

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
    `people`: so many could be asked, on the campus and its neighbours. `weight`: the requests a
    week that fall into it, counted for the share of people that is missing.
    """

    places: tuple[int, ...]
    weekdays: tuple[int, ...]
    start_min: int
    minutes: int
    people: int
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


def thin_spots(roster: Roster, duty: Flags, quiet: QuietHours | None, per_day: float) -> list[Spot]:
    """Where and when fewer than :data:`ENOUGH` could be asked, the most pressing first.

    Stretches that are the same on several days, or for several campuses, are told together.
    """
    reach = within_reach(roster, duty, quiet)
    expected = per_day * np.tile(np.repeat(BY_HOUR / BY_HOUR.sum() / 4, 4), 7)
    days: defaultdict[tuple[int, int, int, int], list[int]] = defaultdict(list)
    weights: defaultdict[tuple[int, int, int, int], float] = defaultdict(float)
    for i, place in enumerate(roster.places):
        for first, length, people in _stretches(reach[i]):
            key = (i, first % _A_DAY, length, people)
            days[key].append(first // _A_DAY)
            quarters = np.arange(first, first + length) % QUARTERS_A_WEEK
            missing = (ENOUGH - people) / ENOUGH
            weights[key] += float(expected[quarters].sum()) * place.share * missing
    places: defaultdict[tuple[tuple[int, ...], int, int, int], list[int]] = defaultdict(list)
    total: defaultdict[tuple[tuple[int, ...], int, int, int], float] = defaultdict(float)
    for (i, start, length, people), weekdays in days.items():
        same = (tuple(sorted(weekdays)), start, length, people)
        places[same].append(i)
        total[same] += weights[i, start, length, people]
    spots = [
        Spot(tuple(where), same[0], same[1] * _QUARTER_MIN, same[2] * _QUARTER_MIN, same[3], total[same])
        for same, where in places.items()
    ]
    return sorted(spots, key=lambda s: (-s.weight, s.people, s.places, s.weekdays, s.start_min))


def _stretches(reach: Ints) -> list[tuple[int, int, int]]:
    """Runs of quarters with the same number of people, below enough: first quarter, length, number.

    The week is a circle: Sunday night runs on into Monday.
    """
    if (reach == reach[0]).all():
        return [(0, WEEK_MIN // _QUARTER_MIN, int(reach[0]))] if reach[0] < ENOUGH else []
    turn = int(np.flatnonzero(reach != np.roll(reach, 1))[0])
    runs, at = [], turn
    for people, group in groupby(np.roll(reach, -turn).tolist()):
        length = len(list(group))
        if people < ENOUGH:
            runs.append((at % QUARTERS_A_WEEK, length, people))
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
