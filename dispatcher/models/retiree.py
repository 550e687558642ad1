"""Retirees, their phones, and the keys by which an operator finds them."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dispatcher.database import Base
from dispatcher.models.campus import Campus


class Retiree(Base):
    """The person helped.

    `area` is what may be told before a volunteer accepts (a compound, never a door); `address` is
    the door. `visit_notes` are for the visit; `health_notes` reach only the assigned volunteer and
    the staff.
    """

    __tablename__ = "retiree"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    title_zh: Mapped[str] = mapped_column(String(20), default="老师")
    sex: Mapped[str] = mapped_column(String(1), default="")
    birth_year: Mapped[int | None]
    campus_id: Mapped[int] = mapped_column(ForeignKey("campus.id"), index=True)
    area: Mapped[str] = mapped_column(String(80), default="")
    address: Mapped[str] = mapped_column(String(200), default="")
    visit_notes: Mapped[str] = mapped_column(String(500), default="")
    health_notes: Mapped[str] = mapped_column(String(500), default="")
    contact_name: Mapped[str] = mapped_column(String(80), default="")
    contact_relation: Mapped[str] = mapped_column(String(40), default="")
    contact_phone: Mapped[str] = mapped_column(String(20), default="", index=True)
    language: Mapped[str] = mapped_column(String(2), default="zh")
    # By which rules their search keys were made (`services/indexing.py`).
    keys_version: Mapped[int] = mapped_column(default=0, server_default="0", index=True)

    campus: Mapped[Campus] = relationship()
    phones: Mapped[list["RetireePhone"]] = relationship(
        order_by="RetireePhone.rank", cascade="all, delete-orphan"
    )

    def age(self, today: date) -> int | None:
        """Age in years at the end of `today`'s year (only the year of birth is kept)."""
        return today.year - self.birth_year if self.birth_year else None

    def titled(self, language: str) -> str:
        """Their name as it is said of them: in Chinese with their title."""
        return self.name + (self.title_zh if language == "zh" else "")

    def whereabouts(self, language: str) -> str:
        """Campus, compound and door in one line: where to go."""
        return " ".join(filter(None, (self.campus.name(language), self.area, self.address)))

    @property
    def mobile(self) -> str | None:
        """The first phone that can get an SMS, E.164; None too when SMS to it are unwanted."""
        first = self._first_mobile
        return first.number if first is not None and first.stopped_at is None else None

    @property
    def wants_no_sms(self) -> bool:
        """Whether they have a phone that could get an SMS, and have said STOP on it."""
        first = self._first_mobile
        return first is not None and first.stopped_at is not None

    @property
    def _first_mobile(self) -> "RetireePhone | None":
        return next((phone for phone in self.phones if phone.kind == "mobile"), None)


class RetireePhone(Base):
    """One of a retiree's phones. Couples share numbers, so a number isn't unique.

    `stopped_at`: STOP came from it, or the gateway says so; no SMS goes to it until START, or until the staff
    say that SMS are wanted again.
    """

    __tablename__ = "retiree_phone"

    id: Mapped[int] = mapped_column(primary_key=True)
    retiree_id: Mapped[int] = mapped_column(ForeignKey("retiree.id"), index=True)
    number: Mapped[str] = mapped_column(String(20), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    label: Mapped[str] = mapped_column(String(40), default="")
    rank: Mapped[int] = mapped_column(default=0)
    stopped_at: Mapped[datetime | None]


LONGEST_KEY = 120
"""Characters of a search key that are kept; a longer one is found by how it begins."""


class SearchKey(Base):
    """A string under which an operator may look for a retiree.

    `kind`: "phone", "contact" (the emergency contact's phone), "name" (also pinyin and initials),
    "by_contact" (the contact's name), "home" (house and door).
    """

    __tablename__ = "search_key"
    __table_args__ = (Index("ix_search_key_key_retiree", "key", "retiree_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    retiree_id: Mapped[int] = mapped_column(ForeignKey("retiree.id"), index=True)
    # Byte order on every database, so that "begins with" is a range of the index.
    key: Mapped[str] = mapped_column(
        String(LONGEST_KEY).with_variant(String(LONGEST_KEY, collation="C"), "postgresql")
    )
    kind: Mapped[str] = mapped_column(String(10))
