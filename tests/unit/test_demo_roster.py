"""The invented demo roster: right numbers, valid telephones, enough people on duty at every minute."""

import csv
from collections import Counter, defaultdict
from pathlib import Path

import phonenumbers
import pytest
from phonenumbers import PhoneNumberType

from devtools import roster as package
from devtools.roster import ANCHOR_KEY, DemoRoster, Retiree, Volunteer, build, labels

WEEK = 7 * 1440
CAMPUSES = ("yingze", "wucheng", "pingyang")
SERVED = (*CAMPUSES, "taiyuan-other")
ELSEWHERE = {"us": "US", "jp": "JP", "au": "AU"}


@pytest.fixture(scope="module")
def roster() -> DemoRoster:
    return build()


@pytest.fixture(scope="module")
def table() -> list[dict[str, str]]:
    path = Path(package.__file__).with_name("retirees_by_place.csv")
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def minutes(volunteer: Volunteer) -> set[int]:
    """List every minute of the week on which the volunteer is on duty."""
    return {
        window.weekday * 1440 + minute
        for window in volunteer.windows
        for minute in range(window.start_min, window.end_min)
    }


def households(roster: DemoRoster) -> list[list[Retiree]]:
    """Group the retirees by home."""
    homes: dict[tuple[str, str, str], list[Retiree]] = defaultdict(list)
    for retiree in roster.retirees:
        homes[retiree.place_code, retiree.area, retiree.address].append(retiree)
    return list(homes.values())


def namesakes(roster: DemoRoster) -> dict[str, list[str]]:
    """Give the places of every name borne more than once."""
    places: dict[str, list[str]] = defaultdict(list)
    for retiree in roster.retirees:
        places[retiree.name].append(retiree.place_code)
    return {name: where for name, where in places.items() if len(where) > 1}


def test_counts_per_place_equal_the_table(roster: DemoRoster, table: list[dict[str, str]]) -> None:
    expected = {row["place_code"]: int(row["retirees"]) for row in table}
    assert Counter(retiree.place_code for retiree in roster.retirees) == expected
    assert len(roster.retirees) == 727


def test_places_follow_the_table(roster: DemoRoster, table: list[dict[str, str]]) -> None:
    assert [(p.code, p.name_zh, p.group) for p in roster.places] == [
        (row["place_code"], row["name_zh"], row["group"]) for row in table
    ]
    assert tuple(p.code for p in roster.places if p.reachable) == SERVED
    assert not any("(" in place.name_en for place in roster.places)
    assert {p.code: p.name_en for p in roster.places}["other-provinces"] == "Other provinces and cities"
    for place in roster.places:
        expected = set(SERVED) - {place.code} if place.reachable else set()
        assert set(place.neighbours) == expected
        assert len(place.neighbours) == len(expected)


def test_same_seed_same_roster(roster: DemoRoster) -> None:
    assert build(727) == roster


def test_another_seed_keeps_the_rules(roster: DemoRoster) -> None:
    other = build(1)
    assert other.retirees != roster.retirees
    assert other.volunteers != roster.volunteers
    assert len(other.retirees) == 727
    assert next(r for r in other.retirees if r.key == ANCHOR_KEY).name == "王秀兰"


def test_keys_are_unique(roster: DemoRoster) -> None:
    keys = [r.key for r in roster.retirees] + [v.key for v in roster.volunteers]
    assert len(set(keys)) == len(keys)
    codes = [place.code for place in roster.places]
    assert len(set(codes)) == len(codes)


def test_people_are_plausible(roster: DemoRoster) -> None:
    for retiree in roster.retirees:
        assert 58 <= 2026 - retiree.birth_year <= 97, retiree
        assert 1 <= len(retiree.phones) <= 2, retiree
        assert retiree.name, retiree
        assert retiree.area, retiree
        assert retiree.address, retiree
        assert retiree.area not in retiree.address, retiree
        assert retiree.contact_name, retiree
        assert retiree.contact_relation, retiree
    noted = sum(bool(retiree.health_notes) for retiree in roster.retirees) / 727
    assert 0.1 < noted < 0.2
    assert sum(bool(retiree.visit_notes) for retiree in roster.retirees) < 727 / 2


