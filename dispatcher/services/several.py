"""One act on several tasks: each a use case of its own, so that one that can't be done stops no other."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from dispatcher.database import db
from dispatcher.models import Event, Staff
from dispatcher.services.coordinating import Conflict, Edit, Refused

log = logging.getLogger(__name__)

MOST = 100
"""So many tasks are acted on at once at most: whoever has marked them must be able to read them again."""

DONE, CHANGED = "", "changed"

_LAST_EVENTS = (
    select(Event.task_id, func.max(Event.id))
    .where(Event.task_id.in_(bindparam("task_ids", expanding=True)))
    .group_by(Event.task_id)
)
_DONE_BY = (
    select(Event.id)
    .where(
        Event.task_id == bindparam("task_id"),
        Event.kind == bindparam("kind"),
        Event.actor == "staff",
        Event.actor_id == bindparam("staff_id"),
        Event.at > bindparam("since"),
    )
    .limit(1)
)


def each(
    edits: Sequence[Edit], act: Callable[[Edit], Any], leaves: str, since: datetime
) -> dict[int, str]:  # fmt: skip
    """Do `act` to each task. What came of it, by the tasks' ids: :data:`DONE`, :data:`CHANGED`, or the code
    of what stood in its way.

    `leaves`: the event that it leaves behind. What the same person has done `since` counts as done: the
    button was pressed twice.
    """
    return {edit.task_id: _one(edit, act, leaves, since) for edit in edits[:MOST]}


def _one(edit: Edit, act: Callable[[Edit], Any], leaves: str, since: datetime) -> str:
    try:
        act(edit)
    except Conflict:
        return CHANGED
    except Refused as refused:
        return DONE if _done_already(edit, leaves, since) else refused.code
    except SQLAlchemyError:
        raise
    except Exception as error:  # noqa: BLE001 (what was done to the others must be told all the same)
        log.error("task %s can't be acted on: %s", edit.task_id, type(error).__name__)
        return "software"
    return DONE


def _done_already(edit: Edit, kind: str, since: datetime) -> bool:
    which = {"task_id": edit.task_id, "kind": kind, "staff_id": edit.by.id, "since": since}
    return db.session.scalars(_DONE_BY, which).first() is not None


def seen(session: Session, task_ids: Sequence[int]) -> dict[int, int]:
    """The last line of the history of each task: what somebody who reads them now has seen."""
    found = {row[0]: row[1] for row in session.execute(_LAST_EVENTS, {"task_ids": task_ids})}
    return {task_id: found.get(task_id, 0) for task_id in task_ids}


def edits(seen_events: dict[int, int], by: Staff, now: datetime) -> list[Edit]:
    """An edit for each task, by the last event that was seen of it."""
    return [Edit(task_id, by, event_id, now) for task_id, event_id in seen_events.items()]
