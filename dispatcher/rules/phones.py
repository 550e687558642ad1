"""Phone numbers as people type and paste them, and as the database keeps them (E.164)."""

import re
import unicodedata
from dataclasses import dataclass

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType

REGION = "CN"
HOME = 86
"""The country code here."""

TAIL = "<"
"""Begins a search key that is a number from behind: by it the last digits find."""

SHORTEST_HEAD = 3
SHORTEST_TAIL = 4
"""So many first, or last, digits are worth a search; fewer fit everybody."""

LONGEST = 13
"""So many digits has a number here with its country code; more are rather two numbers."""

REASONS = (
    "missing", "letters", "extension", "short_code", "hotline", "too_short", "too_long", "mobile_length",
    "area_code", "country_code", "unknown",
)  # fmt: skip
"""Why something is no phone number of a person: the values of :attr:`BadPhone.reason`."""

_MOBILE = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}
_NO_PERSONS = {
    PhoneNumberType.PREMIUM_RATE, PhoneNumberType.TOLL_FREE, PhoneNumberType.SHARED_COST,
    PhoneNumberType.UAN, PhoneNumberType.VOICEMAIL,
}  # fmt: skip
_LABEL = (
    r"telephone|tel|smsto|sms|callto|(?:mobile|cell)(?: ?phone)?|mob|phone|landline|home|office|work"
    r"|移[动動][电電][话話]|手提[电電][话話]|手[机機]|[电電][话話]|座[机機]|固[话話]|宅[电電]|小[灵靈]通"
    r"|[联聯][系繫]方式|微信|[号號][码碼]|[mtp](?=[.:])"
)
_WHOSE = r"我的|本人的?|[联聯][系繫]|家里的?|家庭|家|住宅|[办辦]公室?|[单單]位|固定"
_NUMBER_WORD = r"[号號][码碼]?|numbers?|no"
# tel:+86…, 手机13935102222, Tel. 13935102222, 联系电话(手机号码): 13935102222.
_SCHEME = re.compile(
    rf"(?:[ (\[【]*(?:{_WHOSE})?(?:{_LABEL}) ?(?:{_NUMBER_WORD})?[ )\]】./、]*){{1,3}}"
    r"(?:[:是为為]|is\b)? ?(?://)? ?(?=[\d+(〇零一二三四五六七八九幺])",
    re.IGNORECASE,
)
_WITHIN = re.compile(
    rf"(?:(?<![a-z]){_SCHEME.pattern})?([+(]?(?=(?:\d[ ()-]*){{7}})\d[\d ()-]+\d)", re.IGNORECASE
)
_EXTENSION = re.compile(
    r"(?:ext\.?|extn\.?|x|#|\*|转|轉|分机|分機|;\s*ext\s*=|,+|;+)\s*\d+\s*$", re.IGNORECASE
)
_AROUND = " ,;:、。!'\"‘’“”<>《》「」"
_SPOKEN = re.compile(r"[〇零一二三四五六七八九幺 -]{7,}")
_SPOKEN_DIGITS = str.maketrans("〇零一二三四五六七八九幺", "001234567891")
_BETWEEN = frozenset(" ()[].·•・‧_/")
_SHORT = re.compile(r"1[0-2]\d|10\d{3}|12\d{3}|9[56]\d{3,4}")
"""110 and 120, 10086, 12345, 95588 and 96123: services, with or without an area code."""
_AREA = "10|2[0-9]|[3-9][0-9]{2}"
"""An area code here, without its 0."""

# 1 650 253 0000 and 1-650-253-0000, 090-1234-5678: so numbers of North America and mobiles of Japan are
# parted, and never a number from here.
_PARTED_ABROAD = {
    "US": re.compile(r"1[ .-]*(?:\(\d{3}\)|[ .-]\d{3}[ .-])[ .-]*\d{3}[ .-]+\d{4}"),
    "JP": re.compile(r"(?:0[5-9]0[ .-]|\(0[5-9]0\))[ .-]*\d{4}[ .-]+\d{4}"),
}


