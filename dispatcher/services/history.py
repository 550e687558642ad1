"""Writing history: one event for everything that happens to a task or a person, with all others of its
transaction at its end."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, insert
from sqlalchemy.orm import Session

from dispatcher.database import write_last
from dispatcher.models import Event, Retiree, Staff, Task, Volunteer

_INSERT = insert(cast(Table, Event.__table__))


@dataclass(frozen=True)
class Actor:
    """Who did it."""

    kind: str
    id: int | None = None
    name: str = ""


SYSTEM = Actor("system")


def staff(person: Staff) -> Actor:
    """A member of staff as actor."""
    return Actor("staff", person.id, person.name)


def volunteer(person: Volunteer) -> Actor:
    """A volunteer as actor."""
    return Actor("volunteer", person.id, person.name)


def retiree(person: Retiree) -> Actor:
    """A retiree as actor."""
    return Actor("retiree", person.id, person.name)


def record(
    tx: Session,
    kind: str,
    actor: Actor,
    now: datetime,
    task: Task | None = None,
    request_id: int | None = None,
    **params: Any,
) -> None:
    """Add a line to the history of `task` (or of a request, or of nobody's task)."""
    line = {
        "at": now,
        "kind": kind,
        "actor": actor.kind,
        "actor_id": actor.id,
        "actor_name": actor.name,
        "task_id": task.id if task else None,
        "request_id": request_id or (task.request_id if task else None),
        "params": params,
    }
    write_last(tx, _write, line)


def _write(tx: Session, lines: list[dict[str, Any]]) -> None:
    tx.execute(_INSERT, lines)
