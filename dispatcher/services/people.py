"""The volunteers as a coordinator sees them: who is on duty, holds what, was asked how often, said what."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import BindParameter, ColumnElement, and_, bindparam, func, select, true
from sqlalchemy.orm import Session, joinedload, selectinload

from dispatcher.database import transaction, use_case
from dispatcher.models import Assignment, Campus, Offer, Staff, Task, Volunteer
from dispatcher.rules import availability
from dispatcher.rules.lifecycle import OfferState
from dispatcher.services import board, candidates, history, lately, pausing, roster, search
from dispatcher.services.coordinating import Refused

PAGE = 50
LAST_OFFERS = 20

ANSWERS_KEPT = timedelta(days=90)
"""An answer older than this says nothing of the volunteer any more."""

WEEK, MONTH = timedelta(days=7), timedelta(days=30)

WHICH = ("duty", "holding", "paused", "stopped", "inactive")
"""What the list may be narrowed to. Who isn't active any more is shown only so, or when looked for."""

_ANSWERED = [str(s) for s in (OfferState.ACCEPTED, OfferState.DECLINED, OfferState.EXPIRED)]
_THEIRS: BindParameter[Any] = bindparam("volunteer_ids", expanding=True)

_HELD = (
    select(Assignment)
    .join(Task, Task.id == Assignment.task_id)
    .where(Assignment.volunteer_id.in_(_THEIRS), Assignment.ended_at.is_(None), Task.is_held)
    .options(joinedload(Assignment.task).joinedload(Task.retiree))
    .order_by(Assignment.id)
)
_ASKED = (
    select(
        Offer.volunteer_id,
        func.count().filter(Offer.created_at >= bindparam("midnight")),
        func.count(),
    )
    .where(
        Offer.volunteer_id.in_(_THEIRS), Offer.created_at >= bindparam("week_ago"), Offer.unasked_at.is_(None)
    )
    .group_by(Offer.volunteer_id)
)
_LAST_ANSWERS = (
    select(func.max(Offer.id))
    .where(
        Offer.volunteer_id.in_(_THEIRS),
        Offer.created_at >= bindparam("since"),
        Offer.state.in_(_ANSWERED),
    )
    .group_by(Offer.volunteer_id)
)
_OFFERS = select(Offer).where(Offer.id.in_(bindparam("offer_ids", expanding=True)))
_LATEST_OFFERS = (
    select(Offer)
    .where(Offer.volunteer_id == bindparam("volunteer_id"))
    .options(joinedload(Offer.task).joinedload(Task.retiree))
    .order_by(Offer.created_at.desc(), Offer.id.desc())
    .limit(LAST_OFFERS)
)
_BROUGHT = (
    select(Assignment.created_at, Assignment.underway_at, Task.delivered_at)
    .join(Task, Task.id == Assignment.task_id)
    .where(
        Assignment.volunteer_id == bindparam("volunteer_id"),
        Assignment.created_at >= bindparam("since"),
        Assignment.end_reason.in_(("", "closed")),
        Task.delivered_at.is_not(None),
    )
)


@dataclass(frozen=True)
class Wanted:
    """Whom to show. Empty means all. `search`: a name or number, as
    :func:`dispatcher.services.search.find_volunteers` takes it; `which`: one of :data:`WHICH`."""

    search: str = ""
    campus: str = ""
    which: str = ""
    page: int = 1


@dataclass(frozen=True)
class Member:
    """One volunteer. `until`: the end of the duty that covers now; `today`, `week`: how often they were
    asked since midnight, and in seven days; `last`: the last offer that came to an end with them."""

    volunteer: Volunteer
    until: datetime | None
    held: list[Task]
    today: int
    week: int
    last: Offer | None


@dataclass(frozen=True)
class Sums:
    """The whole roster in numbers."""

    all: int
    duty: int
    holding: int
    paused: int
    stopped: int


@dataclass(frozen=True)
class Listing:
    """One page of the volunteers that are wanted; `total`: all of those."""

    members: list[Member]
    total: int
    page: int
    pages: int
    sums: Sums


@dataclass(frozen=True)
class Person:
    """One volunteer in full. `offers`: their latest, the newest first. `weekly_min`: minutes of duty a
    week. `brought`, `helped`: how many tasks they have brought to an end lately (:data:`MONTH`), and how
    long they were about it, from setting out (or accepting) to delivery."""

    member: Member
    offers: list[Offer]
    weekly_min: int
    brought: int
    helped: timedelta


