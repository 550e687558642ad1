"""Invented retirees, household by household."""

from dataclasses import dataclass
from random import Random

from devtools.roster.homes import ANCHOR_HOME, Home, HomeBook
from devtools.roster.model import Language, Phone, Place, Retiree, Sex
from devtools.roster.names import FOREIGN_RETIREES, NameBook, given, surname, surname_of
from devtools.roster.phones import PhoneBook

ANCHOR_KEY = "r-yingze-001"

# Birth years with their weights: aged 58 to 97 in 2026, most of them in their sixties and seventies.
_BIRTHS = ((1962, 1968, 20), (1957, 1961, 22), (1952, 1956, 20), (1947, 1951, 14))
_BIRTHS_OLD = ((1942, 1946, 10), (1936, 1941, 9), (1929, 1935, 5))
_FIRST_YEAR, _LAST_YEAR = 1929, 1968

# Couples of two retirees per hundred people; the remaining places have too few people for any.
_COUPLES_PER_HUNDRED = {"campus": 15, "city": 13, "country": 8}

# Retired foreign experts per place; they live on the campuses.
_FOREIGN = {"yingze": 4, "wucheng": 4, "pingyang": 2}

# Namesakes on purpose, as a real list has them: the same name at two places, and once twice on one campus.
# The anchor 王秀兰 is the namesake of the first.
_NAMESAKES: dict[str, tuple[tuple[str, Sex, int], ...]] = {
    "yingze": (("李建国", "m", 1953), ("张玉梅", "f", 1949), ("张玉梅", "f", 1958)),
    "wucheng": (("王秀兰", "f", 1939), ("单桂英", "f", 1943)),
    "pingyang": (("李建国", "m", 1956),),
    "taiyuan-other": (("单桂英", "f", 1940), ("欧阳文华", "m", 1942)),
    "other-provinces": (("欧阳文华", "m", 1945),),
}

_CONTACTS: tuple[tuple[str, Sex, int], ...] = (
    ("女儿", "f", 34),
    ("儿子", "m", 32),
    ("侄女", "f", 5),
    ("侄子", "m", 4),
    ("外甥女", "f", 3),
    ("孙女", "f", 3),
    ("孙子", "m", 3),
    ("儿媳", "f", 4),
    ("邻居", "f", 6),
    ("老同事", "m", 4),
)
_SAME_GENERATION = ("邻居", "老同事")
_GRANDCHILDREN = ("孙女", "孙子")
# Relations who bear the family's surname. A daughter's does not follow her mother's, see _contact.
_FAMILY = ("女儿", "儿子", "侄女", "侄子", "孙女", "孙子")

_VISIT_NOTES = (
    "听力不好，请大声敲门",
    "行动不便，走得慢，请多等一会儿",
    "家里有小狗",
    "门铃坏了，请敲门",
    "白天有保姆在家",
    "单元门要按门禁，按房号",
    "视力不好，请先报姓名",
    "坐轮椅，开门慢",
    "说方言，请慢慢说",
    "独居，到了请先打电话",
)
_VISIT_NOTE_FOREIGN = "说英语，能听懂一点普通话"
_HEALTH_NOTES = (
    "高血压，随身带药",
    "糖尿病，注射胰岛素",
    "冠心病，装有支架",
    "装有心脏起搏器",
    "青霉素过敏",
    "髋关节置换过",
    "服用抗凝药",
    "慢性支气管炎，家有制氧机",
    "轻度认知障碍，容易走失",
    "帕金森病，容易跌倒",
)


@dataclass(frozen=True)
class _Person:
    """Someone before home, telephone and contact are known; an empty name is drawn later."""

    sex: Sex
    birth_year: int
    name: str = ""
    language: Language = "zh"


