"""Whom to ask, when to look again, and why: a pure function of what is known now.

Tasks are decided together, the most pressing first, then the longest waiting. For each, those who
may be asked are taken in the order of what they add to the chance that somebody says yes soon, for
what asking them costs, until that chance reaches the task's target. Rings widen from the task's own
campus to its neighbours to everybody on duty: by the clock, or at once when the rings open so far
can't reach the target (an empty ring is skipped, never waited for). When nobody is left to ask and
little chance is still out, a coordinator is told now, not at the end of a timer.
"""

import heapq
import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from dispatcher.rules.crowd import (
    PASSING,
    Candidate,
    Crowd,
    Flags,
    Floats,
    Ints,
    bars,
    chance,
    daypart,
    log_odds,
    prices,
)
from dispatcher.rules.response import Counts, ResponseCurve, assumed, learned
from dispatcher.rules.settings import DispatchSettings, Learning, Pace, is_urgent, seconds

HOME, NEIGHBOUR, ANYWHERE = 0, 1, 2
RINGS = (HOME, NEIGHBOUR, ANYWHERE)

_STEPS = 8


@dataclass(frozen=True)
class Reason:
    """A sentence to be: a code and its parameters, worded in the reader's language."""

    code: str
    params: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The form in which it is stored as JSON."""
        return {"code": self.code, **self.params}


@dataclass(frozen=True)
class PendingOffer:
    """An offer that still waits for an answer. `chance`: of a yes, as believed when it was made."""

    created_at: datetime
    expires_at: datetime
    chance: float


@dataclass(frozen=True)
class TaskView:
    """What the policy needs to know of a task. `neighbours`: campus ids, nearest first.

    `asked`: the volunteers who were put this task before, whatever came of it.
    """

    task_id: int
    campus_id: int
    neighbours: tuple[int, ...]
    category: str
    urgency: str
    opened_at: datetime
    due_by: datetime | None = None
    pending: tuple[PendingOffer, ...] = ()
    asked: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Choice:
    """Somebody to be asked: their row in the crowd, how near, how likely to say yes, and the price."""

    row: int
    volunteer_id: int
    ring: int
    chance: float
    price: float


@dataclass(frozen=True)
class Assessment:
    """Somebody as seen for a task, and why they can't be asked (`bars`), if so."""

    choice: Choice
    bars: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """The next step of a task.

    `ask`: whom to ask now. `waiting`: what it then waits for; `then`: what happens, and when, if that
    doesn't come. `hand_over`: why a person must be told now.
    """

    ask: tuple[Choice, ...]
    look_again_at: datetime
    waiting: Reason
    then: Reason | None = None
    hand_over: Reason | None = None


@dataclass(frozen=True)
class Curves:
    """How fast people answer, for urgent help and otherwise."""

    urgent: ResponseCurve = field(default_factory=lambda: assumed(True))
    calm: ResponseCurve = field(default_factory=lambda: assumed(False))


def learned_curves(urgent: Counts, calm: Counts, learning: Learning) -> Curves:
    """How fast people answer, by what was seen so far."""
    return Curves(learned(True, urgent, learning), learned(False, calm, learning))


def plan_round(
    tasks: Sequence[TaskView],
    crowd: Crowd,
    now: datetime,
    settings: DispatchSettings,
    zone: ZoneInfo,
    curves: Curves,
) -> list[Plan]:
    """The next step for each of `tasks`, all open, decided together; in the order given.

    Harmless to repeat: asked again at the same moment, after its offers were written, it asks
    nobody more.
    """
    round_ = _Round(crowd, now, settings, zone, curves)
    plans: dict[int, Plan] = {}
    for i in sorted(range(len(tasks)), key=lambda i: _priority(tasks[i])):
        plans[i] = round_.plan(tasks[i])
    return [plans[i] for i in range(len(tasks))]


def ask_more(
    task: TaskView,
    crowd: Crowd,
    now: datetime,
    settings: DispatchSettings,
    zone: ZoneInfo,
    curves: Curves,
) -> tuple[Choice, ...]:
    """One more wave at once, from all rings, wherever the clock and the chances stand."""
    round_ = _Round(crowd, now, settings, zone, curves)
    wave_max = settings.pace(task.category, task.urgency).wave_max
    return tuple(itertools.islice(round_.everybody(task), wave_max))


