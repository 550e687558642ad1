"""What the roster may hold of a person: told apart where it enters, for later it would stop an SMS or a duty.

Each check returns nothing and raises :class:`RosterError` with the field and a code; whoever asked the person
words it.
"""

from collections.abc import Iterable, Sequence

from dispatcher.rules import phones
from dispatcher.rules.availability import Window
from dispatcher.rules.phones import Phone

LANGUAGES = ("zh", "en")
SEXES = ("", "f", "m")
DAY_MIN = 24 * 60
LONGEST_NAME = 80
MOST_AT_ONCE = 50
"""More tasks at once than anybody could hold; who writes more has mistaken the column."""


class RosterError(ValueError):
    """Something that the roster can't hold. `field`: of the person; `code`: why, one of

    empty, too_long, no_such_language, no_such_sex, not_international (no number in E.164), landline (gets no
    SMS), no_such_kind, out_of_range, no_such_weekday, outside_the_day, window_empty, window_past_midnight (is
    to be split there).
    """

    def __init__(self, field: str, code: str) -> None:
        super().__init__(f"{field}: {code}")  # not the value, which may be personal
        self.field = field
        self.code = code


def check_volunteer(
    name: str, phone: str, language: str, capacity: int, windows: Iterable[Window], role_note: str = ""
) -> None:
    """What is wrong with a volunteer to be taken in.

    Raises:
        RosterError: the first thing that is.
    """
    _check_name(name)
    check_number("phone", phone, for_sms=True)
    check_agreed(language, capacity)
    check_windows(windows)
    _check_length("role_note", role_note, LONGEST_NAME)


def check_retiree(
    name: str, numbers: Sequence[Phone], language: str, contact_phone: str = "", sex: str = ""
) -> None:
    """What is wrong with a retiree to be taken in. They may have a landline, or no telephone at all.

    Raises:
        RosterError: the first thing that is.
    """
    _check_name(name)
    for phone in numbers:
        check_number("phones", phone.number)
        if phone.kind not in ("mobile", "landline"):
            raise RosterError("phones", "no_such_kind")
    if contact_phone:
        check_number("contact_phone", contact_phone)
    _check_language(language)
    if sex not in SEXES:
        raise RosterError("sex", "no_such_sex")


def check_agreed(language: str, capacity: int) -> None:
    """What a volunteer may change themselves: their language, and how many tasks they take at once.

    Raises:
        RosterError: it can't be so.
    """
    _check_language(language)
    if isinstance(capacity, bool) or not isinstance(capacity, int) or not 1 <= capacity <= MOST_AT_ONCE:
        raise RosterError("capacity", "out_of_range")


def check_windows(windows: Iterable[Window]) -> None:
    """Weekly hours of duty. Those that go on past midnight are two windows, which count as one stretch.

    Raises:
        RosterError: one of them isn't within a day of the week, or has no length.
    """
    for window in windows:
        if window.weekday not in range(7):
            raise RosterError("windows", "no_such_weekday")
        if window.start_min < 0 or window.start_min > DAY_MIN or window.end_min < 0:
            raise RosterError("windows", "outside_the_day")
        if window.end_min > DAY_MIN or window.end_min < window.start_min:
            raise RosterError("windows", "window_past_midnight")
        if window.end_min == window.start_min:
            raise RosterError("windows", "window_empty")


def check_number(field: str, number: str, for_sms: bool = False) -> None:
    """A telephone number as it is kept: international, with its plus and nothing else.

    Raises:
        RosterError: it isn't; or, `for_sms`, it is that of a landline.
    """
    try:
        phone = phones.parse(number)
    except phones.BadPhone:
        raise RosterError(field, "not_international") from None
    if phone.number != number:
        raise RosterError(field, "not_international")
    if for_sms and phone.kind != "mobile":
        raise RosterError(field, "landline")


def _check_name(name: str) -> None:
    if not name.strip():
        raise RosterError("name", "empty")
    _check_length("name", name, LONGEST_NAME)


def _check_length(field: str, text: str, longest: int) -> None:
    if len(text) > longest:
        raise RosterError(field, "too_long")


def _check_language(language: str) -> None:
    if language not in LANGUAGES:
        raise RosterError("language", "no_such_language")
