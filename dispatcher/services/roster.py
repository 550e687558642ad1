"""People on the roster: taking them in, with the keys by which they are found."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from dispatcher.models import DutyWindow, Retiree, RetireePhone, Volunteer
from dispatcher.rules import roster as rules
from dispatcher.rules.availability import Window
from dispatcher.rules.phones import Phone
from dispatcher.services import indexing

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
    """Take in a retiree, findable at once by name, phones, home, and the contact's name and phone.

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
        keys_version=indexing.VERSION,
        phones=[
            RetireePhone(number=phone.number, kind=phone.kind, label=label, rank=rank)
            for rank, (phone, label) in enumerate(zip(data.phones, labels, strict=False))
        ],
    )
    tx.add(retiree)
    tx.flush()
    indexing.index(tx, retiree, new=True)
    return retiree


def add_phone(tx: Session, retiree: Retiree, phone: Phone, label: str = "") -> None:
    """One more phone of a retiree, after the others; nothing if they have it."""
    if any(known.number == phone.number for known in retiree.phones):
        return
    rank = max((known.rank for known in retiree.phones), default=-1) + 1
    retiree.phones.append(RetireePhone(number=phone.number, kind=phone.kind, label=label, rank=rank))
    indexing.index(tx, retiree)


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
        keys_version=indexing.VERSION,
        windows=[
            DutyWindow(weekday=w.weekday, start_min=w.start_min, end_min=w.end_min) for w in data.windows
        ],
    )
    tx.add(volunteer)
    tx.flush()
    indexing.index(tx, volunteer, new=True)
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
