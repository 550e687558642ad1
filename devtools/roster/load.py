"""Put the invented roster into an empty database of the product, and write down its accounts."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any

from devtools.roster.build import build, labels
from dispatcher.database import transaction
from dispatcher.models import Campus, CampusNeighbour
from dispatcher.rules import phones
from dispatcher.rules.availability import Window
from dispatcher.services import accounts, roster


def load(data_dir: Path) -> str:
    """Load everybody in one transaction; what was done, in a sentence.

    Writes `demo-accounts.json` and `phone-labels.json` into `data_dir`, for nobody else to read.
    """
    people = build()
    account_list: list[dict[str, Any]] = []
    with transaction() as tx:
        campuses = {}
        for place in people.places:
            campuses[place.code] = Campus(
                code=place.code, name_zh=place.name_zh, name_en=place.name_en,
                reachable=place.reachable,
            )  # fmt: skip
        tx.add_all(campuses.values())
        tx.flush()
        for place in people.places:
            for rank, code in enumerate(place.neighbours, start=1):
                tx.add(
                    CampusNeighbour(
                        campus_id=campuses[place.code].id,
                        neighbour_id=campuses[code].id,
                        rank=rank,
                    )
                )
        for person in people.retirees:
            roster.add_retiree(
                tx,
                roster.RetireeData(
                    name=person.name,
                    campus_id=campuses[person.place_code].id,
                    phones=[phones.Phone(p.number, p.kind) for p in person.phones],
                    labels=[p.label for p in person.phones],
                    area=person.area,
                    address=person.address,
                    title_zh=person.honorific,
                    sex=person.sex,
                    birth_year=person.birth_year,
                    visit_notes=person.visit_notes,
                    health_notes=person.health_notes,
                    contact_name=person.contact_name,
                    contact_relation=person.contact_relation,
                    contact_phone=person.contact_phone,
                    language=person.language,
                ),
            )
        for helper in people.volunteers:
            roster.add_volunteer(
                tx,
                roster.VolunteerData(
                    name=helper.name,
                    phone=helper.phone,
                    campus_id=campuses[helper.place_code].id,
                    windows=[Window(w.weekday, w.start_min, w.end_min) for w in helper.windows],
                    language=helper.language,
                    role_note=helper.role_note,
                    capacity=helper.capacity,
                    night_ok=helper.night_ok,
                ),
            )
        for member in people.staff:
            password = secrets.token_urlsafe(9)
            place_id = campuses[member.place_code].id if member.place_code else None
            accounts.add(tx, member.username, member.name, member.role, password, place_id)
            account_list.append({"role": member.role, "username": member.username, "password": password})
        # Written before the commit: accounts nobody has the passwords of would lock everybody out.
        _write_private(data_dir / "demo-accounts.json", account_list)
        _write_private(data_dir / "phone-labels.json", labels(people))
    return (
        f"Loaded {len(people.retirees)} retirees, {len(people.volunteers)} volunteers "
        f"and {len(people.staff)} accounts."
    )


def _write_private(path: Path, value: Any) -> None:
    """Write JSON that nobody else on the machine can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, indent=2)
    path.chmod(0o600)
