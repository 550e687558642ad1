"""Pauses, being free now, what one has given: by tables."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dispatcher.rules.availability import Window, on_duty_until, paused_until
from dispatcher.rules.lifecycle import TaskState, may
from dispatcher.rules.replies import asks_for_page
from dispatcher.rules.tally import Given, Stint, tally
from dispatcher.web.volunteer import fen

ZONE = ZoneInfo("Asia/Shanghai")


def local(day: int, hour: int = 0, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("choice", "day", "until"),
    [
        ("today", None, local(3)),
        ("3days", None, local(5)),
        ("week", None, local(9)),
        ("date", date(2026, 11, 20), local(20)),
        ("date", date(2026, 11, 2), None),
        ("date", date(2028, 1, 1), None),
        ("date", None, None),
        ("never", None, None),
    ],
)
def test_a_pause_ends_with_a_day(choice: str, day: date | None, until: datetime | None) -> None:
    assert paused_until(choice, day, local(2, 23, 30).astimezone(UTC), ZONE) == until


@pytest.mark.parametrize(
    ("windows", "free_until", "until"),
    [
        ([], local(2, 11), local(2, 11)),
        ([], local(2, 8), None),
        ([], None, None),
        ([Window(0, 540, 660)], local(2, 10), local(2, 11)),
        ([Window(0, 540, 660)], local(2, 12), local(2, 12)),
        # Free until into the next duty: as long as that lasts.
        ([Window(0, 690, 780)], local(2, 12), local(2, 13)),
    ],
)
def test_free_now_counts_as_duty(
    windows: list[Window], free_until: datetime | None, until: datetime | None
) -> None:
    assert on_duty_until(windows, local(2, 9, 30), ZONE, free_until) == until


def test_what_one_has_given_by_local_months() -> None:
    stints = [
        Stint(local(1, 9), local(1, 10, 30)),
        Stint(local(2, 9), local(2, 9, 30)),
        # The last evening of October here is October, though in UTC it is another hour.
        Stint(local(31, 23, 0, month=10), local(31, 23, 30, month=10)),
        Stint(local(5, 9), local(5, 8)),  # clocks of two machines: never less than nothing
    ]
    found = tally(stints, local(9).astimezone(UTC), ZONE)
    assert found.this_month == Given(3, timedelta(hours=2))
    assert found.ever == Given(4, timedelta(hours=2, minutes=30))
    assert list(found.months) == [(2026, 11), (2026, 10)]
    assert tally([], local(9), ZONE).ever == Given(0, timedelta())


@pytest.mark.parametrize(
    "body", ["我的", " 我的页面。", "「我的」", "我的頁面", "My page", "ＭＥ", "me!", "my  page"]
)
def test_asks_for_the_own_page(body: str) -> None:
    assert asks_for_page(body)


@pytest.mark.parametrize(
    "body", ["我的药呢", "me too, 31", "mine", "31", "", "给我的页面打电话", "my page is empty"]
)
def test_talk_is_no_such_question(body: str) -> None:
    assert not asks_for_page(body)


def test_a_step_may_be_taken_back_but_nothing_that_is_over() -> None:
    assert may(TaskState.UNDERWAY, TaskState.ASSIGNED)
    assert may(TaskState.DELIVERED, TaskState.UNDERWAY)
    assert may(TaskState.DELIVERED, TaskState.ASSIGNED)
    assert not may(TaskState.CLOSED, TaskState.DELIVERED)
    assert not may(TaskState.OPEN, TaskState.UNDERWAY)


@pytest.mark.parametrize(
    ("typed", "cents"),
    [
        ("35.5", 3550), ("35,50", 3550), ("¥35.50", 3550), ("35元", 3500), ("３５．５", 3550), ("35块", 3500),
        ("1,200", 120000), ("35。5", 3550), ("0", 0), ("", None), ("三十五", None), ("1e3", None),
        ("-5", None),
        ("1_0", None), ("35,500.5.5", None), ("999999", None), ("NaN", None), ("35.505", None),
    ],
)  # fmt: skip
def test_amounts_as_people_type_them(typed: str, cents: int | None) -> None:
    assert fen(typed) == cents
