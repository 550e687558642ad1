"""A world made of a live roster, and a way to try urgent help in it at every hour without weight.

Urgent requests are few: at some hours of the day a run would hardly see one. So each run is tried
beside its own requests, on each campus in each part of the day, by an urgent request that is looked
for by the same rules and answered by the same formulas, but leaves hardly a trace: it keeps nobody
busy, tires nobody and teaches nothing. Only while its offers are out does it keep people from others.
"""

from dataclasses import replace
from functools import cached_property

import numpy as np

from dispatcher.rules.settings import URGENT_HELP, DispatchSettings
from dispatcher.simulation.contenders import Dispatcher
from dispatcher.simulation.cover import Roster, duty_mask
from dispatcher.simulation.office import Hall, Office, Search, SimOffer, Step
from dispatcher.simulation.world import BY_HOUR, DAY, HOUR, Floats, Need, Scenario, Volunteers, World, tempers

BLOCK_H = 3
"""The day is told in parts of so many hours."""
BLOCKS = 24 // BLOCK_H

NEIGHBOUR_KM, FURTHER_KM = 3.5, 6.0
"""Assumed ways between campuses: nobody has written down the real ones."""

_TRIALS_FROM = 1_000_000
_RECHECK_S = 120.0


class LiveWorld(World):
    """One seed of a live roster: real campuses and duty hours, invented requests and tempers."""

    def __init__(self, seed: int, roster: Roster, per_day: float, days: int, tries: int) -> None:
        self.roster = roster
        scenario = Scenario(per_day, len(roster.people), days, campuses=tuple(p.share for p in roster.places))
        rng = np.random.default_rng([seed, 4])
        centre = np.zeros((len(roster.places), 2))
        super().__init__(seed, scenario, _volunteers(rng, roster, scenario), centre)
        self._way = _ways(roster)
        self.needs = self.needs + _trials(rng, roster, days, tries)

    @cached_property
    def neighbours(self) -> list[tuple[int, ...]]:
        """As the office has written them down."""
        return [place.neighbours for place in self.roster.places]

    def distance(self, need: Need) -> Floats:
        """How far each volunteer is, in kilometres: the way between the campuses, and a little."""
        return np.asarray(super().distance(need) + self._way[need.campus][self.volunteers.campus])


def is_trial(need: Need) -> bool:
    """Whether this is a request without weight."""
    return need.task_id >= _TRIALS_FROM


class TooMuch(Exception):
    """The run would take too long."""


class TrialRule(Dispatcher):
    """The product's own rules, to which a trial teaches nothing.

    Whoever has nobody left to ask is looked at again at every second full minute, all together: many
    open requests are then decided in one round, and a wait of minutes changes by seconds.
    """

    def __init__(self, world: World, settings: DispatchSettings, most_decisions: int) -> None:
        super().__init__(world, replace(settings, recheck_s=max(settings.recheck_s, _RECHECK_S)))
        self.decisions_left = most_decisions

    def decide(self, searches: list[Search], hall: Hall, now: float) -> list[Step]:
        """One round.

        Raises:
            TooMuch: more decisions than this run may take.
        """
        self.decisions_left -= len(searches)
        if self.decisions_left < 0:
            raise TooMuch
        recheck_at = now + self.settings.recheck_s
        return [
            replace(step, look_at=recheck_at - recheck_at % _RECHECK_S)
            if abs(step.look_at - recheck_at) < 1
            else step
            for step in super().decide(searches, hall, now)
        ]

    def asked(self, offer: SimOffer, now: float) -> None:
        """One more recent offer, unless it was a trial."""
        if not is_trial(offer.search.need):
            super().asked(offer, now)

    def ended(self, offer: SimOffer, now: float) -> None:
        """Learn from it, unless it was a trial."""
        if not is_trial(offer.search.need):
            super().ended(offer, now)


class TrialOffice(Office):
    """An office in which trials keep nobody busy and tire nobody."""

    def _ask(self, search: Search, v: int, chance: float, now: float) -> None:
        super()._ask(search, v, chance, now)
        if is_trial(search.need):
            self.alerts_of_day[v] -= 1
            self.alert_times[v].pop()
            self.all_alerts[v].pop()

    def _accept(self, search: Search, v: int, now: float) -> None:
        if is_trial(search.need):
            self._settle(search, now)
        else:
            super()._accept(search, v, now)


def _volunteers(rng: np.random.Generator, roster: Roster, scenario: Scenario) -> Volunteers:
    people = roster.people
    return Volunteers(
        campus=np.array([person.place for person in people], dtype=np.int64),
        place=rng.uniform(-0.5, 0.5, (len(people), 2)),
        duty=duty_mask(people),
        agreed_urgent=np.array([person.agreed_urgent for person in people], dtype=np.bool_),
        capacity=np.array([person.capacity for person in people], dtype=np.int64),
        **tempers(rng, len(people), scenario.behaves()),
    )


def _ways(roster: Roster) -> Floats:
    """(campuses, campuses): kilometres from one to another."""
    n = len(roster.places)
    ways = np.full((n, n), FURTHER_KM)
    for i, place in enumerate(roster.places):
        ways[i, list(place.neighbours)] = NEIGHBOUR_KM
        ways[i, i] = 0.0
    return ways


def _trials(rng: np.random.Generator, roster: Roster, days: int, tries: int) -> list[Need]:
    """Urgent requests, so many for each campus and part of the day, spread evenly over the days; at
    an hour as likely as in life."""
    n = len(roster.places)
    needs = []
    for slot in range(tries * BLOCKS):
        turn, block = divmod(slot, BLOCKS)
        rate = BY_HOUR[block * BLOCK_H : (block + 1) * BLOCK_H]
        hours = block * BLOCK_H + rng.choice(BLOCK_H, n, p=rate / rate.sum()) + rng.random(n)
        day = (turn * days // tries + np.arange(n) + block) % days
        at = (day * DAY + hours * HOUR).tolist()
        places = rng.uniform(-0.5, 0.5, (n, 2)).tolist()
        needs += [
            Need(_TRIALS_FROM + slot * n + i, at[i], i, (x, y), URGENT_HELP)
            for i, (x, y) in enumerate(places)
        ]
    return needs
