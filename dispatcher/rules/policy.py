"""Whom to ask, when to look again, and why: a pure function of what is known now.

Tasks are decided together, the most pressing first, then the longest waiting. For each, those who
may be asked are taken in the order of what they add to the chance that somebody says yes soon, for
what asking them costs, until that chance reaches the task's target. Rings widen from the task's own
campus to its neighbours to everybody on duty: by the clock, or at once when the rings open so far
can't reach the target (an empty ring is skipped, never waited for). When those who were asked and
those who are left to ask make it too unlikely that somebody comes, a coordinator is told now, not at
the end of a timer.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np

from dispatcher.rules.crowd import Candidate, Crowd, Floats, bars, burdens, chance, daypart, log_odds
from dispatcher.rules.decisions import ANYWHERE, RINGS, Assessment, Choice, Plan, Reason, TaskView
from dispatcher.rules.outlook import Outlook
from dispatcher.rules.ranking import Kind, Ranking, Reach
from dispatcher.rules.response import Curves, ResponseCurve
from dispatcher.rules.settings import DispatchSettings, Pace, is_urgent, seconds

_SOONEST = timedelta(seconds=1)


def plan_round(
    tasks: Sequence[TaskView],
    crowd: Crowd,
    now: datetime,
    settings: DispatchSettings,
    zone: ZoneInfo,
    curves: Curves,
) -> list[Plan]:
    """The next step for each of `tasks`, all open, decided together; in the order given.

    Harmless to repeat where one offer at a time is the cap: asked again at the same moment, after its
    offers were written, it asks nobody more.
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


def while_stopped(
    task: TaskView, plan: Plan, why: str, now: datetime, settings: DispatchSettings, zone: ZoneInfo
) -> Plan:
    """`plan`, made without anybody to ask, while no SMS leaves because of `why`: for urgent help a person is
    told at once, otherwise when somebody should have accepted. What it says of the roster isn't so."""
    urgent, pace = is_urgent(task.category, task.urgency), settings.pace(task.category, task.urgency)
    reason = Reason("cannot_ask", {"why": why})
    late = asking_s(task.opened_at, now, urgent, settings, zone) >= pace.coordinator_s
    night = plan.waiting.code == "quiet_hours"
    return replace(
        plan,
        waiting=plan.waiting if task.pending or night else reason,
        hand_over=plan.hand_over if night else reason if urgent or late else None,
    )


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


def asking_s(
    opened_at: datetime, now: datetime, urgent: bool, settings: DispatchSettings, zone: ZoneInfo
) -> float:
    """For how many seconds somebody could have been asked: what may wait doesn't age in quiet hours."""
    elapsed = now - opened_at
    if not urgent and settings.quiet is not None:
        elapsed -= settings.quiet.between(opened_at.astimezone(zone), now.astimezone(zone))
    # Clocks are put back, and two machines never agree to the millisecond.
    return max(elapsed.total_seconds(), 0.0)


@dataclass
class _Draft:
    """A wave in the making.

    `age_s`: for how long somebody could have been asked. `young`: when those offers were made after
    which a pause still holds. `outlook`: what may come of the offers that are out and of those to
    whom `ask` gives one now. `exhausted`: nobody else can be asked. `others`: the chance that one of
    those says yes who can be asked later, as far as it matters.
    """

    task: TaskView
    pace: Pace
    urgent: bool
    age_s: float
    young: list[datetime]
    outlook: Outlook
    ask: list[Choice] = field(default_factory=list)
    exhausted: bool = False
    others: float = 0.0

    def target(self, later_s: float = 0.0) -> float:
        """The chance to aim at, now or some seconds later: it grows with the time waited."""
        pace, age_s = self.pace, self.age_s + later_s
        return pace.target + (pace.target_late - pace.target) * min(age_s / pace.coordinator_s, 1.0)


