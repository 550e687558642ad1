"""What the operators' desk keeps between calls: forms being filled in, calls to return, notes for the next
shift."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dispatcher.database import Base
from dispatcher.models.retiree import Retiree
from dispatcher.models.staff import Staff


class Draft(Base):
    """A call's form that an operator has open: what is typed so far, saved as it is typed.

    It survives a closed browser and ends when the call is saved. `typed`: the fields as [name, value] pairs
    in a JSON text, "[]" while nothing is typed. `seen_at`: when the form was last known to be open, by which
    colleagues see who has the same retiree on the line. `thrown_away`: nothing is kept but when it was typed,
    so that a copy that comes late doesn't bring it back.
    """

    __tablename__ = "draft"
    __table_args__ = (
        UniqueConstraint("operator_id", "form_key"),
        Index("ix_draft_retiree_seen", "retiree_id", "seen_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    operator_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    form_key: Mapped[str] = mapped_column(String(40))
    retiree_id: Mapped[int | None] = mapped_column(ForeignKey("retiree.id"))
    typed: Mapped[str] = mapped_column(Text, default="[]")
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    thrown_away: Mapped[bool] = mapped_column(default=False)

    operator: Mapped[Staff] = relationship()
    retiree: Mapped[Retiree | None] = relationship()


class ReturnCall(Base):
    """A call that somebody was promised, or that was missed: one operator claims it, makes it, and says how
    it went. `request_id`: the call that came of it, when help was asked for."""

    __tablename__ = "return_call"
    __table_args__ = (
        Index(
            "ix_return_call_due",
            "due_at",
            sqlite_where=text("done_at IS NULL"),
            postgresql_where=text("done_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    retiree_id: Mapped[int | None] = mapped_column(ForeignKey("retiree.id"))
    name: Mapped[str] = mapped_column(String(80), default="")
    phone: Mapped[str] = mapped_column(String(20))
    notes: Mapped[str] = mapped_column(String(500), default="")
    due_at: Mapped[datetime]
    created_by_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    created_at: Mapped[datetime]
    claimed_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    claimed_at: Mapped[datetime | None]
    done_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    done_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(String(200), default="")
    request_id: Mapped[int | None] = mapped_column(ForeignKey("help_request.id"))

    retiree: Mapped[Retiree | None] = relationship()
    created_by: Mapped[Staff] = relationship(foreign_keys=created_by_id)
    claimed_by: Mapped[Staff | None] = relationship(foreign_keys=claimed_by_id)
    done_by: Mapped[Staff | None] = relationship(foreign_keys=done_by_id)


class ShiftNote(Base):
    """What one shift tells the next, in their own words. Never changed, never deleted."""

    __tablename__ = "shift_note"

    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    at: Mapped[datetime] = mapped_column(index=True)
    text: Mapped[str] = mapped_column(String(1000))

    staff: Mapped[Staff] = relationship()