class BadPhone(ValueError):
    """What was typed isn't the phone number of a person; `reason`: one of :data:`REASONS`."""

    def __init__(self, text: str, reason: str = "unknown") -> None:
        super().__init__(text)
        self.reason = reason


@dataclass(frozen=True)
class Phone:
    """A valid number. `kind` is "mobile" (can get an SMS) or "landline"."""

    number: str
    kind: str


def parse(text: str, area_code: str = "") -> Phone:
    """The number in `text`, however it is written; a local number gets `area_code` ("0351").

    Understood: invisible characters from pasted text, full-width digits and signs, `tel:` and `sms:`, a word
    such as 手机 or Mobile before the number, spaces, dashes, dots and brackets, +86, 0086 and 86, a trunk 0
    (also behind a country code, also in brackets), and other countries' numbers with + or 00.

    Raises:
        BadPhone: no number of a person, and why.
    """
    plain = tidy(text)
    if not any(ch.isdigit() for ch in plain):
        raise BadPhone(text, "letters" if plain else "missing")
    if _EXTENSION.search(plain) and not plain.startswith("#"):
        raise BadPhone(text, "extension")
    bare = _bare(plain)
    if bare is None:
        raise BadPhone(text, "letters")
    country, digits = _country(bare)
    if country is None:
        for abroad, parted in _PARTED_ABROAD.items():
            if parted.fullmatch(plain) and phonenumbers.is_valid_number(phonenumbers.parse(digits, abroad)):
                raise BadPhone(text, "country_code")
        digits = _national(text, digits, area_code)
    elif country == HOME:
        digits = digits.lstrip("0")
        _check_service(text, digits)
    full = f"+{HOME if country in (None, HOME) else ''}{digits}"
    return _valid(text, full, digits, country)


def sender(text: str) -> str:
    """The sender of an SMS as numbers are kept here: E.164 where it is a phone, else just as it came."""
    if re.fullmatch(r"\+\d{6,15}", text):
        return text
    try:
        return parse(text).number
    except BadPhone:
        return text


def tidy(text: str) -> str:
    """`text` in plain digits and signs: full width made half, every dash a "-", one space for several, what
    can't be seen left out, and without `tel:`, "Mobile" or "电话:" in front."""
    kept = []
    for ch in unicodedata.normalize("NFKC", text):
        category = unicodedata.category(ch)
        if category == "Nd":
            kept.append(str(unicodedata.decimal(ch)))
        elif category == "Pd" or ch in "−ー‑~〜":
            kept.append("-")
        elif category in ("Zs", "Zl", "Zp") or ch in "\t\r\n":
            kept.append(" ")
        elif category not in ("Cf", "Cc", "Mn", "Me"):
            kept.append(ch)
    plain = " ".join("".join(kept).split()).strip(_AROUND)
    if scheme := _SCHEME.match(plain):
        # tel:+86-351-7010001;phone-context=…, sms:…?body=…; an extension stays to be seen.
        plain = re.split(r"\?|;(?!\s*ext)", plain[scheme.end() :], maxsplit=1)[0].strip(_AROUND)
    return plain.translate(_SPOKEN_DIGITS) if _SPOKEN.fullmatch(plain) else plain


def _bare(plain: str) -> str | None:
    """The digits, with a plus if there was one in front; None when there is anything else."""
    bare = "".join(ch for ch in plain if ch not in _BETWEEN and ch != "-")
    match = re.fullmatch(r"(\++)?(\d+)", bare)
    return None if match is None else ("+" if match[1] else "") + match[2]


