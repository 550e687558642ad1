"""Whose phone a text came from: a volunteer, a retiree, several who share it, an emergency contact."""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from dispatcher.models import Assignment, Message, Retiree, RetireePhone, Task, Volunteer
from dispatcher.rules import phones
from dispatcher.rules.order import Sender

MOST = 6
"""So many people are named for one phone."""

LATELY = timedelta(days=14)
"""Thanks are for a task that was made within this time."""

_PHONE = re.compile(r"\+[1-9]\d{6,14}")
_CHANNEL = re.compile(r"[a-z]+:(.+)")
_KEPT = 20
"""Characters of a sender that its message keeps as a phone."""

_SUBJECT = 40

_NUMBER: Any = bindparam("number")
_VOLUNTEER = select(Volunteer).where(Volunteer.phone == _NUMBER)
_RETIREES = (
    select(Retiree)
    .where(
        Retiree.id.in_(
            select(RetireePhone.retiree_id)
            .where(RetireePhone.number == _NUMBER)
            .union_all(select(Retiree.id).where(Retiree.contact_phone == _NUMBER))
        )
    )
    .order_by(Retiree.id)
    .limit(MOST)
)
_HELD = (
    select(Task.id)
    .join(Assignment, Assignment.task_id == Task.id)
    .where(
        Assignment.volunteer_id == bindparam("volunteer_id"), Assignment.ended_at.is_(None),
        Task.is_open_ended,
    )
)  # fmt: skip
_THEIRS: Any = bindparam("retiree_ids", expanding=True)
_OPEN = select(Task.id).where(Task.retiree_id.in_(_THEIRS), Task.is_open_ended)
_LATELY = select(Task.id).where(Task.retiree_id.in_(_THEIRS), Task.created_at > bindparam("since"))


@dataclass(frozen=True)
class Known:
    """Who sent a text.

    `given`: the sender as the gateway names it. `number`: the phone behind it (E.164), or empty when there is
    none. `volunteer`: whose phone that is; `retirees`: the retirees whose own phone, or whose emergency
    contact's, it is.
    """

    given: str
    number: str
    volunteer: Volunteer | None = None
    retirees: tuple[Retiree, ...] = field(default=())

    @property
    def can_be_answered(self) -> bool:
        """Whether an SMS reaches them: it came from a phone, by SMS and no other channel."""
        return bool(_phone(self.given))

    @property
    def kept(self) -> str:
        """What its message keeps as the phone."""
        return self.number or self.given[:_KEPT]

    @property
    def subject(self) -> str:
        """What the texts of this phone stand under, as a key of 40 characters at most."""
        key = f"phone:{self.number if self.can_be_answered else self.given}"
        if len(key) <= _SUBJECT:
            return key
        return "phone:" + hashlib.sha256(self.given.encode()).hexdigest()[: _SUBJECT - len("phone:")]

    @property
    def retiree(self) -> Retiree | None:
        """The one retiree who can be meant; None when there are several, or none."""
        return self.retirees[0] if len(self.retirees) == 1 else None

    @property
    def kind(self) -> Sender:
        """Whose phone it is; of somebody who is several, the one who comes first."""
        if self.retirees:
            own = any(retiree.contact_phone != self.number for retiree in self.retirees)
            return Sender.RETIREE if own else Sender.CONTACT
        return Sender.VOLUNTEER if self.volunteer is not None else Sender.STRANGER

    @property
    def language(self) -> str:
        """The language in which they are answered."""
        if self.volunteer is not None:
            return self.volunteer.language
        return self.retirees[0].language if self.retirees else "zh"

    def named(self) -> list[dict[str, Any]]:
        """All whom the phone may belong to, as an attention keeps them."""
        people: list[dict[str, Any]] = [
            {"as": str(Sender.CONTACT), "id": retiree.id, "name": retiree.name,
             "contact": retiree.contact_name, "relation": retiree.contact_relation}
            if retiree.contact_phone == self.number
            else {"as": str(Sender.RETIREE), "id": retiree.id, "name": retiree.name}
            for retiree in self.retirees
        ]  # fmt: skip
        if self.volunteer is not None:
            v = self.volunteer
            people.append({"as": str(Sender.VOLUNTEER), "id": v.id, "name": v.name})
        return people


def find(tx: Session, given: str) -> Known:
    """Who `given`, the sender of a text, is. Of a volunteer no more is looked up than that:
    :func:`in_full` says whether the phone is somebody else's as well."""
    number = number_of(given)
    if not number:
        return Known(given, "")
    volunteer = volunteer_of(tx, number)
    known = Known(given, number, volunteer)
    return known if volunteer is not None else in_full(tx, known)


def volunteer_of(tx: Session, number: str) -> Volunteer | None:
    """The volunteer whose phone (E.164) this is."""
    return tx.scalars(_VOLUNTEER, {"number": number}).first()


def of(tx: Session, message: Message) -> Known:
    """Who sent `message`, with all to whom the phone belongs."""
    given = message.params.get("from", message.phone)
    volunteer = tx.get(Volunteer, message.volunteer_id) if message.volunteer_id else None
    return in_full(tx, Known(given, number_of(given), volunteer))


def in_full(tx: Session, known: Known) -> Known:
    """The same with the retirees whose own phone, or whose contact's phone, it is."""
    if not known.number:
        return known
    retirees = tuple(tx.scalars(_RETIREES, {"number": known.number}))
    return Known(known.given, known.number, known.volunteer, retirees)


def number_of(given: str) -> str:
    """The phone (E.164) behind a sender, also behind one of another channel ("whatsapp:+86…"); else empty."""
    channel = _CHANNEL.fullmatch(given)
    return _phone(given) or (_phone(channel[1]) if channel else "")


def _phone(given: str) -> str:
    """A sender by SMS as E.164, however its gateway writes it (8613…, 13…); empty if it is no phone."""
    number = phones.sender(given)
    return number if _PHONE.fullmatch(number) else ""


def likely_task(tx: Session, known: Known) -> Task | None:
    """The task that a text of theirs is most likely about: the newest that they hold, else their newest
    open one."""
    held = tx.scalars(_HELD, {"volunteer_id": known.volunteer.id}).all() if known.volunteer else []
    ids = held or (tx.scalars(_OPEN, _ids(known)).all() if known.retirees else [])
    return tx.get(Task, max(ids)) if ids else None


def last_task(tx: Session, known: Known, now: datetime) -> Task | None:
    """The task for which they may thank: the likely one, else their last."""
    task = likely_task(tx, known)
    if task is not None or not known.retirees:
        return task
    ids = tx.scalars(_LATELY, _ids(known) | {"since": now - LATELY}).all()
    return tx.get(Task, max(ids)) if ids else None


def _ids(known: Known) -> dict[str, Any]:
    return {"retiree_ids": [retiree.id for retiree in known.retirees]}
