"""Addresses: what of one may be told to whom, how it fits an SMS, and under which strings it is found."""

import re
import unicodedata
from functools import cache

from dispatcher.rules import names
from dispatcher.rules.chinese import simplified

MARK = "@"
"""Begins a search key that is part of an address."""

_NUMERALS = "〇零一二三四五六七八九十百两廿壹贰叁肆伍陆柒捌玖拾"
_COUNT = (
    rf"(?:(?<![0-9])[0-9]{{1,3}}[a-z]?|(?<![a-z])[a-z][0-9]{{0,3}}|(?<![{_NUMERALS}])[{_NUMERALS}]{{1,5}}"
    r"|[甲乙丙丁])"
)
_SIDE = "[东西南北中]"
_NO_PLACE = r"(?![街路巷道村镇乡市区园诊峡桥口外内里前后]|小区|社区|胡同)"
_UNIT = r"单\s*元"
_ENDS = " \t\n,，、;；:：/(（-－–—_·*"
"""What may part a place from what was cut off behind it."""

# -- What may be told to a map ---------------------------------------------------------------------
# A house among others: 3号楼, 3#楼, 3#, A座, 12栋, 南楼. The number of a street or compound is none yet.
_HOUSE = re.compile(
    rf"{_COUNT}\s*(?:号\s*(?:住宅|宿舍|家属|居民|教工|职工|学生|专家|教授)*楼|号\s*(?:公寓|宿舍|别墅)|#\s*楼?)"
    rf"|{_COUNT}\s*[栋幢座斋]{_NO_PLACE}"
    # 5号3楼 and 红楼3楼 are floors, 5号院3楼 is a house.
    rf"|(?<![号楼寓舍厦座])(?<![号楼寓舍厦座][\s,，、]){_COUNT}\s*楼{_NO_PLACE}"
    rf"|{_COUNT}\s*楼(?=[\W_]*{_COUNT}\s*(?:{_UNIT}|门))"
    rf"|(?:(?<![\u4e00-\u9fff])|(?<=[院园区号])){_SIDE}[0-9]{{0,2}}楼{_NO_PLACE}"
)
_SUB_HOUSE = re.compile(rf"\s*{_COUNT}\s*(?:号\s*楼|栋|幢|座)")

# 5号院, and a house in it that is but a number: 5号院3 of 5号院3-501, 5号院3号.
_YARD = re.compile(
    rf"[0-9{_NUMERALS}a-z甲乙丙丁]\s*号\s*院(?![士校系长部])"
    rf"(?:[\W_]*(?:[0-9]{{1,3}}[a-z]?(?=[\W_]+[0-9])|[0-9]{{1,2}}[a-z]?(?=\s*$)|{_COUNT}\s*号(?!\s*楼)))?"
)
_ROAD = "[街路道巷弄同条]"
_STREET_NUMBER = re.compile(
    rf"(?:{_ROAD}\s*[甲乙丙丁]?[0-9{_NUMERALS}]+[a-z甲乙丙丁]?(?:\s*-\s*[0-9]{{1,3}})?\s*号(?![路街巷桥井线站矿厂库])"
    rf"|[0-9{_NUMERALS}a-z甲乙丙丁]\s*号(?=附|[\W_0-9a-z]|$))(?:\s*附\s*[0-9]+\s*号?)?"
)
_FLOOR = rf"(?:[顶底]|负?\s*{_COUNT})\s*层(?!\s*楼)|地下室|阁楼"
_HOUSE_END = "楼寓舍厦"
_DOOR = re.compile(
    rf"第?\s*(?:{_COUNT}|{_SIDE})?\s*{_UNIT}|{_FLOOR}"
    rf"|(?<=[号院弄{_HOUSE_END}])[\W_]*第?\s*{_COUNT}\s*门{_NO_PLACE}"
    rf"|(?<=[{_HOUSE_END}])(?<![鼓钟城角箭]楼)[\W_]*(?:{_SIDE}\s*[门户边头侧面]|[左右对]\s*[手边侧门]){_NO_PLACE}"
    rf"|(?<=[{_HOUSE_END}])[\W_]*{_COUNT}\s*楼"
    rf"|(?<![0-9\-])[0-9]{{1,5}}[a-z]?\s*[室户]|[{_NUMERALS}]{{3,5}}\s*[室户]|{_SIDE}\s*户(?![县部籍口])"
    rf"|(?<=[号院弄{_HOUSE_END}苑园区])[\W_]*(?:[a-z]\s*-?\s*)?[0-9]{{3,4}}[a-z]?\s*号?(?=[\W_]|$)"
    r"|(?<=村)[\W_]*[0-9]{3,4}[a-z]?\s*$"
)
# 2单元501室, or 501, before the house.
_DOOR_BEFORE = re.compile(
    rf"(?:(?:第?\s*{_COUNT}\s*(?:{_UNIT}|门{_NO_PLACE}|层(?!\s*楼))|[0-9]{{3,4}}\s*[室户]"
    rf"|[0-9]{{3,4}}(?=[\W_]+{_COUNT}\s*(?:号\s*楼|[栋幢座#])))[\W_]*)+"
)
# 12-3-501, 12/3/501, 12 3 501 and 12-501: house, entrance, door.
_CHAIN = re.compile(
    rf"(?<![0-9a-z\-])([a-z]?[0-9]{{1,3}}[a-z]?|[a-z]|(?<![{_NUMERALS}])[{_NUMERALS}]{{1,3}}(?=\s*[-/]))"
    rf"((?:[\W_]{{1,3}}[0-9]{{1,4}}[a-z]?(?![0-9])|\s*[-/]\s*[{_NUMERALS}]{{1,4}})+)"
)

