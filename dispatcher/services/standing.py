"""What needs a person, in the one order in which every page shows it; strangers' texts apart, in a bounded
place."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, case, func, or_, select
from sqlalchemy.orm import Session, joinedload

from dispatcher.models import Attention, HelpRequest, Retiree, Task
from dispatcher.rules.order import (
    ALARMS,
    CALL_FOR_HELP,
    PRESSING,
    TEXTS,
    Place,
    Sender,
    place_of_task,
    place_of_text,
    turn,
)

STRANGERS = 3
"""So many strangers' phones are shown among other things; a page of their own has all."""

PAGE = 50
"""So many texts are on one page of theirs."""


def is_text() -> ColumnElement[bool]:
    """Whether an attention is about a text: such a one has a row of its own, not its task's."""
    return Attention.reason.in_(TEXTS)


def is_strangers() -> ColumnElement[bool]:
    """Whether it is a text of somebody whom nobody knows."""
    unknown = and_(
        Attention.sender.is_(None), Attention.retiree_id.is_(None), Attention.volunteer_id.is_(None)
    )
    return and_(is_text(), or_(func.coalesce(Attention.sender, "") == str(Sender.STRANGER), unknown))


def sender(item: Any) -> Sender:
    """Whose text `item` (or its columns) is; one from before senders were kept says it by whom it names."""
    if item.sender:
        return Sender(item.sender)
    if item.volunteer_id is not None:
        return Sender.VOLUNTEER
    return Sender.STRANGER if item.retiree_id is None else Sender.RETIREE


@dataclass(frozen=True)
class Need:
    """Something that stands, in the few columns that say where. `open`: whether its task, if it has one, is
    still open; `urgent`, `danger`: whether that is urgent, and whether a life is in danger there."""

    id: int
    reason: str
    place: Place
    raised_at: datetime
    message_id: int | None
    task_id: int | None
    claimed: bool
    open: bool
    urgent: bool

    @property
    def is_text(self) -> bool:
        """Whether it is a text: that has a row of its own."""
        return self.reason in TEXTS

    @property
    def turn(self) -> tuple[int, float, int]:
        """A key that sorts."""
        return turn(self.place, self.raised_at, self.message_id)


@dataclass(frozen=True)
class Strangers:
    """The texts of strangers: the first :data:`STRANGERS` phones, and how many there are."""

    first: Sequence[Attention]
    total: int


_NEEDS = (
    select(
        Attention.id, Attention.reason, Attention.sender, Attention.raised_at, Attention.message_id,
        Attention.task_id, Attention.retiree_id, Attention.volunteer_id, Attention.claimed_by_id,
        Task.is_open_ended.label("open"), Task.is_urgent.label("urgent"),
        HelpRequest.life_danger.label("danger"),
    )
    .outerjoin(Task, Task.id == Attention.task_id)
    .outerjoin(HelpRequest, HelpRequest.id == Task.request_id)
    .where(Attention.resolved_at.is_(None), ~is_strangers())
)  # fmt: skip


def needs(session: Session) -> list[Need]:
    """All that stands, in order, but for what strangers have written."""
    return sorted((_need(row) for row in session.execute(_NEEDS)), key=lambda need: need.turn)


def _need(row: Any) -> Need:
    if row.reason in TEXTS:
        place = place_of_text(row.reason, sender(row))
    elif row.reason in ALARMS:
        place = Place.ALARM
    elif row.task_id is not None and row.open:
        place = place_of_task(bool(row.danger), True)
    else:
        place = Place.OTHER_NEED
    return Need(
        row.id, row.reason, place, row.raised_at, row.message_id, row.task_id,
        row.claimed_by_id is not None, bool(row.open), bool(row.urgent),
    )  # fmt: skip


def presses(need: Need) -> bool:
    """Whether nobody sees to it, and somebody should at once."""
    return not need.claimed and (need.reason in PRESSING or (need.urgent and not need.is_text))


_IN_FULL = (
    joinedload(Attention.retiree).selectinload(Retiree.phones),
    joinedload(Attention.volunteer),
    joinedload(Attention.claimed_by),
    joinedload(Attention.task).options(
        joinedload(Task.retiree), joinedload(Task.request).load_only(HelpRequest.life_danger)
    ),
)
_THESE = (
    select(Attention)
    .where(Attention.id.in_(bindparam("ids", expanding=True)), Attention.resolved_at.is_(None))
    .options(*_IN_FULL)
)
_CALLS_FIRST = case((Attention.reason == CALL_FOR_HELP, 0), else_=1)
_OF_STRANGERS = (
    select(Attention, func.count().over().label("total"))
    .where(Attention.resolved_at.is_(None), is_strangers())
    .order_by(_CALLS_FIRST, Attention.message_id.desc(), Attention.id.desc())
)
_FIRST_OF_STRANGERS = _OF_STRANGERS.options(joinedload(Attention.claimed_by)).limit(STRANGERS)
_FREE_OF_STRANGERS = _FIRST_OF_STRANGERS.where(Attention.claimed_by_id.is_(None))


def in_full(session: Session, ids: Sequence[int]) -> list[Attention]:
    """These in full, in this order, but for those that have been seen to meanwhile."""
    if not ids:
        return []
    found = {item.id: item for item in session.scalars(_THESE, {"ids": [*ids]})}
    return [found[i] for i in ids if i in found]


def strangers(session: Session, unclaimed: bool = False) -> Strangers:
    """What strangers have written: those who call for help first, then the newest. `unclaimed`: only what
    nobody sees to."""
    rows = session.execute(_FREE_OF_STRANGERS if unclaimed else _FIRST_OF_STRANGERS).all()
    return Strangers([row[0] for row in rows], rows[0].total if rows else 0)


@dataclass(frozen=True)
class Texts:
    """One page of the loose texts; `total`: how many phones all pages show."""

    items: Sequence[Attention]
    total: int
    page: int
    pages: int


def texts(session: Session, of_strangers: bool, page: int) -> Texts:
    """One page of the texts of strangers, or of the others, in order."""
    if not of_strangers:
        ids = [need.id for need in needs(session) if need.is_text]
        pages, page = _pages(len(ids), page)
        return Texts(in_full(session, ids[(page - 1) * PAGE : page * PAGE]), len(ids), page, pages)
    counted = select(func.count(Attention.id)).where(Attention.resolved_at.is_(None), is_strangers())
    total = session.scalars(counted).one()
    pages, page = _pages(total, page)
    query: Any = _OF_STRANGERS.options(*_IN_FULL).limit(PAGE).offset((page - 1) * PAGE)
    return Texts([row[0] for row in session.execute(query)], total, page, pages)


def _pages(total: int, page: int) -> tuple[int, int]:
    pages = max(1, -(-total // PAGE))
    return pages, min(page, pages)


def of_tasks(found: Iterable[Need]) -> set[int]:
    """The open tasks of which something needs a person, by their ids."""
    return {need.task_id for need in found if need.task_id is not None and not need.is_text}
