"""Finding people: numbers as they are typed, names as they are said."""

import pytest

from dispatcher.rules import names, phones
from dispatcher.rules.phones import BadPhone, Phone


@pytest.mark.parametrize(
    ("typed", "number", "kind"),
    [
        ("13935102222", "+8613935102222", "mobile"),
        ("139 3510 2222", "+8613935102222", "mobile"),
        ("+86 139-3510-2222", "+8613935102222", "mobile"),
        ("0086 13935102222", "+8613935102222", "mobile"),
        ("0351-7010456", "+863517010456", "landline"),
        ("(0351) 701 0456", "+863517010456", "landline"),
        ("7010456", "+863517010456", "landline"),
        ("+81 90-1234-5678", "+819012345678", "mobile"),
    ],
)
def test_numbers_as_people_type_them(typed: str, number: str, kind: str) -> None:
    assert phones.parse(typed, "0351") == Phone(number, kind)


@pytest.mark.parametrize(
    "typed",
    [
        "", "12345678901", "123", "王秀兰", "139351022223333", "0351CALLNOW", "0351-7010456 ext.8012",
        "0351-7010456转8012",
    ],
)  # fmt: skip
def test_what_is_no_number(typed: str) -> None:
    with pytest.raises(BadPhone):
        phones.parse(typed, "0351")


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("1393510", "+8613935102222"),
        ("139 3510", "+8613935102222"),
        ("+86 139-35", "+8613935102222"),
        ("008613935102222", "+8613935102222"),
        ("8613935102222", "+8613935102222"),
        ("0351701", "+863517010456"),
        ("+86351701", "+863517010456"),
        ("7010456", "+863517010456"),
        ("+81 90 12", "+819012345678"),
    ],
)
def test_the_beginning_of_a_number_finds_it(typed: str, number: str) -> None:
    digits = phones.search_digits(typed)
    assert digits is not None
    assert any(key.startswith(digits) for key in phones.search_keys(number))


def test_a_name_is_no_number() -> None:
    assert phones.search_digits("王秀兰") is None
    assert phones.search_digits("wxl") is None


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("王秀兰", "王秀兰"), ("王秀兰", "王"), ("王秀兰", "秀兰"), ("王秀兰", "wangxiulan"),
        ("王秀兰", "Wang Xiu"), ("王秀兰", "wxl"), ("王秀兰", "xiulan"),
        ("单桂英", "shanguiying"), ("单桂英", "sgy"), ("单桂英", "danguiying"),
        ("曾国强", "zeng"), ("曾国强", "cengguoqiang"), ("仇英", "qiuying"), ("仇英", "chouying"),
        ("解放", "xiefang"), ("区小燕", "ouxiaoyan"), ("欧阳文华", "ouyang"), ("欧阳文华", "文华"),
        ("欧阳文华", "wenhua"), ("吕丽", "lvli"), ("吕丽", "lüli"),
        ("Margaret Hill", "hill"), ("Margaret Hill", "margaret h"), ("Margaret Hill", "mh"),
    ],
)  # fmt: skip
def test_a_name_is_found_however_it_is_typed(name: str, typed: str) -> None:
    assert any(key.startswith(names.normalise(typed)) for key in names.search_keys(name))


@pytest.mark.parametrize(
    ("number", "region"),
    [("+8613935102222", "CN"), ("+819012345678", "JP"), ("+14155550123", "US"), ("+16135550123", "CA"),
     ("+999123", "ZZ"), ("10690000727", "ZZ"), ("", "ZZ")],
)  # fmt: skip
def test_the_region_of_a_number(number: str, region: str) -> None:
    assert phones.region(number) == region