_ABOUT = (
    r"(?:(?:家里|家中|单元|楼下|楼道|大门|院门|房门|门口|进门|入户|备用|本人|女儿|儿子|老伴|的|请|先)\s*"
    r"|\b(?:the|my|her|his|front|back|gate|door|entry|entrance|building|access|security|main|spare)\s+)*"
)
_NO_NAME = r"(?!\s+(?:road|rd|street|st|avenue|ave|lane|ln|drive|dr|way|court|ct|oak|west)\b)"
_SECRET = (
    r"门\s*禁|密\s*码|口令|暗号|钥匙|门卡|锁\s*[0-9]|[指电]\S{0,2}锁|门铃|对讲|电话(?!局|公司|厂|站|大楼|设备)"
    r"|手机(?!城|厂|市场)|座机|固话|微信|联系|致电|拨打|呼叫|请按|按铃|敲门"
    r"|\b(?:(?:pass)?codes?|pass(?:word)?|pin|keys?|keypad|lock(?:box)?|phones?|telephone|call|ring|bell|doorbell"
    rf"|buzz(?:er)?|intercom|wechat)\b{_NO_NAME}|\b(?:tel|mob(?:ile)?|cell)\b[\W_]*[0-9+(]"
)
_PHONE = (
    r"\+\s*[0-9][0-9\s().\-]{5,}|(?<![0-9])(?=(?:[\s.()\-]{0,3}[0-9]){7})"
    r"\(?[0-9]{3,4}\)?(?:[\s.\-]{0,3}[0-9]{3,4})+(?![0-9])"
    r"|(?<![0-9])[0-9]{7,}"
)
_CODE = r"\*\s*[0-9]{3,}|(?<![0-9])[0-9]{4,}\s*#(?!\s*楼)"
# How one gets in, and how they are reached: no part of a place.
_PRIVATE = re.compile(f"{_ABOUT}(?:{_SECRET})|{_PHONE}|{_CODE}")
_PRIVATE_BEFORE = re.compile(
    rf"[\W_]*(?:{_ABOUT}(?:{_SECRET})(?:[^0-9,，;；。\s]{{0,8}}\s?[0-9#*]{{3,}}|[^0-9,，;；。\s]{{0,12}}(?=[,，;；。\s]))"
    rf"|{_PHONE}|{_CODE})[\W_]*"
)


