"""What a phone number is: well formed or not, mobile or landline, and of which region."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumberType

_E164 = re.compile(r"\+[1-9]\d{6,14}")
_CN_MOBILE = re.compile(r"\+861[3-9]\d{9}")
_PUNCTUATION = re.compile(r"[\s()\-.]")
_NOT_MOBILE = frozenset(
    {
        PhoneNumberType.FIXED_LINE,
        PhoneNumberType.TOLL_FREE,
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.SHARED_COST,
        PhoneNumberType.UAN,
    }
)
# Looking a number up costs more than everything else done for a message; phones repeat, so remember.
_REMEMBERED = 8192


def normalise(text: str) -> str:
    """`text` without the spaces, brackets, dots and dashes people write into numbers."""
    return _PUNCTUATION.sub("", text)


def is_e164(text: str) -> bool:
    """Whether `text` has the shape of an E.164 number; says nothing about whether it can exist."""
    return _E164.fullmatch(text) is not None


def _parse(number: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return None


@lru_cache(maxsize=_REMEMBERED)
def is_dialable(number: str) -> bool:
    """Whether a message could be addressed to `number` at all (mobile or not).

    Chinese numbers are held to the numbering plan, except that every 11-digit mobile shape passes, so
    that numbers no carrier has handed out can serve in demonstrations. Elsewhere the length decides.
    """
    if not is_e164(number):
        return False
    if _CN_MOBILE.fullmatch(number):
        return True
    parsed = _parse(number)
    if parsed is None:
        return False
    if parsed.country_code == 86:
        return phonenumbers.is_valid_number(parsed)
    return phonenumbers.is_possible_number(parsed)


@lru_cache(maxsize=_REMEMBERED)
def is_landline(number: str) -> bool:
    """Whether `number` belongs to a line that takes no text messages (landline or service number)."""
    if _CN_MOBILE.fullmatch(number):
        return False
    parsed = _parse(number)
    return parsed is not None and phonenumbers.number_type(parsed) in _NOT_MOBILE


@lru_cache(maxsize=_REMEMBERED)
def region(number: str) -> str | None:
    """The ISO 3166 region of `number`, such as "CN", or None when it has none."""
    parsed = _parse(number)
    if parsed is None:
        return None
    return phonenumbers.region_code_for_number(parsed)