def _country(bare: str) -> tuple[int | None, str]:
    """The country code that was written, and the digits: behind it if it is ours, else with it."""
    if bare.startswith("+"):
        digits = bare[1:].removeprefix("00")
    elif bare.startswith("00"):
        digits = bare[2:]
    elif bare.startswith("86") and len(bare) >= 12:
        return HOME, bare[2:]
    else:
        return None, bare
    return (HOME, digits[2:]) if digits.startswith("86") else (0, digits)


def _national(text: str, digits: str, area_code: str) -> str:
    """A number without country code as it follows +86.

    Raises:
        BadPhone: it can't be told which.
    """
    _check_service(text, digits.removeprefix("0"))
    if digits.startswith(str(HOME)):
        # 8610086 looks like a number of seven digits, and is 10086 behind the country code.
        _check_service(text, digits.removeprefix(str(HOME)).removeprefix("0"))
    if digits.startswith("0"):
        return digits[1:]
    if len(digits) in (7, 8):
        if not area_code:
            raise BadPhone(text, "area_code")
        _check_service(text, digits)
        return area_code.removeprefix("0") + digits
    if len(digits) == 11 and digits.startswith("1"):
        return digits
    if len(digits) < 7:
        raise BadPhone(text, "too_short")
    if digits.startswith("1") and len(digits) in (9, 10, 12):
        raise BadPhone(text, "mobile_length")
    if len(digits) == 10:
        # A landline without its 0, a mobile without its 1, or a number from abroad: nobody can tell.
        raise BadPhone(text, "area_code")
    raise BadPhone(text, "too_long" if len(digits) > 12 else "country_code" if len(digits) > 9 else "unknown")


def _check_service(text: str, national: str) -> None:
    """Raises :class:`BadPhone` for a number of a service, with or without an area code before it."""
    if _SHORT.fullmatch(national) or _SHORT.fullmatch(re.sub(f"^(?:{_AREA})", "", national)):
        raise BadPhone(text, "short_code")
    if re.fullmatch(r"[48]00\d{7}", national):
        raise BadPhone(text, "hotline")


def _valid(text: str, full: str, digits: str, country: int | None) -> Phone:
    try:
        parsed = phonenumbers.parse(full, REGION)
    except phonenumbers.NumberParseException:
        raise BadPhone(text, "too_long" if len(digits) > 15 else "unknown") from None
    kind = phonenumbers.number_type(parsed)
    if kind in _NO_PERSONS:
        raise BadPhone(text, "hotline")
    if parsed.country_code == HOME:
        _check_subscriber(text, parsed)
    if not phonenumbers.is_valid_number(parsed):
        raise BadPhone(text, _why(parsed, country))
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return Phone(e164, "mobile" if kind in _MOBILE else "landline")


def _check_subscriber(text: str, parsed: PhoneNumber) -> None:
    """Behind an area code here stand 7 or 8 digits, of which the first is none of a service's."""
    area = phonenumbers.length_of_geographical_area_code(parsed)
    subscriber = phonenumbers.national_significant_number(parsed)[area:]
    if not area:
        return
    if _SHORT.fullmatch(subscriber):
        raise BadPhone(text, "short_code")
    if subscriber[0] in "01" or re.match("9[56]", subscriber):
        raise BadPhone(text, "unknown")


def _why(parsed: PhoneNumber, country: int | None) -> str:
    """The reason why a number isn't valid."""
    national = phonenumbers.national_significant_number(parsed)
    if parsed.country_code == HOME and national.startswith("1") and not national.startswith("10"):
        return "unknown" if len(national) == 11 else "mobile_length"
    if parsed.country_code == HOME and re.fullmatch(rf"(?:{_AREA})\d{{0,6}}", national):
        return "too_short"
    match phonenumbers.is_possible_number_with_reason(parsed):
        case phonenumbers.ValidationResult.TOO_SHORT | phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY:
            return "too_short"
        case phonenumbers.ValidationResult.TOO_LONG:
            return "too_long"
        case phonenumbers.ValidationResult.INVALID_COUNTRY_CODE:
            return "country_code"
    return "area_code" if country is None else "unknown"