def assess(
    task: TaskView,
    crowd: Crowd,
    now: datetime,
    settings: DispatchSettings,
    zone: ZoneInfo,
    curves: Curves,
) -> list[Assessment]:
    """Everybody as seen for one task, for a coordinator to choose from: the best without a bar
    first, then those with the fewest bars, the nearest and likeliest of them first."""
    round_ = _Round(crowd, now, settings, zone, curves)
    found = [Assessment(choice, ()) for choice in round_.everybody(task)]
    found += sorted(
        round_.barred(task, {a.choice.row for a in found}),
        key=lambda a: (len(a.bars), a.choice.ring, -a.choice.chance, a.choice.volunteer_id),
    )
    return found


def why(choice: Choice, person: Candidate) -> tuple[Reason, ...]:
    """Why somebody is chosen, in the order in which a coordinator reads it."""
    found = [Reason(("same_campus", "neighbour", "further")[choice.ring])]
    if person.on_duty_until is not None:
        found.append(Reason("on_duty_until", {"until": person.on_duty_until.isoformat()}))
    found.append(Reason("load", {"held": person.held, "week": person.week_load}))
    if sum(person.accepts) + sum(person.refusals) > 0:
        found.append(Reason("accepts", {"tenths": round(choice.chance * 10)}))
    else:
        found.append(Reason("never_asked"))
    return tuple(found)


def _priority(task: TaskView) -> tuple[bool, datetime, int]:
    return (not is_urgent(task.category, task.urgency), task.opened_at, task.task_id)


class _Kind(NamedTuple):
    """What two tasks must share to see the same chances."""

    category: str
    urgent: bool
    look_ahead_s: float


class _Reach:
    """Who may be asked now, and who soon, for urgent help or otherwise."""

    def __init__(self, crowd: Crowd, barred: dict[str, Flags]) -> None:
        self._volunteer_id, self.barred = crowd.volunteer_id, barred
        self.rows = np.flatnonzero(~np.logical_or.reduce(list(barred.values())))
        self.now = frozenset(self._volunteer_id[self.rows].tolist())

    @cached_property
    def soon(self) -> frozenset[int]:
        """Those who are only busy just now."""
        passing = np.logical_or.reduce([self.barred[name] for name in PASSING])
        for_good = np.logical_or.reduce([f for name, f in self.barred.items() if name not in PASSING])
        return frozenset(self._volunteer_id[passing & ~for_good].tolist())


_Entry = tuple[float, int, int, int]
"""Minus the worth of asking somebody, their id, their place in the ranking, and the ring that they
are taken to be in: sorts the best first."""


class _Line:
    """People in the order in which they are asked."""

    def __init__(self, entries: list[_Entry]) -> None:
        self._entries = entries
        self._next: dict[int, int] = {}

    def free(self, chosen: set[int]) -> Iterator[_Entry]:
        """Those not chosen yet.

        Whoever is found chosen leaves the line, or each task would walk past everybody whom the
        tasks before it have chosen.
        """
        last, i = -1, self._next.get(-1, 0)
        while i < len(self._entries):
            following = self._next.get(i, i + 1)
            if self._entries[i][1] in chosen:
                self._next[last] = following
            else:
                yield self._entries[i]
                last = i
            i = following

    def taken(self, chosen: set[int]) -> Iterator[_Entry]:
        """Those chosen already."""
        return (entry for entry in self._entries if entry[1] in chosen)


