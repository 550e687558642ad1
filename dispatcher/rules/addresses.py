"""Addresses: what of one may be told to whom, how it fits an SMS, and under which strings it is found."""

import re
import unicodedata
from functools import cache

from dispatcher.rules import names
from dispatcher.rules.chinese import simplified

MARK = "@"
"""Begins a search key that is part of an address."""

_NUMERALS = "〇零一二三四五六七八九十百两廿壹贰叁肆伍陆柒捌玖拾"
_COUNT = rf"(?:[0-9]{{1,4}}[a-z]?|[a-z][0-9]{{0,3}}|[{_NUMERALS}]{{1,5}}|[甲乙丙丁])"
_SIDE = "[东西南北中]"
_NO_PLACE = r"(?![街路巷道村镇乡市区园诊口外内里前后]|小区|社区|胡同)"

# A house among others: 3号楼, 3#楼, 3#, A座, 12栋, 南楼. The number of a street or compound is none yet.
_HOUSE = re.compile(
    rf"(?:{_COUNT}\s*(?:号楼|#\s*楼?|栋|幢|座|号公寓|斋|楼){_NO_PLACE}"
    rf"|(?<![\u4e00-\u9fff]){_SIDE}[0-9]{{0,2}}楼{_NO_PLACE}|(?<=[院园区号]){_SIDE}[0-9]{{0,2}}楼{_NO_PLACE})"
)
_SUB_HOUSE = re.compile(rf"\s*{_COUNT}\s*(?:号楼|栋|幢|座)")
_BETWEEN = r"[\s,，、;；:：\-/()（）·.]*"
_DOOR_BEHIND_HOUSE = re.compile(
    rf"{_BETWEEN}(?:第?\s*(?:{_COUNT}|{_SIDE})\s*(?:单元|门(?!岗)|室|户|层|楼|号|房|家)|单元|[0-9])"
)
_DOOR = re.compile(
    rf"{_BETWEEN}第?\s*(?:{_COUNT}|{_SIDE})?\s*单元"
    rf"|(?<=[号院弄]){_BETWEEN}第?{_COUNT}\s*门{_NO_PLACE}"
    rf"|{_BETWEEN}{_COUNT}\s*层(?:.*)$"
    r"|[\s,，、;；:：/()（）·.]*(?<![0-9\-])[0-9]{1,5}[a-z]?\s*[室户]\s*$"
    r"|(?<=[号院弄楼舍寓苑园区村])[\s,，、/\-]*[0-9]{3,4}\s*号?\s*$"
)
# 12-3-501 and 12-501: house, entrance, door.
_CHAIN = re.compile(r"(?<![0-9\-])([0-9]{1,3}[a-z]?)(?:\s*-\s*[0-9]{1,4}[a-z]?){1,3}\s*[室户号]?\s*$")

_UNIT_WORD = (
    r"(?:unit|entrance|entry|apt\.?|apartment|flat|room|rm\.?|suite|ste\.?|floor|level|door|staircase)"
)
_PART_IS_DOOR = re.compile(
    rf"{_UNIT_WORD}\s*#?\s*[0-9a-z\-]+|[0-9]+(?:st|nd|rd|th)?[\s/]*(?:floor|fl?)|#\s*[0-9a-z\-]+"
    "|[0-9]{2,4}[a-z]?"
)
_DOOR_IN_PART = re.compile(rf"(?<=[^\s])[\s\-]+(?:{_UNIT_WORD}\s*#?\s*[0-9a-z]|#\s*[0-9]).*")
_HOUSE_IN_PART = re.compile(r"((?:building|bldg\.?|block|house)\s*[0-9]+[a-z]?)\s*-.*")


def building(address: str) -> str:
    """`address` as far as the house: without entrance, floor and door, where they can be told apart.

    3号楼 of 3号楼2单元501, 12 of 12-3-501, Building 5 of Building 5, unit 2, 301; all of it where nothing
    would be left.
    """
    whole = address.strip()
    plain = _plain(whole)
    if not names.is_chinese(plain) and re.search("[a-z]{2}", plain):
        return _building_in_latin(whole, plain) or whole
    short = whole[: _end_of_house(plain)].rstrip(" ,，、;；-－—–/(（:：")
    return short or whole


def _end_of_house(plain: str) -> int:
    house = _HOUSE.search(plain)
    if house is not None:
        end = house.end()
        while (more := _SUB_HOUSE.match(plain, end)) is not None:
            end = more.end()
        door = _DOOR_BEHIND_HOUSE.search(plain, end)
        return door.start() if door else len(plain)
    door = _DOOR.search(plain)
    end = door.start() if door else len(plain)
    chain = _CHAIN.search(plain[:end])
    return chain.end(1) if chain else end


def _building_in_latin(whole: str, plain: str) -> str:
    kept, start = [], 0
    for part in re.split("[,;]", plain):
        written, bare = whole[start : start + len(part)], part.strip()
        start += len(part) + 1
        if _PART_IS_DOOR.fullmatch(bare):
            continue
        for cut in (_DOOR_IN_PART.search(part), _HOUSE_IN_PART.search(part)):
            if cut is not None:
                written = written[: cut.end(1) if cut.re is _HOUSE_IN_PART else cut.start()]
                break
        if written.strip():
            kept.append(written.strip())
    return ", ".join(kept)