def building(address: str) -> str:
    """`address` as far as the house: without entrance, floor and door, and without a code, key or phone.

    3号楼 of 3号楼2单元501, 12 of 12-3-501, 水西门街26号 of 水西门街26号，密码2580, Building 5 of Building 5,
    unit 2, 301. Behind a house or the number in a street nothing stays; where there is neither, nothing that
    looks like a door. Where that would leave nothing, the door stays; a code, key or phone never does.
    """
    whole = address.strip()
    plain = _plain(whole)
    start = 0
    while (before := _PRIVATE_BEFORE.match(plain, start)) is not None and before.end() > start:
        start = before.end()
    private = _PRIVATE.search(plain, start)
    if private is not None:
        whole = whole[: private.start()].rstrip(_ENDS)
    door = _DOOR_BEFORE.match(plain, start)
    if door is not None and _HOUSE.search(plain, door.end()):
        start = door.end()
    whole, plain = whole[start:], plain[start : len(whole)]
    if not names.is_chinese(plain) and re.search("[a-z]{2}", plain):
        return _building_in_latin(whole, plain) or whole
    return whole[: _end_of_house(plain)].rstrip(_ENDS) or whole


def _end_of_house(plain: str) -> int:
    house = _HOUSE.search(plain)
    if house is not None:
        end = house.end()
        while (more := _SUB_HOUSE.match(plain, end)) is not None:
            end = more.end()
        return end
    door = _DOOR.search(plain) or _LATIN_DOOR.search(plain)
    end = door.start() if door else len(plain)
    yards = list(_YARD.finditer(plain, 0, end))
    if yards:
        return yards[-1].end()
    number = _STREET_NUMBER.search(plain, 0, end)
    chain = _chain(plain, 0, end)
    if chain is not None and (number is None or chain.start() < number.start()):
        return chain.end(1)
    return number.end() if number else end


def _chain(plain: str, start: int, end: int) -> re.Match[str] | None:
    """The numbers of a house and of what is in it; not that of a street, 5-2 of 大东门街5-2号."""
    for chain in _CHAIN.finditer(plain, start, end):
        behind = re.findall(rf"[0-9a-z]+|[{_NUMERALS}]+", chain[2])
        road = re.search(rf"(?:{_ROAD}|\b{_STREET}\.?)\s*$", plain[: chain.start()])
        if len(behind) > 1 or len(behind[0]) > 2 or not road:
            return chain
    return None


# -- The same in Latin letters ---------------------------------------------------------------------
_STREET = r"(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|court|ct|boulevard|blvd|way|place|pl|alley)\b"
_GROUNDS = (
    r"(?:campus|compound|gardens?|village|estate|community|district|park|university|college|institute|city)\b"
)
_PLACE = re.compile(rf"\b(?:{_STREET}|{_GROUNDS})")
_ROOM = r"(?:unit|entrance|entry|ent|apartment|apt|flat|room|rm|suite|ste|floor|level|door|staircase)"
_NAME_OF_ROOM = r"(?:no\.?\s*)?#?\s*(?:[a-z]?[0-9]+[a-z]?(?![a-z])(?:[\-/][0-9]+[a-z]?)*|[a-z](?![a-z]))"
_LATIN_DOOR = re.compile(
    rf"\b{_ROOM}(?![a-z])\.?[\s\-]*{_NAME_OF_ROOM}"
    rf"|\b(?:[0-9]+(?:st|nd|rd|th)|first|second|third|fourth|fifth|ground|top)\s*(?:{_ROOM}|fl)\b"
    r"|\b[0-9]+(?:/?f|\s*fl|\s*floor)\b|#\s*[0-9][0-9a-z]*|\b(?:upstairs|downstairs|basement|penthouse)\b"
)
_LATIN_HOUSE = re.compile(
    r"\b(?:building|bldg|block|house|tower|dorm(?:itory)?|villa)(?![a-z])\.?\s*(?:no\.?\s*)?#?\s*"
    r"(?:[a-z]?[0-9]{1,3}[a-z]?(?![0-9a-z])|[a-z](?=[0-9]|\b))"
)
_ABOUT_DOOR = re.compile(rf"\b(?:{_ROOM}s?|gate|lift|elevator|left|right)\b")
_BARE_DOOR = re.compile(r"#?[a-z]?\s*[0-9]{1,4}[a-z]?|[a-z]|[0-9g]/?f")
# 12 Main St 4B, East Campus 501.
_NUMBER_BEHIND = re.compile(
    rf"(?:[0-9]\s.*\b{_STREET}\.?|\b{_GROUNDS}(?=\s+[a-z]?[0-9]{{3}}))([\s/\-]+[a-z]?[0-9]{{1,4}}[a-z]?)\s*$"
)


