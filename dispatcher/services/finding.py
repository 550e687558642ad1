"""Looking for anything: people, tasks, messages. Each by an index, and only so far."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, literal_column, select
from sqlalchemy.orm import Session, aliased, joinedload

from dispatcher.models import Message, Retiree, Task, Volunteer
from dispatcher.rules import phones
from dispatcher.services import search

WORDS_OF = timedelta(days=30)
"""So far back the words of incoming SMS are looked through,"""

NEWEST = 20_000
"""and so many of them, the newest first."""

MOST_TASKS = 30
MOST_MESSAGES = 30
PART_OF_NUMBER = 7
"""Fewer digits of a number would fit half the country."""

_LAST = chr(0x10FFFF)
_LARGEST_ID = 2**31 - 1

_OF_PEOPLE = (
    select(Task)
    .where(Task.retiree_id.in_(bindparam("retiree_ids", expanding=True)))
    .options(joinedload(Task.retiree, innerjoin=True))
    .order_by(Task.id.desc())
    .limit(MOST_TASKS)
)
_NUMBERED = (
    select(Task).where(Task.id == bindparam("task_id")).options(joinedload(Task.retiree, innerjoin=True))
)
_WITH_PHONES = (
    select(Message)
    .where(Message.phone.in_(bindparam("numbers", expanding=True)))
    .order_by(Message.created_at.desc())
    .limit(MOST_MESSAGES)
)
_WITH_NUMBER = (
    select(Message)
    .where(Message.phone >= bindparam("begins"), Message.phone < bindparam("beyond"))
    .order_by(Message.created_at.desc())
    .limit(MOST_MESSAGES)
)
# Written out, so that the index of incoming SMS is seen to serve.
_NEWEST = aliased(
    Message,
    select(Message)
    .where(literal_column("message.direction = 'in'"), Message.created_at >= bindparam("since"))
    .order_by(Message.created_at.desc())
    .limit(NEWEST)
    .subquery("newest"),
)
_SAYING = (
    select(_NEWEST)
    .where(func.lower(_NEWEST.body).contains(bindparam("words"), autoescape=False, escape="\\"))
    .order_by(_NEWEST.created_at.desc())
    .limit(MOST_MESSAGES)
)


@dataclass(frozen=True)
class Letter:
    """A message and whose phone it is, where that is known."""

    message: Message
    retiree: Retiree | None
    volunteer: Volunteer | None


@dataclass(frozen=True)
class Found:
    """All that was found, each kind with the newest first."""

    people: list[search.Match] = field(default_factory=list)
    volunteers: list[search.VolunteerMatch] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    messages: list[Letter] = field(default_factory=list)


def find(session: Session, text: str, now: datetime) -> Found:
    """Whatever `text` may mean: a retiree (as :func:`dispatcher.services.search.find` does), a volunteer, a
    task ("#123"), a number, words said."""
    text = text.strip()
    if not text:
        return Found()
    if text.startswith(("#", "＃")):
        return Found(tasks=_numbered(session, phones.tidy(text[1:])))
    people = search.find(session, text)
    volunteers = search.find_volunteers(session, text)
    digits = phones.search_digits(text)
    tasks = _numbered(session, phones.tidy(text)) if digits is not None else []
    known = {task.id for task in tasks}
    ids = [match.retiree.id for match in people]
    tasks += [t for t in session.scalars(_OF_PEOPLE, {"retiree_ids": ids}) if t.id not in known]
    numbers = [phone.number for match in people for phone in match.retiree.phones]
    numbers += [match.volunteer.phone for match in volunteers]
    messages: dict[int, Message] = {}
    for statement, of in _where_to_look(text, digits, numbers, now):
        messages |= {message.id: message for message in session.scalars(statement, of)}
    newest = sorted(messages.values(), key=lambda m: (m.created_at, m.id), reverse=True)[:MOST_MESSAGES]
    return Found(people, volunteers, tasks[:MOST_TASKS], _whose(session, newest))


def _numbered(session: Session, digits: str) -> list[Task]:
    if not (digits.isascii() and digits.isdigit()) or not 0 < int(digits) <= _LARGEST_ID:
        return []
    return list(session.scalars(_NUMBERED, {"task_id": int(digits)}))


def _where_to_look(
    text: str, digits: str | None, numbers: list[str], now: datetime
) -> list[tuple[Any, dict[str, Any]]]:
    """The statements that find messages, with what each is asked for."""
    ways: list[tuple[Any, dict[str, Any]]] = []
    if numbers:
        ways.append((_WITH_PHONES, {"numbers": numbers}))
    if digits is not None:
        if len(digits) >= PART_OF_NUMBER:
            for begins in (f"+86{digits.removeprefix('0')}", f"+{digits}"):
                ways.append((_WITH_NUMBER, {"begins": begins, "beyond": begins + _LAST}))
    else:
        ways.append((_SAYING, {"words": _escaped(text.lower()), "since": now - WORDS_OF}))
    return ways


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _whose(session: Session, messages: Sequence[Message]) -> list[Letter]:
    retirees = _by_id(session, Retiree, {m.retiree_id for m in messages})
    volunteers = _by_id(session, Volunteer, {m.volunteer_id for m in messages})
    return [Letter(m, retirees.get(m.retiree_id), volunteers.get(m.volunteer_id)) for m in messages]


def _by_id(session: Session, model: Any, ids: set[int | None]) -> dict[int | None, Any]:
    rows = session.scalars(select(model).where(model.id.in_([i for i in ids if i is not None])))
    return {row.id: row for row in rows}
