"""Whom to ask for a task, when to look again, and why: a pure function of what is known now.

A task is offered in waves. Rings widen from the task's own campus to its neighbours to everybody on
duty: by the clock, or at once when the rings open so far can't fill the wave (an empty ring is
skipped, never waited for). Among those who may be asked, the nearest ring comes first, then those
who hold least, did least this week, and were asked longest ago. When nobody is left to ask and
those asked have gone quiet, a coordinator is told now, not at the end of a timer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from dispatcher.rules.settings import DispatchSettings, is_urgent, seconds

HOME, NEIGHBOUR, ANYWHERE = 0, 1, 2
_NEVER = datetime.min.replace(tzinfo=UTC)


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
    """An offer that still waits for an answer."""

    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class TaskView:
    """What the policy needs to know of a task. `neighbours`: campus ids, nearest first."""

    campus_id: int
    neighbours: tuple[int, ...]
    category: str
    urgency: str
    opened_at: datetime
    due_by: datetime | None = None
    pending: tuple[PendingOffer, ...] = ()


@dataclass(frozen=True)
class Candidate:
    """What the policy needs to know of a volunteer.

    `on_duty_until`: None off duty. `held`: tasks held now. `week_load`: tasks taken in 7 days.
    `alerts_today`, `live_offers`: non-urgent offers today, and those still waiting for an answer.
    `agreed_urgent`: may be asked for urgent help in quiet hours and beyond the caps.
    `asked`: was put this task before, whatever came of it.
    """

    volunteer_id: int
    campus_id: int
    on_duty_until: datetime | None
    available: bool = True
    held: int = 0
    capacity: int = 2
    week_load: int = 0
    alerts_today: int = 0
    live_offers: int = 0
    last_asked_at: datetime | None = None
    agreed_urgent: bool = False
    asked: bool = False


@dataclass(frozen=True)
class Assessment:
    """One candidate seen for one task: how near, why to ask (`why`), why not to (`bars`)."""

    candidate: Candidate
    ring: int
    why: tuple[Reason, ...]
    bars: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """Whom to ask now, when to look again, what the task then waits for, and whether a person
    must be told (`hand_over` says why)."""

    ask: tuple[Assessment, ...]
    look_again_at: datetime
    waiting: Reason
    hand_over: Reason | None = None


def rank(
    task: TaskView,
    candidates: Iterable[Candidate],
    now: datetime,
    settings: DispatchSettings,
    zone: ZoneInfo,
) -> list[Assessment]:
    """All candidates, best first; those with a bar come after all those without."""
    assessed = [_assess(task, candidate, now, settings, zone) for candidate in candidates]
    return sorted(
        assessed,
        key=lambda a: (
            bool(a.bars),
            len(a.bars),
            a.ring,
            a.candidate.held,
            a.candidate.week_load,
            a.candidate.last_asked_at or _NEVER,
            a.candidate.volunteer_id,
        ),
    )


def plan(
    task: TaskView,
    candidates: Iterable[Candidate],
    now: datetime,
    settings: DispatchSettings,
    zone: ZoneInfo,
) -> Plan:
    """The next step for an open task.

    Harmless to repeat: asked again at the same moment, after its offers were written, it asks
    nobody more.
    """
    pace = settings.pace(task.category, task.urgency)
    urgent = is_urgent(task.category, task.urgency)
    eligible = [a for a in rank(task, candidates, now, settings, zone) if not a.bars]

    quiet_until = None if urgent else _quiet_until(now, settings, zone)
    if quiet_until is not None:
        too_late = task.due_by is not None and task.due_by <= quiet_until
        return Plan(
            (),
            min([quiet_until, *(p.expires_at for p in task.pending if p.expires_at > now)]),
            Reason("quiet_hours", {"until": quiet_until.isoformat()}),
            Reason("due_in_quiet_hours") if too_late else None,
        )

    since = _asking_since(task, settings, zone, urgent)
    fresh = [p for p in task.pending if now - p.created_at < seconds(pace.look_ahead_s)]
    want = pace.wave - len(fresh)
    if urgent:
        want = min(want, settings.urgent_live_max - len(task.pending))
    ask = tuple(_widened(eligible, since, now, pace.rings_s, want))

    waits = [now + seconds(pace.look_ahead_s)] if ask or fresh else []
    waits += [p.created_at + seconds(pace.look_ahead_s) for p in fresh]
    waits += [p.expires_at for p in task.pending if p.expires_at > now]
    handed_at = since + seconds(pace.coordinator_s)
    if handed_at > now:
        waits.append(handed_at)

    hand_over = None
    if not ask and not fresh and len(eligible) == 0:
        # Somebody may come on duty or finish a task: keep looking while the coordinator acts.
        waits.append(now + seconds(settings.recheck_s))
        hand_over = Reason("nobody_answered" if task.pending else "nobody_left")
    elif handed_at <= now:
        hand_over = Reason("too_long")

    waiting = Reason(
        "answers" if ask or task.pending else "nobody_left",
        {"asked": len(ask) + len(task.pending)},
    )
    look_again_at = min(waits, default=now + seconds(settings.recheck_s))
    return Plan(ask, look_again_at, waiting, hand_over)


def _assess(
    task: TaskView, c: Candidate, now: datetime, settings: DispatchSettings, zone: ZoneInfo
) -> Assessment:
    urgent = is_urgent(task.category, task.urgency)
    past_caps = urgent and c.agreed_urgent
    bars = []
    if not c.available:
        bars.append("unavailable")
    if c.on_duty_until is None:
        bars.append("off_duty")
    if c.asked:
        bars.append("asked_before")
    if c.held >= c.capacity:
        bars.append("busy")
    if not past_caps:
        if c.live_offers >= settings.live_cap:
            bars.append("live_offer")
        if c.alerts_today >= settings.daily_cap:
            bars.append("daily_cap")
        if _quiet_until(now, settings, zone) is not None:
            bars.append("quiet_hours")
    ring = _ring(task, c)
    why = [Reason(("same_campus", "neighbour", "further")[ring])]
    if c.on_duty_until is not None:
        why.append(Reason("on_duty_until", {"until": c.on_duty_until.isoformat()}))
    why.append(Reason("load", {"held": c.held, "week": c.week_load}))
    if c.last_asked_at is None:
        why.append(Reason("never_asked"))
    else:
        why.append(Reason("last_asked", {"at": c.last_asked_at.isoformat()}))
    return Assessment(c, ring, tuple(why), tuple(bars))


def _ring(task: TaskView, candidate: Candidate) -> int:
    if candidate.campus_id == task.campus_id:
        return HOME
    return NEIGHBOUR if candidate.campus_id in task.neighbours else ANYWHERE


def _widened(
    eligible: Sequence[Assessment],
    since: datetime,
    now: datetime,
    rings_s: Sequence[float],
    want: int,
) -> Sequence[Assessment]:
    """The best `want` of the rings open by the clock, widened at once while they can't fill it."""
    if want <= 0:
        return ()
    open_by_clock = max(r for r, after in enumerate(rings_s) if now >= since + seconds(after))
    inside: list[Assessment] = []
    for ring in range(open_by_clock, ANYWHERE + 1):
        inside = [a for a in eligible if a.ring <= ring]
        if len(inside) >= want:
            break
    return inside[:want]


def _quiet_until(now: datetime, settings: DispatchSettings, zone: ZoneInfo) -> datetime | None:
    local = now.astimezone(zone)
    if settings.quiet is None or not settings.quiet.covers(local):
        return None
    return settings.quiet.next_end(local)


def _asking_since(task: TaskView, settings: DispatchSettings, zone: ZoneInfo, urgent: bool) -> datetime:
    """When asking could begin: a task of the night that may wait is as new as the morning."""
    if urgent:
        return task.opened_at
    return _quiet_until(task.opened_at, settings, zone) or task.opened_at