class _Round:
    """The decisions of one moment, and who has been chosen in them so far."""

    def __init__(
        self, crowd: Crowd, now: datetime, settings: DispatchSettings, zone: ZoneInfo, curves: Curves
    ) -> None:
        self.crowd, self.now, self.settings, self.curves = crowd, now, settings, curves
        self.zone = zone
        self.quiet_until = settings.quiet_until(now.astimezone(zone))
        self.chosen: set[int] = set()
        self._reached: dict[bool, Reach] = {}
        self._rankings: dict[Kind, Ranking] = {}

    def price(self, urgent: bool) -> Floats:
        """What asking each of the crowd costs."""
        return 1 + (self._burden * self.settings.price.urgent_share if urgent else self._burden)

    @cached_property
    def _burden(self) -> Floats:
        return burdens(self.crowd, self.settings.price)

    def plan(self, task: TaskView) -> Plan:
        """The next step for one task, after those planned before it in this round."""
        if self.quiet_until is not None and not is_urgent(task.category, task.urgency):
            return self._until_morning(task, self.quiet_until)
        draft = self._draft(task)
        now, pace, outlook = self.now, draft.pace, draft.outlook
        looks = [p.expires_at for p in task.pending if p.expires_at > now]
        looks += [now + seconds(pace.expiry_s)] if draft.ask else []
        more_at = None
        if draft.exhausted:
            looks.append(now + seconds(self.settings.recheck_s))
        elif outlook.within(pace.look_ahead_s) >= draft.target():
            more_at = now + seconds(max(outlook.falls(pace.look_ahead_s, draft.target), pace.pause_s))
        else:
            more_at = min([*draft.young, now]) + seconds(pace.pause_s)

        hopeful_s = outlook.hopeful_for(pace.enough, pace.coordinator_s, draft.others)
        if hopeful_s < pace.patience_s - draft.age_s and (
            task.asked or draft.ask or self._somebody_soon(draft)
        ):
            hopeful_s = pace.patience_s - draft.age_s
        quiet_at = self._quiet_from(draft)
        told_at, hand_over = None, None
        if hopeful_s <= 0:
            hand_over = self._hopeless(draft)
        elif draft.age_s >= pace.coordinator_s:
            hand_over = Reason("too_long")
        else:
            told_at = now + seconds(min(hopeful_s, pace.coordinator_s - draft.age_s))
        asked = len(draft.ask) + len(task.pending)
        return Plan(
            ask=tuple(draft.ask),
            look_again_at=max(min(filter(None, [*looks, more_at, told_at, quiet_at])), now + _SOONEST),
            waiting=Reason("answers", {"asked": asked}) if asked else Reason("nobody_left"),
            then=_then(then_quiet=quiet_at, then_more=more_at, then_told=told_at),
            hand_over=hand_over,
        )

    def everybody(self, task: TaskView) -> Iterator[Choice]:
        """All who may be asked, best first, whichever rings are open."""
        return self._best(task, ANYWHERE)

    def barred(self, task: TaskView, but: set[int]) -> Iterator[Assessment]:
        """Everybody but those rows, with what stands in the way of asking them."""
        urgent = is_urgent(task.category, task.urgency)
        reasons, price = self._reach(urgent).barred, self.price(urgent)
        odds = self._log_odds(task.category)
        for row in range(len(self.crowd)):
            if row in but:
                continue
            volunteer_id = int(self.crowd.volunteer_id[row])
            ring = task.ring(int(self.crowd.campus_id[row]))
            likely = float(chance(odds[row] + self.settings.learning.ring_logit[ring]))
            found = [name for name, flags in reasons.items() if flags[row]]
            found += ["asked_before"] if volunteer_id in task.asked else []
            yield Assessment(Choice(row, volunteer_id, ring, likely, float(price[row])), tuple(found))

    def _draft(self, task: TaskView) -> _Draft:
        """Whom to ask now."""
        now, pace = self.now, self.settings.pace(task.category, task.urgency)
        urgent = is_urgent(task.category, task.urgency)
        age_s = asking_s(task.opened_at, now, urgent, self.settings, self.zone)
        opened = max(ring for ring in RINGS if age_s >= pace.rings_s[ring])
        young = [p.created_at for p in task.pending if now - p.created_at < seconds(pace.pause_s)]
        curve, decline_share = self._curve(urgent), self.settings.learning.decline_share
        outlook = Outlook(task.pending, now, curve, decline_share)
        draft = _Draft(task, pace, urgent, age_s, young, outlook)
        room, target = pace.wave_max - len(young), draft.target()
        best = self._best(task, opened)
        following = next(best, None)
        while following is not None and len(draft.ask) < room and outlook.within(pace.look_ahead_s) < target:
            draft.ask.append(following)
            outlook.add(following.chance)
            following = next(best, None)
        draft.exhausted = following is None
        draft.others = _one_of(best if following is None else itertools.chain([following], best), pace.enough)
        self.chosen.update(choice.volunteer_id for choice in draft.ask)
        return draft

    def _until_morning(self, task: TaskView, quiet_until: datetime) -> Plan:
        too_late = task.due_by is not None and task.due_by <= quiet_until
        return Plan(
            (),
            min([quiet_until, *(p.expires_at for p in task.pending if p.expires_at > self.now)]),
            Reason("quiet_hours", {"until": quiet_until.isoformat()}),
            hand_over=Reason("due_in_quiet_hours") if too_late else None,
        )

    def _quiet_from(self, draft: _Draft) -> datetime | None:
        """When quiet hours begin for this task."""
        quiet = self.settings.quiet
        return None if draft.urgent or quiet is None else quiet.next_start(self.now.astimezone(self.zone))

    def _hopeless(self, draft: _Draft) -> Reason:
        """Why there is little hope: nobody can be asked, they are too few, or they don't answer."""
        pending = draft.task.pending
        fresh = self.now - seconds(draft.pace.look_ahead_s)
        if draft.ask or any(offer.created_at > fresh for offer in pending):
            return Reason("too_few")
        return Reason("nobody_answered" if pending else "nobody_left")

    def _somebody_soon(self, draft: _Draft) -> bool:
        """Whether somebody who wasn't asked yet is only busy just now."""
        asked = draft.task.asked
        return not (self._reach(draft.urgent).soon <= asked and self.chosen <= asked)

    def _curve(self, urgent: bool) -> ResponseCurve:
        return self.curves.urgent if urgent else self.curves.calm

    def _kind(self, task: TaskView) -> Kind:
        urgent = is_urgent(task.category, task.urgency)
        return Kind(task.category, urgent, self.settings.pace(task.category, task.urgency).look_ahead_s)

    def _best(self, task: TaskView, opened: int) -> Iterator[Choice]:
        """Who may be asked, best first: the rings open by the clock together, then ring by ring.

        Whoever was chosen in this round already comes last, and only for urgent help.
        """
        kind = self._kind(task)
        # With nobody left, as at most looks at a task that waits, there is nothing to weigh.
        if self._reach(kind.urgent).now <= task.asked:
            return iter(())
        return self._ranking(kind).best(task, opened, self.chosen, again=kind.urgent)

    def _ranking(self, kind: Kind) -> Ranking:
        if kind not in self._rankings:
            rows = self._reach(kind.urgent).rows
            ring_logit = np.array(self.settings.learning.ring_logit)
            odds = self._log_odds(kind.category)[rows] + ring_logit[:, None]
            chances = np.round(chance(odds), 9)
            soon = self._curve(kind.urgent).by(kind.look_ahead_s)
            self._rankings[kind] = Ranking(self.crowd, rows, chances, soon, self.price(kind.urgent)[rows])
        return self._rankings[kind]

    def _log_odds(self, category: str) -> Floats:
        part = daypart(self.now.astimezone(self.zone))
        return log_odds(self.crowd, category, part, self.settings.learning)

    def _reach(self, urgent: bool) -> Reach:
        if urgent not in self._reached:
            barred = bars(self.crowd, urgent, self.quiet_until is not None, self.settings)
            self._reached[urgent] = Reach(self.crowd, barred)
        return self._reached[urgent]


def _priority(task: TaskView) -> tuple[bool, datetime, int]:
    return (not is_urgent(task.category, task.urgency), task.opened_at, task.task_id)


def _one_of(choices: Iterator[Choice], enough: float) -> float:
    """The chance that one of `choices` says yes; of the first of them, once that is `enough`."""
    nobody = 1.0
    for choice in choices:
        nobody *= 1 - choice.chance
        if 1 - nobody >= enough:
            break
    return 1 - nobody


def _then(**moments: datetime | None) -> Reason | None:
    """What happens next unless somebody says yes, by its name: whichever comes first."""
    coming = {code: at for code, at in moments.items() if at is not None}
    if not coming:
        return None
    first = min(coming, key=lambda code: coming[code])
    return Reason(first, {"at": coming[first].isoformat()})
