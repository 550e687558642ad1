"""The SMS texts: every kind in both languages, and none longer than two segments."""

import itertools
from datetime import timedelta

import pytest

from devtools import roster
from dispatcher.rules.codewords import CODE_WORDS
from dispatcher.sms import office_texts, samples, texts
from dispatcher.sms.samples import placeholders as needed
from dispatcher.web.words import MESSAGE_KIND, TEXT_USE

ZONE = samples.ZONE
NOW = samples.NOW
PEOPLE = roster.build()
KINDS = sorted(texts.built_in("zh")["sms"])
SPOKEN = sorted(texts.built_in("zh")["say"])
SIGNATURES = {"zh": "【离退休工作处】", "en": "[Retired Staff Office] "}
MAY_COST_THREE = {("assigned", "en"), ("assigned_by_hand", "en")}
"""A Chinese address in an English text: it is written in the Chinese alphabet, whatever else is left out."""


@pytest.fixture(autouse=True)
def _signed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As they come with the program: the signature counts."""
    monkeypatch.setattr(texts, "_signatures", SIGNATURES)


def test_both_languages_have_the_same_texts_with_the_same_facts() -> None:
    zh, en = texts.catalogue("zh"), texts.catalogue("en")
    for table in ("words", "sms", "say"):
        assert set(zh[table]) == set(en[table])
    for kind in KINDS:
        facts = needed(zh["sms"][kind]) ^ needed(en["sms"][kind])
        assert facts <= {"greeting", "name"}, kind
    assert set(zh["say"]) <= set(zh["sms"])


@pytest.mark.parametrize(("kind", "language"), list(itertools.product(KINDS, texts.LANGUAGES)))
def test_two_segments_at_most_with_real_names(kind: str, language: str) -> None:
    usual = texts.render(kind, language, samples.usual(kind, language), NOW, ZONE)
    assert usual.startswith(SIGNATURES[language])
    assert "【" not in usual.removeprefix(SIGNATURES[language]), "it would be taken for a signature"
    most = 3 if (kind, language) in MAY_COST_THREE else texts.MOST_SEGMENTS
    assert texts.segments(usual) <= most, f"{len(usual)}: {usual}"
    for given in samples.longest(kind, language):
        text = texts.render(kind, language, given, NOW, ZONE)
        assert "{" not in text
        assert texts.segments(text) <= most, f"{len(text)}: {text}"
    assert office_texts.allowed(kind, language) <= most


@pytest.mark.parametrize(("kind", "language"), list(itertools.product(SPOKEN, texts.LANGUAGES)))
def test_what_is_said_on_the_phone_can_be_said(kind: str, language: str) -> None:
    for given in (samples.usual(kind, language), *samples.longest(kind, language)):
        assert "{" not in texts.say(kind, language, given, NOW, ZONE)


def test_every_kind_says_what_it_is_for() -> None:
    for kind in KINDS:
        assert TEXT_USE.get(kind), f"{kind}: say in dispatcher/web/words.py to whom and when it goes"
        assert MESSAGE_KIND.get(kind), kind


def test_a_name_in_braces_without_a_sample_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(texts.built_in("zh")["sms"], "new_kind", "{greeting}，{moon}")
    with pytest.raises(samples.NoSample, match=r"new_kind needs a sample of moon.*samples\.py"):
        samples.usual("new_kind", "zh")


def test_the_samples_are_as_long_as_the_roster_has_it() -> None:
    """Of those whom volunteers reach; nobody is sent to the others."""
    places = {place.code: place for place in PEOPLE.places if place.reachable}
    for language in texts.LANGUAGES:
        longest = list(samples.longest("assigned", language))
        addresses = [
            " ".join(filter(None, (getattr(places[r.place_code], f"name_{language}"), r.area, r.address)))
            for r in PEOPLE.retirees
            if r.place_code in places
        ]
        assert max(map(len, addresses)) <= max(len(given["address"][language]) for given in longest)
        codes = CODE_WORDS if language == "zh" else CODE_WORDS.values()
        assert max(map(len, codes)) <= max(len(given["code"][language]) for given in longest)
    for people in (PEOPLE.retirees, PEOPLE.volunteers):
        names = {person.name for person in people}
        for latin in (True, False):
            mine = [len(n) for n in names if n.isascii() == latin]
            known = [given["retiree"]["name"] for given in longest] + [
                given["volunteer"] for given in longest
            ]
            assert max(mine, default=0) <= max(len(n) for n in known if n.isascii() == latin)


@pytest.mark.parametrize(
    ("address", "stands"),
    [
        ("山西省太原市小店区坞城街道学府社区坞城路九十二号师范学院教职工家属区东区二期第三大院"
         "（原物理系宿舍旁边）5号院15号楼2单元1501", "15号楼2单元1501"),
        ("迎泽校区 东区 3号楼2单元501（从南门进，过了花园往左拐，楼道灯坏了，请带手电，老人耳背，敲门请用力，"
         "或先打家里的电话再上楼）", "3号楼2单元501"),
        ("Yingze campus, the old compound of the Institute of Physics behind the canteen, Building 15, "
         "unit 2, 1501", "Building 15, unit 2, 1501"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_a_long_address_keeps_house_and_door(address: str, stands: str, language: str) -> None:
    for given in samples.longest("assigned", language):
        text = texts.render("assigned", language, given | {"address": address}, NOW, ZONE)
        assert stands in text
        # A Latin address in a Chinese text costs what it costs: door and code word come first.
        if language == "zh" and not stands.isascii():
            assert texts.segments(text) <= texts.MOST_SEGMENTS


def test_an_english_text_has_no_name_that_its_reader_cant_read() -> None:
    for kind in ("coming", "delivered", "finding_another"):
        text = texts.render(kind, "en", samples.usual(kind, "en"), NOW, ZONE)
        assert "Li Wei" in text
        assert text.isascii()


def test_segments_are_counted_as_the_networks_do() -> None:
    for length, cost in ((70, 1), (71, 2), (134, 2), (135, 3)):
        assert texts.segments("字" * length) == cost
    assert (texts.segments("a" * 160), texts.segments("a" * 161)) == (1, 2)
    assert texts.segments("it’s " + "a" * 70) == 2


def test_moments_are_said_as_people_say_them() -> None:
    assert texts.when(NOW + timedelta(hours=6), NOW, ZONE, "zh") == "今天16:00"
    assert texts.when(NOW + timedelta(days=1), NOW, ZONE, "en") == "tomorrow 10:00"
    assert texts.when(NOW + timedelta(days=9), NOW, ZONE, "zh") == "12月2日10:00"


@pytest.mark.parametrize(
    ("name", "sex", "language", "said"),
    [
        ("王秀兰", "f", "zh", "王老师"), ("欧阳文华", "m", "zh", "欧阳老师"),
        ("王秀兰", "f", "en", "Ms Wang"), ("单玉梅", "f", "en", "Ms Shan"),
        ("欧阳平", "m", "en", "Mr Ouyang"), ("Margaret Hill", "f", "en", "Ms Hill"),
        ("买买提·艾山", "m", "zh", "买买提老师"), ("單雄", "m", "zh", "單老师"),
        ("東方明", "", "zh", "東方老师"),
        ("吕秀英", "f", "en", "Ms Lü"), ("Zoë Müller", "f", "en", "Ms Müller"),
        ("Anna 王", "f", "zh", "王老师"),
        ("Margaret Hill", "f", "zh", "Margaret Hill老师"), ("王秀兰", "", "en", "王秀兰"),
    ],
)  # fmt: skip
def test_how_people_are_addressed(name: str, sex: str, language: str, said: str) -> None:
    assert texts.greeting(name, "老师", sex, language) == said


def test_the_offer_tells_nothing_that_isnt_to_be_told_yet() -> None:
    for language in texts.LANGUAGES:
        assert needed(texts.catalogue(language)["sms"]["offer"]) <= {
            "mark", "danger", "campus", "area", "needs", "due", "link", "yes", "no",
        }  # fmt: skip


@pytest.mark.parametrize("language", texts.LANGUAGES)
@pytest.mark.parametrize("kind", ["reply_help", "reply_help_many"])
def test_help_without_its_digits_says_that_the_text_has_come(kind: str, language: str) -> None:
    """As processes of the version before have queued it."""
    params = {"hotline": "0351-7010110"}
    assert texts.render(kind, language, params, NOW, ZONE) == texts.render(
        "reply_seen", language, params, NOW, ZONE
    )
