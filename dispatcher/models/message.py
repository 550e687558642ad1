"""SMS in and out, what the gateway said of them, and what phones can answer with."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from dispatcher.database import Base
from dispatcher.rules.lifecycle import MessageState
from dispatcher.rules.replies import slot


class Message(Base):
    """One SMS. Outgoing ones are kept as kind + parameters + language and rendered for sending.

    `phone`: the other side, E.164. `wake_at`: when the tick must see to it next; `not_before`: the
    end of the pause after a refusal, before which it isn't tried again. `released_at`: when something
    of ours that had kept it from leaving was mended, or when it was tried in spite of that. `alone_since`:
    since when it waits although others leave, for something of ours keeps only this phone's. `body`: incoming
    text only; outgoing texts carry links whose tokens must not be stored, so only `body_hash`
    (SHA-256 of what was sent) is kept, by which an unknown outcome is looked up at the gateway.
    `gateway_id`: the gateway's own id, unique, by which incoming messages are de-duplicated.
    """

    __tablename__ = "message"
    __table_args__ = (
        Index("ix_message_state_wake", "state", "wake_at"),
        Index("ix_message_phone_created", "phone", "created_at"),
        Index(
            "ix_message_in_created",
            "created_at",
            sqlite_where=text("direction = 'in'"),
            postgresql_where=text("direction = 'in'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    direction: Mapped[str] = mapped_column(String(3))
    kind: Mapped[str] = mapped_column(String(30))
    params: Mapped[dict[str, Any]] = mapped_column(default=dict)
    language: Mapped[str] = mapped_column(String(2), default="zh")
    phone: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(12), default=MessageState.QUEUED)
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id"), index=True)
    offer_id: Mapped[int | None] = mapped_column(ForeignKey("offer.id"), index=True)
    volunteer_id: Mapped[int | None] = mapped_column(ForeignKey("volunteer.id"))
    retiree_id: Mapped[int | None] = mapped_column(ForeignKey("retiree.id"))
    created_at: Mapped[datetime] = mapped_column(index=True)
    wake_at: Mapped[datetime | None]
    not_before: Mapped[datetime | None]
    released_at: Mapped[datetime | None]
    alone_since: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    claimed_at: Mapped[datetime | None]
    lookups: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    gateway_id: Mapped[str | None] = mapped_column(String(64), unique=True)
    error_code: Mapped[str] = mapped_column(String(20), default="")
    body: Mapped[str | None] = mapped_column(Text)
    body_hash: Mapped[str | None] = mapped_column(String(64))
    segments: Mapped[int | None]

    @property
    def tried_since(self) -> datetime:
        """Since when the gateway could have taken it: for so long it is tried, and no longer."""
        return self.released_at or self.created_at


class MessageReceipt(Base):
    """One status callback of the gateway, kept whole, in the order in which they came."""

    __tablename__ = "message_receipt"
    __table_args__ = (UniqueConstraint("gateway_id", "status"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"), index=True)
    gateway_id: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(20))
    payload: Mapped[dict[str, Any]]
    received_at: Mapped[datetime]


class ReplyCode(Base):
    """The number of a task on one phone: `slot` + a digit is a reply that can't hit another task.

    `number` counts the codes of a phone and is unique there, so that two planners can't hand out
    the same one; the slot people type is a short form of it. `purpose`: "help" (a volunteer
    answers an offer or reports progress) or "check" (the retiree says whether all is well).
    """

    __tablename__ = "reply_code"
    __table_args__ = (
        UniqueConstraint("phone", "task_id", "purpose"),
        UniqueConstraint("phone", "number", name="uq_reply_code_phone_number"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    phone: Mapped[str] = mapped_column(String(20))
    number: Mapped[int]
    purpose: Mapped[str] = mapped_column(String(8))
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"), index=True)
    volunteer_id: Mapped[int | None] = mapped_column(ForeignKey("volunteer.id"))
    created_at: Mapped[datetime]

    @property
    def slot(self) -> int:
        """What people type for this task, before the digit of their answer."""
        return slot(self.number)


class LinkToken(Base):
    """A link in an SMS: one volunteer's page for one task, or their own page when `task_id` is None.

    Only the hash of the token is stored.
    """

    __tablename__ = "link_token"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id"), index=True)
    volunteer_id: Mapped[int] = mapped_column(ForeignKey("volunteer.id"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
