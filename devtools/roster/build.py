"""Builds the demo roster from a seed and nothing else: no clock, no database, no network."""

import csv
from importlib.resources import files
from random import Random
from typing import cast

from devtools.roster.duty import night_ready, night_turns, plan_place
from devtools.roster.model import DemoRoster, Language, Place, PlaceGroup, Sex, Staff, Volunteer
from devtools.roster.names import FOREIGN_VOLUNTEERS, NameBook
from devtools.roster.people import ANCHOR_KEY, PeopleBook
from devtools.roster.phones import PhoneBook

__all__ = ["ANCHOR_KEY", "build", "labels", "read_place_counts"]

# Nearest first, for passing a call on when nobody at the place itself can come.
_NEIGHBOURS: dict[str, tuple[str, ...]] = {
    "yingze": ("taiyuan-other", "pingyang", "wucheng"),
    "wucheng": ("pingyang", "yingze", "taiyuan-other"),
    "pingyang": ("wucheng", "yingze", "taiyuan-other"),
    "taiyuan-other": ("yingze", "pingyang", "wucheng"),
}

# Volunteers per place, and how many of them take a night a week: 21 nights, so three people every night.
_VOLUNTEERS = {"yingze": (20, 8), "wucheng": (18, 6), "pingyang": (12, 4), "taiyuan-other": (10, 3)}
# What they are, with the years they may be born in; nights are for those in working life.
_NIGHT_ROLES = (
    ("离退休处职工", 1972, 1998),
    ("保卫处职工", 1975, 2000),
    ("后勤职工", 1972, 1998),
    ("校医院护士", 1980, 2000),
)
_DAY_ROLES = (
    ("退休教师志愿者", 1957, 1968),
    ("退休教师志愿者", 1957, 1968),
    ("离退休处职工", 1972, 1998),
    ("学生志愿者", 2002, 2007),
    ("社区志愿者", 1965, 1990),
)
_FOREIGN_ROLE = "留学生志愿者"
# One foreign volunteer on each of the two large campuses, in the last position of its list.
_FOREIGN_AT = dict(zip(("yingze", "wucheng"), FOREIGN_VOLUNTEERS, strict=True))

_STAFF = (
    Staff("hotline1", "郭静", "operator", None),
    Staff("hotline2", "武晓东", "operator", None),
    Staff("coord-yingze", "赵慧", "coordinator", "yingze"),
    Staff("coord-wucheng", "贾志伟", "coordinator", "wucheng"),
    Staff("coord-pingyang", "任洁", "coordinator", "pingyang"),
    Staff("admin", "梁涛", "administrator", None),
)


def build(seed: int = 727) -> DemoRoster:
    """Build the whole roster; the same seed always gives an equal one."""
    counts = read_place_counts()
    places = tuple(place for place, _ in counts)
    names, phones = NameBook(), PhoneBook()
    for member in _STAFF:
        names.take(member.name)
    # The best-known volunteer keeps his name for examples.
    names.take("李伟")
    people = PeopleBook(_stream(seed, "retirees"), names, phones)
    retirees = tuple(retiree for place, count in counts for retiree in people.retirees(place, count))
    return DemoRoster(places, retirees, _volunteers(seed, names, phones), _STAFF)


def read_place_counts() -> list[tuple[Place, int]]:
    """Read the places and how many retirees live at each."""
    text = files("devtools.roster").joinpath("retirees_by_place.csv").read_text(encoding="utf-8")
    return [(_place(row), int(row["retirees"])) for row in csv.DictReader(text.splitlines())]


def _place(row: dict[str, str]) -> Place:
    return Place(
        code=row["place_code"],
        name_zh=row["name_zh"],
        # The table may add a remark in brackets, which is not part of the name.
        name_en=row["name_en"].partition(" (")[0],
        group=cast(PlaceGroup, row["group"]),
        reachable=row["reachable_by_volunteers"] == "yes",
        neighbours=_NEIGHBOURS.get(row["place_code"], ()),
    )


def _stream(seed: int, purpose: str) -> Random:
    """Give each part its own chance, so that a change to one does not reshuffle the others."""
    return Random(f"{seed}/{purpose}")


def _volunteers(seed: int, names: NameBook, phones: PhoneBook) -> tuple[Volunteer, ...]:
    """Invent the volunteers and plan their weeks so that no minute lacks people, see :mod:`.duty`."""
    rng, duty = _stream(seed, "volunteers"), _stream(seed, "duty")
    crew = sum(nights for _, nights in _VOLUNTEERS.values())
    turns = iter(night_turns(duty, crew))
    slots: list[tuple[str, int]] = []
    nights: list[int | None] = []
    windows = []
    for place_code, (count, night_count) in _VOLUNTEERS.items():
        # The first of each list has a night; the foreign volunteer stands last and has none.
        takers = {0, *duty.sample(range(1, count - 1), night_count - 1)}
        here = [next(turns) if position in takers else None for position in range(count)]
        windows += plan_place(duty, here)
        slots += [(place_code, position) for position in range(count)]
        nights += here
    ready = night_ready(windows, {i for i, night in enumerate(nights) if night is not None})
    volunteers = []
    for i, (place_code, position) in enumerate(slots):
        name, language, role = _volunteer_person(
            rng, names, place_code, position, at_night=nights[i] is not None
        )
        volunteers.append(
            Volunteer(
                key=f"v-{place_code}-{position + 1:02d}",
                name=name,
                phone=phones.mobile("volunteer"),
                place_code=place_code,
                language=language,
                windows=windows[i],
                capacity=rng.choices((1, 2, 3), weights=(5, 4, 2))[0],
                night_ok=i in ready,
                role_note=role,
            )
        )
    return tuple(volunteers)


def _volunteer_person(
    rng: Random, names: NameBook, place_code: str, position: int, *, at_night: bool
) -> tuple[str, Language, str]:
    """Invent who a volunteer is: name, language, role."""
    if place_code == "yingze" and position == 0:
        return "李伟", "zh", "离退休处职工"
    if place_code in _FOREIGN_AT and position == _VOLUNTEERS[place_code][0] - 1:
        return _FOREIGN_AT[place_code], "en", _FOREIGN_ROLE
    role, first, last = rng.choice(_NIGHT_ROLES if at_night else _DAY_ROLES)
    sex: Sex = rng.choice(("f", "m"))
    return names.draw(rng, sex, rng.randint(first, last)), "zh", role


def labels(roster: DemoRoster) -> dict[str, dict[str, str]]:
    """Name the mobile phones of volunteers and retirees, for showing them side by side in a simulator."""
    short = {place.code: _short_name(place) for place in roster.places}
    named = {
        volunteer.phone: {"label": f"{volunteer.name} · 志愿者 · {short[volunteer.place_code]}"}
        for volunteer in roster.volunteers
    }
    for retiree in roster.retirees:
        for phone in retiree.phones:
            if phone.kind == "mobile":
                # A child's number given as the second belongs to the child.
                who = f"{retiree.contact_name} · {retiree.name}的{phone.label}" if phone.label else None
                text = f"{who or f'{retiree.name} · 退休职工'} · {short[retiree.place_code]}"
                named[phone.number] = {"label": text}
    return named


def _short_name(place: Place) -> str:
    """Shorten a place's name to what fits beside a phone: 迎泽校区 → 迎泽, 太原市其他小区 → 太原市."""
    return place.name_zh.partition("其他")[0].removesuffix("校区")
