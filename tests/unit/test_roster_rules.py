"""What the roster must not hold is refused where it enters, with the field and the reason."""

from typing import Any

import pytest

from dispatcher.rules.availability import Window
from dispatcher.rules.phones import Phone
from dispatcher.rules.roster import RosterError, check_agreed, check_retiree, check_volunteer

VOLUNTEER: dict[str, Any] = {
    "name": "李伟", "phone": "+8613635200001", "language": "zh", "capacity": 2,
    "windows": [Window(0, 480, 720), Window(6, 1260, 1440), Window(0, 0, 420)],
}  # fmt: skip
RETIREE: dict[str, Any] = {
    "name": "王秀兰", "language": "zh", "contact_phone": "+863517010456",
    "numbers": [Phone("+863517010001", "landline"), Phone("+8613935100001", "mobile")],
}  # fmt: skip


def _refused(check: Any, values: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(RosterError) as refused:
        check(**values)
    return refused.value.field, refused.value.code


def test_what_is_right_passes() -> None:
    check_volunteer(**VOLUNTEER)
    check_retiree(**RETIREE)
    check_retiree(**RETIREE | {"numbers": [], "contact_phone": ""})
    check_volunteer(**VOLUNTEER | {"phone": "+819012345678", "windows": []})  # abroad, asked by hand only


@pytest.mark.parametrize(
    ("changed", "right"),
    [
        ({"name": " "}, ("name", "empty")),
        ({"name": "王" * 81}, ("name", "too_long")),
        ({"phone": "13635200001"}, ("phone", "not_international")),
        ({"phone": "+86 136 3520 0001"}, ("phone", "not_international")),
        ({"phone": "+8612345678901"}, ("phone", "not_international")),
        ({"phone": "+8613635200001x5"}, ("phone", "not_international")),
        ({"phone": ""}, ("phone", "not_international")),
        ({"phone": "+863517010001"}, ("phone", "landline")),
        *(({"language": one}, ("language", "no_such_language")) for one in ("中文", "", "ZH", "zh-CN", "fr")),
        *(({"capacity": one}, ("capacity", "out_of_range")) for one in (0, -1, 51, 13635200001, True, "2")),
        *(({"windows": [Window(one, 0, 60)]}, ("windows", "no_such_weekday")) for one in (-1, 7)),
        ({"windows": [Window(0, -60, 60)]}, ("windows", "outside_the_day")),
        ({"windows": [Window(0, 1500, 1560)]}, ("windows", "outside_the_day")),
        ({"windows": [Window(0, 1320, 1800)]}, ("windows", "window_past_midnight")),
        ({"windows": [Window(0, 1320, 360)]}, ("windows", "window_past_midnight")),
        ({"windows": [Window(0, 480, 720), Window(0, 60, 60)]}, ("windows", "window_empty")),
        ({"role_note": "x" * 81}, ("role_note", "too_long")),
    ],
)
def test_a_volunteer_who_could_not_be_asked(changed: dict[str, Any], right: tuple[str, str]) -> None:
    assert _refused(check_volunteer, VOLUNTEER | changed) == right


@pytest.mark.parametrize(
    ("changed", "right"),
    [
        ({"name": ""}, ("name", "empty")),
        ({"language": "中文"}, ("language", "no_such_language")),
        ({"sex": "女"}, ("sex", "no_such_sex")),
        ({"numbers": [Phone("7010001", "landline")]}, ("phones", "not_international")),
        ({"numbers": [Phone("+8613935100001", "手机")]}, ("phones", "no_such_kind")),
        ({"contact_phone": "女儿"}, ("contact_phone", "not_international")),
    ],
)
def test_a_retiree_who_could_not_be_reached(changed: dict[str, Any], right: tuple[str, str]) -> None:
    assert _refused(check_retiree, RETIREE | changed) == right


def test_what_a_volunteer_changes_themselves() -> None:
    check_agreed("en", 5)
    assert _refused(check_agreed, {"language": "en", "capacity": 0}) == ("capacity", "out_of_range")


def test_the_error_names_no_value() -> None:
    with pytest.raises(RosterError) as refused:
        check_volunteer(**VOLUNTEER | {"phone": "+863517010001"})
    assert "7010001" not in str(refused.value)
