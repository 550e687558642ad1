"""The simulated world: who is where and on duty when, what is asked for, and how people answer.

Every draw belongs to a pair (task, volunteer) and comes from a generator keyed by the seed and the
task, so that whatever a rule does it meets the same world: common random numbers.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from dispatcher.rules.settings import GROCERIES, MEDICINE, ROUTINE, SOON, URGENT, URGENT_HELP

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

ZONE = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 3, 1, 16, 0, tzinfo=UTC)  # a Monday, 00:00 in Shanghai
HOUR, DAY = 3600.0, 86400.0
QUARTER = 900.0
QUARTERS_A_WEEK = 7 * 96

KINDS = (URGENT_HELP, MEDICINE, GROCERIES)
URGENCY_OF = {URGENT_HELP: URGENT, MEDICINE: SOON, GROCERIES: ROUTINE}

BY_HOUR = np.array(
    [0.15, 0.15, 0.1, 0.1, 0.15, 0.3, 0.6, 1.0, 1.5, 2.4, 2.6, 2.4,
     1.3, 1.1, 1.2, 1.3, 1.5, 2.2, 2.2, 1.7, 0.9, 0.6, 0.4, 0.2]
)  # fmt: skip
"""How many requests come at each hour, against one another: two peaks, and a few at night."""


@dataclass(frozen=True)
class Behaviour:
    """What is assumed of people. Log odds unless said otherwise.

    `skill`, `skill_sd`: how readily a volunteer says yes, mean and spread. `category_sd`: how much
    that differs by the kind of help; `hour_sd`: by the time of day, a wave with its own peak.
    `per_km`: for each kilometre of way. `fatigue`: for each offer of late, fading evenly to nothing
    in `fatigue_h` hours; past `mute_after` offers in a day the telephone is put away until midnight.
    `holding`: for each task already in hand. `declines`: of those who don't accept, how many say so.
    `speed_sd`: spread of the logarithm of how fast people are; `slowness`: so many times as long all
    of them take.
    """

    skill: float = -0.55
    skill_sd: float = 0.9
    category_sd: float = 0.5
    hour_sd: float = 0.5
    per_km: float = -0.13
    fatigue: float = -0.12
    fatigue_h: float = 36
    mute_after: int | None = 4
    holding: float = -0.7
    declines: float = 0.6
    speed_sd: float = 0.3
    slowness: float = 1.0


@dataclass(frozen=True)
class Scenario:
    """One set of circumstances. `handback`: the share of accepted tasks that come back.

    `surge`: so many requests more from 14:00 to 15:00 of the third day; `burst`: so many more at
    14:30 of that day, all at once. `service_s`: median time a task keeps its volunteer busy, lognormal.
    `desks`: so many tasks the coordinator can see to at once, urgent help first; None: any number.
    """

    tasks_per_day: float = 30
    volunteers: int = 120
    days: int = 28
    fatigue: str = "assumed"
    handback: float = 0.05
    surge: int = 0
    burst: int = 0
    campuses: tuple[float, ...] = (0.30, 0.25, 0.20, 0.15, 0.10)
    kinds: tuple[float, ...] = (0.10, 0.35, 0.55)
    service_s: float = 45 * 60
    desks: int | None = None
    behaviour: Behaviour = field(default_factory=Behaviour)

    def behaves(self) -> Behaviour:
        """The behaviour with the fatigue of this scenario: "none", "assumed" or "double"."""
        if self.fatigue == "none":
            return replace(self.behaviour, fatigue=0.0, mute_after=None)
        if self.fatigue == "double":
            return replace(self.behaviour, fatigue=2 * self.behaviour.fatigue)
        return self.behaviour


@dataclass(frozen=True)
class Volunteers:
    """The roster: n volunteers. `place`: kilometres. `duty`: (672, n), by quarter of the week."""

    campus: Ints
    place: Floats
    duty: Flags
    agreed_urgent: Flags
    capacity: Ints
    skill: Floats
    category: Floats
    hour_size: Floats
    hour_peak: Floats
    speed: Floats

    def __len__(self) -> int:
        return len(self.campus)

    @cached_property
    def weekly_hours(self) -> Floats:
        """Hours on duty in a week."""
        return np.asarray(self.duty.sum(axis=0) / 4.0)


@dataclass(frozen=True)
class Need:
    """One task to come: seconds after the start, where, and what."""

    task_id: int
    at: float
    campus: int
    place: tuple[float, float]
    category: str

    @property
    def urgency(self) -> str:
        """As the operator would mark it."""
        return URGENCY_OF[self.category]


@dataclass(frozen=True)
class Draws:
    """What chance holds for one task: for each volunteer, and for the task itself."""

    accepts: Floats
    speaks: Floats
    delay: Floats
    handback: Floats
    service: float
    coordinator_s: float


class World:
    """One seed of one scenario: its volunteers, its needs, and how each would answer."""

    def __init__(self, seed: int, scenario: Scenario, volunteers: Volunteers | None = None,
                 sites: Floats | None = None) -> None:  # fmt: skip
        self.seed, self.scenario, self.behaviour = seed, scenario, scenario.behaves()
        rng = np.random.default_rng([seed, 1])
        self.sites = _sites(len(scenario.campuses)) if sites is None else sites
        self.volunteers = _volunteers(rng, scenario, self.sites) if volunteers is None else volunteers
        self.needs = _needs(np.random.default_rng([seed, 2]), scenario, self.sites)
        self._draws: dict[int, Draws] = {}
        self._distance: dict[int, Floats] = {}

    @cached_property
    def neighbours(self) -> list[tuple[int, ...]]:
        """For each campus its two nearest, nearest first."""
        away = np.linalg.norm(self.sites[:, None] - self.sites[None], axis=2)
        return [tuple(int(c) for c in np.argsort(row)[1:3]) for row in away]

    def on_duty(self, at: float) -> Flags:
        """Who is on duty at a moment."""
        return np.asarray(self.volunteers.duty[int(at // QUARTER) % QUARTERS_A_WEEK])

    def distance(self, need: Need) -> Floats:
        """How far each volunteer is, in kilometres."""
        if need.task_id not in self._distance:
            away = self.volunteers.place - np.array(need.place)
            self._distance[need.task_id] = np.hypot(away[:, 0], away[:, 1])
        return self._distance[need.task_id]

    def readiness(self, need: Need, at: float) -> Floats:
        """The log odds of each to accept, rested."""
        people, hour = self.volunteers, at % DAY / HOUR
        swing = people.hour_size * np.cos((hour - people.hour_peak) * (2 * np.pi / 24))
        return np.asarray(
            people.skill
            + people.category[:, KINDS.index(need.category)]
            + swing
            + self.behaviour.per_km * self.distance(need)
        )

    def draws(self, need: Need) -> Draws:
        """What chance holds for this task, the same whoever asks."""
        if need.task_id not in self._draws:
            self._draws[need.task_id] = self._draw(need)
        return self._draws[need.task_id]

    def _draw(self, need: Need) -> Draws:
        n = len(self.volunteers)
        rng = np.random.Generator(np.random.Philox(key=[self.seed, need.task_id]))
        accepts, speaks, handback, slow = rng.random((4, n))
        bell = rng.standard_normal(n)
        if need.category == URGENT_HELP:
            quick = 15 + 15 * rng.standard_gamma(2, n) * self.volunteers.speed
            delay = np.where(slow < 0.15, 200 * np.exp(0.9 * bell), quick)
        else:
            delay = 180 * np.exp(1.1 * bell) * self.volunteers.speed
        service, told = rng.standard_normal(), rng.random()
        return Draws(
            accepts, speaks, delay * self.behaviour.slowness, handback,
            self.scenario.service_s * float(np.exp(0.5 * service)), 120 + 480 * told,
        )  # fmt: skip


def moment(at: float) -> datetime:
    """Seconds after the start as a moment."""
    return START + timedelta(seconds=at)


def _sites(n: int) -> Floats:
    """Campuses on a ring road: neighbours three to four kilometres apart, the farthest six to seven."""
    angle = 2 * np.pi * np.arange(n) / n
    return np.asarray(np.column_stack([np.cos(angle), np.sin(angle)]) * 3.2)


def _around(rng: np.random.Generator, sites: Floats, campus: Ints) -> Floats:
    return np.asarray(sites[campus] + rng.uniform(-0.5, 0.5, (len(campus), 2)))


def _volunteers(rng: np.random.Generator, scenario: Scenario, sites: Floats) -> Volunteers:
    n, b = scenario.volunteers, scenario.behaves()
    campus = np.sort(rng.choice(len(sites), n, p=np.array(scenario.campuses)))
    duty, nights = _duty(rng, n)
    return Volunteers(
        campus=campus,
        place=_around(rng, sites, campus),
        duty=duty,
        agreed_urgent=nights | (rng.random(n) < 0.8),
        capacity=np.full(n, 2),
        **tempers(rng, n, b),
    )


def tempers(rng: np.random.Generator, n: int, b: Behaviour) -> dict[str, Floats]:
    """What people are like: nobody knows it, least of all the policy."""
    return {
        "skill": rng.normal(b.skill, b.skill_sd, n),
        "category": rng.normal(0, b.category_sd, (n, len(KINDS))),
        "hour_size": np.abs(rng.normal(0, b.hour_sd, n)),
        "hour_peak": rng.uniform(0, 24, n),
        "speed": np.exp(rng.normal(0, b.speed_sd, n)),
    }


def _duty(rng: np.random.Generator, n: int) -> tuple[Flags, Flags]:
    """By quarter of the week who is on duty; and who has taken on a night at all.

    On 55 % of days from three to seven hours between 6:30 and 21:30; on 5 % of nights, 21 to 7.
    """
    duty = np.zeros((QUARTERS_A_WEEK, n), dtype=np.bool_)
    nights = np.zeros(n, dtype=np.bool_)
    for v in range(n):
        for day in range(7):
            if rng.random() < 0.55:
                length = int(rng.integers(12, 29))
                first = int(rng.integers(26, 86 - length + 1))
                duty[day * 96 + first : day * 96 + first + length, v] = True
            if rng.random() < 0.05:
                nights[v] = True
                duty[(np.arange(21 * 4, 31 * 4) + day * 96) % QUARTERS_A_WEEK, v] = True
    return duty, nights


def _needs(rng: np.random.Generator, scenario: Scenario, sites: Floats) -> list[Need]:
    rate = scenario.tasks_per_day * BY_HOUR / BY_HOUR.sum()
    times: list[float] = []
    for day in range(scenario.days):
        for hour, mean in enumerate(rate):
            start = day * DAY + hour * HOUR
            times += (start + HOUR * rng.random(rng.poisson(mean))).tolist()
    times += (2 * DAY + 14 * HOUR + HOUR * rng.random(scenario.surge)).tolist()
    times += [2 * DAY + 14.5 * HOUR] * scenario.burst
    times.sort()
    campus = rng.choice(len(sites), len(times), p=np.array(scenario.campuses))
    places = _around(rng, sites, campus)
    kinds = rng.choice(len(KINDS), len(times), p=np.array(scenario.kinds))
    return [
        Need(i, at, int(campus[i]), (float(places[i, 0]), float(places[i, 1])), KINDS[kinds[i]])
        for i, at in enumerate(times)
    ]
