"""Invented people by the thousand, written past the services, a table at a time.

Only what the measurements need: who can be asked, who calls, who logs in. The keys by which an operator
searches aren't written.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Table, insert, text
from sqlalchemy.orm import Session
from werkzeug.security import generate_password_hash

from dispatcher.clock import utcnow
from dispatcher.database import Base
from dispatcher.models import (
    Acceptance,
    AnswerTimes,
    Campus,
    CampusNeighbour,
    DutyWindow,
    Retiree,
    RetireePhone,
    Staff,
    Volunteer,
)
from dispatcher.rules.crowd import FACETS
from dispatcher.rules.response import STRETCHES

PASSWORD = "correct horse battery"  # noqa: S105 (of invented people)
AT_ONCE = 5_000
"""Rows handed to the database in one call."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Size:
    """How many people of each kind. Each volunteer has duty on so many whole `days` of the week."""

    volunteers: int = 1_000
    retirees: int = 6_000
    campuses: int = 5
    operators: int = 100
    coordinators: int = 1
    days: int = 7
    known: bool = False
    """Whether something has been learned of each volunteer and campus, as after a while in use."""


def load(tx: Session, size: Size) -> None:
    """Write them all into an empty database; everybody's ids are 1, 2, 3 and so on.

    Campuses stand in a ring, each the neighbour of the two beside it.
    """
    places = range(1, size.campuses + 1)
    fill(
        tx, Campus,
        ({"id": c, "code": f"c{c}", "name_zh": f"第{c}校区", "name_en": f"Campus {c}", "reachable": True}
         for c in places),
    )  # fmt: skip
    if size.campuses > 2:
        fill(
            tx, CampusNeighbour,
            ({"campus_id": c, "neighbour_id": (c - 1 + step) % size.campuses + 1, "rank": rank}
             for c in places for rank, step in ((1, 1), (2, -1))),
        )  # fmt: skip
    fill(
        tx, Volunteer,
        ({"id": v, "name": f"志愿者{v}", "phone": f"+86136{v:08}", "campus_id": v % size.campuses + 1,
          "night_ok": True, "capacity": 2} for v in range(1, size.volunteers + 1)),
    )  # fmt: skip
    fill(tx, DutyWindow, _windows(size))
    if size.known:
        _learned(tx, size)
    fill(
        tx, Retiree,
        ({"id": r, "name": f"王秀{r}", "sex": "f", "campus_id": r % size.campuses + 1, "area": "东区",
          "address": f"3号楼2单元{r}"} for r in range(1, size.retirees + 1)),
    )  # fmt: skip
    fill(
        tx, RetireePhone,
        ({"id": r, "retiree_id": r, "number": f"+86139{r:08}", "kind": "mobile"}
         for r in range(1, size.retirees + 1)),
    )  # fmt: skip
    # One hash for all: making one takes as long as a login.
    secret = generate_password_hash(PASSWORD)
    fill(
        tx, Staff,
        ({"id": i, "username": name, "name": name, "role": role, "password_hash": secret,
          "session_key": f"{i:016x}"} for i, (name, role) in enumerate(_accounts(size), 1)),
    )  # fmt: skip
    free_ids(tx, Campus, Volunteer, Retiree, RetireePhone, Staff)


def _learned(tx: Session, size: Size) -> None:
    some = dict.fromkeys(FACETS, 1.0)
    fill(
        tx, Acceptance,
        ({"volunteer_id": v, "accepts": some, "refusals": some, "as_of": utcnow()}
         for v in range(1, size.volunteers + 1)),
    )  # fmt: skip
    fill(
        tx, AnswerTimes,
        ({"campus_id": c, "urgent": urgent, "waiting": [9.0] * STRETCHES, "answered": [1.0] * STRETCHES}
         for c in range(1, size.campuses + 1) for urgent in (True, False)),
    )  # fmt: skip


def fill(tx: Session, model: type[Base], rows: Iterator[Row]) -> None:
    """Insert rows by the thousand."""
    table = model.__table__
    assert isinstance(table, Table)
    while some := list(islice(rows, AT_ONCE)):
        tx.execute(insert(table), some)


def free_ids(tx: Session, *models: type[Base]) -> None:
    """Let the database go on counting after the ids that were given by hand."""
    if tx.get_bind().dialect.name != "postgresql":
        return  # SQLite goes on after the largest by itself
    for model in models:
        name = model.__tablename__
        tx.execute(
            text(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), max(id)) FROM {name}")  # noqa: S608
        )


def gather(tx: Session) -> None:
    """Let the database look at what it has been given, as it does by itself in life."""
    tx.execute(text("ANALYZE"))


def _windows(size: Size) -> Iterator[Row]:
    for v in range(1, size.volunteers + 1):
        for day in range(size.days):
            # Spread over the week, so that the same share is on duty each day.
            weekday = (v + day * 7 // size.days) % 7
            yield {"volunteer_id": v, "weekday": weekday, "start_min": 0, "end_min": 1440}


def _accounts(size: Size) -> Sequence[tuple[str, str]]:
    operators = [(f"op{n}", "operator") for n in range(1, size.operators + 1)]
    return [*operators, *((f"co{n}", "coordinator") for n in range(1, size.coordinators + 1))]
