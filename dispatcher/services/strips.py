"""Each served campus at a glance: open tasks, those without anybody yet, volunteers on duty."""

from dataclasses import dataclass
from datetime import datetime

from flask import current_app
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatcher.models import Campus, Task, Volunteer
from dispatcher.rules.lifecycle import TaskState
from dispatcher.services import candidates, cover, lately


@dataclass(frozen=True)
class Strip:
    """One campus at a glance. `thin_at`: when first too few can be asked there and nearby, if soon."""

    campus: Campus
    open: int
    waiting: int
    on_duty: int
    thin_at: datetime | None


def strips(session: Session, now: datetime) -> list[Strip]:
    """Each served campus: open tasks, those without anybody yet, volunteers on duty."""
    counts = session.execute(
        select(
            Task.campus_id,
            func.count(),
            func.count().filter(Task.state == str(TaskState.OPEN)),
        )
        .where(Task.is_open_ended)
        .group_by(Task.campus_id)
    ).all()
    by_campus = {campus_id: (total, waiting) for campus_id, total, waiting in counts}
    duty = _on_duty(session, now)
    thin = cover.thin_from(session, now)
    campuses = session.scalars(select(Campus).where(Campus.reachable).order_by(Campus.id))
    return [
        Strip(c, total, waiting, duty.get(c.id, 0), thin.get(c.id))
        for c in campuses
        for total, waiting in (by_campus.get(c.id, (0, 0)),)
    ]


def _on_duty(session: Session, now: datetime) -> dict[int, int]:
    """How many volunteers are on duty at each campus; with very many, lately."""
    query = (
        select(Volunteer.campus_id, func.count()).where(candidates.on_duty_at()).group_by(Volunteer.campus_id)
    )

    def find() -> tuple[dict[int, int], int]:
        moment = candidates.moment(now.astimezone(current_app.config["ZONE"]))
        counts: dict[int, int] = dict(tuple(row) for row in session.execute(query, moment))  # type: ignore[misc]
        return counts, sum(counts.values())

    return lately.known("on duty", find)