def test_english_speakers_live_on_a_campus(roster: DemoRoster) -> None:
    speakers = [retiree for retiree in roster.retirees if retiree.language == "en"]
    assert len(speakers) == 10
    assert "Margaret Hill" in {retiree.name for retiree in speakers}
    for retiree in roster.retirees:
        assert retiree.name.isascii() == (retiree.language == "en"), retiree
        assert retiree.language == "zh" or retiree.place_code in CAMPUSES, retiree


def test_telephones_are_valid(roster: DemoRoster) -> None:
    for retiree in roster.retirees:
        region = ELSEWHERE.get(retiree.place_code, "CN")
        for phone in retiree.phones:
            number = phonenumbers.parse(phone.number)
            assert phonenumbers.is_valid_number(number), retiree
            assert phonenumbers.region_code_for_number(number) == region, retiree
            assert phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) == phone.number
            kind = phonenumbers.number_type(number)
            if phone.kind == "landline":
                assert kind == PhoneNumberType.FIXED_LINE, retiree
                assert retiree.place_code not in SERVED or phone.number.startswith("+86351"), retiree
            else:
                # The North American plan does not tell mobiles and landlines apart.
                mobile = PhoneNumberType.FIXED_LINE_OR_MOBILE if region == "US" else PhoneNumberType.MOBILE
                assert kind == mobile, retiree
    for text in [r.contact_phone for r in roster.retirees] + [v.phone for v in roster.volunteers]:
        number = phonenumbers.parse(text)
        assert phonenumbers.is_valid_number_for_region(number, "CN"), text
        assert phonenumbers.number_type(number) == PhoneNumberType.MOBILE, text


def test_telephones_are_shared_only_at_home(roster: DemoRoster) -> None:
    own: list[str] = [volunteer.phone for volunteer in roster.volunteers]
    for household in households(roster):
        numbers = {phone.number for retiree in household for phone in retiree.phones}
        own += numbers | {retiree.contact_phone for retiree in household}
    assert len(set(own)) == len(own)


def test_share_with_only_a_landline(roster: DemoRoster) -> None:
    only = sum([phone.kind for phone in retiree.phones] == ["landline"] for retiree in roster.retirees)
    assert 0.12 < only / len(roster.retirees) < 0.25
    both = sum({phone.kind for phone in r.phones} == {"landline", "mobile"} for r in roster.retirees)
    assert both / len(roster.retirees) > 0.3


def test_couples_share_a_landline_and_a_contact(roster: DemoRoster) -> None:
    couples = [household for household in households(roster) if len(household) > 1]
    assert len(couples) > 60
    for couple in couples:
        first, second = couple
        assert {first.sex, second.sex} == {"f", "m"}
        shared = set(first.phones) & set(second.phones)
        assert [phone.kind for phone in shared] == ["landline"], couple
        assert first.contact_phone == second.contact_phone


def test_namesakes_are_those_placed_on_purpose(roster: DemoRoster) -> None:
    assert namesakes(roster) == {
        "王秀兰": ["yingze", "wucheng"],
        "李建国": ["yingze", "pingyang"],
        "张玉梅": ["yingze", "yingze"],
        "单桂英": ["wucheng", "taiyuan-other"],
        "欧阳文华": ["taiyuan-other", "other-provinces"],
    }


def test_tricky_surnames_occur(roster: DemoRoster) -> None:
    names = [retiree.name for retiree in roster.retirees]
    for surname in ("单", "曾", "仇", "任", "解", "盖", "区", "欧阳", "上官"):
        assert any(name.startswith(surname) for name in names), surname


