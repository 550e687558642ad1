"""Tasks, offers and assignments: a piece of help, whom it was put to, and who holds it."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    bindparam,
    or_,
    text,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dispatcher.database import Base
from dispatcher.models.campus import Campus
from dispatcher.models.help_request import HelpRequest
from dispatcher.models.retiree import Retiree
from dispatcher.models.volunteer import Volunteer
from dispatcher.rules.lifecycle import HELD, LIVE_OFFER, OPEN_ENDED, OfferState, State, TaskState
from dispatcher.rules.settings import URGENT, URGENT_HELP, is_urgent


def _only(states: Collection[State]) -> dict[str, Any]:
    """For an index of the rows in these states."""
    names = ", ".join(f"'{name}'" for name in _names(states))
    return {f"{dialect}_where": text(f"state IN ({names})") for dialect in ("sqlite", "postgresql")}


def _one_of(state: Any, states: Collection[State]) -> ColumnElement[bool]:
    """Written out in the statement: a partial index serves only what can be seen to fall under it."""
    found: ColumnElement[bool] = state.in_(
        bindparam("states", _names(states), unique=True, expanding=True, literal_execute=True)
    )
    return found


def _names(states: Collection[State]) -> list[str]:
    return sorted(str(state) for state in states)


class Task(Base):
    """One piece of help that one volunteer can do.

    `items`: what to buy, one dict a line (`name`, `strength`, `amount`, `source`, `where` for
    medicine; `name`, `amount` for groceries). `opened_at`: when it last became open; the rings
    count from it. `look_again_at`: when the tick must look at it next, whatever its state; None
    when nothing is due. `waiting`: what the last plan said it waits for. `spent_fen`: money the
    volunteer laid out, in fen (1/100 yuan).
    """

    __tablename__ = "task"
    __table_args__ = (
        Index("ix_task_open_ended", "state", "campus_id", **_only(OPEN_ENDED)),
        Index(
            "ix_task_due",
            "look_again_at",
            sqlite_where=text("look_again_at IS NOT NULL"),
            postgresql_where=text("look_again_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("help_request.id"), index=True)
    retiree_id: Mapped[int] = mapped_column(ForeignKey("retiree.id"), index=True)
    campus_id: Mapped[int] = mapped_column(ForeignKey("campus.id"))
    category: Mapped[str] = mapped_column(String(12))
    urgency: Mapped[str] = mapped_column(String(10))
    due_by: Mapped[datetime | None]
    items: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    notes: Mapped[str] = mapped_column(String(1000), default="")
    remote: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(String(12), default=TaskState.OPEN)
    code_word: Mapped[str] = mapped_column(String(10))
    created_at: Mapped[datetime] = mapped_column(index=True)
    opened_at: Mapped[datetime]
    assigned_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    look_again_at: Mapped[datetime | None]
    waiting: Mapped[dict[str, Any]] = mapped_column(default=dict)
    spent_fen: Mapped[int | None]

    request: Mapped[HelpRequest] = relationship()
    retiree: Mapped[Retiree] = relationship()
    campus: Mapped[Campus] = relationship()
    offers: Mapped[list["Offer"]] = relationship(order_by="Offer.id", back_populates="task")
    assignments: Mapped[list["Assignment"]] = relationship(order_by="Assignment.id", back_populates="task")
    photos: Mapped[list["ReceiptPhoto"]] = relationship(order_by="ReceiptPhoto.id", viewonly=True)

    @hybrid_property
    def is_urgent(self) -> bool:
        """As the rules say it, of a row and in statements."""
        return is_urgent(self.category, self.urgency)

    @is_urgent.inplace.expression
    @classmethod
    def _is_urgent(cls) -> ColumnElement[bool]:
        return or_(cls.urgency == URGENT, cls.category == URGENT_HELP)

    @property
    def shown_urgency(self) -> str:
        """The urgency as people are told it: urgent help is urgent, whatever was ticked."""
        return URGENT if self.is_urgent else self.urgency

    @hybrid_property
    def is_open_ended(self) -> bool:
        """Whether somebody has still to do something about it: it is neither closed nor cancelled."""
        return self.state in OPEN_ENDED

    @is_open_ended.inplace.expression
    @classmethod
    def _is_open_ended(cls) -> ColumnElement[bool]:
        return _one_of(cls.state, OPEN_ENDED)

    @hybrid_property
    def is_held(self) -> bool:
        """Whether a volunteer is busy with it."""
        return self.state in HELD

    @is_held.inplace.expression
    @classmethod
    def _is_held(cls) -> ColumnElement[bool]:
        return _one_of(cls.state, HELD)


class Offer(Base):
    """A task put to one volunteer. Nobody is asked twice for the same task: the pair is unique.

    `chance`: of a yes, as believed when it was made. `why`: the reasons of the choice as [code,
    parameters] pairs, rendered in the reader's language. `learned_at`: when its end was taken into
    account in what is known of the volunteer. `unasked_at`: since when it is known that its SMS doesn't
    reach them because of something of ours; while that is set, they haven't been asked.
    """

    __tablename__ = "offer"
    __table_args__ = (
        UniqueConstraint("task_id", "volunteer_id"),
        Index("ix_offer_volunteer_created", "volunteer_id", "created_at"),
        Index("ix_offer_live", "volunteer_id", **_only(LIVE_OFFER)),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"))
    volunteer_id: Mapped[int] = mapped_column(ForeignKey("volunteer.id"))
    wave: Mapped[int]
    ring: Mapped[int]
    chance: Mapped[float]
    why: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    urgent: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(String(12), default=OfferState.QUEUED)
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    unasked_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    learned_at: Mapped[datetime | None]
    decline_reason: Mapped[str] = mapped_column(String(20), default="")
    said: Mapped[str] = mapped_column(String(500), default="")

    task: Mapped[Task] = relationship(back_populates="offers")
    volunteer: Mapped[Volunteer] = relationship()

    @hybrid_property
    def is_live(self) -> bool:
        """Whether an answer to it is still waited for."""
        return self.state in LIVE_OFFER

    @is_live.inplace.expression
    @classmethod
    def _is_live(cls) -> ColumnElement[bool]:
        return _one_of(cls.state, LIVE_OFFER)


class Assignment(Base):
    """The hold of one volunteer on one task. At most one stands: a partial unique index says so.

    `underway_at`: when they said that they were on the way. `more_time_min`: minutes by which they have asked
    for more time, all together.
    """

    __tablename__ = "assignment"
    __table_args__ = (
        Index(
            "uq_assignment_standing",
            "task_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index(
            "ix_assignment_held",
            "volunteer_id",
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_assignment_volunteer_created", "volunteer_id", "created_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"), index=True)
    volunteer_id: Mapped[int] = mapped_column(ForeignKey("volunteer.id"))
    by_staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    created_at: Mapped[datetime]
    underway_at: Mapped[datetime | None]
    more_time_min: Mapped[int] = mapped_column(default=0)
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str] = mapped_column(String(20), default="")

    task: Mapped[Task] = relationship(back_populates="assignments")
    volunteer: Mapped[Volunteer] = relationship()


class ReceiptPhoto(Base):
    """A picture of a shop's receipt that a volunteer has sent for a task.

    `jpeg`: as encoded by us, without anything that the camera wrote beside the picture. `digest`: SHA-256 of
    what was sent, so that the same picture sent twice is kept once.
    """

    __tablename__ = "receipt_photo"
    __table_args__ = (UniqueConstraint("task_id", "digest"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"))
    volunteer_id: Mapped[int] = mapped_column(ForeignKey("volunteer.id"))
    digest: Mapped[str] = mapped_column(String(64))
    width: Mapped[int]
    height: Mapped[int]
    jpeg: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    created_at: Mapped[datetime]