def _building_in_latin(whole: str, plain: str) -> str:
    kept: list[str] = []
    house = False
    start = 0
    parts = re.split(r"[,;()\n]", plain)
    for part, following in zip(parts, [*parts[1:], ""], strict=True):
        begin, end, is_house = _place_in_part(part, following, kept, house)
        written = whole[start + begin : start + end].strip(_ENDS)
        if re.search(r"\w", written):
            kept.append(written)
            house = house or is_house
        start += len(part) + 1
    return ", ".join(kept)


def _place_in_part(part: str, following: str, kept: list[str], house_known: bool) -> tuple[int, int, bool]:
    """What of a part between commas is no door: from where to where; and whether it names a house."""
    nothing = (0, 0, False)
    bare = part.strip()
    if _BARE_DOOR.fullmatch(bare):
        # 12, Main Street: the number of the street, and no door.
        street_follows = re.search(rf"\b{_STREET}", following) and not re.search("[0-9]", following)
        return (0, len(part), False) if street_follows and not kept else nothing
    front = re.match(rf"\s*(?:(?:{_LATIN_DOOR.pattern})[\s/\-]*)+", part)
    begin = front.end() if front else 0
    house = _LATIN_HOUSE.search(part, begin)
    is_place = _PLACE.search(part, begin) is not None
    if not (house or is_place) and (house_known or (kept and _ABOUT_DOOR.search(part))):
        return nothing
    end = len(part)
    if door := _LATIN_DOOR.search(part, house.end() if house else begin):
        end = door.start()
    if house is not None:
        behind = part[house.end() : end]
        number = re.match(r"[\W_]*[0-9]", behind) and not re.match(
            rf"\s+[0-9]+[a-z]? [a-z ]*\b{_STREET}", behind
        )
        if number or not _PLACE.search(behind):
            return begin, house.end(), True
    chain = _chain(part, begin, end)
    if chain is not None and (chain.end() == len(part.rstrip()) or len(re.findall("[0-9]+", chain[2])) > 1):
        known = any(re.search("[0-9]", one) for one in kept)
        end = chain.start() if known else chain.end(1)
    elif number_behind := _NUMBER_BEHIND.search(part, begin, end):
        end = number_behind.start(1)
    return begin, end, house is not None


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
    house = _HOUSE.search(plain) or _LATIN_HOUSE.search(plain) or _chain(plain, 0, len(plain))
    if house is None:
        return len(whole), len(whole)
    behind = re.compile(r"[(（;；。]" if latin else r"[(（,，;；。]").search(plain, house.end())
    return house.start(), behind.start() if behind else len(whole)


# -- How they are found ----------------------------------------------------------------------------


MOST_STARTS = 30
"""So many of the characters of an address are looked for as its beginning."""

_COMMON = re.compile(
    r"(?:小区|家属|宿舍|公寓|单元|大院|生活区?|教工|职工|教师|住宅|新村|花园|社区|校区|大学|学院|学校|大街|街道|胡同|平房"
    r"|号|楼|院|区|街|路|户|室)+-?"
)
"""Words of half of all addresses: alone they tell nobody from the others."""


def search_keys(area: str, address: str) -> set[str]:
    """The strings under which a home is looked for, each after :data:`MARK`: area and address as written, and
    from each of their characters and numbers on; without the entrance; the door before the house."""
    whole, before = _canonical(address), _canonical(area, whole=False)
    if not whole:
        whole, before = _canonical(area), ""
    starts = {whole, _without_entrance(whole), _without_entrance(_without_entrance(whole))}
    keys = {form[i:] for form in starts for i in _number_starts(form)} | starts
    keys |= {before + form for form in starts}
    keys |= {(before + whole)[i:] for i in _character_starts(before + whole)[:MOST_STARTS]}
    numbers = re.findall(r"[0-9a-z]+", whole)
    if len(numbers) > 1:
        keys.add(f"{numbers[-1]}-{numbers[-3 if len(numbers) > 2 else -2]}-")
    return {MARK + key for key in keys if key}


