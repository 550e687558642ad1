"""The simulated office: calls come in, a rule decides whom to ask, people answer, time passes."""

import heapq
import math
from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

import numpy as np

from dispatcher.rules.policy import asking_s
from dispatcher.rules.settings import DispatchSettings, Pace, is_urgent
from dispatcher.simulation.world import DAY, ZONE, Draws, Need, World, moment


@dataclass
class SimOffer:
    """One offer. `outcome` stays empty while it waits for an answer."""

    search: "Search"
    volunteer: int
    at: float
    expires_at: float
    chance: float
    outcome: str = ""


@dataclass
class Search:
    """One task looking for somebody: from its opening until somebody holds it.

    A task that is handed back begins another search, with everybody asked before still asked.
    """

    need: Need
    opened_at: float
    pace: Pace
    urgent: bool
    draws: Draws
    look_at: float
    asked: set[int]
    live: list[SimOffer] = field(default_factory=list)
    alerts: int = 0
    told_at: float | None = None
    ended_at: float | None = None
    waited_s: float = 0.0
    by_coordinator: bool = False


@dataclass(frozen=True)
class Step:
    """What a rule decides for one search: (volunteer, believed chance) pairs, and when to look again."""

    ask: list[tuple[int, float]]
    look_at: float
    told: bool = False


class Rule(Protocol):
    """A way of dispatching. `together`: it decides all that is due at once, not one after another."""

    together: bool

    def decide(self, searches: list[Search], hall: "Hall", now: float) -> list[Step]:
        """The next step for each of `searches`."""

    def asked(self, offer: SimOffer, now: float) -> None:
        """An offer has gone out."""

    def ended(self, offer: SimOffer, now: float) -> None:
        """An offer has ended: its `outcome` says how."""


class Hall:
    """What the office knows of each volunteer, as columns."""

    def __init__(self, world: World) -> None:
        n = len(world.volunteers)
        self.world = world
        self.held = np.zeros(n, dtype=np.int64)
        self.capacity = world.volunteers.capacity
        self.live_calm = np.zeros(n, dtype=np.int64)
        self.live_urgent = np.zeros(n, dtype=np.int64)
        self.alerts_today = np.zeros(n, dtype=np.int64)
        self.last_asked = np.full(n, -np.inf)
        self.taken = np.zeros(n, dtype=np.int64)
        self.on_duty = world.on_duty(0.0)


class _Kind(IntEnum):
    """Events; of those at the same moment the lower comes first."""

    ANSWER = 0
    DONE = 1
    HANDBACK = 2
    EXPIRE = 3
    FOUND = 4
    CALL = 5
    LOOK = 6


@dataclass
class Tally:
    """What happened in one run."""

    searches: list[Search]
    alerts: int
    alerts_of: list[list[float]]
    taken: list[int]
    weekly_hours: list[float]
    cap_breaches: int
    double_assigned: int
    lost: int


