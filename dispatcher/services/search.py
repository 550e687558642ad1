"""Finding who is calling, and the card that is up before the greeting ends."""

from dataclasses import dataclass

from sqlalchemy import bindparam, case, func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from dispatcher.models import Assignment, Retiree, RetireePhone, SearchKey, Task
from dispatcher.rules import names, phones
from dispatcher.rules.lifecycle import TaskState
from dispatcher.rules.settings import GROCERIES, MEDICINE

_LAST = chr(0x10FFFF)
TO_BUY = (MEDICINE, GROCERIES)
"""What people often need once more, just as last time."""


_BY_KIND = case({"phone": 0, "contact": 1, "name": 2}, value=SearchKey.kind)
_WHOLE = func.max(case((SearchKey.key == bindparam("key"), 1), else_=0))
_BEGINS = (
    select(SearchKey.retiree_id, func.min(_BY_KIND), _WHOLE)
    .where(SearchKey.key >= bindparam("key"), SearchKey.key < bindparam("beyond"))
    .group_by(SearchKey.retiree_id)
    .order_by(_WHOLE.desc(), func.min(_BY_KIND), SearchKey.retiree_id)
    .limit(bindparam("most"))
)
_FOUND = (
    select(Retiree)
    .where(Retiree.id.in_(bindparam("retiree_ids", expanding=True)))
    .options(joinedload(Retiree.campus, innerjoin=True), selectinload(Retiree.phones))
)
_OPEN = select(Task).where(Task.retiree_id == bindparam("retiree_id"), Task.is_open_ended).order_by(Task.id)
_HELPED = (
    select(Assignment)
    .join(Task)
    .where(Task.retiree_id == bindparam("retiree_id"), Assignment.end_reason == "closed")
    .options(joinedload(Assignment.task, innerjoin=True), joinedload(Assignment.volunteer, innerjoin=True))
    .order_by(Assignment.ended_at.desc())
    .limit(3)
)
_SAME_AGAIN = (
    select(Task)
    .where(
        Task.id.in_(
            select(func.max(Task.id))
            .where(
                Task.retiree_id == bindparam("retiree_id"),
                Task.category.in_(TO_BUY),
                Task.state != str(TaskState.CANCELLED),
            )
            .group_by(Task.category)
        )
    )
    .order_by(Task.id.desc())
)
_SHARING = (
    select(Retiree)
    .where(
        Retiree.id.in_(
            select(RetireePhone.retiree_id).where(
                RetireePhone.number.in_(bindparam("numbers", expanding=True))
            )
        ),
        Retiree.id != bindparam("retiree_id"),
    )
    .limit(5)
)


@dataclass(frozen=True)
class Match:
    """A retiree found. `by`: "phone" (their own), "contact" (an emergency contact's) or "name"."""

    retiree: Retiree
    by: str


@dataclass(frozen=True)
class Helper:
    """Who helped last, with what, when."""

    task: Task
    volunteer: str


@dataclass(frozen=True)
class Card:
    """All an operator needs of a retiree while the phone is at the ear.

    `last_bought`: the last task of each kind in :data:`TO_BUY` that had things to buy, the newest first.
    """

    retiree: Retiree
    open_tasks: list[Task]
    last_helpers: list[Helper]
    sharing: list[Retiree]
    last_bought: list[Task]


def find(session: Session, text: str, limit: int = 12) -> list[Match]:
    """Retirees by the beginning of a phone number, a name, its pinyin or its initials.

    Whole matches first, own phones before contacts' phones. An index range is read, not the roster.
    """
    digits = phones.search_digits(text)
    key = digits if digits is not None else names.normalise(text)
    if not key or (digits is not None and len(digits) < 3):
        return []
    found = session.execute(_BEGINS, {"key": key, "beyond": key + _LAST, "most": limit}).all()
    people = {
        person.id: person for person in session.scalars(_FOUND, {"retiree_ids": [row[0] for row in found]})
    }
    kinds = ("phone", "contact", "name")
    return [Match(people[person_id], kinds[kind]) for person_id, kind, _ in found]


def card(session: Session, retiree_id: int) -> Card | None:
    """The card of a retiree."""
    retiree = session.scalars(_FOUND, {"retiree_ids": [retiree_id]}).one_or_none()
    if retiree is None:
        return None
    of = {"retiree_id": retiree_id}
    helped = [Helper(a.task, a.volunteer.name) for a in session.scalars(_HELPED, of)]
    numbers = [phone.number for phone in retiree.phones]
    sharing = session.scalars(_SHARING, of | {"numbers": numbers}).all()
    bought = [task for task in session.scalars(_SAME_AGAIN, of) if task.items]
    return Card(retiree, open_tasks(session, retiree_id), helped, list(sharing), bought)


def open_tasks(session: Session, retiree_id: int) -> list[Task]:
    """The open tasks of a retiree, the newest last."""
    return list(session.scalars(_OPEN, {"retiree_id": retiree_id}))
