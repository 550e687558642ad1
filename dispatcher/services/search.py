"""Finding who is calling, and the card that is up before the greeting ends."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, false, func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from dispatcher.models import (
    Assignment,
    Retiree,
    RetireePhone,
    SearchKey,
    Task,
    Volunteer,
    VolunteerKey,
)
from dispatcher.models.retiree import LONGEST_KEY
from dispatcher.rules import addresses, names, phones
from dispatcher.rules.lifecycle import TaskState
from dispatcher.rules.settings import GROCERIES, MEDICINE

_LAST = chr(0x10FFFF)
TO_BUY = (MEDICINE, GROCERIES)
"""What people often need once more, just as last time."""

KINDS = ("phone", "contact", "name", "by_contact", "home")
"""Kinds of search keys, those first that tell most surely who is calling."""

LONGEST_DOOR = 4
"""So many digits may be the number of a door."""

MOST_KEYS = 400
"""So many keys that begin as typed are read, however many there are."""


def _begins(key: Any, owner: Any) -> Select[Any]:
    """The first keys of a range, in the order of their index; of the owners many have several there."""
    return (
        select(owner, key.kind, key.key)
        .where(key.key >= bindparam("key"), key.key < bindparam("beyond"))
        .order_by(key.key, owner)
        .limit(MOST_KEYS)
    )


_RETIREES_BY_KEY = _begins(SearchKey, SearchKey.retiree_id)
_VOLUNTEERS_BY_KEY = _begins(VolunteerKey, VolunteerKey.volunteer_id)
_VOLUNTEERS = (
    select(Volunteer)
    .where(Volunteer.id.in_(bindparam("volunteer_ids", expanding=True)))
    .options(joinedload(Volunteer.campus, innerjoin=True))
)
_OF_THIS_NAME = (
    select(SearchKey.retiree_id)
    .distinct()
    .where(SearchKey.key == bindparam("key"), SearchKey.kind == "name")
    .limit(MOST_KEYS)
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
    """A retiree found. `by`: one of :data:`KINDS`, their own phone, their emergency contact's, their name,
    their contact's, or their home; `number`: the phone that was found (E.164), where it was by one."""

    retiree: Retiree
    by: str
    number: str = ""


@dataclass(frozen=True)
class VolunteerMatch:
    """A volunteer found. `by`: "phone" or "name"."""

    volunteer: Volunteer
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
    """Retirees by first or last digits of a number of theirs or of their emergency contact's, by their name
    or the contact's (also in pinyin, by initials, with an honorific), and by house and door. By several of
    these in one text: either finds them, and those of whom all is true come first.

    Whole matches first, then in the order of :data:`KINDS`. Index ranges are read, not the roster.
    """
    said = _terms(text)
    found = _ranked(session, _RETIREES_BY_KEY, said, limit)
    ids = [person_id for person_id, _ in found]
    people = {person.id: person for person in session.scalars(_FOUND, {"retiree_ids": ids})} if ids else {}
    return [
        Match(people[person_id], kind, _number(people[person_id], kind, said)) for person_id, kind in found
    ]


def find_volunteers(session: Session, text: str, limit: int = 12) -> list[VolunteerMatch]:
    """Volunteers by first or last digits of their number, and by their name, as :func:`find` does."""
    found = _ranked(session, _VOLUNTEERS_BY_KEY, _terms(text), limit)
    ids = [person_id for person_id, _ in found]
    people = {one.id: one for one in session.scalars(_VOLUNTEERS, {"volunteer_ids": ids})} if ids else {}
    return [VolunteerMatch(people[person_id], kind) for person_id, kind in found]


def alike(session: Session, name: str, campus_id: int, address: str, number: str) -> list[Retiree]:
    """Who on the roster may be this person: of the same name, and of the same address, or of the same campus
    and reached by the same number (E.164)."""
    key = names.normalise(name)[:LONGEST_KEY]
    rows = session.execute(_OF_THIS_NAME, {"key": key})
    people = session.scalars(_FOUND, {"retiree_ids": [row[0] for row in rows]}).all() if key else []
    return [
        one
        for one in people
        if addresses.same_home(one.address, address)
        or (one.campus_id == campus_id and number in {one.contact_phone, *(p.number for p in one.phones)})
    ]


def volunteers_found(text: str) -> ColumnElement[bool]:
    """Whether a volunteer is among those that `text` finds, as :func:`find_volunteers` does, for a query that
    narrows them down further."""
    key = VolunteerKey.key
    ranges = [and_(key >= term, key < term + _LAST) for terms in _terms(text) for term in terms]
    return Volunteer.id.in_(select(VolunteerKey.volunteer_id).where(or_(false(), *ranges)))


def _terms(text: str) -> list[list[str]]:
    """What keys begin with, whatever `text` may mean, the likeliest first: a list for each of the things that
    it says of somebody, such as a name and a number."""
    homes = addresses.search_terms(text)
    if phones.search_digits(text) is not None:
        return [[*phones.search_terms(text), *homes]]
    number, words = phones.apart(text)
    if number:
        if len(re.findall("[0-9]", number)) <= LONGEST_DOOR:  # 翠竹园 1501 is a door as well
            return [names.search_terms(words), [*phones.search_terms(number), *homes]]
        return [[*names.search_terms(words), *addresses.search_terms(words)], phones.search_terms(number)]
    home, words = addresses.apart(text)
    if home:
        return [names.search_terms(words), addresses.search_terms(home)]
    return [[*names.search_terms(text), *homes]]


def _ranked(
    session: Session, begins: Select[Any], said: Sequence[Sequence[str]], limit: int
) -> list[tuple[int, str]]:
    """Whose keys begin with one of the terms, and the kind of the best of these; first those of whom most of
    what is `said` is true, then the best matches."""
    best: dict[int, tuple[bool, int, int]] = {}
    true_of: dict[int, set[int]] = {}
    order = 0
    for thing, terms in enumerate(said):
        for term in terms:
            # A number alone is rather the beginning of a phone than a door.
            whole = {term} if re.fullmatch(f"{addresses.MARK}[0-9]+", term) else {term, f"{term}-"}
            for owner, kind, key in session.execute(begins, {"key": term, "beyond": term + _LAST}):
                rank = (key not in whole, KINDS.index(kind), order)
                best[owner] = min(rank, best.get(owner, rank))
                true_of.setdefault(owner, set()).add(thing)
            order += 1
    ranked = sorted(best.items(), key=lambda one: (-len(true_of[one[0]]), one[1], one[0]))[:limit]
    return [(owner, KINDS[rank[1]]) for owner, rank in ranked]


def _number(retiree: Retiree, by: str, said: Sequence[Sequence[str]]) -> str:
    """The phone by which somebody was found."""
    numbers = {"phone": [p.number for p in retiree.phones], "contact": [retiree.contact_phone]}.get(by, [])
    terms = tuple(term for one in said for term in one)
    hits = (n for n in numbers if any(key.startswith(terms) for key in phones.search_keys(n)))
    return next(hits, "")


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