def spoken(number: str) -> str:
    """`number` (E.164) as people here read it: 139 3510 2222, 0351-701 0456, +81 3 …"""
    try:
        parsed = phonenumbers.parse(number, REGION)
    except phonenumbers.NumberParseException:
        return number
    if parsed.country_code != HOME:
        return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)


def region(number: str) -> str:
    """The region of `number` (E.164) by ISO 3166, such as "CN"; "ZZ" where none is known."""
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(number)) or "ZZ"
    except phonenumbers.NumberParseException:
        return "ZZ"


def dialled(number: str) -> str:
    """`number` (E.164) as it is keyed in here: 13935102222, 03517010456, +819012345678."""
    return "".join(ch for ch in spoken(number) if ch.isdigit() or ch == "+")


def search_keys(number: str) -> set[str]:
    """The strings under which an operator may look for `number` (E.164): digits from the front, and from
    behind after :data:`TAIL`."""
    try:
        parsed = phonenumbers.parse(number, REGION)
    except phonenumbers.NumberParseException:
        return set()
    national = phonenumbers.national_significant_number(parsed)
    code = str(parsed.country_code)
    tail = TAIL + (code + national)[::-1]
    if parsed.country_code != HOME:
        region = phonenumbers.region_code_for_number(parsed) or ""
        trunk = phonenumbers.ndd_prefix_for_region(region, True) or ""
        return {code + national, national, trunk + national, tail}
    area = phonenumbers.length_of_geographical_area_code(parsed)
    return {f"0{national}", national[area:], tail} if area else {national, tail}


def search_digits(text: str) -> str | None:
    """The digits to look up for what was typed, or None if it can't be a phone number.

    Whatever :func:`parse` takes is looked up as it understands it; otherwise country code and trunk 0 go,
    for part of a number is enough.
    """
    plain = tidy(text)
    bare = _bare(plain)
    if bare is None:
        return None
    country, digits = _country(bare)
    try:
        whole = phonenumbers.parse(parse(text).number, REGION)
    except BadPhone:
        pass
    else:
        country, digits = whole.country_code, phonenumbers.national_significant_number(whole)
        if country != HOME:
            return f"{country}{digits}"
    if country == HOME or (country is None and re.match("01[3-9]", digits)):
        digits = digits.lstrip("0")
    # A landline's key has its trunk 0.
    return f"0{digits}" if country == HOME and digits and not re.match("1(?!0)", digits) else digits


def search_terms(text: str) -> list[str]:
    """The keys that begin like what was typed, were it a number: from the front, and by its last digits."""
    digits = search_digits(text)
    if digits is None:
        number, _ = apart(text)
        return search_terms(number) if number and number != text else []
    typed = (_bare(tidy(text)) or "").removeprefix("+")
    tails = [TAIL + typed[::-1]] if len(typed) >= SHORTEST_TAIL else []
    return [*([digits] if len(digits) >= SHORTEST_HEAD else []), *tails]


def apart(text: str) -> tuple[str, str]:
    """The number in `text` and the words beside it: 13935102222 and 王秀兰 of "王秀兰 13935102222"; "" and
    `text` where there aren't both. It has seven digits, or is a word by itself beside words without any."""
    plain = tidy(text)
    found = _WITHIN.search(plain)
    if found and len(re.findall(r"\d", found[1])) > LONGEST:  # 3号楼2单元501 13935102222
        found = re.search(r"(\d{7,})", plain)
    found = found or re.search(r"(?<![^ ])(\d{4,6})(?![^ ])", plain)
    if found is None:
        return "", text
    words = f"{plain[: found.start()]} {plain[found.end() :]}".strip(_AROUND + "()[]")
    short = len(re.findall(r"\d", found[1])) < 7
    if not re.search(r"\w", words) or (short and re.search(r"\d", words)):
        return "", text
    return found[1], words
