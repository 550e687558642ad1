"""Volunteers and the hours in which they may be asked."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dispatcher.database import Base
from dispatcher.models.campus import Campus
from dispatcher.models.learning import Acceptance
from dispatcher.models.retiree import LONGEST_KEY
from dispatcher.rules.availability import is_phone_lost


def _rested(dialect: str, active: str, last_asked: str) -> list[Index]:
    """Indexes that give those who may be asked, the most rested first, at one campus and everywhere."""
    where: dict[str, Any] = {f"{dialect}_where": text(f"{active} AND stopped_at IS NULL")}
    order = text(last_asked)
    found = [
        Index(f"ix_volunteer_rested_{dialect}", order, "id", **where),
        Index(f"ix_volunteer_campus_rested_{dialect}", "campus_id", order, "id", **where),
    ]
    return [index.ddl_if(dialect=dialect) for index in found]


class Volunteer(Base):
    """A member of the emergency work group, of one home campus.

    `capacity`: tasks held at once. `night_ok`: agreed to be asked for urgent help in quiet hours
    and beyond the daily cap. `free_until`: they have said that they are free until then, whatever their duty
    windows say. `stopped_at`: they sent STOP, or their phone is lost; nothing goes out until START, or
    until the staff say that the number is theirs again. `links_lost_at`: when their phone was last lost: what
    carried a link until then is worth nothing.
    `recent_offers`: offers lately, each fading with time, as of `last_asked_at`.
    """

    __tablename__ = "volunteer"
    __table_args__ = (
        Index("ix_volunteer_campus_active", "campus_id", "active"),
        Index(
            "ix_volunteer_free",
            "free_until",
            sqlite_where=text("free_until IS NOT NULL"),
            postgresql_where=text("free_until IS NOT NULL"),
        ),
        # Who was never asked comes first, which SQLite's indexes do without being told.
        *_rested("sqlite", "active = 1", "last_asked_at"),
        *_rested("postgresql", "active", "last_asked_at NULLS FIRST"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    phone: Mapped[str] = mapped_column(String(20), unique=True)
    campus_id: Mapped[int] = mapped_column(ForeignKey("campus.id"))
    language: Mapped[str] = mapped_column(String(2), default="zh")
    role_note: Mapped[str] = mapped_column(String(80), default="")
    capacity: Mapped[int] = mapped_column(default=2)
    night_ok: Mapped[bool] = mapped_column(default=False)
    active: Mapped[bool] = mapped_column(default=True)
    paused_until: Mapped[datetime | None]
    free_until: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]
    links_lost_at: Mapped[datetime | None]
    last_asked_at: Mapped[datetime | None]
    recent_offers: Mapped[float] = mapped_column(default=0.0)
    # By which rules their search keys were made (`services/indexing.py`).
    keys_version: Mapped[int] = mapped_column(default=0, server_default="0", index=True)

    campus: Mapped[Campus] = relationship()
    acceptance: Mapped[Acceptance | None] = relationship(viewonly=True)
    windows: Mapped[list["DutyWindow"]] = relationship(
        order_by="DutyWindow.weekday, DutyWindow.start_min", cascade="all, delete-orphan"
    )

    @property
    def is_phone_lost(self) -> bool:
        """Whether somebody else may have their phone, as the rules say it."""
        return is_phone_lost(self.links_lost_at, self.stopped_at)


class VolunteerKey(Base):
    """A string under which a volunteer is looked for; `kind`: "phone" or "name"."""

    __tablename__ = "volunteer_key"
    __table_args__ = (Index("ix_volunteer_key_key_volunteer", "key", "volunteer_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    volunteer_id: Mapped[int] = mapped_column(ForeignKey("volunteer.id"), index=True)
    key: Mapped[str] = mapped_column(
        String(LONGEST_KEY).with_variant(String(LONGEST_KEY, collation="C"), "postgresql")
    )
    kind: Mapped[str] = mapped_column(String(10))


class DutyWindow(Base):
    """A weekly stretch of duty: `weekday` 0 is Monday; minutes since local midnight, end ≤ 1440."""

    __tablename__ = "duty_window"
    __table_args__ = (
        # Who is on duty now is answered from this index alone.
        Index("ix_duty_window_now", "weekday", "start_min", "end_min", "volunteer_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    volunteer_id: Mapped[int] = mapped_column(ForeignKey("volunteer.id"), index=True)
    weekday: Mapped[int]
    start_min: Mapped[int]
    end_min: Mapped[int]

    @property
    def makes_sense(self) -> bool:
        """Whether it says when: SQLite keeps whatever a tool has put there."""
        return all(isinstance(n, int) for n in (self.weekday, self.start_min, self.end_min))
