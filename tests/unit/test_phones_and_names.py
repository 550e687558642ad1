"""Finding people: numbers as they are typed, names as they are said."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.rules import names, phones, surnames
from dispatcher.rules.phones import BadPhone, Phone
from dispatcher.sms import texts


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
        ("(+86)139.3510.2222", "+8613935102222", "mobile"),
        ("'13935102222", "+8613935102222", "mobile"),
        ("“13935102222”。", "+8613935102222", "mobile"),
        ("1\ufe0f\u20e33935102222", "+8613935102222", "mobile"),
        ("幺三九三五一〇二二二二", "+8613935102222", "mobile"),
        ("手机13935102222", "+8613935102222", "mobile"),
        ("手机号码 13935102222", "+8613935102222", "mobile"),
        ("手機號：13935102222", "+8613935102222", "mobile"),
        ("联系电话/手机: 139 3510 2222", "+8613935102222", "mobile"),
        ("我的电话是13935102222", "+8613935102222", "mobile"),
        ("电话 13935102222", "+8613935102222", "mobile"),
        ("电话幺三九三五一〇二二二二", "+8613935102222", "mobile"),
        ("Mobile 13935102222", "+8613935102222", "mobile"),
        ("mobile phone: +86 139 3510 2222", "+8613935102222", "mobile"),
        ("Tel 13935102222", "+8613935102222", "mobile"),
        ("Tel. 13935102222", "+8613935102222", "mobile"),
        ("Tel.: 13935102222", "+8613935102222", "mobile"),
        ("Phone no. (0351) 701 0456", "+863517010456", "landline"),
        ("电话（手机）13935102222", "+8613935102222", "mobile"),
        ("【手机】13935102222", "+8613935102222", "mobile"),
        ("M: 13935102222", "+8613935102222", "mobile"),
        ("座机 7010456", "+863517010456", "landline"),
        ("家里电话7010456", "+863517010456", "landline"),
        ("0351 861 0086", "+863518610086", "landline"),
        ("0901-2345678", "+869012345678", "landline"),
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
        ("8610086", "short_code"), ("86 10086", "short_code"), ("8612345", "short_code"),
        ("8695588", "short_code"), ("86-96123", "short_code"), ("86110", "short_code"),
        ("860351110", "short_code"), ("8635110086", "short_code"), ("手机10086", "short_code"),
        ("手机", "letters"), ("电话号码", "letters"), ("手机王秀兰13935102222", "letters"),
        ("Mobile 1393510222", "mobile_length"),
        ("090-1234-5678", "country_code"), ("080 1234 5678", "country_code"),
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


@pytest.mark.parametrize(
    ("typed", "number", "words"),
    [
        ("王秀兰 13935102222", "13935102222", "王秀兰"),
        ("13935102222 (daughter)", "13935102222", "daughter"),
        ("王秀兰：139 3510 2222", "139 3510 2222", "王秀兰"),
        ("王秀兰 电话13935102222", "13935102222", "王秀兰"),
        ("wang 7010456", "7010456", "wang"), ("王老师 0456", "0456", "王老师"),
        ("139 3510 2222", "", "139 3510 2222"), ("3-2-501 刘", "", "3-2-501 刘"),
        ("3号楼2单元501 13935102222", "13935102222", "3号楼2单元501"),
        ("3号楼 1501", "", "3号楼 1501"), ("王秀兰", "", "王秀兰"), ("", "", ""),
    ],
)  # fmt: skip
def test_a_name_beside_a_number(typed: str, number: str, words: str) -> None:
    assert phones.apart(typed) == (number, words)


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
        ("Margaret Hill", "hill margaret"), ("Margaret Hill", "Hill, M"), ("Margaret Hill", "Mrs Hill"),
        ("王秀兰", "xiulan wang"), ("王秀兰", "wang xl"), ("王秀兰", "xl wang"), ("王秀兰", "Wáng Xiùlán"),
        ("王秀兰", "秀兰王"), ("王秀兰", "王老师"), ("王秀兰", "王秀兰老师"), ("王秀兰", "秀兰阿姨"),
        ("王秀兰", "老王"), ("王秀兰", "王教授"), ("王秀兰", "王工"), ("王秀兰", "王奶奶"),
        ("王秀兰", "wang laoshi"), ("王秀兰", "wanglaoshi"), ("王秀兰", "Ms. Wang"), ("王秀蘭", "王秀兰"),
        ("王秀兰", "王秀蘭老師"), ("王秀兰", "王 秀 兰"), ("王 秀兰", "王秀兰"), ("王 秀兰", "wxl"),
        ("吕秀英", "lvxiuying"), ("吕秀英", "lyuxiuying"), ("吕秀英", "luxiuying"), ("吕秀英", "LÜ XIUYING"),
        ("呂秀英", "lǚ"), ("吕秀英", "lxy"), ("陈略", "chen lüe"), ("陈略", "chenlue"), ("陈女", "chennü"),
        ("东方明", "dongfangming"), ("东方明", "dfm"), ("东方明", "东方老师"), ("夏侯霞", "xhx"),
        ("歐陽修文", "欧阳修文"), ("欧阳修文", "歐陽"), ("欧阳修文", "xiuwen ouyang"),
        ("單雄", "单雄"), ("單雄", "shanxiong"), ("贠小军", "yunxiaojun"), ("贠小军", "yxj"),
        ("員小軍", "yunxiaojun"), ("仇英", "qy"), ("朴正", "piaozheng"), ("查良", "zhaliang"),
        ("尉迟恭", "yuchigong"), ("长孙敏", "zhangsunmin"), ("万俟兰", "moqilan"), ("解放", "xf"),
        ("买买提·艾山", "买买提"), ("买买提・艾山", "艾山"), ("買買提•艾山", "买买提艾山"),
        ("买买提‧艾山", "买买提·艾山"), ("买买提．艾山", "mmtas"), ("买买提·艾山", "aishan"),
        ("买买提·艾山", "买买提老师"), ("Zoë Müller", "muller"), ("Zoë Müller", "mueller"),
        ("Zoë Müller", "müller"), ("Zoë Müller", "zoe muller"), ("Jürgen Groß", "juergen gross"),
        ("Søren Ødegård", "oedegaard"), ("Søren Ødegård", "odegard"), ("Łukasz Nowak", "lukasz"),
        ("O’Brien Kate", "obrien"), ("西安", "xi'an"), ("Anna 王", "anna"), ("Anna 王", "王老师"),
        ("Anna 王", "wang anna"), ("Anna 王", "Anna Wang"),
        ("王秀兰", "王婆婆"), ("王秀兰", "王奶奶家"), ("王秀兰", "王秀兰家"), ("王秀兰", "王老人家"),
        ("王秀兰", "Prof.王"), ("王秀兰", "Prof. 王秀兰"), ("王秀兰", "Mr王"), ("王秀兰", "王 Prof."),
        ("王秀兰", "王laoshi"), ("王秀兰", "wangnainai"), ("王秀兰", "王xiulan"), ("王秀兰", "wang秀兰"),
        ("王秀兰", "王xl"), ("王秀兰", "Ms 王xiulan"), ("王秀兰", "王秀l"), ("吕秀英", "吕xiuying"),
        ("王秀兰", "王秀兰(退休)"), ("王秀兰", "王秀兰（退休）老师"), ("王秀兰", "王老师(秀兰)"),
        ("王秀兰", "王教授好"), ("王秀兰", "您好，王教授"), ("王秀兰", "我是王秀兰"),
        ("王秀兰", "王秀兰的电话"), ("王秀兰", "王老师的女儿"), ("王秀兰", "王秀兰 女儿"),
        ("张(章)伟", "张伟"), ("张(章)伟", "章伟"), ("张（章）伟", "zhangwei"), ("张(章)伟", "张(章)伟"),
        ("王秀兰（小兰）", "小兰"), ("王秀兰（小兰）", "秀兰"), ("Margaret Hill (Peggy)", "peggy"),
        ("Margaret Hill (Peggy)", "margaret hill"), ("王秀兰 (Wang Xiulan)", "wxl"),
        ("尉迟恭", "weichi"), ("尉迟恭", "weichigong"), ("万俟兰", "wansi"), ("长孙敏", "changsunmin"),
        ("单于明", "danyu"), ("夏侯霞", "xiahou"),
    ],
)  # fmt: skip
def test_a_name_is_found_however_it_is_typed(name: str, typed: str) -> None:
    keys = names.search_keys(name)
    assert any(key.startswith(term) for term in names.search_terms(typed) for key in keys)


@pytest.mark.parametrize("name", ["李建国", "张伟", "Margaret Hill", "家文好", "欧阳修文", "师文"])
@pytest.mark.parametrize(
    "typed",
    [
        "王婆婆", "王奶奶家", "Prof.王", "王laoshi", "王xl", "wang秀兰", "王秀兰(退休)", "王老师(秀兰)",
        "王教授好", "老师", "奶奶", "老师好", "您好", "教授家", "Prof.", "(退休)",
    ],
)  # fmt: skip
def test_what_is_said_around_a_name_finds_nobody_else(name: str, typed: str) -> None:
    keys = names.search_keys(name)
    assert not any(key.startswith(term) for term in names.search_terms(typed) for key in keys)


@pytest.mark.parametrize(
    ("name", "family", "read", "romanised"),
    [
        ("王秀兰", "王", "Wang", "Wang Xiulan"), ("东方明", "东方", "Dongfang", "Dongfang Ming"),
        ("东方", "东", "Dong", "Dong Fang"), ("欧阳", "欧阳", "Ouyang", "Ouyang"),
        ("歐陽修文", "歐陽", "Ouyang", "Ouyang Xiuwen"), ("欧阳 修文", "欧阳", "Ouyang", "Ouyang Xiuwen"),
        ("夏侯霞", "夏侯", "Xiahou", "Xiahou Xia"), ("公羊高", "公羊", "Gongyang", "Gongyang Gao"),
        ("相里平", "相里", "Xiangli", "Xiangli Ping"), ("尉迟恭", "尉迟", "Yuchi", "Yuchi Gong"),
        ("长孙敏", "长孙", "Zhangsun", "Zhangsun Min"), ("万俟兰", "万俟", "Moqi", "Moqi Lan"),
        ("單雄", "單", "Shan", "Shan Xiong"), ("贠小军", "贠", "Yun", "Yun Xiaojun"),
        ("仇英", "仇", "Qiu", "Qiu Ying"), ("区小燕", "区", "Ou", "Ou Xiaoyan"),
        ("查良", "查", "Zha", "Zha Liang"), ("盖丽", "盖", "Ge", "Ge Li"),
        ("朴正", "朴", "Piao", "Piao Zheng"),
        ("解放", "解", "Xie", "Xie Fang"), ("吕秀英", "吕", "Lü", "Lü Xiuying"),
        ("买买提·艾山", "买买提", "Maimaiti", "Maimaiti Aishan"),
        ("買買提・艾山", "買買提", "Maimaiti", "Maimaiti Aishan"),
        ("买买提.艾山", "买买提", "Maimaiti", "Maimaiti Aishan"),
        ("买买提。艾山", "买买提", "Maimaiti", "Maimaiti Aishan"), ("Anna 王", "王", "Wang", "Anna Wang"),
        ("王Anna", "王", "Wang", "Wang Anna"), ("李", "李", "Li", "Li"), ("王🌸", "王", "Wang", "Wang 🌸"),
    ],
)  # fmt: skip
def test_the_surname_and_how_it_is_read(name: str, family: str, read: str, romanised: str) -> None:
    assert (names.surname(name), names.surname_pinyin(name), names.romanised(name)) == (
        family,
        read,
        romanised,
    )


def test_compound_surnames_begin_no_name_of_another_kind() -> None:
    assert len(surnames.COMPOUND) >= 80
    assert {names.surname(one + "明") for one in surnames.COMPOUND} == {*surnames.COMPOUND}
    assert names.surname("王孙平") == "王"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80) | st.text("王欧阳东方·・. 　🌸Anna1ü\u200d單曾", max_size=80))
def test_no_name_breaks_anything_and_each_is_found_by_itself(name: str) -> None:
    keys = names.search_keys(name)
    for part in (name, name[:3]):
        for term in names.search_terms(part)[:1]:
            assert part != name or term in keys
    for said in (names.surname(name), names.romanised(name), texts.greeting(name, "老师", "f", "en")):
        assert isinstance(said, str)
    assert texts.greeting(name, "老师", "", "zh").endswith("老师")


@pytest.mark.parametrize(
    ("number", "region"),
    [("+8613935102222", "CN"), ("+819012345678", "JP"), ("+14155550123", "US"), ("+16135550123", "CA"),
     ("+999123", "ZZ"), ("10690000727", "ZZ"), ("", "ZZ")],
)  # fmt: skip
def test_the_region_of_a_number(number: str, region: str) -> None:
    assert phones.region(number) == region