class PeopleBook:
    """Invents the retirees of one place after another from one stream of chance."""

    def __init__(self, rng: Random, names: NameBook, phones: PhoneBook) -> None:
        self._rng = rng
        self._names = names
        self._phones = phones
        self._homes = HomeBook()
        self._foreign = list(FOREIGN_RETIREES)
        # Held back before any name is drawn, so that nobody becomes a namesake of these by chance.
        for fixed in _NAMESAKES.values():
            for name, _, _ in fixed:
                names.take(name)
        names.take("王建国")

    def retirees(self, place: Place, count: int) -> list[Retiree]:
        """Invent exactly ``count`` retirees of the place; couples stand next to each other."""
        people: list[Retiree] = []
        for household in self._households(place, count):
            people += self._household(place, household, len(people) + 1)
        return people

    def _households(self, place: Place, count: int) -> list[tuple[_Person, ...]]:
        """Compose the households: couples, people fixed on purpose, and singles up to the count."""
        rng = self._rng
        couples = count * _COUPLES_PER_HUNDRED.get(place.group, 0) // 100
        households: list[tuple[_Person, ...]] = [self._couple() for _ in range(couples)]
        households += [(_Person(sex, year, name),) for name, sex, year in _NAMESAKES.get(place.code, ())]
        for _ in range(_FOREIGN.get(place.code, 0)):
            name, sex = self._foreign.pop(0)
            households.append((_Person(sex, rng.randint(1936, 1962), name, "en"),))
        # Women outlive men, so there are more of them among those living alone.
        anchor = place.code == "yingze"
        singles = count - sum(map(len, households)) - 2 * anchor
        households += [
            (_Person("f" if rng.random() < 0.55 else "m", self._birth_year()),) for _ in range(singles)
        ]
        rng.shuffle(households)
        if anchor:
            households.insert(0, (_Person("f", 1944, "王秀兰"), _Person("m", 1942, "王建国")))
        return households

    def _birth_year(self) -> int:
        bands = _BIRTHS + _BIRTHS_OLD
        first, last, _ = self._rng.choices(bands, weights=[weight for *_, weight in bands])[0]
        return self._rng.randint(first, last)

    def _couple(self) -> tuple[_Person, ...]:
        wife = self._birth_year()
        husband = min(_LAST_YEAR, max(_FIRST_YEAR, wife - self._rng.choice((-1, 0, 0, 1, 1, 2, 2, 3, 4, 6))))
        return (_Person("f", wife), _Person("m", husband))

    def _household(self, place: Place, members: tuple[_Person, ...], number: int) -> list[Retiree]:
        """Give the members one home and landline and one contact, and each their own telephone and notes."""
        anchor = members[0].name == "王秀兰" and place.code == "yingze"
        home = ANCHOR_HOME if anchor else self._homes.draw(self._rng, place.code)
        named = [
            person.name or self._names.draw(self._rng, person.sex, person.birth_year) for person in members
        ]
        contact = ("王敏", "女儿") if anchor else self._contact(members, named)
        contact_phone = self._phones.mobile("contact")
        landline = self._landline(home, members)
        retirees = []
        for offset, (person, name) in enumerate(zip(members, named, strict=True)):
            wife_of_anchor = anchor and offset == 0
            mobile = self._own_mobile(place, person, landline, always=wife_of_anchor)
            phones = [phone for phone in (landline, mobile) if phone]
            # Some of those without a mobile have left a child's number as their second.
            if (
                mobile is None
                and contact[1] in ("女儿", "儿子")
                and len(members) == 1
                and self._rng.random() < 0.25
            ):
                phones.append(Phone(contact_phone, "mobile", contact[1]))
            retirees.append(
                Retiree(
                    key=f"r-{place.code}-{number + offset:03d}",
                    name=name,
                    sex=person.sex,
                    birth_year=person.birth_year,
                    place_code=place.code,
                    area=home.area,
                    address=home.address,
                    phones=tuple(phones),
                    contact_name=contact[0],
                    contact_relation=contact[1],
                    contact_phone=contact_phone,
                    visit_notes="听力不好，请大声敲门" if wife_of_anchor else self._visit_notes(person),
                    # None for the anchor: examples quote the record in full.
                    health_notes="" if wife_of_anchor else self._health_notes(),
                    language=person.language,
                    honorific="老师" if anchor or person.language == "en" else self._honorific(),
                )
            )
        return retirees

    def _landline(self, home: Home, members: tuple[_Person, ...]) -> Phone | None:
        """Older households kept their landline; couples all have one here, shared by both."""
        born = min(person.birth_year for person in members)
        share = 0.92 if born <= 1946 else 0.75 if born <= 1956 else 0.45
        if not home.area_code or (len(members) == 1 and self._rng.random() >= share):
            return None
        return Phone(self._phones.landline(home.area_code), "landline", "家")

    def _own_mobile(
        self, place: Place, person: _Person, landline: Phone | None, *, always: bool
    ) -> Phone | None:
        """Whoever has no landline has a mobile; of the others fewer the older they are."""
        share = 0.45 if person.birth_year <= 1941 else 0.68 if person.birth_year <= 1951 else 0.86
        if landline and not always and self._rng.random() >= share:
            return None
        number = (
            self._phones.abroad(place.code) if place.group == "abroad" else self._phones.mobile("retiree")
        )
        return Phone(number, "mobile")

    def _contact(self, members: tuple[_Person, ...], named: list[str]) -> tuple[str, str]:
        """Invent the person to be told: name and relation. Children bear their father's surname."""
        rng = self._rng
        relation, sex, _ = rng.choices(_CONTACTS, weights=[weight for *_, weight in _CONTACTS])[0]
        youngest = max(person.birth_year for person in members)
        if members[0].language == "en":
            # Their families are far away; a former student or colleague looks after them.
            relation = rng.choice(("学生", "老同事"))
        if relation in _GRANDCHILDREN and youngest > 1946:
            relation = "女儿" if sex == "f" else "儿子"
        if relation in _SAME_GENERATION:
            born = rng.randint(1950, 1968)
        else:
            born = youngest + rng.randint(24, 32) + (26 if relation in _GRANDCHILDREN else 0)
        father = next((name for person, name in zip(members, named, strict=True) if person.sex == "m"), None)
        inherits = father is not None and relation in _FAMILY and members[0].language == "zh"
        family = surname_of(father) if father and inherits else surname(rng)
        return family + given(rng, sex, born), relation

    def _visit_notes(self, person: _Person) -> str:
        if person.language == "en":
            return _VISIT_NOTE_FOREIGN
        share = 0.3 if person.birth_year <= 1951 else 0.1
        return self._rng.choice(_VISIT_NOTES) if self._rng.random() < share else ""

    def _health_notes(self) -> str:
        return self._rng.choice(_HEALTH_NOTES) if self._rng.random() < 0.15 else ""

    def _honorific(self) -> str:
        """Most are addressed as teachers; some as professors, and drivers, cooks and fitters as masters."""
        return self._rng.choices(("老师", "教授", "师傅"), weights=(88, 6, 6))[0]
