"""Finding people: numbers as they are typed, names as they are said."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
        ("\u202d139 3510 2222\u202c", "+8613935102222", "mobile"),
        ("\ufeff139\u200b35102222\u2069", "+8613935102222", "mobile"),
        ("１３９３５１０２２２２", "+8613935102222", "mobile"),
        ("＋８６－１３９３５１０２２２２", "+8613935102222", "mobile"),
        ("139–3510—2222", "+8613935102222", "mobile"),
        ("０３５１ー７０１０４５６", "+863517010456", "landline"),
        ("013935102222", "+8613935102222", "mobile"),
        ("+86-0351-7010456", "+863517010456", "landline"),
        ("+86 (0)351 701 0456", "+863517010456", "landline"),
        ("0086-0351-7010456", "+863517010456", "landline"),
        ("863517010456", "+863517010456", "landline"),
        ("8613935102222", "+8613935102222", "mobile"),
        ("tel:+86-139-3510-2222", "+8613935102222", "mobile"),
        ("TEL:0351-7010456;phone-context=+86", "+863517010456", "landline"),
        ("sms:13935102222?body=hello", "+8613935102222", "mobile"),
        ("电话：0351-7010456", "+863517010456", "landline"),
        ("010 8888 1234", "+861088881234", "landline"),
        ("00813-1234-5678", "+81312345678", "landline"),
        ("+44 (0)20 7946 0958", "+442079460958", "landline"),
        ("+39 06 6982", "+39066982", "landline"),
        ("+1 (650) 253-0000", "+16502530000", "mobile"),
        ("+852 6123 4567", "+85261234567", "mobile"),
    ],
)
def test_numbers_as_people_type_them(typed: str, number: str, kind: str) -> None:
    assert phones.parse(typed, "0351") == Phone(number, kind)


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "missing"), ("\u3000\u200b", "missing"), ("王秀兰", "letters"), ("0351CALLNOW", "letters"),
        ("13935102222 王秀兰", "letters"), ("0351-7010456 ext.8012", "extension"),
        ("0351-7010456转8012", "extension"), ("tel:0351-7010456;ext=8012", "extension"),
        ("110", "short_code"), ("１２０", "short_code"), ("10086", "short_code"), ("95588", "short_code"),
        ("12345", "short_code"), ("0351110", "short_code"), ("0351-96123", "short_code"),
        ("+86 10086", "short_code"), ("400-810-8888", "hotline"), ("8008108888", "hotline"),
        ("+1 900 555 1234", "hotline"), ("+1 800 555 1234", "hotline"),
        ("12", "too_short"), ("701045", "too_short"), ("0351-70104", "too_short"),
        ("139351022223333", "too_long"), ("0351-7010456/7010457", "too_long"),
        ("13935102222 13935102223", "too_long"), ("1393510222", "mobile_length"),
        ("139351022222", "mobile_length"), ("12345678901", "unknown"), ("0351 1234567", "unknown"),
        ("3535102222", "area_code"), ("3517010456", "area_code"), ("0351701045", "too_short"),
        ("1 650 253 0000", "country_code"), ("1-650-253-0000", "country_code"),
        ("1 (650) 253-0000", "country_code"), ("852 2123 4567", "country_code"),
    ],
)  # fmt: skip
def test_what_is_no_number_of_a_person_and_why(typed: str, reason: str) -> None:
    with pytest.raises(BadPhone) as bad:
        phones.parse(typed, "0351")
    assert bad.value.reason == reason
    assert reason in phones.REASONS


def test_a_local_number_needs_the_offices_area_code() -> None:
    with pytest.raises(BadPhone) as bad:
        phones.parse("7010456")
    assert bad.value.reason == "area_code"


@pytest.mark.parametrize(
    ("came", "kept"),
    [
        ("+8613935102222", "+8613935102222"), ("8613935102222", "+8613935102222"),
        ("13935102222", "+8613935102222"), ("+12345", "+12345"), ("+999123456", "+999123456"),
        ("10086", "10086"), ("MyBank", "MyBank"), ("", ""),
    ],
)  # fmt: skip
def test_the_sender_of_an_sms(came: str, kept: str) -> None:
    assert phones.sender(came) == kept


_WIDE = str.maketrans("0123456789+-", "０１２３４５６７８９＋－")
_MOBILES = st.from_regex(r"\A1(?:3[0-9]|5[0-35-9]|8[0-9])[0-9]{8}\Z")
_LANDLINES = st.from_regex(r"\A(?:351|352|371)[2-8][0-9]{6}\Z|\A(?:10|21)[5-8][0-9]{7}\Z")
_ABROAD = st.from_regex(r"\A\+(?:8190|447[4-9]|1650[2-9])[0-9]{8}\Z")


def _spellings(number: str) -> list[str]:
    """`number` (E.164) in the ways that people write it."""
    home = number.removeprefix("+86")
    bare = number.removeprefix("+")
    shown = phones.spoken(number)
    ways = [number, f"00{bare}", f"tel:{number}", f"sms:{number}", f"\u202a{number}\u202c", shown]
    if home != number:
        mobile = home.startswith("1") and len(home) == 11
        ways += [f"+86 {home}", f"+86-0{home}", f"0086{home}", f"86{home}", f"86 {home}", f"0{home}"]
        ways += [home, f"{home[:3]}-{home[3:7]}-{home[7:]}", f"{home[:3]} {home[3:]}"] if mobile else []
        ways += [shown.replace("-", " "), f"(0){home}", f"+86 (0) {home}"]
    else:
        ways += ["-".join(shown.split()), shown.replace(" ", ".")]
    return ways + [way.translate(_WIDE) for way in ways]


@settings(max_examples=150, deadline=None)
@given(st.one_of(_MOBILES, _LANDLINES, _ABROAD), st.integers(4, 9))
def test_every_spelling_is_the_same_number_and_finds_it(digits: str, last: int) -> None:
    try:
        number = phones.parse(
            digits if digits.startswith(("+", "1")) and len(digits) > 10 else f"0{digits}"
        ).number
    except BadPhone:
        return
    keys = phones.search_keys(number)
    for typed in _spellings(number):
        assert phones.parse(typed, "0351").number == number, typed
        assert _finds(typed, keys), typed
    assert _finds(number[-last:], keys)
    assert _finds(number[-last:].translate(_WIDE), keys)


def _finds(typed: str, keys: set[str]) -> bool:
    return any(key.startswith(term) for term in phones.search_terms(typed) for key in keys)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=40))
def test_nothing_typed_breaks_the_reading_of_numbers(typed: str) -> None:
    with suppress(BadPhone):
        phones.parse(typed, "0351")
    phones.search_terms(typed)
    phones.sender(typed)


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
        ("\u202a139 35", "+8613935102222"),
        ("１３９３５", "+8613935102222"),
        ("013935", "+8613935102222"),
        ("+86-0351-70", "+863517010456"),
        ("tel:139351", "+8613935102222"),
        ("0081 90", "+819012345678"),
        ("090 1234", "+819012345678"),
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
