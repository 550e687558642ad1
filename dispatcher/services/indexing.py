"""Search keys of people: writing them, and writing them anew when the rules that make them have changed."""

import time
from collections.abc import Iterable
from typing import Any

from sqlalchemy import BindParameter, Delete, bindparam, delete, func, insert, select, update
from sqlalchemy.orm import Session, selectinload

from dispatcher.database import db, transaction, use_case
from dispatcher.models import Retiree, SearchKey, Volunteer, VolunteerKey
from dispatcher.models.retiree import LONGEST_KEY
from dispatcher.rules import addresses, names, phones

VERSION = 2
"""To be raised with every change of the rules that make keys: whoever has older ones is given new ones."""

BATCH = 25
"""So many people are given new keys in one transaction: pinyin takes some milliseconds a person, and nobody
else can write them meanwhile."""

WAIT_S = 0.2
MOST_WAITS = 50
"""So long, in seconds, and so often in a row, people are waited for whom others have in hand."""

_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_FORGET: dict[type[Any], Delete] = {
    Retiree: delete(SearchKey).where(SearchKey.retiree_id.in_(_IDS)),
    Volunteer: delete(VolunteerKey).where(VolunteerKey.volunteer_id.in_(_IDS)),
}
_OUTDATED = {
    Retiree: select(Retiree)
    .where(Retiree.keys_version < VERSION)
    .options(selectinload(Retiree.phones))
    .order_by(Retiree.id)
    .limit(BATCH)
    .with_for_update(of=Retiree, skip_locked=True, key_share=True),
    Volunteer: select(Volunteer)
    .where(Volunteer.keys_version < VERSION)
    .order_by(Volunteer.id)
    .limit(BATCH)
    .with_for_update(of=Volunteer, skip_locked=True, key_share=True),
}
# Held only against other writers of the same people: calls and tasks may refer to them meanwhile.
_LEFT = {
    model: select(func.count()).select_from(model).where(model.keys_version < VERSION)
    for model in (Retiree, Volunteer)
}


def index(tx: Session, person: Retiree | Volunteer, new: bool = False) -> None:
    """Write the search keys of somebody whose name, phones, address or contact are (now) as they are.

    `new`: they have none yet.
    """
    _write(tx, [person], new)


@use_case
def next_batch() -> int:
    """Give new keys to the next :data:`BATCH` people whose keys are outdated; how many they were."""
    with transaction() as tx:
        for statement in _OUTDATED.values():
            people: list[Retiree | Volunteer] = list(tx.scalars(statement))
            if people:
                _write(tx, people)
                return len(people)
    return 0


@use_case
def outdate() -> None:
    """Have everybody's keys written anew by :func:`bring_up_to_date`; until then the old ones serve."""
    with transaction() as tx:
        for model in (Retiree, Volunteer):
            tx.execute(update(model).values(keys_version=0))


def bring_up_to_date() -> int:
    """Give new keys to everybody whose keys are outdated; how many they were. Harmless done twice, or by
    several processes at once."""
    total, waited = 0, 0
    while True:
        count = next_batch()
        total += count
        if count:
            waited = 0
        elif not _left() or waited >= MOST_WAITS:
            return total
        else:  # whoever is left is in another's hands
            waited += 1
            time.sleep(WAIT_S)


def _left() -> int:
    """How many people's keys are outdated, whoever has them in hand."""
    db.session.rollback()
    return sum(db.session.scalars(statement).one() for statement in _LEFT.values())


def _write(tx: Session, people: list[Retiree | Volunteer], new: bool = False) -> None:
    model = type(people[0])
    if not new:
        tx.execute(_FORGET[model], {"ids": [person.id for person in people]})
    rows = [row for person in people for row in _rows(person)]
    if rows:
        tx.execute(insert(SearchKey if model is Retiree else VolunteerKey), rows)
    for person in people:
        person.keys_version = VERSION


def _rows(person: Retiree | Volunteer) -> list[dict[str, Any]]:
    if isinstance(person, Volunteer):
        keys = _of(names.search_keys(person.name), "name") | _of(phones.search_keys(person.phone), "phone")
        owner = {"volunteer_id": person.id}
    else:
        owner, keys = {"retiree_id": person.id}, _keys(person)
    return [owner | {"key": key, "kind": kind} for key, kind in sorted(keys)]


def _keys(retiree: Retiree) -> set[tuple[str, str]]:
    keys = _of(names.search_keys(retiree.name), "name")
    for phone in retiree.phones:
        keys |= _of(phones.search_keys(phone.number), "phone")
    if retiree.contact_phone:
        keys |= _of(phones.search_keys(retiree.contact_phone), "contact")
    if retiree.contact_name:
        keys |= _of(names.search_keys(retiree.contact_name), "by_contact")
    return keys | _of(addresses.search_keys(retiree.area, retiree.address), "home")


def _of(keys: Iterable[str], kind: str) -> set[tuple[str, str]]:
    # A very long name in pinyin is longer than a key may be; it is found by how it begins all the same.
    return {(key[:LONGEST_KEY], kind) for key in keys}