def test_the_anchor_case(roster: DemoRoster) -> None:
    wife, husband = roster.retirees[:2]
    assert wife.key == ANCHOR_KEY
    assert (wife.name, wife.sex, wife.birth_year, wife.place_code) == ("王秀兰", "f", 1944, "yingze")
    assert (wife.area, wife.address) == ("东区", "3号楼2单元501")
    assert (husband.name, husband.sex, husband.address) == ("王建国", "m", wife.address)
    landline, mobile = wife.phones
    assert landline.kind == "landline"
    assert landline.number.startswith("+86351")
    assert landline in husband.phones
    assert mobile.kind == "mobile"
    assert mobile.number.startswith("+861393510")
    assert (wife.contact_name, wife.contact_relation) == ("王敏", "女儿")
    assert wife.visit_notes == "听力不好，请大声敲门"
    assert (wife.language, wife.honorific) == ("zh", "老师")


def test_volunteers(roster: DemoRoster) -> None:
    assert Counter(v.place_code for v in roster.volunteers) == {
        "yingze": 20,
        "wucheng": 18,
        "pingyang": 12,
        "taiyuan-other": 10,
    }
    assert {volunteer.capacity for volunteer in roster.volunteers} == {1, 2, 3}
    assert {volunteer.language for volunteer in roster.volunteers} == {"zh", "en"}
    assert 21 <= sum(volunteer.night_ok for volunteer in roster.volunteers) < 45


@pytest.mark.parametrize("seed", [727, 1, 2])
def test_duty_covers_every_minute_of_the_week(seed: int) -> None:
    by_place: dict[str, Counter[int]] = {code: Counter() for code in SERVED}
    ready: Counter[int] = Counter()
    for volunteer in build(seed).volunteers:
        on_duty = minutes(volunteer)
        by_place[volunteer.place_code].update(on_duty)
        if volunteer.night_ok:
            ready.update(on_duty)
    assert min(ready[minute] for minute in range(WEEK)) >= 2
    by_day = [minute for minute in range(WEEK) if 7 * 60 <= minute % 1440 < 21 * 60]
    for code in SERVED:
        assert min(by_place[code][minute] for minute in by_day) >= 3, code


def test_duty_hours_are_human(roster: DemoRoster) -> None:
    for volunteer in roster.volunteers:
        for window in volunteer.windows:
            assert 0 <= window.weekday <= 6
            assert 0 <= window.start_min < window.end_min <= 1440
        assert len(minutes(volunteer)) == sum(w.end_min - w.start_min for w in volunteer.windows), "overlap"
        by_day = [w for w in volunteer.windows if 7 * 60 <= w.start_min < 21 * 60]
        assert len({w.weekday for w in by_day}) == len(by_day) <= 5, "one shift a day, days off in the week"
        assert all(180 <= w.end_min - w.start_min <= 480 for w in by_day)
        nights = [w for w in volunteer.windows if w not in by_day]
        assert not nights or volunteer.night_ok
        assert not {w.weekday for w in nights} & {w.weekday for w in by_day}, "rest before and after a night"
        assert 3 <= len(by_day) + len(nights) // 2 <= 5, volunteer


def test_staff(roster: DemoRoster) -> None:
    assert {member.username: (member.role, member.place_code) for member in roster.staff} == {
        "hotline1": ("operator", None),
        "hotline2": ("operator", None),
        "coord-yingze": ("coordinator", "yingze"),
        "coord-wucheng": ("coordinator", "wucheng"),
        "coord-pingyang": ("coordinator", "pingyang"),
        "admin": ("administrator", None),
    }


def test_labels_name_every_mobile(roster: DemoRoster) -> None:
    named = labels(roster)
    mobiles = {phone.number for r in roster.retirees for phone in r.phones if phone.kind == "mobile"}
    assert set(named) == mobiles | {volunteer.phone for volunteer in roster.volunteers}
    assert named[roster.volunteers[0].phone] == {"label": "李伟 · 志愿者 · 迎泽"}
    assert named[roster.retirees[0].phones[1].number] == {"label": "王秀兰 · 退休职工 · 迎泽"}
