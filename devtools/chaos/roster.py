"""The invented people of a storm: enough of them that nobody is asked more than a phone can number.

python -m devtools.chaos.roster      with the system's environment; prints the people as JSON
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from dispatcher import create_app
from dispatcher.database import transaction
from dispatcher.models import Campus, CampusNeighbour
from dispatcher.rules.availability import Window
from dispatcher.rules.phones import Phone
from dispatcher.services import accounts, roster

VOLUNTEERS, RETIREES, PROBES = 240, 300, 24
OPERATORS = 12
PASSWORD = "an invented password"  # noqa: S105 (of invented people)
_ALL_WEEK = [Window(day, 0, 1440) for day in range(7)]


@dataclass(frozen=True)
class People:
    """Who is on the roster: ids of volunteers; ids of retirees; `probes`: ids and phones of the retirees
    by whom it is measured whether the system works."""

    volunteers: list[int]
    retirees: list[int]
    probes: list[tuple[int, str]]

    @classmethod
    def from_json(cls, text: str) -> People:
        """What this module has printed."""
        found = json.loads(text)
        return cls(found["volunteers"], found["retirees"], [(i, n) for i, n in found["probes"]])


def load() -> dict[str, Any]:
    """Put everybody into the database, in one transaction."""
    with transaction() as tx:
        places = [
            Campus(code=f"c{n}", name_zh=f"{zh}校区", name_en=f"Campus {n}", reachable=n < 3)
            for n, zh in enumerate("甲乙丙丁")
        ]
        tx.add_all(places)
        tx.flush()
        for place in places[:3]:
            others = [other for other in places[:3] if other is not place]
            for rank, other in enumerate(others, start=1):
                tx.add(CampusNeighbour(campus_id=place.id, neighbour_id=other.id, rank=rank))
        volunteers = [
            roster.add_volunteer(
                tx,
                roster.VolunteerData(
                    name=f"志愿者{n}", phone=f"+8613635{n:06}", campus_id=places[n % 3].id,
                    windows=_ALL_WEEK, night_ok=True, capacity=6, language="en" if n % 5 == 0 else "zh",
                ),
            )
            for n in range(VOLUNTEERS)
        ]  # fmt: skip
        # One in five has a landline only; one in seven lives where no volunteer can go.
        retirees = [
            _retiree(tx, f"老人{n}", places[3 if n % 7 == 3 else n % 3], n, landline=n % 5 == 1)
            for n in range(RETIREES)
        ]
        probes = [_retiree(tx, f"探针{n}", places[n % 3], RETIREES + n) for n in range(PROBES)]
        for n in range(OPERATORS):
            accounts.add(tx, f"op{n}", f"接线员{n}", "operator", PASSWORD)
        for name in ("co0", "co1", "probe"):
            accounts.add(tx, name, name, "coordinator" if name != "probe" else "operator", PASSWORD)
        tx.flush()
        return {
            "volunteers": [v.id for v in volunteers],
            "retirees": [r.id for r in retirees],
            "probes": [(r.id, r.phones[0].number) for r in probes],
        }


def _retiree(tx: Any, name: str, place: Campus, n: int, landline: bool = False) -> Any:
    phone = Phone(f"+86351702{n:04}", "landline") if landline else Phone(f"+8613935{n:06}", "mobile")
    data = roster.RetireeData(
        name=name, campus_id=place.id, phones=[phone], area="东区", address=f"{n}号楼", sex="f",
        language="en" if n % 7 == 0 else "zh",
    )  # fmt: skip
    return roster.add_retiree(tx, data)


if __name__ == "__main__":
    with create_app().app_context():
        print(json.dumps(load()))
