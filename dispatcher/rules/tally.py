"""What a volunteer has given: tasks and hours, by month and in all."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Stint:
    """One task held to its end: from the moment it was accepted until it was delivered."""

    accepted_at: datetime
    delivered_at: datetime


@dataclass(frozen=True)
class Given:
    """So many tasks, in so long altogether."""

    tasks: int
    time: timedelta


@dataclass(frozen=True)
class Tally:
    """`months`: by (year, month) of the local day on which each was delivered, the newest first."""

    this_month: Given
    ever: Given
    months: dict[tuple[int, int], Given]


def tally(stints: Iterable[Stint], now: datetime, zone: ZoneInfo) -> Tally:
    """What `stints` come to."""
    found: dict[tuple[int, int], Given] = {}
    for stint in stints:
        local = stint.delivered_at.astimezone(zone)
        before = found.get((local.year, local.month), Given(0, timedelta()))
        took = max(stint.delivered_at - stint.accepted_at, timedelta())
        found[local.year, local.month] = Given(before.tasks + 1, before.time + took)
    months = dict(sorted(found.items(), reverse=True))
    today = now.astimezone(zone)
    nothing = Given(0, timedelta())
    ever = Given(
        sum(given.tasks for given in months.values()),
        sum((given.time for given in months.values()), timedelta()),
    )
    return Tally(months.get((today.year, today.month), nothing), ever, months)
