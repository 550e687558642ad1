"""People on the roster: taking them in, with the keys by which they are found."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from dispatcher.models import DutyWindow, Retiree, RetireePhone, SearchKey, Volunteer
from dispatcher.models.retiree import LONGEST_KEY
from dispatcher.rules import names, phones
from dispatcher.rules import roster as rules
from dispatcher.rules.availability import Window
from dispatcher.rules.phones import Phone

_VOLUNTEERS = select(Volunteer).where(Volunteer.id.in_(bindparam("volunteer_ids", expanding=True)))

_HOLD = (
    select(Volunteer)
    .where(Volunteer.id == bindparam("volunteer_id"))
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)


@dataclass(frozen=True)
class RetireeData:
    """A retiree to take in. Phones best first; the contact's number in E.164."""

    name: str
    campus_id: int
    phones: Sequence[Phone]
    labels: Sequence[str] = ()
    area: str = ""
    address: str = ""
    title_zh: str = "老师"
    sex: str = ""
    birth_year: int | None = None
    visit_notes: str = ""
    health_notes: str = ""
    contact_name: str = ""
    contact_relation: str = ""
    contact_phone: str = ""
    language: str = "zh"


@dataclass(frozen=True)
class VolunteerData:
    """A volunteer to take in."""

    name: str
    phone: str
    campus_id: int
    windows: Sequence[Window] = field(default_factory=list)
    language: str = "zh"
    role_note: str = ""
    capacity: int = 2
    night_ok: bool = False


def add_retiree(tx: Session, data: RetireeData) -> Retiree:
    """Take in a retiree, findable at once by every phone, the contact's phone, and the name.

    Raises:
        dispatcher.rules.roster.RosterError: the roster can't hold them as they are.
    """
    rules.check_retiree(data.name, data.phones, data.language, data.contact_phone, data.sex)
    labels = [*data.labels, *[""] * len(data.phones)]
    retiree = Retiree(
        name=data.name,
        title_zh=data.title_zh,
        sex=data.sex,
        birth_year=data.birth_year,
        campus_id=data.campus_id,
        area=data.area,
        address=data.address,
        visit_notes=data.visit_notes,
        health_notes=data.health_notes,
        contact_name=data.contact_name,
        contact_relation=data.contact_relation,
        contact_phone=data.contact_phone,
        language=data.language,
        phones=[
            RetireePhone(number=phone.number, kind=phone.kind, label=label, rank=rank)
            for rank, (phone, label) in enumerate(zip(data.phones, labels, strict=False))
        ],
    )
    tx.add(retiree)
    tx.flush()
    index(tx, retiree)
    return retiree


def index(tx: Session, retiree: Retiree) -> None:
    """Write the search keys of `retiree`."""
    # A very long name in pinyin is longer than a key may be; it is found by how it begins all the same.
    keys = {(key[:LONGEST_KEY], "name") for key in names.search_keys(retiree.name)}
    for phone in retiree.phones:
        keys |= {(key, "phone") for key in phones.search_keys(phone.number)}
    if retiree.contact_phone:
        keys |= {(key, "contact") for key in phones.search_keys(retiree.contact_phone)}
    tx.add_all(SearchKey(retiree_id=retiree.id, key=key, kind=kind) for key, kind in sorted(keys))


def add_volunteer(tx: Session, data: VolunteerData) -> Volunteer:
    """Take in a volunteer.

    Raises:
        dispatcher.rules.roster.RosterError: the roster can't hold them as they are.
    """
    rules.check_volunteer(
        data.name, data.phone, data.language, data.capacity, data.windows, data.role_note
    )  # fmt: skip
    volunteer = Volunteer(
        name=data.name,
        phone=data.phone,
        campus_id=data.campus_id,
        language=data.language,
        role_note=data.role_note,
        capacity=data.capacity,
        night_ok=data.night_ok,
        active=True,
        windows=[
            DutyWindow(weekday=w.weekday, start_min=w.start_min, end_min=w.end_min) for w in data.windows
        ],
    )
    tx.add(volunteer)
    tx.flush()
    return volunteer


def hold(tx: Session, volunteer_id: int) -> Volunteer | None:
    """A volunteer as they are now, held until the end of this transaction; None when there is none."""
    return tx.scalars(_HOLD, {"volunteer_id": volunteer_id}).one_or_none()


def volunteers(session: Session, volunteer_ids: Collection[int]) -> dict[int, Volunteer]:
    """These volunteers by their ids; nothing is asked for nobody."""
    if not volunteer_ids:
        return {}
    found = session.scalars(_VOLUNTEERS, {"volunteer_ids": [*volunteer_ids]})
    return {volunteer.id: volunteer for volunteer in found}
