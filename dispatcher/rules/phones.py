"""Phone numbers as people type them, and as the database keeps them (E.164)."""

import re
from dataclasses import dataclass

import phonenumbers
from phonenumbers import PhoneNumberType

REGION = "CN"
_LETTERS = re.compile("[A-Za-z]")
_MOBILE = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}


class BadPhone(ValueError):
    """What was typed isn't a phone number."""


@dataclass(frozen=True)
class Phone:
    """A valid number. `kind` is "mobile" (can get an SMS) or "landline"."""

    number: str
    kind: str


def parse(text: str, area_code: str = "") -> Phone:
    """The number in `text`: with or without +86, spaces, dashes; local numbers get `area_code`.

    Raises:
        BadPhone: no valid number; letters, which are keys of a telephone elsewhere, or an extension, which no
            SMS and no link can dial.
    """
    if _LETTERS.search(text):
        raise BadPhone(text)
    for attempt in (text, area_code + text) if area_code else (text,):
        try:
            parsed = phonenumbers.parse(attempt, REGION)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(parsed) and not parsed.extension:
            kind = "mobile" if phonenumbers.number_type(parsed) in _MOBILE else "landline"
            e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
            return Phone(e164, kind)
    raise BadPhone(text)


def spoken(number: str) -> str:
    """`number` (E.164) as people here read it: 139 3510 2222, 0351-701 0456, +81 3 …"""
    try:
        parsed = phonenumbers.parse(number, REGION)
    except phonenumbers.NumberParseException:
        return number
    if parsed.country_code != 86:
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
    """The digit strings under which an operator may look for `number` (E.164)."""
    try:
        parsed = phonenumbers.parse(number, REGION)
    except phonenumbers.NumberParseException:
        return set()
    national = phonenumbers.national_significant_number(parsed)
    if parsed.country_code != 86:
        return {f"{parsed.country_code}{national}", national}
    area = phonenumbers.length_of_geographical_area_code(parsed)
    if not area:
        return {national}
    return {f"0{national}", national[area:]}


def search_digits(text: str) -> str | None:
    """The digits to look up for what was typed, or None if it can't be a phone number.

    A leading +86, 0086 or 86 goes; part of a number is enough.
    """
    bare = "".join(ch for ch in text if ch not in " -()（）—–.　\t")
    plus = bare.startswith("+")
    digits = bare.removeprefix("+")
    if not digits or not digits.isascii() or not digits.isdigit():
        return None
    if digits.startswith("0086"):
        digits = digits[4:]
    elif (digits.startswith("86") and (plus or len(digits) > 11)) or (not plus and digits.startswith("00")):
        digits = digits[2:]
    # +86 351 …: a landline loses its trunk 0 behind the country code; the keys carry it.
    if plus and text.strip().startswith("+86") and not digits.startswith("1"):
        digits = "0" + digits
    return digits
