"""What happened, and what needs a person."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dispatcher.database import Base
from dispatcher.models.retiree import Retiree
from dispatcher.models.staff import Staff
from dispatcher.models.task import Task
from dispatcher.models.volunteer import Volunteer


class Event(Base):
    """One line of history: when, who, what, why. Never changed, never deleted.

    `actor`: "system", "staff", "volunteer" or "retiree", with the id of the person in `actor_id`.
    """

    __tablename__ = "event"
    __table_args__ = (Index("ix_event_task", "task_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(30))
    actor: Mapped[str] = mapped_column(String(10))
    actor_id: Mapped[int | None]
    actor_name: Mapped[str] = mapped_column(String(80), default="")
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id"))
    request_id: Mapped[int | None] = mapped_column(ForeignKey("help_request.id"), index=True)
    params: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Attention(Base):
    """Something that needs a coordinator, with the reason; resolved by a named person or by events.

    `subject` says what it is about (such as "task:7"); the same reason stands at most once for a
    subject. `claimed_by`: the member of staff who has said that they see to it. `sender`: whose text it
    is (a :class:`dispatcher.rules.order.Sender`), None when it is about something else; the texts of one
    phone stand once.
    """

    __tablename__ = "attention"
    __table_args__ = (
        Index(
            "uq_attention_standing",
            "reason",
            "subject",
            unique=True,
            sqlite_where=text("resolved_at IS NULL"),
            postgresql_where=text("resolved_at IS NULL"),
        ),
        Index(
            "uq_attention_texts_standing",
            "subject",
            unique=True,
            sqlite_where=text("resolved_at IS NULL AND sender IS NOT NULL"),
            postgresql_where=text("resolved_at IS NULL AND sender IS NOT NULL"),
        ),
        Index("ix_attention_resolved_at", "resolved_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(String(30))
    subject: Mapped[str] = mapped_column(String(40))
    sender: Mapped[str | None] = mapped_column(String(12))
    params: Mapped[dict[str, Any]] = mapped_column(default=dict)
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id"), index=True)
    retiree_id: Mapped[int | None] = mapped_column(ForeignKey("retiree.id"))
    volunteer_id: Mapped[int | None] = mapped_column(ForeignKey("volunteer.id"))
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    raised_at: Mapped[datetime]
    claimed_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    claimed_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[str] = mapped_column(String(80), default="")
    resolution: Mapped[str] = mapped_column(String(200), default="")

    task: Mapped[Task | None] = relationship()
    retiree: Mapped[Retiree | None] = relationship()
    volunteer: Mapped[Volunteer | None] = relationship()
    claimed_by: Mapped[Staff | None] = relationship()
