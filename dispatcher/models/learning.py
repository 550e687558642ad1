"""What outcomes have taught: how readily each volunteer accepts, and how fast people answer."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from dispatcher.database import Base


class Acceptance(Base):
    """Offers accepted and refused by one volunteer, by the facets of `rules.crowd`, faded to `as_of`."""

    __tablename__ = "acceptance"

    volunteer_id: Mapped[int] = mapped_column(ForeignKey("volunteer.id"), primary_key=True)
    accepts: Mapped[dict[str, Any]]
    refusals: Mapped[dict[str, Any]]
    as_of: Mapped[datetime]


class AnswerTimes(Base):
    """How long the tasks of one campus waited for answers, by the stretches of `rules.response`.

    One row for a campus, not one for all: whoever accepts waits only for others at the same campus.
    """

    __tablename__ = "answer_times"

    campus_id: Mapped[int] = mapped_column(ForeignKey("campus.id"), primary_key=True)
    urgent: Mapped[bool] = mapped_column(primary_key=True)
    waiting: Mapped[list[float]]
    answered: Mapped[list[float]]
