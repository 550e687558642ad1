"""What happened in a period, in figures: counted and grouped by the database, never row by row here.

Everything is about the help requests that came, and the tasks that were made, in the period, whenever they
ended; SMS about those written in it.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, Select, and_, case, false, func, literal, or_, select, true
from sqlalchemy.orm import Session

from dispatcher.models import Assignment, Campus, Event, HelpRequest, Message, Retiree, Task, Volunteer
from dispatcher.rules.lifecycle import NOT_NEEDED, MessageState, TaskState
from dispatcher.rules.period import Period, offsets
from dispatcher.rules.promptness import Promptness, accepting_aims, delivering_aims, within
from dispatcher.rules.settings import MEDICINE, ROUTINE, SOON, URGENT, DispatchSettings
from dispatcher.services.local_time import as_date, day_number, epoch, hour_of_day

CARRIED = ("", str(TaskState.CLOSED))
"""How the assignment of a task ends that its volunteer has carried, or carries still."""

MOST_NAMED = 10
"""So many of those who carried most are named."""

_EXACT_S = 3600
"""Up to here durations are told apart by the second, beyond by the minute."""


@dataclass(frozen=True)
class AtCampus:
    """Requests from one campus; without names: from all those who live out of reach.

    `names`: by language.
    """

    names: dict[str, str]
    requests: int


@dataclass(frozen=True)
class Endings:
    """What became of the tasks. `handed_back`: tasks that were; `times`: how often, all together."""

    by_retiree: int = 0
    by_coordinator: int = 0
    by_phone: int = 0
    cancelled: int = 0
    still_open: int = 0
    handed_back: int = 0
    times: int = 0

    @property
    def total(self) -> int:
        """All tasks of the period."""
        return self.by_retiree + self.by_coordinator + self.by_phone + self.cancelled + self.still_open


@dataclass(frozen=True)
class Loads:
    """How the tasks were spread. `spread`: (tasks, how many volunteers carried so many), the fewest first;
    none isn't among them. `idle`: volunteers of the roster who carried none. `most`: (volunteer's id, name,
    tasks) of those who carried most."""

    spread: list[tuple[int, int]]
    idle: int
    most: list[tuple[int, str, int]]

    @property
    def volunteers(self) -> int:
        """How many carried at least one."""
        return sum(people for _, people in self.spread)

    @property
    def tasks(self) -> int:
        """How many tasks they carried."""
        return sum(tasks * people for tasks, people in self.spread)


@dataclass
class Day:
    """SMS written on one day."""

    day: date
    delivered: int = 0
    lost: int = 0
    open: int = 0


@dataclass
class Sms:
    """What became of the SMS. `lost`: undeliverable or refused, `codes` says by which code how often;
    `unknown`: nobody knows; `on_the_way`: not delivered yet, or its gateway doesn't say; `not_needed`: given
    up before they left, for what they said was no longer true."""

    days: list[Day]
    codes: list[tuple[str, int]] = field(default_factory=list)
    delivered: int = 0
    lost: int = 0
    unknown: int = 0
    on_the_way: int = 0
    not_needed: int = 0

    @property
    def share(self) -> float | None:
        """The share delivered of those whose fate is known, 0 to 1."""
        known = self.delivered + self.lost
        return self.delivered / known if known else None


@dataclass(frozen=True)
class Figures:
    """The figures of one period. `hours`: requests by the local hour in which they came, 24 counts;
    `campuses`: by campus, the most first, those from out of reach together at the end. `accepting`: from the
    call until somebody first accepted, by hurry; `delivering`: until it was delivered. Tasks done by phone
    aren't among those."""

    hours: list[int]
    campuses: list[AtCampus]
    accepting: dict[str, Promptness]
    delivering: dict[str, Promptness]
    endings: Endings
    loads: Loads
    sms: Sms


def of(
    session: Session, period: Period, now: datetime, zone: ZoneInfo, settings: DispatchSettings
) -> Figures:
    """The figures of a period as of `now`, its days and hours by the clocks of `zone`."""
    count = _Counting(session, period, now, zone, settings)
    return Figures(
        count.hours(), count.campuses(), count.accepting(), count.delivering(), count.endings(),
        count.loads(), count.sms(),
    )  # fmt: skip


