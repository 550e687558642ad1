"""Periods as people type them, and what is said of many durations."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from dispatcher.rules.period import MOST_DAYS, BadPeriod, Period, chosen, offsets
from dispatcher.rules.promptness import Promptness, pace_name, within
from dispatcher.rules.settings import CATEGORIES, URGENCIES, DispatchSettings

TODAY = date(2026, 11, 26)


@pytest.mark.parametrize(
    ("which", "first", "last", "wanted"),
    [
        ("today", "", "", ("2026-11-26", "2026-11-26")),
        ("7d", "", "", ("2026-11-20", "2026-11-26")),
        ("30d", "", "", ("2026-10-28", "2026-11-26")),
        ("month", "", "", ("2026-11-01", "2026-11-26")),
        ("", "2026-01-01", "", ("2026-11-20", "2026-11-26")),
        ("from-to", "2026-11-03", "2026-11-03", ("2026-11-03", "2026-11-03")),
        ("from-to", " 2026/2/9 ", "2026年3月1日", ("2026-02-09", "2026-03-01")),
        ("from-to", "2026-11-01", " ", ("2026-11-01", "2026-11-26")),
        ("from-to", "2027-01-01", "", ("2027-01-01", "2027-01-01")),
    ],
)
def test_periods_as_they_are_asked_for(which: str, first: str, last: str, wanted: tuple[str, str]) -> None:
    period = chosen(which, first, last, TODAY)
    assert (period.first.isoformat(), period.last.isoformat()) == wanted
    assert len(period.each_day()) == period.days


@pytest.mark.parametrize(
    ("first", "last", "problems"),
    [
        ("", "", {"from": "not_a_date"}),
        ("yesterday", "2026-11-01", {"from": "not_a_date"}),
        ("2026-11-01", "2026-02-30", {"to": "not_a_date"}),
        ("0001-01-01", "today", {"from": "not_a_date", "to": "not_a_date"}),
        ("2026-11-02", "2026-11-01", {"to": "backwards"}),
        ("2020-01-01", "2026-11-01", {"to": "too_long"}),
        ("2026-11-01; drop", "2026-11-01", {"from": "not_a_date"}),
    ],
)
def test_what_is_no_period_is_said_to_be_none(first: str, last: str, problems: dict[str, str]) -> None:
    with pytest.raises(BadPeriod) as bad:
        chosen("from-to", first, last, TODAY)
    assert bad.value.problems == problems


def test_a_period_of_a_leap_year_is_allowed_whole() -> None:
    assert chosen("from-to", "2028-01-01", "2028-12-31", TODAY).days == MOST_DAYS


def test_days_begin_and_end_where_people_live() -> None:
    day = Period(date(2026, 10, 25), date(2026, 10, 25))
    assert day.bounds(ZoneInfo("Asia/Shanghai")) == (
        datetime(2026, 10, 24, 16, tzinfo=UTC), datetime(2026, 10, 25, 16, tzinfo=UTC),
    )  # fmt: skip
    berlin = ZoneInfo("Europe/Berlin")
    start, end = day.bounds(berlin)
    assert (end - start).total_seconds() == 25 * 3600
    assert offsets(start, end, berlin) == [(datetime(2026, 10, 25, 1, tzinfo=UTC), 7200), (end, 3600)]
    year = Period(date(2026, 1, 1), date(2026, 12, 31)).bounds(berlin)
    assert [ahead for _, ahead in offsets(*year, berlin)] == [3600, 7200, 3600]
    assert len(offsets(*year, ZoneInfo("Asia/Shanghai"))) == 1


def test_nine_in_ten_took_no_longer() -> None:
    assert within([(seconds, 1) for seconds in range(1, 11)], 90) == 9
    assert within([(5, 1)], 50) == within([(5, 1)], 90) == 5
    assert within([(300, 1), (10, 98), (20, 1)], 90) == 10
    assert within([(1, 1), (2, 1)], 50) == 1
    assert within([], 50) is None
    assert within([(1, 9), (100, 1)], 90) == 1


def test_shares_are_of_those_that_say_something() -> None:
    said = Promptness(240, in_time=6, late=2, missing=2, undecided=5)
    assert (said.done, said.decided, said.share) == (8, 10, 0.6)
    assert Promptness(240, undecided=5).share is None


def test_a_task_counts_under_the_pace_that_it_goes_at() -> None:
    settings = DispatchSettings()
    for category in CATEGORIES:
        for urgency in URGENCIES:
            name = pace_name(category, urgency)
            assert getattr(settings, name) == settings.pace(category, urgency)
