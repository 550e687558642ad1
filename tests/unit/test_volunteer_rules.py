"""Pauses, being free now, what one has given, how much of an address a map is told: by tables."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.rules import addresses
from dispatcher.rules.addresses import building
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
    ("address", "short"),
    [
        ("3号楼2单元501", "3号楼"),
        ("和平里小区10号楼2单元201", "和平里小区10号楼"),
        ("翠竹园3号楼 乙单元 1层", "翠竹园3号楼"),
        ("12号楼1203室", "12号楼"),
        ("桃园二巷5号院", "桃园二巷5号院"),
        ("南门口胡同7号", "南门口胡同7号"),
        ("Building 5, unit 2, 301", "Building 5"),
        ("大东门街5号院3号楼2单元501", "大东门街5号院3号楼"),
        ("水西门街26号", "水西门街26号"),
        ("学府街三门诊家属院2号楼", "学府街三门诊家属院2号楼"),
        ("三门峡路5号", "三门峡路5号"),
        ("北门外5号院12号楼1单元301", "北门外5号院12号楼"),
        ("大南门街12号院一门201", "大南门街12号院"),
        ("12-3-501", "12"),
        ("12－3－501", "12"),
        ("翠竹园12-3-501", "翠竹园12"),
        ("3#楼2-501", "3#楼"),
        ("家属楼501", "家属楼"),
        ("11#-2-302", "11#"),
        ("12-3-501号", "12"),
        ("家属楼3单元501", "家属楼"),
        ("朝阳门外3号楼", "朝阳门外3号楼"),
        ("5号院北门3号楼2单元", "5号院北门3号楼"),
        ("2号楼东户", "2号楼"),
        ("8＃2-501", "8＃"),
        ("3号楼-2-501", "3号楼"),
        ("3号楼(2单元501)", "3号楼"),
        ("3号楼501号", "3号楼"),
        ("1栋A座1203", "1栋A座"),
        ("12幢2门3号", "12幢"),
        ("3号楼东门501", "3号楼"),
        ("3号楼5层501", "3号楼"),
        ("解放路26号501", "解放路26号"),
        ("解放路26号 501室", "解放路26号"),
        ("5号院3-501", "5号院3"),
        ("東區3號樓2單元501", "東區3號樓"),
        ("３号楼２单元５０１", "３号楼"),
        ("三号楼二单元五〇一", "三号楼"),
        ("二十三号楼一单元三层东户", "二十三号楼"),
        ("平房3排5号", "平房3排5号"),
        ("8号院南楼3单元12", "8号院南楼"),
        ("123 Main St, Apt 5B", "123 Main St"),
        ("Flat 3, 12 High Street", "12 High Street"),
        ("Building 5 Unit 2 Room 301", "Building 5"),
        ("Room 501, Building 3, 5 Xuefu Road", "Building 3, 5 Xuefu Road"),
        ("Building 5-2-301", "Building 5"),
        ("Bldg. 7, Entrance 2, 3rd floor, 301", "Bldg. 7"),
        ("123 Main St #5B", "123 Main St"),
        ("2单元501", "2单元501"),
        ("", ""),
    ],
)
def test_a_map_is_told_the_house_not_the_door(address: str, short: str) -> None:
    assert building(address) == short


@pytest.mark.parametrize(
    "typed",
    [
        "3号楼2单元501", "3-2-501", "3号楼501", "501 3号楼", "东区3号楼", "三号楼二单元", "3號樓2單元501室",
        "３号楼２单元", "3#楼2-501", "3 2 501", "501", "Building 3, unit 2", "东区",
    ],
)  # fmt: skip
def test_a_home_is_found_by_house_and_door(typed: str) -> None:
    keys = addresses.search_keys("东区", "3号楼2单元501")
    assert any(key.startswith(term) for term in addresses.search_terms(typed) for key in keys)
    assert not any(
        key.startswith(term)
        for term in addresses.search_terms(typed)
        for key in addresses.search_keys("西区", "31号楼21单元1502")
    )


def test_one_home_however_it_is_written() -> None:
    for other in ("3-2-501", "三号楼二单元501室", "3 号楼 2 单元 501", "3號樓2單元501"):
        assert addresses.same_home("3号楼2单元501", other)
    assert not addresses.same_home("3号楼2单元501", "3号楼2单元502")
    assert not addresses.same_home("", "")


@settings(max_examples=200, deadline=None)
@given(
    st.text(max_size=90) | st.text("东区门院号楼单元室一二十百3501- #,Unit", max_size=90), st.integers(20, 60)
)
def test_no_address_breaks_anything(address: str, most: int) -> None:
    assert bool(building(address)) == bool(address.strip())
    assert len(addresses.shortened(address, most)) <= most
    addresses.search_keys(address[:20], address)
    addresses.search_terms(address)


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
