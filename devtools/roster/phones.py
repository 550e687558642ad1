"""Invented telephone numbers: well-formed, counted up within one narrow block per role."""

from collections import Counter
from typing import Literal

MobileRole = Literal["retiree", "contact", "volunteer"]

# One block of ten thousand numbers per role: whoever reads a log sees at once which kind of phone it is, and
# numbers that simply count up look as invented as they are.
_MOBILE_BLOCKS: dict[MobileRole, str] = {
    "retiree": "+861393510",
    "contact": "+861383510",
    "volunteer": "+861363510",
}

# Mobile numbers by country; the first and the last lie in ranges set aside for fiction.
_ABROAD: dict[str, tuple[str, ...]] = {
    "us": ("+19495550101", "+16175550142"),
    "jp": ("+819012340001",),
    "au": ("+61491570156",),
}


class PhoneBook:
    """Hands out numbers, each once."""

    def __init__(self) -> None:
        self._given: Counter[str] = Counter()

    def _next(self, prefix: str, digits: int) -> str:
        self._given[prefix] += 1
        return f"{prefix}{self._given[prefix]:0{digits}d}"

    def mobile(self, role: MobileRole) -> str:
        """Give the next mobile number of the role's block."""
        return self._next(_MOBILE_BLOCKS[role], 4)

    def landline(self, area_code: str) -> str:
        """Give the next landline behind an area code (without its leading zero)."""
        # In Shanxi (35x) local numbers have seven digits; the large cities elsewhere have eight.
        local = "701" if area_code.startswith("35") else "8601"
        return self._next(f"+86{area_code}{local}", 4)

    def abroad(self, place_code: str) -> str:
        """Give the next number of the country."""
        self._given[place_code] += 1
        return _ABROAD[place_code][self._given[place_code] - 1]