@dataclass(frozen=True)
class _Counting:
    """How the database is asked."""

    session: Session
    period: Period
    now: datetime
    zone: ZoneInfo
    settings: DispatchSettings

    def hours(self) -> list[int]:
        hour = hour_of_day(HelpRequest.created_at, self._offsets).label("hour")
        counts = self._counted(select(hour).where(*self._in(HelpRequest.created_at)))
        return [counts.get((hour,), 0) for hour in range(24)]

    def campuses(self) -> list[AtCampus]:
        counts = self._counted(
            select(Retiree.campus_id).join_from(HelpRequest, Retiree).where(*self._in(HelpRequest.created_at))
        )
        found, away = [], 0
        places = select(Campus.id, Campus.name_zh, Campus.name_en, Campus.reachable).order_by(Campus.id)
        for place in self.session.execute(places):
            requests = counts.get((place.id,), 0)
            if place.reachable:
                found.append(AtCampus({"zh": place.name_zh, "en": place.name_en}, requests))
            else:
                away += requests
        found.sort(key=lambda at: -at.requests)
        return [*found, AtCampus({}, away)] if away else found

    def accepting(self) -> dict[str, Promptness]:
        waited_for = (
            select(func.min(Assignment.created_at)).where(Assignment.task_id == Task.id).scalar_subquery()
        )
        return self._promptness(waited_for, accepting_aims(self.settings), named=False)

    def delivering(self) -> dict[str, Promptness]:
        return self._promptness(Task.delivered_at, delivering_aims(self.settings), named=True)

    def endings(self) -> Endings:
        by_hand = select(Event.id).where(Event.task_id == Task.id, Event.kind == "closed").exists()
        end: ColumnElement[str] = case(
            (Task.state == str(TaskState.CANCELLED), "cancelled"),
            (Task.state != str(TaskState.CLOSED), "still_open"),
            (Task.remote, "by_phone"),
            (by_hand, "by_coordinator"),
            else_="by_retiree",
        ).label("end")
        counts = self._counted(select(end).where(*self._in(Task.created_at)))
        tasks, times = self.session.execute(
            select(func.count(Assignment.task_id.distinct()), func.count())
            .join_from(Task, Assignment)
            .where(*self._in(Task.created_at), Assignment.end_reason == "handed_back")
        ).one()
        return Endings(**{end: count for (end,), count in counts.items()}, handed_back=tasks, times=times)

    def loads(self) -> Loads:
        carried = (
            select(Assignment.volunteer_id, func.count(Assignment.task_id.distinct()).label("tasks"))
            .join_from(Task, Assignment)
            .where(*self._in(Task.created_at), Assignment.end_reason.in_(CARRIED))
            .group_by(Assignment.volunteer_id)
            .subquery()
        )
        spread: Counter[int] = Counter()
        busy = 0
        on_roster = self._counted(
            select(carried.c.tasks, Volunteer.active).join(carried, carried.c.volunteer_id == Volunteer.id)
        )
        for (tasks, active), people in on_roster.items():
            spread[tasks] += people
            busy += people if active else 0
        most = self.session.execute(
            select(Volunteer.id, Volunteer.name, carried.c.tasks)
            .join(carried, carried.c.volunteer_id == Volunteer.id)
            .order_by(carried.c.tasks.desc(), Volunteer.id)
            .limit(MOST_NAMED)
        ).all()
        everybody = self.session.scalar(select(func.count()).select_from(Volunteer).where(Volunteer.active))
        return Loads(sorted(spread.items()), (everybody or 0) - busy, [tuple(row) for row in most])

    def sms(self) -> Sms:
        day = day_number(Message.created_at, self._offsets).label("day")
        lost = Message.state.in_([str(MessageState.FAILED), str(MessageState.UNDELIVERED)])
        # Of one that was delivered in the end, the code of an earlier try says nothing.
        code = case((lost, Message.error_code), else_="").label("code")
        counts = self._counted(
            select(day, Message.state, code).where(*self._in(Message.created_at), Message.direction == "out")
        )
        days = {one: Day(one) for one in self.period.each_day()}
        codes: Counter[str] = Counter()
        sms = Sms(list(days.values()))
        for (number, state, error_code), count in counts.items():
            day_of = days[as_date(number)]
            if state == MessageState.FAILED and error_code == NOT_NEEDED:
                sms.not_needed += count
            elif state in (MessageState.FAILED, MessageState.UNDELIVERED):
                sms.lost, day_of.lost = sms.lost + count, day_of.lost + count
                codes[error_code] += count
            elif state == MessageState.DELIVERED:
                sms.delivered, day_of.delivered = sms.delivered + count, day_of.delivered + count
            else:
                day_of.open += count
                if state == MessageState.UNKNOWN:
                    sms.unknown += count
                else:
                    sms.on_the_way += count
        sms.codes = sorted(codes.items(), key=lambda one: (-one[1], one[0]))
        return sms

    @property
    def _offsets(self) -> Any:
        return offsets(*self.period.bounds(self.zone), self.zone)

    def _in(self, moment: Any) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        start, end = self.period.bounds(self.zone)
        return moment >= start, moment < end

    def _counted(self, query: Select[Any]) -> dict[tuple[Any, ...], int]:
        """How many rows there are of each kind that `query` names by its columns."""
        kinds = query.subquery()
        rows = self.session.execute(select(*kinds.c, func.count()).group_by(*kinds.c))
        return {tuple(row[:-1]): row[-1] for row in rows}

    def _promptness(
        self, done_at: ColumnElement[Any] | Any, aims: dict[str, int], named: bool
    ) -> dict[str, Promptness]:
        """How long it took until `done_at`; `named`: where the retiree named a time, that is the aim."""
        took = epoch(done_at) - epoch(Task.created_at)
        tasks = (
            select(
                _PACE.label("pace"),
                took.label("took"),
                (epoch(func.coalesce(Task.ended_at, self.now)) - epoch(Task.created_at)).label("age"),
                (epoch(Task.due_by) - epoch(Task.created_at) if named else literal(None, BigInteger)).label(
                    "wanted"
                ),
                # Over without being done by a volunteer: it says nothing about those.
                and_(true() if named else false(), Task.ended_at.is_not(None)).label("over"),
            )
            .where(*self._in(Task.created_at), ~Task.remote)
            .cte("tasks")
            # Else SQLite looks for the first acceptance anew wherever it is compared with something.
            .prefix_with("MATERIALIZED")
        )
        t = tasks.c
        aim = func.coalesce(t.wanted, case(*((t.pace == name, aim) for name, aim in aims.items()), else_=0))
        outcome = case(
            (and_(t.took.is_not(None), t.took <= aim), "in_time"),
            (t.took.is_not(None), "late"),
            (or_(t.over, t.age <= aim), "undecided"),
            else_="missing",
        )
        minutes = (t.took + literal(59, BigInteger)) // literal(60, BigInteger)
        rounded = case((t.took <= _EXACT_S, t.took), else_=minutes * literal(60, BigInteger))
        counts = self._counted(select(t.pace, outcome.label("outcome"), rounded.label("took")))
        return {name: _promptness(name, aim, counts) for name, aim in aims.items()}


_PACE: ColumnElement[str] = case(
    (Task.is_urgent, URGENT), (or_(Task.urgency == SOON, Task.category == MEDICINE), SOON), else_=ROUTINE
)
"""As :func:`dispatcher.rules.promptness.pace_name` says it, in statements."""


def _promptness(name: str, aim_s: int, counts: dict[tuple[Any, ...], int]) -> Promptness:
    outcomes: Counter[str] = Counter()
    durations: Counter[int] = Counter()
    for (pace, outcome, took), count in counts.items():
        if pace == name:
            outcomes[outcome] += count
            if took is not None:
                durations[took] += count
    spread = list(durations.items())
    return Promptness(aim_s, **outcomes, median_s=within(spread, 50), p90_s=within(spread, 90))
