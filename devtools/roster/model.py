"""The records of the demo roster: plain immutable data without behaviour."""

from dataclasses import dataclass
from typing import Literal

PlaceGroup = Literal["campus", "city", "province", "country", "abroad"]
Sex = Literal["f", "m"]
Language = Literal["zh", "en"]
PhoneKind = Literal["mobile", "landline"]
StaffRole = Literal["operator", "coordinator", "administrator"]


@dataclass(frozen=True)
class Place:
    """A place where retirees live; ``neighbours`` (nearest first) is empty where no volunteers serve."""

    code: str
    name_zh: str
    name_en: str
    group: PlaceGroup
    reachable: bool
    neighbours: tuple[str, ...]


@dataclass(frozen=True)
class Phone:
    """A number in E.164 form; ``label`` tells whose it is when it is not simply the person's own."""

    number: str
    kind: PhoneKind
    label: str = ""


@dataclass(frozen=True)
class Retiree:
    """One retired member of staff.

    ``area`` is what may be told before a volunteer accepts (no door); ``address`` leads to the door.
    """

    key: str
    name: str
    sex: Sex
    birth_year: int
    place_code: str
    area: str
    address: str
    phones: tuple[Phone, ...]
    contact_name: str
    contact_relation: str
    contact_phone: str
    visit_notes: str = ""
    health_notes: str = ""
    language: Language = "zh"
    honorific: str = "老师"


@dataclass(frozen=True)
class DutyWindow:
    """A weekly window in local time, in minutes since midnight; ``weekday`` 0 is Monday.

    ``end_min`` is exclusive and at most 1440: a night is two windows, split at midnight.
    """

    weekday: int
    start_min: int
    end_min: int


@dataclass(frozen=True)
class Volunteer:
    """Someone who answers calls for help near ``place_code``; ``night_ok``: agreed to be texted at night."""

    key: str
    name: str
    phone: str
    place_code: str
    language: Language
    windows: tuple[DutyWindow, ...]
    capacity: int
    night_ok: bool
    role_note: str


@dataclass(frozen=True)
class Staff:
    """A member of the office who signs in; only coordinators belong to a place."""

    username: str
    name: str
    role: StaffRole
    place_code: str | None


@dataclass(frozen=True)
class DemoRoster:
    """Everything a demonstration needs."""

    places: tuple[Place, ...]
    retirees: tuple[Retiree, ...]
    volunteers: tuple[Volunteer, ...]
    staff: tuple[Staff, ...]
