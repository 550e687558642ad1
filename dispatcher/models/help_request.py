"""What one call said, and the calls that turned out to repeat an earlier need."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dispatcher.database import Base
from dispatcher.models.retiree import Retiree
from dispatcher.models.staff import Staff


class HelpRequest(Base):
    """One call taken by the hotline. `form_key` is unique, so a double click saves once.

    `script_given_at`: the operator read the 120 script to a caller whose life was in danger.
    `told_on_call`: the retiree heard "your request is noted" on the phone, so no SMS or call
    need say it again. `correlation_id`: under which everything that comes of the call is logged; empty
    for old calls.
    """

    __tablename__ = "help_request"
    __table_args__ = (Index("ix_help_request_operator", "operator_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    retiree_id: Mapped[int] = mapped_column(ForeignKey("retiree.id"), index=True)
    operator_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    form_key: Mapped[str] = mapped_column(String(40), unique=True)
    callback_phone: Mapped[str] = mapped_column(String(20), default="")
    notes: Mapped[str] = mapped_column(String(1000), default="")
    life_danger: Mapped[bool] = mapped_column(default=False)
    script_given_at: Mapped[datetime | None]
    told_on_call: Mapped[bool] = mapped_column(default=False)
    correlation_id: Mapped[str] = mapped_column(String(64), default="")
    created_at: Mapped[datetime] = mapped_column(index=True)

    retiree: Mapped[Retiree] = relationship()
    operator: Mapped[Staff | None] = relationship()


class RepeatCall(Base):
    """A later call about a task that was still open: the same need, perhaps more urgent now."""

    __tablename__ = "repeat_call"

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("help_request.id"), index=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"), index=True)
    urgency_before: Mapped[str] = mapped_column(String(10))
    urgency_after: Mapped[str] = mapped_column(String(10))
