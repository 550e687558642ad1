"""The rules that are compared: the product's own, and those in use elsewhere."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import numpy as np

from dispatcher.rules import policy, response
from dispatcher.rules.crowd import FACETS, Crowd
from dispatcher.rules.decisions import PendingOffer, Plan, TaskView
from dispatcher.rules.learning import Evidence, outcome, recent_offers
from dispatcher.rules.response import Curves
from dispatcher.rules.settings import GROCERIES, MEDICINE, URGENT_HELP, DispatchSettings
from dispatcher.simulation.office import Hall, Search, SimOffer, Step, awake
from dispatcher.simulation.world import DAY, HOUR, START, ZONE, Ints, World, moment


class Dispatcher:
    """The product's own rules, unchanged; it knows no more than the live system would."""

    def __init__(self, world: World, settings: DispatchSettings, together: bool = True) -> None:
        n = len(world.volunteers)
        self.world, self.settings, self.together = world, settings, together
        nothing = Evidence((0.0,) * len(FACETS), (0.0,) * len(FACETS), START.astimezone(ZONE))
        self._evidence = [nothing] * n
        self._accepts, self._refusals = np.zeros((n, len(FACETS))), np.zeros((n, len(FACETS)))
        self._evidence_at = np.zeros(n)
        self._recent, self._recent_at = np.zeros(n), np.zeros(n)
        self._ids, self._available = np.arange(n), np.ones(n, dtype=np.bool_)
        self._counts: dict[bool, dict[int, response.Counts]] = {True: {}, False: {}}
        self._curves: Curves | None = Curves()

    def decide(self, searches: list[Search], hall: Hall, now: float) -> list[Step]:
        """One round of the policy over all that are due."""
        plans = policy.plan_round(
            [self.view(search) for search in searches], self.crowd(hall, now), moment(now),
            self.settings, ZONE, self.curves(),
        )  # fmt: skip
        return [_step(plan) for plan in plans]

    def curves(self) -> Curves:
        """How fast people answer, by what was seen so far."""
        if self._curves is None:
            urgent, calm = (response.together(self._counts[which].values()) for which in (True, False))
            self._curves = response.learned_curves(urgent, calm, self.settings.learning)
        return self._curves

    def view(self, search: Search) -> TaskView:
        """A search as the policy sees it."""
        need = search.need
        return TaskView(
            need.task_id, need.campus, self.world.neighbours[need.campus], need.category, need.urgency,
            moment(search.opened_at),
            pending=tuple(PendingOffer(moment(o.at), moment(o.expires_at), o.chance) for o in search.live),
            asked=frozenset(search.asked),
        )  # fmt: skip

    def crowd(self, hall: Hall, now: float) -> Crowd:
        """The volunteers as the policy sees them."""
        learning, people = self.settings.learning, self.world.volunteers
        left = 0.5 ** ((now - self._evidence_at) / (learning.half_life_days * DAY))
        fresh = 0.5 ** ((now - self._recent_at) / (learning.fatigue_half_life_h * HOUR))
        return Crowd(
            volunteer_id=self._ids, campus_id=people.campus, on_duty=hall.on_duty,
            available=self._available, agreed_urgent=people.agreed_urgent,
            held=hall.held, capacity=people.capacity,
            alerts_today=hall.alerts_today, live_offers=hall.live_calm, live_urgent=hall.live_urgent,
            recent_offers=self._recent * fresh, load=hall.taken / np.maximum(people.weekly_hours, 1.0),
            accepts=self._accepts * left[:, None], refusals=self._refusals * left[:, None],
        )  # fmt: skip

    def asked(self, offer: SimOffer, now: float) -> None:
        """One more recent offer."""
        v = offer.volunteer
        since = timedelta(seconds=now - self._recent_at[v])
        self._recent[v] = 1 + recent_offers(float(self._recent[v]), since, self.settings.learning)
        self._recent_at[v] = now

    def ended(self, offer: SimOffer, now: float) -> None:
        """Learn from it, as the live system does."""
        v, urgent, learning = offer.volunteer, offer.search.urgent, self.settings.learning
        if not learning.enabled:
            return
        answered = offer.outcome in ("accepted", "declined")
        late = now > offer.expires_at
        counts, campus = self._counts[urgent], offer.search.need.campus
        counts[campus] = response.observed(
            counts.get(campus, response.Counts()), now - offer.at, answered,
            offer.expires_at - offer.at if late else 0.0,
        )  # fmt: skip
        self._curves = None
        if offer.outcome == "withdrawn":
            return
        self._evidence[v] = known = outcome(
            self._evidence[v], offer.search.need.category, moment(offer.at).astimezone(ZONE),
            moment(now).astimezone(ZONE), offer.outcome == "accepted", learning,
            moment(offer.expires_at) if late else None,
        )  # fmt: skip
        self._accepts[v], self._refusals[v], self._evidence_at[v] = known.accepts, known.refusals, now


def _step(plan: Plan) -> Step:
    return Step(
        [(choice.volunteer_id, choice.chance) for choice in plan.ask],
        (plan.look_again_at - START).total_seconds(),
        plan.hand_over is not None,
    )