def shortened(address: str, most: int) -> str:
    """`address` in at most `most` characters. The front goes, and what is noted behind the door (how to ring,
    say); house and door stay, unless they alone are longer: then the door."""
    whole = " ".join(address.split())
    if len(whole) <= most:
        return whole
    start, end = _house_and_door(whole)
    if end < len(whole):
        core = whole[start : max(end, start + most - 2)]
        front = "…" if start else ""
        return f"{front}{core[: most - 1 - len(front)].rstrip()}…"
    tail = whole[-(most - 1) :]
    # Not from the middle of a number or a Latin word, where that costs neither house nor door.
    broken = re.match(r"[0-9A-Za-z]{1,12}(?![0-9A-Za-z])", tail)
    before = whole[-most]
    if broken and before.isascii() and before.isalnum() and len(whole) - most + broken.end() < start:
        tail = tail[broken.end() :]
    return f"…{tail.lstrip(' ,，、')}"


def house_and_door(address: str) -> str:
    """The part of `address` that a visitor can't do without: 3号楼2单元501."""
    whole = " ".join(address.split())
    start, end = _house_and_door(whole)
    return whole[start:end]


def _house_and_door(whole: str) -> tuple[int, int]:
    plain = _plain(whole)
    latin = not names.is_chinese(plain)
    house = _HOUSE.search(plain) or _CHAIN.search(plain) or re.search(r"\b(?:building|bldg|block)\b", plain)
    if house is None:
        return len(whole), len(whole)
    behind = re.compile(r"[(（;；。]" if latin else r"[(（,，;；。]").search(plain, house.end())
    return house.start(), behind.start() if behind else len(whole)


# -- How they are found ----------------------------------------------------------------------------


def search_keys(area: str, address: str) -> set[str]:
    """The strings under which a home is looked for, each after :data:`MARK`: the address as written, and from
    each of its numbers on; with the compound before it; without the entrance; the door before the house."""
    whole = _canonical(address)
    if not whole:
        return {MARK + _canonical(area)} if _canonical(area) else set()
    starts = {whole, _without_entrance(whole), _without_entrance(_without_entrance(whole))}
    keys = {form[i:] for form in starts for i in _number_starts(form)} | starts
    keys |= {_canonical(area, whole=False) + form for form in starts} if area else set()
    numbers = re.findall(r"[0-9a-z]+", whole)
    if len(numbers) > 1:
        keys.add(f"{numbers[-1]}-{numbers[-3 if len(numbers) > 2 else -2]}-")
    return {MARK + key for key in keys if key}


def search_terms(text: str) -> list[str]:
    """The keys that begin like what was typed, were it part of an address: 3号楼2单元501, 3-2-501, 501."""
    term = _canonical(text, whole=False)
    if re.fullmatch("[0-9]*", term):
        return [MARK + term] if 3 <= len(term) <= 5 else []
    return [MARK + term] if len(term) > 1 and (re.search("[0-9]", term) or names.is_chinese(term)) else []


def same_home(one: str, other: str) -> bool:
    """Whether two addresses are the same door, however they are written; none is no one's."""
    return bool(_canonical(one)) and _canonical(one) == _canonical(other)


_UNITS = re.compile(
    r"(?<=[0-9a-z甲乙丙丁东西南北中])(?:号楼|号院|#楼|号|#|栋|幢|座|楼|单元|门(?!诊|口|外|街|路)|室|户|层|院)"
)
_NUMERAL = re.compile(
    r"[〇零一二三四五六七八九十百两]+(?=号|栋|幢|座|楼|单元|门(?!诊|口|外|街|路)|室|户|层|院|#|-|$)"
)
_WORDS = re.compile(rf"\b(?:building|bldg|block|{_UNIT_WORD})\b\.?")


def _canonical(text: str, whole: bool = True) -> str:
    """`text` with a "-" for each word that only parts the numbers: 3-2-501- for 3号楼2单元501 and Building 3,
    unit 2, 501. `whole`: it ends with the end of a number, as an address does and something typed may not."""
    plain = unicodedata.normalize("NFKC", _plain(text))
    plain = _WORDS.sub("-", plain)
    plain = re.sub(r"(?<=[0-9])\s+(?=[0-9])", "-", plain)
    plain = re.sub(r"[\s第]", "", re.sub(r"[,，、;；:：/()（）.·]", "-", plain))
    plain = _NUMERAL.sub(lambda found: str(_number(found[0])), plain)
    plain = re.sub("-+", "-", _UNITS.sub("-", plain)).lstrip("-")
    return plain.rstrip("-") + "-" if whole and plain else plain


def _without_entrance(canonical: str) -> str:
    """3-501- of 3-2-501-."""
    return re.sub(r"(?<=-)[0-9a-z甲乙丙丁东西南北中]+-(?=[0-9a-z]+-$)", "", canonical)


def _number_starts(canonical: str) -> list[int]:
    return [found.start() for found in re.finditer(r"[0-9a-z]+", canonical)]


def _number(characters: str) -> int:
    """十二 is 12, 五〇一 is 501."""
    digits = {ch: value for value, ch in enumerate("〇一二三四五六七八九")} | {"零": 0, "两": 2}
    if not set(characters) & {"十", "百"}:
        return int("".join(str(digits[ch]) for ch in characters))
    total = current = 0
    for ch in characters:
        if ch in digits:
            current = digits[ch]
        else:
            total += (current or 1) * (10 if ch == "十" else 100)
            current = 0
    return total + current


def _plain(text: str) -> str:
    """`text` in half width, lower case, simplified characters and plain dashes, character by character."""
    return "".join(map(_plain_character, text))


@cache
def _plain_character(ch: str) -> str:
    if unicodedata.category(ch) == "Pd" or ch in "−ー~～":
        return "-"
    if unicodedata.category(ch) == "Zs":
        return " "
    narrow = unicodedata.normalize("NFKC", ch)
    if len(narrow) != 1 or len(narrow.lower()) != 1:
        return ch
    simple = simplified(narrow.lower())
    return simple if len(simple) == 1 else ch