class _Ranking:
    """Everybody who may be asked for one kind of help, best first, as seen from each ring.

    `rows`: theirs in the crowd; `chances`: one row for each ring.
    """

    def __init__(self, crowd: Crowd, rows: Ints, chances: Floats, soon: float, price: Floats) -> None:
        self._rows, self._ids, self._campus_ids = rows, crowd.volunteer_id[rows], crowd.campus_id[rows]
        self._chances, self._price = chances, price
        self._minus_worth = np.round(np.log1p(-np.minimum(chances * soon, _ALMOST_SURE)) / price, 9)
        self._lines: dict[int, dict[int | None, _Line]] = {}

    def lines(self, task: TaskView, ring: int) -> list[_Line]:
        """Those in the ring around a task, in one line or several; with ANYWHERE, everybody."""
        if ring not in self._lines:
            self._lines[ring] = self._lined_up(ring)
        lines = self._lines[ring]
        if ring == ANYWHERE:
            return [*lines.values()]
        near = (task.campus_id,) if ring == HOME else dict.fromkeys(task.neighbours)
        return [lines[c] for c in near if c in lines and _ring(task, c) == ring]

    def choice(self, entry: _Entry) -> Choice:
        """Somebody in a line, to be asked."""
        _, volunteer_id, place, ring = entry
        likely, price = float(self._chances[ring, place]), float(self._price[place])
        return Choice(int(self._rows[place]), volunteer_id, ring, likely, price)

    def campus_id(self, entry: _Entry) -> int:
        """Where somebody in a line belongs."""
        return int(self._campus_ids[entry[2]])

    def _lined_up(self, ring: int) -> dict[int | None, _Line]:
        """By campus; for ANYWHERE all in one line, under None."""
        order = np.lexsort((self._ids, self._minus_worth[ring]))
        columns = self._minus_worth[ring][order], self._ids[order], order
        entries = zip(*(column.tolist() for column in columns), itertools.repeat(ring))
        if ring == ANYWHERE:
            return {None: _Line(list(entries))}
        by_campus: dict[int | None, list[_Entry]] = defaultdict(list)
        for campus_id, entry in zip(self._campus_ids[order].tolist(), entries, strict=True):
            by_campus[campus_id].append(entry)
        return {campus_id: _Line(members) for campus_id, members in by_campus.items()}


_ALMOST_SURE = 0.999_999