class KeepOut:
    """A rule in use elsewhere: keep so many offers out, in an order of its own.

    It gets all that isn't the product's own: it asks only who is on duty and free, nobody twice, and
    not in quiet hours; a decline or an expiry is replaced at once; the others are withdrawn when
    somebody accepts; the coordinator is told after the same time at the latest. It knows no caps.
    `settings`: of the times after which an offer expires and the coordinator is told.
    """

    together = False

    def __init__(
        self, world: World, settings: DispatchSettings,
        order: Callable[["KeepOut", Search, Hall, Ints], Ints], keep: tuple[int, int, int],
    ) -> None:  # fmt: skip
        self.world, self.settings, self.order = world, settings, order
        self.keep = dict(zip((URGENT_HELP, MEDICINE, GROCERIES), keep, strict=True))
        self.lots = np.random.default_rng([world.seed, 3])

    def decide(self, searches: list[Search], hall: Hall, now: float) -> list[Step]:
        """Top up what is out."""
        return [self._decide(search, hall, now) for search in searches]

    def _decide(self, search: Search, hall: Hall, now: float) -> Step:
        morning = awake(now, self.settings)
        if morning > now and not search.urgent:
            return Step([], morning)
        may = hall.on_duty & (hall.held < hall.capacity)
        if morning > now:
            may = may & self.world.volunteers.agreed_urgent
        may[list(search.asked)] = False
        want = self.keep[search.need.category] - len(search.live)
        ask = self.order(self, search, hall, np.flatnonzero(may))[: max(want, 0)].tolist()
        age_s = policy.asking_s(moment(search.opened_at), moment(now), search.urgent, self.settings, ZONE)
        told = age_s >= search.pace.coordinator_s
        look_at = now + (60 if len(ask) < want else HOUR)
        if not told:
            look_at = min(look_at, now + search.pace.coordinator_s - age_s)
        return Step([(v, 0.0) for v in ask], look_at, told)

    def asked(self, offer: SimOffer, now: float) -> None:
        """It keeps no record."""

    def ended(self, offer: SimOffer, now: float) -> None:
        """It learns nothing."""


def _nearest(rule: KeepOut, search: Search, _hall: Hall, rows: Ints) -> Ints:
    return rows[np.argsort(rule.world.distance(search.need)[rows], kind="stable")]


def _longest_waiting(_rule: KeepOut, _search: Search, hall: Hall, rows: Ints) -> Ints:
    return rows[np.argsort(hall.last_asked[rows], kind="stable")]


def _by_lot(rule: KeepOut, _search: Search, _hall: Hall, rows: Ints) -> Ints:
    return rule.lots.permutation(rows)


def _everybody(_rule: KeepOut, _search: Search, _hall: Hall, rows: Ints) -> Ints:
    return rows


_ALL = 1_000_000

PACED = "nearest_k_paced"

RIVALS = {
    "sequential": (_longest_waiting, (1, 1, 1)),
    "broadcast": (_everybody, (_ALL, _ALL, _ALL)),
    "nearest_3": (_nearest, (3, 3, 3)),
    "random_3": (_by_lot, (3, 3, 3)),
    "nearest_k_tuned": (_nearest, (7, 2, 1)),
    PACED: (_nearest, (7, 1, 1)),
}
"""By name: the order in which it asks, and how many offers it keeps out for urgent help, medicine
and groceries."""


def _paced(settings: DispatchSettings) -> DispatchSettings:
    """The times at which the nearest few do best: an offer is replaced about as soon as the product asks
    somebody else too, and the coordinator is told so early that it happens about as often."""
    return replace(
        settings,
        urgent=replace(settings.urgent, expiry_s=300, coordinator_s=90),
        soon=replace(settings.soon, expiry_s=165, coordinator_s=1500),
        routine=replace(settings.routine, expiry_s=600, coordinator_s=4200),
    )


def nearest(world: World, settings: DispatchSettings, keep: tuple[int, int, int]) -> KeepOut:
    """The nearest so many for urgent help, medicine and groceries."""
    return KeepOut(world, settings, _nearest, keep)


def contender(name: str, world: World, settings: DispatchSettings) -> Dispatcher | KeepOut:
    """A rule by its name: "dispatcher", one of :data:`RIVALS`, or one of :data:`ABLATIONS`."""
    if name in RIVALS:
        order, keep = RIVALS[name]
        return KeepOut(world, _paced(settings) if name == PACED else settings, order, keep)
    if name in ABLATIONS:
        return Dispatcher(world, ABLATIONS[name](settings), together=name != "without_joint_decision")
    if name != "dispatcher":
        raise ValueError(f"no such rule: {name}")
    return Dispatcher(world, settings)


def _without_exhaustion(settings: DispatchSettings) -> DispatchSettings:
    """The coordinator is told when the time is up, and not before."""
    paces = {name: replace(getattr(settings, name), enough=0.0) for name in ("urgent", "soon", "routine")}
    return replace(settings, **paces)


ABLATIONS: dict[str, Callable[[DispatchSettings], DispatchSettings]] = {
    "without_learning": lambda s: replace(s, learning=replace(s.learning, enabled=False)),
    "without_exhaustion_rule": _without_exhaustion,
    "without_joint_decision": lambda s: s,
    "without_load_price": lambda s: replace(s, price=replace(s.price, load=0.0)),
}
"""The product's rules with one part taken out, to see what it is worth."""
