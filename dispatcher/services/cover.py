"""Where soon too few volunteers could be asked: the first such hour at each campus, by the duty windows
and by who has said that they are free."""

from datetime import datetime, timedelta
from functools import cache
from typing import Any

from flask import current_app
from sqlalchemy import CompoundSelect, func, literal, select, true, union_all
from sqlalchemy.orm import Session

from dispatcher.models import Campus, CampusNeighbour, Volunteer
from dispatcher.services import candidates, lately
from dispatcher.simulation.cover import ENOUGH

AHEAD_H = 12
"""So many coming hours are looked at."""

KEPT_S = 60.0

_SERVED = select(Campus.id).where(Campus.reachable)
_NEAR = select(CampusNeighbour.campus_id, CampusNeighbour.neighbour_id)


def thin_from(session: Session, now: datetime) -> dict[int, datetime]:
    """By campus the first moment, `now` or one of the coming full hours, at which fewer than
    :data:`ENOUGH` could be asked for urgent help, on it and its neighbours. Campuses where it isn't
    thin are left out."""

    def find() -> tuple[dict[int, datetime], int]:
        moments = _moments(now)
        counts = _counts(session, moments)
        around: dict[int, set[int]] = {campus_id: {campus_id} for campus_id in session.scalars(_SERVED)}
        for campus_id, neighbour_id in session.execute(_NEAR):
            around.get(campus_id, set()).add(neighbour_id)
        found = {}
        for campus_id, places in around.items():
            for n, moment in enumerate(moments):
                if sum(counts.get((n, place), 0) for place in places) < ENOUGH:
                    found[campus_id] = moment
                    break
        return found, sum(counts.values())

    return lately.known("thin from", find, KEPT_S)


def _moments(now: datetime) -> list[datetime]:
    local = now.astimezone(current_app.config["ZONE"])
    hour = local.replace(minute=0, second=0, microsecond=0)
    return [now, *(hour + timedelta(hours=n) for n in range(1, AHEAD_H + 1))]


def _counts(session: Session, moments: list[datetime]) -> dict[tuple[int, int], int]:
    """How many could be asked, by the index of the moment and the campus."""
    zone, settings = current_app.config["ZONE"], current_app.config["DISPATCH"]
    local = [moment.astimezone(zone) for moment in moments]
    which: dict[str, Any] = {}
    for n, there in enumerate(local):
        which |= candidates.moment(there, f"_{n}")
    quiet = tuple(settings.quiet_until(there) is not None for there in local)
    rows = session.execute(_statement(quiet), which)
    return {(n, campus_id): count for n, campus_id, count in rows}


@cache
def _statement(quiet: tuple[bool, ...]) -> CompoundSelect[Any]:
    """One count for each moment and campus; in quiet hours of those who have agreed to it."""
    return union_all(
        *(
            select(literal(n), Volunteer.campus_id, func.count())
            .where(candidates.on_duty_at(f"_{n}"), Volunteer.night_ok if asleep else true())
            .group_by(Volunteer.campus_id)
            for n, asleep in enumerate(quiet)
        )
    )