def listing(session: Session, wanted: Wanted, now: datetime) -> Listing:
    """One page of volunteers, by campus and name."""
    which, given = _wanted(wanted, now)
    total = session.scalars(select(func.count(Volunteer.id)).where(which), given).one()
    pages = max(1, -(-total // PAGE))
    page = min(wanted.page, pages)
    query = (
        select(Volunteer)
        .where(which)
        .options(joinedload(Volunteer.campus), selectinload(Volunteer.windows))
        .order_by(Volunteer.campus_id, Volunteer.name, Volunteer.id)
        .limit(PAGE)
        .offset((page - 1) * PAGE)
    )
    people = list(session.scalars(query, given))
    return Listing(_members(session, people, now), total, page, pages, _sums(session, now))


def person(session: Session, volunteer_id: int, now: datetime) -> Person | None:
    """One volunteer in full."""
    volunteer = session.get(Volunteer, volunteer_id)
    if volunteer is None:
        return None
    brought = session.execute(_BROUGHT, {"volunteer_id": volunteer.id, "since": now - MONTH})
    spans = [
        max(timedelta(), delivered_at - (underway_at or created_at))
        for created_at, underway_at, delivered_at in brought
        if delivered_at is not None
    ]
    return Person(
        member=_members(session, [volunteer], now)[0],
        offers=list(session.scalars(_LATEST_OFFERS, {"volunteer_id": volunteer.id})),
        weekly_min=sum(w.end_min - w.start_min for w in volunteer.windows if w.makes_sense),
        brought=len(spans),
        helped=sum(spans, timedelta()),
    )


@use_case
def pause(volunteer_id: int, choice: str, day: date | None, by: Staff, now: datetime) -> None:
    """Ask them nothing for so long: they have said so on the phone. What they hold stays theirs.

    `choice`, `day`: as in :func:`dispatcher.rules.availability.paused_until`.

    Raises:
        Refused: no such volunteer, or no such moment.
    """
    until = availability.paused_until(choice, day, now, current_app.config["ZONE"])
    with transaction() as tx:
        volunteer = _in_hand(tx, volunteer_id)
        if until is None:
            raise Refused("no_such_moment")
        pausing.pause(tx, volunteer, until, history.staff(by), now, **_named(volunteer))


@use_case
def resume(volunteer_id: int, by: Staff, now: datetime) -> None:
    """They may be asked again.

    Raises:
        Refused: no such volunteer.
    """
    with transaction() as tx:
        volunteer = _in_hand(tx, volunteer_id)
        pausing.resume(tx, volunteer, history.staff(by), now, **_named(volunteer))


def _named(volunteer: Volunteer) -> dict[str, Any]:
    return {"volunteer_id": volunteer.id, "volunteer": volunteer.name}


def _in_hand(tx: Session, volunteer_id: int) -> Volunteer:
    volunteer = roster.hold(tx, volunteer_id)
    if volunteer is None:
        raise Refused("no_such_volunteer")
    return volunteer


def _members(session: Session, people: list[Volunteer], now: datetime) -> list[Member]:
    """What is known of each; so many statements, however many people."""
    zone = current_app.config["ZONE"]
    ids = {"volunteer_ids": [v.id for v in people]}
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    held: dict[int, list[Task]] = {}
    for assignment in session.scalars(_HELD, ids):
        held.setdefault(assignment.volunteer_id, []).append(assignment.task)
    asked = {
        volunteer_id: (today, week)
        for volunteer_id, today, week in session.execute(
            _ASKED, ids | {"midnight": midnight, "week_ago": now - WEEK}
        )
    }
    last_ids = list(session.scalars(_LAST_ANSWERS, ids | {"since": now - ANSWERS_KEPT}))
    last = {o.volunteer_id: o for o in session.scalars(_OFFERS, {"offer_ids": last_ids})}
    return [
        Member(
            v, board.duty_until(v, now, zone), held.get(v.id, []), *asked.get(v.id, (0, 0)), last.get(v.id)
        )
        for v in people
    ]  # fmt: skip


def _paused() -> ColumnElement[bool]:
    return and_(Volunteer.paused_until.is_not(None), Volunteer.paused_until > bindparam("now"))


def _holding() -> ColumnElement[bool]:
    return Volunteer.id.in_(
        select(Assignment.volunteer_id)
        .join(Task, Task.id == Assignment.task_id)
        .where(Assignment.ended_at.is_(None), Task.is_held)
    )


def _wanted(wanted: Wanted, now: datetime) -> tuple[ColumnElement[bool], dict[str, Any]]:
    given: dict[str, Any] = {}
    parts: list[ColumnElement[bool]] = []
    if wanted.which == "inactive":
        parts.append(~Volunteer.active)
    elif not wanted.search:
        parts.append(Volunteer.active == true())
    if wanted.search:
        parts.append(search.volunteers_found(wanted.search))
    if wanted.campus:
        campus = select(Campus.id).where(Campus.code == wanted.campus).scalar_subquery()
        parts.append(Volunteer.campus_id == campus)
    if wanted.which == "duty":
        parts.append(candidates.on_duty_at())
        given = candidates.moment(now.astimezone(current_app.config["ZONE"]))
    elif wanted.which == "holding":
        parts.append(_holding())
    elif wanted.which == "paused":
        parts.append(and_(Volunteer.stopped_at.is_(None), _paused()))
    elif wanted.which == "stopped":
        parts.append(Volunteer.stopped_at.is_not(None))
    if wanted.which == "paused":
        given = {"now": now}
    return and_(*parts), given


def _sums(session: Session, now: datetime) -> Sums:
    """Of those who are active; with very many, lately."""
    moment = candidates.moment(now.astimezone(current_app.config["ZONE"]))
    stopped = Volunteer.stopped_at.is_not(None)
    query = select(
        func.count(),
        func.count().filter(candidates.on_duty_at()),
        func.count().filter(_holding()),
        func.count().filter(and_(~stopped, _paused())),
        func.count().filter(stopped),
    ).where(Volunteer.active)

    def find() -> tuple[Sums, int]:
        sums = Sums(*session.execute(query, moment).one())
        return sums, sums.all

    return lately.known("volunteers in numbers", find)