class Office:
    """One run: a world, a rule, and the events between them in order of time."""

    def __init__(self, world: World, rule: Rule, settings: DispatchSettings) -> None:
        self.world, self.rule, self.settings = world, rule, settings
        self.hall = Hall(world)
        self.queue: list[tuple[float, int, int, object]] = []
        self.serial = 0
        self.searches: list[Search] = []
        self.open: dict[int, Search] = {}
        self.holder: dict[int, int] = {}
        self.alert_times: list[deque[float]] = [deque() for _ in range(len(world.volunteers))]
        self.all_alerts: list[list[float]] = [[] for _ in range(len(world.volunteers))]
        self.alerts_of_day = np.zeros(len(world.volunteers), dtype=np.int64)
        self.day = 0
        self.breaches = self.doubles = 0
        desks = world.scenario.desks
        self.desks_free = math.inf if desks is None else desks
        self.at_the_desk: list[tuple[bool, float, int, Search]] = []

    def run(self) -> Tally:
        """Until the last task is settled."""
        for need in self.world.needs:
            self._push(need.at, _Kind.CALL, need)
        while self.queue:
            now = self.queue[0][0]
            self._tidy(now)
            looking = False
            while self.queue and self.queue[0][0] == now:
                _, kind, _, subject = heapq.heappop(self.queue)
                looking |= kind == _Kind.LOOK
                self._happen(_Kind(kind), subject, now)
            if looking:
                self._look(now)
        return Tally(
            self.searches, sum(len(a) for a in self.all_alerts), self.all_alerts,
            self.hall.taken.tolist(), self.world.volunteers.weekly_hours.tolist(),
            self.breaches, self.doubles, len(self.open),
        )  # fmt: skip

    def _push(self, at: float, kind: _Kind, subject: object) -> None:
        self.serial += 1
        heapq.heappush(self.queue, (at, kind, self.serial, subject))

    def _tidy(self, now: float) -> None:
        if int(now // DAY) != self.day:
            self.day = int(now // DAY)
            self.hall.alerts_today[:] = 0
            self.alerts_of_day[:] = 0
        self.hall.on_duty = self.world.on_duty(now)

    def _happen(self, kind: _Kind, subject: object, now: float) -> None:
        if kind == _Kind.CALL:
            assert isinstance(subject, Need)
            self._open(subject, now, set())
        elif kind == _Kind.ANSWER:
            assert isinstance(subject, tuple)
            self._answer(subject, now)
        elif kind == _Kind.EXPIRE:
            assert isinstance(subject, SimOffer)
            if not subject.outcome:
                self._end(subject, "expired", now)
                self._wake(subject.search, now)
        elif kind == _Kind.FOUND:
            assert isinstance(subject, Search)
            if subject.ended_at is None:
                subject.by_coordinator = True
                self._settle(subject, now)
            self.desks_free += 1
            self._at_the_desk(now)
        elif kind == _Kind.DONE:
            assert isinstance(subject, int)
            self.hall.held[subject] -= 1
        elif kind == _Kind.HANDBACK:
            assert isinstance(subject, Search)
            del self.holder[subject.need.task_id]
            self._open(subject.need, now, subject.asked)

    def _open(self, need: Need, now: float, asked: set[int]) -> None:
        urgent = is_urgent(need.category, need.urgency)
        search = Search(
            need, now, self.settings.pace(need.category, need.urgency), urgent,
            self.world.draws(need), now, asked,
        )  # fmt: skip
        self.searches.append(search)
        self.open[need.task_id] = search
        self._push(now, _Kind.LOOK, search)

    def _wake(self, search: Search, now: float) -> None:
        if search.ended_at is None and search.look_at > now:
            search.look_at = now
            self._push(now, _Kind.LOOK, search)

    def _look(self, now: float) -> None:
        due = [s for s in self.open.values() if s.look_at <= now]
        for batch in [due] if self.rule.together and due else [[search] for search in due]:
            for search, step in zip(batch, self.rule.decide(batch, self.hall, now), strict=True):
                self._do(search, step, now)

    def _do(self, search: Search, step: Step, now: float) -> None:
        for volunteer, chance in step.ask:
            self._ask(search, volunteer, chance, now)
        if step.told and search.told_at is None:
            search.told_at = now
            heapq.heappush(self.at_the_desk, (not search.urgent, now, self.serial, search))
            self._at_the_desk(now)
        search.look_at = max(step.look_at, now + 1)
        self._push(search.look_at, _Kind.LOOK, search)

    def _at_the_desk(self, now: float) -> None:
        """The coordinator takes up what waits, as far as there are hands: urgent help first."""
        while self.at_the_desk and self.desks_free > 0:
            *_, search = heapq.heappop(self.at_the_desk)
            if search.ended_at is None:
                self._push(now + search.draws.coordinator_s, _Kind.FOUND, search)
                self.desks_free -= 1

    def _ask(self, search: Search, v: int, chance: float, now: float) -> None:
        hall = self.hall
        self._check(search, v, now)
        offer = SimOffer(search, v, now, now + search.pace.expiry_s, chance)
        search.live.append(offer)
        search.asked.add(v)
        search.alerts += 1
        fatigue = self._fatigue(v, now)
        muted = self.world.behaviour.mute_after
        answer = ""
        if muted is None or self.alerts_of_day[v] < muted:
            ready = (
                self.world.readiness(search.need, now)[v]
                + fatigue
                + self.world.behaviour.holding * hall.held[v]
            )
            if search.draws.accepts[v] < 1 / (1 + np.exp(-ready)):
                answer = "accepted"
            elif search.draws.speaks[v] < self.world.behaviour.declines:
                answer = "declined"
        self.alerts_of_day[v] += 1
        self.alert_times[v].append(now)
        self.all_alerts[v].append(now)
        if search.urgent:
            hall.live_urgent[v] += 1
        else:
            hall.live_calm[v] += 1
            hall.alerts_today[v] += 1
        hall.last_asked[v] = now
        self.rule.asked(offer, now)
        if answer:
            self._push(now + float(search.draws.delay[v]), _Kind.ANSWER, (offer, answer))
        self._push(offer.expires_at, _Kind.EXPIRE, offer)

    def _check(self, search: Search, v: int, now: float) -> None:
        """Count what no rule of the house allows."""
        hall = self.hall
        spared = search.urgent and self.world.volunteers.agreed_urgent[v]
        capped = (
            hall.live_calm[v] >= self.settings.live_cap
            or hall.alerts_today[v] >= self.settings.daily_cap
            or (hall.live_urgent[v] > 0 and not search.urgent)
        )
        loud = awake(now, self.settings) == now
        if (
            not hall.on_duty[v] or hall.held[v] >= hall.capacity[v] or v in search.asked
            or (not spared and (capped or not loud))
        ):  # fmt: skip
            self.breaches += 1

    def _fatigue(self, v: int, now: float) -> float:
        behaviour, times = self.world.behaviour, self.alert_times[v]
        span = behaviour.fatigue_h * 3600
        while times and times[0] <= now - span:
            times.popleft()
        return behaviour.fatigue * sum(1 - (now - t) / span for t in times)

    def _answer(self, said: tuple[SimOffer, str], now: float) -> None:
        offer, answer = said
        search, v = offer.search, offer.volunteer
        if search.ended_at is not None:
            return
        if answer == "accepted" and self.hall.held[v] < self.hall.capacity[v]:
            if offer.outcome:
                offer.outcome = "accepted"  # after its expiry: it still wins
                self.rule.ended(offer, now)
            else:
                self._end(offer, "accepted", now)
            self._accept(search, v, now)
        elif not offer.outcome:
            self._end(offer, "declined", now)
            self._wake(search, now)

    def _accept(self, search: Search, v: int, now: float) -> None:
        task_id = search.need.task_id
        if task_id in self.holder:
            self.doubles += 1
        self.holder[task_id] = v
        self.hall.held[v] += 1
        self.hall.taken[v] += 1
        self._settle(search, now)
        if search.draws.handback[v] < self.world.scenario.handback:
            after = 60 + 840 * float(search.draws.handback[v]) / self.world.scenario.handback
            self._push(now + after, _Kind.DONE, v)
            self._push(now + after, _Kind.HANDBACK, search)
        else:
            self._push(now + search.draws.service, _Kind.DONE, v)

    def _settle(self, search: Search, now: float) -> None:
        search.ended_at = now
        search.waited_s = asking_s(moment(search.opened_at), moment(now), search.urgent, self.settings, ZONE)
        del self.open[search.need.task_id]
        for offer in search.live[:]:
            self._end(offer, "withdrawn", now)

    def _end(self, offer: SimOffer, outcome: str, now: float) -> None:
        offer.outcome = outcome
        offer.search.live.remove(offer)
        live = self.hall.live_urgent if offer.search.urgent else self.hall.live_calm
        live[offer.volunteer] -= 1
        self.rule.ended(offer, now)


def awake(now: float, settings: DispatchSettings) -> float:
    """The end of the quiet hours that cover `now`, or `now`."""
    local = moment(now).astimezone(ZONE)
    morning = settings.quiet_until(local)
    return now if morning is None else now + (morning - local).total_seconds()