def search_terms(text: str) -> list[str]:
    """The keys that begin like what was typed, were it part of an address: 3号楼2单元501, 3-2-501, 501."""
    term = _canonical(text, whole=False)
    if re.fullmatch("[0-9]+", term) and _WORDS.search(_plain(text)):
        return [f"{MARK}{term}-"]  # Building 3, and not 31
    terms = [term] if _tells_apart(term) else []
    # What follows tells a name from a number, 三门诊 from 三门, and may not be typed yet.
    literal = re.sub(r"\s", "", _plain(text))
    if re.fullmatch(r"[\u4e00-\u9fff]{2,6}", literal) and literal != term and not _COMMON.fullmatch(literal):
        terms.append(literal)
    return [MARK + one for one in terms]


def _tells_apart(term: str) -> bool:
    """Whether `term` is enough to look for a home by."""
    if re.fullmatch("[0-9]*", term):
        return 3 <= len(term) <= 5
    if len(term) < 2 or _COMMON.fullmatch(term):
        return False
    return re.search("[0-9]", term) is not None or names.is_chinese(term)


def apart(text: str) -> tuple[str, str]:
    """The home in `text` and the words beside it: 3号楼 and 王老师 of "王老师 3号楼"; "" and `text` where
    there aren't both, or where the words are rather the compound, 东区 of "东区 3号楼"."""
    words = re.split(r"[\s,，、;；]+", text.strip())
    homes = [word for word in words if _IS_HOME.search(_plain(word))]
    others = [word for word in words if word not in homes]
    if not homes or not others or any(_IS_PLACE.search(_plain(word)) for word in others):
        return "", text
    return " ".join(homes), " ".join(others)


_IS_HOME = re.compile(rf"{_COUNT}\s*(?:号\s*[楼院]|栋|幢|座|#|{_UNIT})|^[0-9]{{1,3}}(?:-[0-9]{{1,4}})+$")
_IS_PLACE = re.compile(rf"[0-9]|[区院园里苑村街路巷号楼校城庄舍寓厦门]$|\b(?:building|bldg|block|{_ROOM})\b")


def same_home(one: str, other: str) -> bool:
    """Whether two addresses are the same door, however they are written; none is no one's."""
    return bool(_canonical(one)) and _canonical(one) == _canonical(other)


_UNITS = re.compile(
    r"(?<=[0-9a-z甲乙丙丁东西南北中])(?:号楼|号院|#楼|号|#|栋|幢|座|楼|单元|室|户|层|院)"
    r"|(?<=[0-9a-z甲乙丙丁])门(?!诊|口|外|街|路)"
)
_NUMERAL = re.compile(
    r"[〇零一二三四五六七八九十百两]+(?=号|栋|幢|座|楼|单元|门(?!诊|口|外|街|路)|室|户|层|院|#|-|$)"
)
_WORDS = re.compile(rf"\b(?:building|bldg|block|{_ROOM})(?![a-z])\.?")


def _canonical(text: str, whole: bool = True) -> str:
    """`text` with a "-" for each word that only parts the numbers: 3-2-501- for 3号楼2单元501 and Building 3,
    unit 2, 501. `whole`: it ends with the end of a number, as an address does and something typed may not."""
    plain = unicodedata.normalize("NFKC", _plain(text))
    plain = _WORDS.sub("-", plain)
    plain = re.sub(r"(?<![0-9a-z])([a-z])(?=[0-9])", r"\1-", plain)  # A1502 is A座1502
    plain = re.sub(r"(?<=[0-9])\s+(?=[0-9])", "-", plain)
    plain = re.sub(r"[\s第]", "", re.sub(r"[^\w\s#]|_", "-", plain))
    plain = _NUMERAL.sub(lambda found: str(_number(found[0])), plain)
    plain = re.sub("-+", "-", _UNITS.sub("-", plain)).lstrip("-")
    return plain.rstrip("-") + "-" if whole and plain else plain


def _without_entrance(canonical: str) -> str:
    """3-501- of 3-2-501-."""
    return re.sub(r"(?<=-)[0-9a-z甲乙丙丁东西南北中]+-(?=[0-9a-z]+-$)", "", canonical)


def _number_starts(canonical: str) -> list[int]:
    return [found.start() for found in re.finditer(r"[0-9a-z]+", canonical)]


def _character_starts(canonical: str) -> list[int]:
    """Where something may begin that is said of an address: at each character but the last of a run."""
    return [found.start() for found in re.finditer(r"[\u4e00-\u9fff](?=[\u4e00-\u9fff])", canonical)]


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
