"""Finding who is calling, and the card that is up before the greeting ends."""

from dataclasses import dataclass

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from dispatcher.models import Assignment, Retiree, RetireePhone, SearchKey, Task
from dispatcher.rules import names, phones
from dispatcher.rules.lifecycle import OPEN_ENDED

_LAST = chr(0x10FFFF)


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
    """All an operator needs of a retiree while the phone is at the ear."""

    retiree: Retiree
    open_tasks: list[Task]
    last_helpers: list[Helper]
    sharing: list[Retiree]


def find(session: Session, text: str, limit: int = 12) -> list[Match]:
    """Retirees by the beginning of a phone number, a name, its pinyin or its initials.

    Whole matches first, own phones before contacts' phones. An index range is read, not the roster.
    """
    digits = phones.search_digits(text)
    key = digits if digits is not None else names.normalise(text)
    if not key or (digits is not None and len(digits) < 3):
        return []
    by_kind = case({"phone": 0, "contact": 1, "name": 2}, value=SearchKey.kind)
    whole = func.max(case((SearchKey.key == key, 1), else_=0))
    found = session.execute(
        select(SearchKey.retiree_id, func.min(by_kind), whole)
        .where(SearchKey.key >= key, SearchKey.key < key + _LAST)
        .group_by(SearchKey.retiree_id)
        .order_by(whole.desc(), func.min(by_kind), SearchKey.retiree_id)
        .limit(limit)
    ).all()
    people = {
        person.id: person
        for person in session.scalars(
            select(Retiree)
            .where(Retiree.id.in_([row[0] for row in found]))
            .options(joinedload(Retiree.campus), selectinload(Retiree.phones))
        )
    }
    kinds = ("phone", "contact", "name")
    return [Match(people[person_id], kinds[kind]) for person_id, kind, _ in found]


def card(session: Session, retiree_id: int) -> Card | None:
    """The card of a retiree."""
    retiree = session.get(
        Retiree, retiree_id, options=[joinedload(Retiree.campus), selectinload(Retiree.phones)]
    )
    if retiree is None:
        return None
    open_tasks = session.scalars(
        select(Task)
        .where(Task.retiree_id == retiree.id, Task.state.in_([str(s) for s in OPEN_ENDED]))
        .order_by(Task.created_at)
    ).all()
    helped = session.scalars(
        select(Assignment)
        .join(Task)
        .where(Task.retiree_id == retiree.id, Assignment.end_reason == "closed")
        .options(joinedload(Assignment.task), joinedload(Assignment.volunteer))
        .order_by(Assignment.ended_at.desc())
        .limit(3)
    ).all()
    numbers = [p.number for p in retiree.phones]
    on_them = select(RetireePhone.retiree_id).where(RetireePhone.number.in_(numbers))
    sharing = session.scalars(
        select(Retiree).where(Retiree.id.in_(on_them), Retiree.id != retiree.id).limit(5)
    ).all()
    return Card(retiree, list(open_tasks), [Helper(a.task, a.volunteer.name) for a in helped], list(sharing))
