"""When somebody may be asked: weekly duty windows and quiet hours, in local time."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

WEEK_MIN = 7 * 24 * 60


@dataclass(frozen=True)
class Window:
    """A weekly stretch of duty. `weekday` 0 is Monday; minutes since midnight; `end_min` ≤ 1440."""

    weekday: int
    start_min: int
    end_min: int


@dataclass(frozen=True)
class QuietHours:
    """A daily stretch in which phones stay silent, local time; it may cross midnight."""

    start: time
    end: time

    def covers(self, local: datetime) -> bool:
        """Whether `local` lies inside; the start belongs to it, the end doesn't."""
        moment = local.time()
        if self.start <= self.end:
            return self.start <= moment < self.end
        return moment >= self.start or moment < self.end

    def next_end(self, local: datetime) -> datetime:
        """The first end after `local`."""
        return _next(self.end, local)

    def next_start(self, local: datetime) -> datetime:
        """The first start after `local`."""
        return _next(self.start, local)

    def between(self, start: datetime, end: datetime) -> timedelta:
        """How much of the time from `start` to `end`, both local, lies inside."""
        total = timedelta()
        while start < end:
            inside, edge = self.covers(start), min(self.next_start(start), self.next_end(start))
            if inside:
                # By the seconds that pass: the clock on the wall may be put forward meanwhile.
                total += timedelta(seconds=min(edge, end).timestamp() - start.timestamp())
            start = edge
        return total


def _next(moment: time, local: datetime) -> datetime:
    """The first time after `local` at which the clock says so."""
    at = local.replace(hour=moment.hour, minute=moment.minute, second=0, microsecond=0)
    return at if at > local else at + timedelta(days=1)


PAUSES = {"today": 1, "3days": 3, "week": 7, "month": 30}
"""For how many days a volunteer may pause by one button, today counted."""

LONGEST_PAUSE = timedelta(days=366)


def paused_until(choice: str, day: date | None, now: datetime, zone: ZoneInfo) -> datetime | None:
    """The moment from which somebody may be asked again: the begin of a local day.

    `choice`: one of :data:`PAUSES`, or "date", and then `day` is the first day on which they may be.
    None: there is no such choice, or the day isn't after today and within :data:`LONGEST_PAUSE`.
    """
    today = now.astimezone(zone).date()
    if choice in PAUSES:
        day = today + timedelta(days=PAUSES[choice])
    elif choice != "date":
        return None
    if day is None or not today < day <= today + LONGEST_PAUSE:
        return None
    return datetime.combine(day, time(), zone)


def is_phone_lost(lost_at: datetime | None, stopped_at: datetime | None) -> bool:
    """Whether somebody else may have their phone: it was lost, and what stops their SMS is no younger."""
    return lost_at is not None and stopped_at is not None and stopped_at <= lost_at


def on_duty_until(
    windows: Iterable[Window], now: datetime, zone: ZoneInfo, free_until: datetime | None = None
) -> datetime | None:
    """When the duty that covers `now` ends, or None off duty.

    Whoever has said that they are free until `free_until` is on duty so long, whatever their windows say,
    and in a window that covers that moment until it ends.
    """
    windows = list(windows)
    end = _window_end(windows, now, zone)
    if free_until is None or free_until.timestamp() <= (end or now).timestamp():
        return end
    return _window_end(windows, free_until, zone) or free_until


def _window_end(windows: Iterable[Window], now: datetime, zone: ZoneInfo) -> datetime | None:
    """When the windows that cover `now` end.

    Windows that touch (one until midnight, the next from midnight) count as one stretch, so a night
    shift doesn't seem to end at 24:00.
    """
    local = now.astimezone(zone)
    minute = local.weekday() * 1440 + local.hour * 60 + local.minute
    spans = sorted(
        (w.weekday * 1440 + w.start_min, w.weekday * 1440 + w.end_min)
        for w in windows
        if w.end_min > w.start_min
    )
    # The week is a circle: lay it out twice, so that Sunday night runs on into Monday.
    spans += [(start + WEEK_MIN, end + WEEK_MIN) for start, end in spans]
    end: int | None = None
    for span_start, span_end in spans:
        covers = span_start <= minute < span_end if end is None else span_start <= end < span_end
        if covers:
            end = span_end
    if end is None:
        return None
    since = local.replace(second=0, microsecond=0)
    return _latest(since + timedelta(minutes=end - minute))


def _latest(local: datetime) -> datetime:
    """The last moment at which the clock on the wall says so: at the end of summer time an hour comes twice,
    and whoever is on duty "until half past one" is so until the second time."""
    return max(local.replace(fold=0), local.replace(fold=1), key=datetime.timestamp)


def shifts(
    windows: Iterable[Window],
    start: datetime,
    end: datetime,
    zone: ZoneInfo,
    free_until: datetime | None = None,
) -> list[tuple[datetime, datetime]]:
    """The stretches of duty between two moments, in order; those that touch are one.

    `free_until`: until then they have said that they are free.
    """
    first, last = start.astimezone(zone), end.astimezone(zone)
    midnight = first.replace(hour=0, minute=0, second=0, microsecond=0)
    known = list(windows)
    spans = []
    if free_until is not None and free_until.timestamp() > first.timestamp():
        spans.append((first, min(last, free_until.astimezone(zone), key=datetime.timestamp)))
    while midnight.timestamp() < last.timestamp():
        for w in known:
            if w.weekday == midnight.weekday() and w.end_min > w.start_min:
                begins = max(first, midnight + timedelta(minutes=w.start_min), key=datetime.timestamp)
                ends = min(last, _latest(midnight + timedelta(minutes=w.end_min)), key=datetime.timestamp)
                if begins.timestamp() < ends.timestamp():
                    spans.append((begins, ends))
        midnight += timedelta(days=1)
    found: list[tuple[datetime, datetime]] = []
    # By the moments meant, not by what the clock says: it may say the same twice.
    for begins, ends in sorted(spans, key=lambda span: (span[0].timestamp(), span[1].timestamp())):
        if found and begins.timestamp() <= found[-1][1].timestamp():
            found[-1] = (found[-1][0], max(found[-1][1], ends, key=datetime.timestamp))
        else:
            found.append((begins, ends))
    return found
