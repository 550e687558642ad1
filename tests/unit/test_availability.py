"""Duty windows and quiet hours, by tables. All local times are Shanghai's (UTC+8)."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from dispatcher.rules.availability import QuietHours, Window, on_duty_until, shifts

ZONE = ZoneInfo("Asia/Shanghai")


def local(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of the week from Monday 2 November 2026, given as local time, in UTC."""
    return datetime(2026, 11, 2 + day, hour, minute, tzinfo=ZONE).astimezone(UTC)


@pytest.mark.parametrize(
    ("windows", "now", "until"),
    [
        ([Window(0, 480, 720)], local(0, 8), local(0, 12)),
        ([Window(0, 480, 720)], local(0, 7, 59), None),
        ([Window(0, 480, 720)], local(0, 12), None),
        ([Window(0, 480, 720)], local(1, 9), None),
        # A night shift, split at midnight, is one stretch.
        ([Window(0, 1260, 1440), Window(1, 0, 420)], local(0, 22), local(1, 7)),
        ([Window(0, 1260, 1440), Window(1, 0, 420)], local(1, 3), local(1, 7)),
        # Sunday night runs on into Monday.
        ([Window(6, 1260, 1440), Window(0, 0, 420)], local(6, 23), local(7, 7)),
        ([Window(0, 480, 600), Window(0, 600, 720)], local(0, 9), local(0, 12)),
        ([], local(0, 9), None),
    ],
)
def test_on_duty_until(windows: list[Window], now: datetime, until: datetime | None) -> None:
    assert on_duty_until(windows, now, ZONE) == until


@pytest.mark.parametrize(
    ("hour", "minute", "quiet"),
    [
        (20, 59, False),
        (21, 0, True),
        (23, 59, True),
        (0, 0, True),
        (6, 59, True),
        (7, 0, False),
        (12, 0, False),
    ],
)
def test_quiet_hours_cross_midnight(hour: int, minute: int, quiet: bool) -> None:
    night = QuietHours(time(21), time(7))
    assert night.covers(local(0, hour, minute).astimezone(ZONE)) is quiet


def test_the_next_end_of_quiet_hours() -> None:
    night = QuietHours(time(21), time(7))
    assert night.next_end(local(0, 22).astimezone(ZONE)) == local(1, 7)
    assert night.next_end(local(0, 6).astimezone(ZONE)) == local(0, 7)


def test_the_shifts_of_a_day_are_cut_to_it_and_nights_are_whole() -> None:
    windows = [Window(0, 480, 720), Window(0, 1260, 1440), Window(1, 0, 420), Window(1, 600, 660)]
    assert shifts(windows, local(0, 9), local(1, 9), ZONE) == [
        (local(0, 9), local(0, 12)), (local(0, 21), local(1, 7)),
    ]  # fmt: skip
    assert shifts(windows, local(1, 3), local(1, 10, 30), ZONE) == [
        (local(1, 3), local(1, 7)), (local(1, 10), local(1, 10, 30)),
    ]  # fmt: skip
    assert shifts([], local(0, 9), local(1, 9), ZONE) == []


LONDON = ZoneInfo("Europe/London")  # on 25 October 2026 the hour from 1:00 to 2:00 comes twice


@pytest.mark.parametrize("now", [(0, 10), (0, 40), (1, 10)], ids=["the first time", "between", "the second"])
def test_on_duty_until_the_second_time_that_the_clock_says_so(now: tuple[int, int]) -> None:
    """Half past one comes at 0:30 and at 1:30 by UTC."""
    moment = datetime(2026, 10, 25, *now, tzinfo=UTC)
    second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    window = (
        [] if now == (0, 40) else [Window(6, 0, 90)]
    )  # then the clock says 1:40: off duty, but for their word
    for free_until in (None, second, second.astimezone(LONDON)):
        until = on_duty_until(window, moment, LONDON, free_until)
        if free_until is None and not window:
            assert until is None
            continue
        assert until is not None
        assert until.timestamp() == second.timestamp()
        assert until.timestamp() > moment.timestamp()


def test_a_shift_that_ends_in_the_hour_that_comes_twice() -> None:
    start, end = datetime(2026, 10, 25, 1, 10, tzinfo=UTC), datetime(2026, 10, 25, 4, tzinfo=UTC)
    ((begins, ends),) = shifts([Window(6, 0, 90)], start, end, LONDON)
    assert (begins.timestamp(), ends.timestamp()) == (start.timestamp(), start.timestamp() + 20 * 60)


def test_a_window_that_ends_in_the_hour_that_is_left_out() -> None:
    """On 29 March 2026 the clock goes from 1:00 to 2:00."""
    moment = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    until = on_duty_until([Window(6, 0, 90)], moment, LONDON)
    assert until is not None
    assert until.timestamp() == datetime(2026, 3, 29, 1, 30, tzinfo=UTC).timestamp()
