"""What if: how long people would wait with the volunteers on the roster now. Reads only."""

import threading
from collections import Counter, OrderedDict
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from dispatcher.models import Campus, Retiree, Volunteer
from dispatcher.rules.settings import DispatchSettings
from dispatcher.services.candidates import duty_windows
from dispatcher.simulation.cover import Person, Place, Roster
from dispatcher.simulation.forecast import Forecast, effort, forecast

MOST_PER_DAY = 500
"""The most requests a day that may be asked about."""

_REMEMBERED = 8


class Busy(Exception):
    """Another forecast is being computed."""


@dataclass(frozen=True)
class Live:
    """The roster as it is now. `campuses`: those within reach, in the order of the roster's places.
    `paused`: volunteers who are paused just now and so are left out."""

    campuses: tuple[Campus, ...]
    roster: Roster
    paused: int


def live_roster(session: Session, now: datetime) -> Live:
    """The campuses within reach, their shares of the retirees, and the volunteers who may be asked."""
    campuses = session.scalars(
        select(Campus)
        .where(Campus.reachable)
        .options(selectinload(Campus.neighbours))
        .order_by(Campus.id)
    ).all()  # fmt: skip
    index = {campus.id: i for i, campus in enumerate(campuses)}
    volunteers = session.scalars(
        select(Volunteer)
        .where(Volunteer.active, Volunteer.stopped_at.is_(None), Volunteer.campus_id.in_(index))
        .options(selectinload(Volunteer.windows))
        .order_by(Volunteer.id)
    ).all()
    here = [v for v in volunteers if v.paused_until is None or v.paused_until <= now]
    people = tuple(
        Person(index[v.campus_id], tuple(duty_windows(v.windows)), v.night_ok, v.capacity) for v in here
    )
    shares = _shares(session, list(index))
    places = tuple(
        Place(tuple(index[n.neighbour_id] for n in campus.neighbours if n.neighbour_id in index), share)
        for campus, share in zip(campuses, shares, strict=True)
    )
    return Live(tuple(campuses), Roster(places, people), len(volunteers) - len(here))


def _shares(session: Session, campus_ids: list[int]) -> list[float]:
    """The share of requests of each campus: as many as retirees live there, or equal ones."""
    rows = session.execute(select(Retiree.campus_id, func.count()).group_by(Retiree.campus_id)).all()
    living = Counter({row[0]: row[1] for row in rows})
    total = sum(living[campus_id] for campus_id in campus_ids)
    if not total:
        return [1 / len(campus_ids) for _ in campus_ids]
    return [living[campus_id] / total for campus_id in campus_ids]


class Forecasts:
    """The forecasts of this process: one at a time, because each takes a core for seconds; the last
    few are remembered for as long as roster and settings stay what they are."""

    def __init__(self) -> None:
        self._computing = threading.Lock()
        self._last: OrderedDict[object, Forecast] = OrderedDict()

    def get(self, roster: Roster, per_day: int, settings: DispatchSettings) -> Forecast:
        """The forecast for a roster. Hold no transaction open: this may take seconds.

        Raises:
            Busy: another one is being computed.
            dispatcher.simulation.forecast.NobodyToAsk: no campus within reach, or no volunteer.
            dispatcher.simulation.trial.TooMuch: it would take too long.
        """
        key = (roster, per_day, settings)
        known = self._last.get(key)
        if known is not None:
            return known
        if not self._computing.acquire(blocking=False):
            raise Busy
        try:
            days, seeds = effort(roster, per_day)
            found = self._last[key] = forecast(roster, per_day, settings, days, seeds)
            while len(self._last) > _REMEMBERED:
                self._last.popitem(last=False)
            return found
        finally:
            self._computing.release()


forecasts = Forecasts()