class _Round:
    """The decisions of one moment, and who has been chosen in them so far."""

    def __init__(
        self, crowd: Crowd, now: datetime, settings: DispatchSettings, zone: ZoneInfo, curves: Curves
    ) -> None:
        self.crowd, self.now, self.settings, self.curves = crowd, now, settings, curves
        self.zone = zone
        self.quiet_until = _quiet_until(now, settings, zone)
        self.chosen: set[int] = set()
        self._reached: dict[bool, _Reach] = {}
        self._rankings: dict[_Kind, _Ranking] = {}

    @cached_property
    def price(self) -> Floats:
        """What asking each of the crowd costs."""
        return prices(self.crowd, self.settings.price)

    def plan(self, task: TaskView) -> Plan:
        """The next step for one task, after those planned before it in this round."""
        now, pace = self.now, self.settings.pace(task.category, task.urgency)
        urgent = is_urgent(task.category, task.urgency)
        if self.quiet_until is not None and not urgent:
            return self._until_morning(task, self.quiet_until)
        age_s = asking_s(task.opened_at, now, urgent, self.settings, self.zone)
        kind = _Kind(task.category, urgent, pace.look_ahead_s)
        out = _Out(task.pending, now, self._curve(urgent), self.settings.learning.decline_share)

        opened = max(ring for ring in RINGS if age_s >= pace.rings_s[ring])
        pause = seconds(pace.pause_s)
        young = [p.created_at for p in task.pending if now - p.created_at < pause]
        room = pace.wave_max - len(young)
        target = _target(pace, age_s)
        stream = self._stream(task, kind, opened)
        ask: list[Choice] = []
        following = next(stream, None)
        likely = out.within(pace.look_ahead_s)
        while following is not None and len(ask) < room and likely < target:
            ask.append(following)
            out.add(following.chance)
            likely = out.within(pace.look_ahead_s)
            following = next(stream, None)
        self.chosen.update(choice.volunteer_id for choice in ask)

        looks = [p.expires_at for p in task.pending if p.expires_at > now]
        looks += [now + seconds(pace.expiry_s)] if ask else []
        more_at = None
        if following is None:
            looks.append(now + seconds(self.settings.recheck_s))
        elif likely >= target:
            fades_s = out.falls(target, pace.look_ahead_s, lambda t: _target(pace, age_s + t))
            more_at = now + seconds(max(fades_s, pace.pause_s))
        else:
            more_at = min([*young, now]) + pause

        left = [] if following is None else itertools.chain([following], stream)
        hopeful_s = out.hopeful_for(pace.little, pace.coordinator_s, (choice.chance for choice in left))
        if hopeful_s < pace.patience_s - age_s and (task.asked or ask or self._somebody_soon(task, urgent)):
            hopeful_s = pace.patience_s - age_s
        told_at, hand_over = None, None
        if hopeful_s <= 0:
            hand_over = self._hopeless(task, ask)
        elif age_s >= pace.coordinator_s:
            hand_over = Reason("too_long")
        else:
            told_at = now + seconds(min(hopeful_s, pace.coordinator_s - age_s))
        asked = len(ask) + len(task.pending)
        return Plan(
            ask=tuple(ask),
            look_again_at=max(min(filter(None, [*looks, more_at, told_at])), now + _SOONEST),
            waiting=Reason("answers", {"asked": asked}) if asked else Reason("nobody_left"),
            then=_then(more_at, told_at),
            hand_over=hand_over,
        )

    def _hopeless(self, task: TaskView, ask: Sequence[Choice]) -> Reason:
        """Why there is little hope: nobody can be asked, they are too few, or they don't answer."""
        pace = self.settings.pace(task.category, task.urgency)
        fresh = self.now - seconds(pace.look_ahead_s)
        if ask or any(offer.created_at > fresh for offer in task.pending):
            return Reason("too_few")
        return Reason("nobody_answered" if task.pending else "nobody_left")

    def everybody(self, task: TaskView) -> Iterator[Choice]:
        """All who may be asked, best first, whichever rings are open."""
        pace = self.settings.pace(task.category, task.urgency)
        urgent = is_urgent(task.category, task.urgency)
        return self._stream(task, _Kind(task.category, urgent, pace.look_ahead_s), ANYWHERE)

    def barred(self, task: TaskView, but: set[int]) -> Iterator[Assessment]:
        """Everybody but those rows, with what stands in the way of asking them."""
        urgent = is_urgent(task.category, task.urgency)
        reasons = self._reach(urgent).barred
        odds = self._log_odds(task.category)
        for row in range(len(self.crowd)):
            if row in but:
                continue
            campus_id, volunteer_id = int(self.crowd.campus_id[row]), int(self.crowd.volunteer_id[row])
            ring = _ring(task, campus_id)
            likely = float(chance(odds[row] + self.settings.learning.ring_logit[ring]))
            found = [name for name, flags in reasons.items() if flags[row]]
            found += ["asked_before"] if volunteer_id in task.asked else []
            yield Assessment(Choice(row, volunteer_id, ring, likely, float(self.price[row])), tuple(found))

    def _until_morning(self, task: TaskView, quiet_until: datetime) -> Plan:
        too_late = task.due_by is not None and task.due_by <= quiet_until
        return Plan(
            (),
            min([quiet_until, *(p.expires_at for p in task.pending if p.expires_at > self.now)]),
            Reason("quiet_hours", {"until": quiet_until.isoformat()}),
            hand_over=Reason("due_in_quiet_hours") if too_late else None,
        )

    def _curve(self, urgent: bool) -> ResponseCurve:
        return self.curves.urgent if urgent else self.curves.calm

    def _stream(self, task: TaskView, kind: _Kind, opened: int) -> Iterator[Choice]:
        """Who may be asked, best first: the rings open by the clock together, then ring by ring.

        Whoever was chosen in this round already comes last, and only for urgent help.
        """
        # With nobody left, as at most looks at a task that waits, there is nothing to weigh.
        if self._reach(kind.urgent).now <= task.asked:
            return
        ranking = self._ranking(kind)
        for walk in (_Line.free, _Line.taken) if kind.urgent else (_Line.free,):
            for rings in (RINGS[: opened + 1], *((ring,) for ring in RINGS[opened + 1 :])):
                lines = [line for ring in rings for line in ranking.lines(task, ring)]
                for entry in heapq.merge(*(walk(line, self.chosen) for line in lines)):
                    # The line of everybody has those of the nearer rings too.
                    if entry[1] not in task.asked and _ring(task, ranking.campus_id(entry)) == entry[3]:
                        yield ranking.choice(entry)

    def _ranking(self, kind: _Kind) -> _Ranking:
        if kind not in self._rankings:
            rows = self._reach(kind.urgent).rows
            ring_logit = np.array(self.settings.learning.ring_logit)
            odds = self._log_odds(kind.category)[rows] + ring_logit[:, None]
            chances = np.round(chance(odds), 9)
            soon = self._curve(kind.urgent).by(kind.look_ahead_s)
            self._rankings[kind] = _Ranking(self.crowd, rows, chances, soon, self.price[rows])
        return self._rankings[kind]

    def _log_odds(self, category: str) -> Floats:
        part = daypart(self.now.astimezone(self.zone))
        return log_odds(self.crowd, category, part, self.settings.learning)

    def _reach(self, urgent: bool) -> _Reach:
        if urgent not in self._reached:
            barred = bars(self.crowd, urgent, self.quiet_until is not None, self.settings)
            self._reached[urgent] = _Reach(self.crowd, barred)
        return self._reached[urgent]

    def _somebody_soon(self, task: TaskView, urgent: bool) -> bool:
        """Whether somebody who wasn't asked yet is only busy just now."""
        return not (self._reach(urgent).soon <= task.asked and self.chosen <= task.asked)


