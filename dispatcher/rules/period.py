"""Stretches of days as an office speaks of them, and where they begin and end on the clock."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

TODAY, WEEK, MONTH_30, THIS_MONTH, FROM_TO = "today", "7d", "30d", "month", "from-to"
CHOICES = (TODAY, WEEK, MONTH_30, THIS_MONTH, FROM_TO)
MOST_DAYS = 366
_YEARS = range(2000, 2101)
_DAY = timedelta(days=1)


class BadPeriod(ValueError):
    """What was typed is no period. `problems`: by field, "from" or "to", a code: "not_a_date", "backwards" or
    "too_long"."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__(str(problems))
        self.problems = problems


@dataclass(frozen=True)
class Period:
    """The days from `first` to `last`, both included, of a local calendar."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many days they are."""
        return (self.last - self.first).days + 1

    def bounds(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """The moments between which it lies, in UTC; the second is no longer part of it."""
        return _midnight(self.first, zone), _midnight(self.last + _DAY, zone)

    def each_day(self) -> list[date]:
        """All its days in order."""
        return [self.first + _DAY * n for n in range(self.days)]


def chosen(which: str, first: str, last: str, today: date) -> Period:
    """The period that somebody asks for on `today`; an unknown word means the last seven days.

    `first`, `last`: dates as typed, for "from-to"; an empty last day means today.

    Raises:
        BadPeriod: they are no dates, the wrong way round, or more than :data:`MOST_DAYS` days.
    """
    if which == TODAY:
        return Period(today, today)
    if which == MONTH_30:
        return Period(today - 29 * _DAY, today)
    if which == THIS_MONTH:
        return Period(today.replace(day=1), today)
    if which != FROM_TO:
        return Period(today - 6 * _DAY, today)
    begins, ends = _date(first), _date(last) if last.strip() else today
    if begins is None or ends is None:
        read = {"from": begins, "to": ends}
        raise BadPeriod({field: "not_a_date" for field, day in read.items() if day is None})
    if not last.strip():
        ends = max(begins, ends)
    if ends < begins:
        raise BadPeriod({"to": "backwards"})
    if (ends - begins).days + 1 > MOST_DAYS:
        raise BadPeriod({"to": "too_long"})
    return Period(begins, ends)


def _date(text: str) -> date | None:
    """A date as people type it: 2026-11-03, 2026/11/3, 2026年11月3日; None when it is none."""
    parts = re.fullmatch(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?", text.strip()[:20])
    try:
        found = date(*(int(part) for part in parts.groups())) if parts else None
    except ValueError:
        return None
    return found if found is not None and found.year in _YEARS else None


def offsets(start: datetime, end: datetime, zone: ZoneInfo) -> Sequence[tuple[datetime, int]]:
    """How far local clocks are ahead of UTC between two moments: stretches of (until when, seconds).

    One where clocks are never changed; the last ends at `end`.
    """
    found: list[tuple[datetime, int]] = []
    moment = start
    while moment < end:
        later = min(moment + _DAY, end)
        if _ahead(moment, zone) != _ahead(later, zone):
            found.append((_change(moment, later, zone), _ahead(moment, zone)))
        moment = later
    return [*found, (end, _ahead(end, zone))]


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The second between two moments at which the clocks are changed."""
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=int((after - before).total_seconds()) // 2)
        if _ahead(middle, zone) == _ahead(before, zone):
            before = middle
        else:
            after = middle
    return after


def _ahead(moment: datetime, zone: ZoneInfo) -> int:
    ahead = moment.astimezone(zone).utcoffset()
    return int(ahead.total_seconds()) if ahead is not None else 0


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