_SOONEST = timedelta(seconds=1)


class _Out:
    """The offers of a task that are out: how likely one of them is still accepted."""

    def __init__(
        self, pending: Sequence[PendingOffer], now: datetime, curve: ResponseCurve, decline_share: float
    ) -> None:
        self.curve = curve
        self.offers = [(p.chance, max((now - p.created_at).total_seconds(), 0.0)) for p in pending]
        self.decline_share = decline_share

    def add(self, chance: float) -> None:
        """One more, made now."""
        self.offers.append((chance, 0.0))

    def within(self, look_ahead_s: float, after_s: float = 0.0) -> float:
        """The chance of a yes in the `look_ahead_s` that follow `after_s` of silence.

        1 − Π(1 − r), r the chance of each to say yes in it, given silence until then.
        """
        nobody = 1.0
        for p, age in self.offers:
            elapsed = age + after_s
            silent_so_far = self.curve.by(elapsed)
            declines = (1 - p) * self.decline_share
            left = 1 - (p + declines) * silent_so_far
            if left > 0:
                nobody *= 1 - p * (self.curve.by(elapsed + look_ahead_s) - silent_so_far) / left
        return 1 - nobody

    def ever(self, after_s: float = 0.0) -> float:
        """The chance of a yes at any time after `after_s` more of silence."""
        return self.within(math.inf, after_s)

    def falls(self, target: float, look_ahead_s: float, target_at: Callable[[float], float]) -> float:
        """After how many seconds of silence the chance falls below the target of that time."""
        return _first(lambda t: self.within(look_ahead_s, t) < target_at(t), look_ahead_s)

    def hopeful_for(self, little: float, at_most_s: float, besides: Iterable[float]) -> float:
        """For how many seconds of silence there is more than a little chance that somebody comes.

        `besides`: the chances of those who can still be asked, the best first.
        """
        nobody_else = 1.0
        for p in besides:
            nobody_else *= 1 - p
            if 1 - nobody_else >= little:
                return at_most_s

        def hopeless(after_s: float) -> bool:
            return 1 - (1 - self.ever(after_s)) * nobody_else < little

        return 0.0 if hopeless(0.0) else _first(hopeless, at_most_s)


def _first(happened: Callable[[float], bool], at_most: float) -> float:
    """The time in (0, `at_most`] at which something that then stays so becomes true, by bisection."""
    low, high = 0.0, at_most
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if happened(middle) else (middle, high)
    return high


def _ring(task: TaskView, campus_id: int) -> int:
    if campus_id == task.campus_id:
        return HOME
    return NEIGHBOUR if campus_id in task.neighbours else ANYWHERE


def _then(more_at: datetime | None, told_at: datetime | None) -> Reason | None:
    """What happens next unless somebody says yes, whichever comes first."""
    if more_at is not None and (told_at is None or more_at <= told_at):
        return Reason("then_more", {"at": more_at.isoformat()})
    return Reason("then_told", {"at": told_at.isoformat()}) if told_at is not None else None


def _target(pace: Pace, age_s: float) -> float:
    """The chance to aim at: it grows with the time waited."""
    return pace.target + (pace.target_late - pace.target) * min(age_s / pace.coordinator_s, 1.0)


def _quiet_until(now: datetime, settings: DispatchSettings, zone: ZoneInfo) -> datetime | None:
    local = now.astimezone(zone)
    if settings.quiet is None or not settings.quiet.covers(local):
        return None
    return settings.quiet.next_end(local)


def asking_s(
    opened_at: datetime, now: datetime, urgent: bool, settings: DispatchSettings, zone: ZoneInfo
) -> float:
    """For how many seconds somebody could have been asked: what may wait doesn't age in quiet hours."""
    elapsed = now - opened_at
    if not urgent and settings.quiet is not None:
        elapsed -= settings.quiet.between(opened_at.astimezone(zone), now.astimezone(zone))
    return elapsed.total_seconds()
