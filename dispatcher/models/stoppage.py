"""Why SMS can't leave just now."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from dispatcher.database import Base


class Stoppage(Base):
    """Something of ours that the gateway doesn't accept, so that messages wait: all, or those to one region.

    `scope`: the region (ISO 3166, such as "JP") or "" for all. `setting`: a value of
    :class:`~dispatcher.sms.gateway.Setting`; `code`: what the gateway said last. `since`: the first refusal.
    `stands`: otherwise it is only suspected, for one phone alone was refused, with `message_id`; from then
    on `message_id` is the last to have had its turn. `probe_at`: from then on one message may be tried.
    `by_receipt`: the gateway takes messages and says later that it didn't pass them on. `alarmed`: the office
    has been told. `ended_at`: since when it is over; what was claimed before says nothing of now.
    """

    __tablename__ = "stoppage"

    id: Mapped[int] = mapped_column(primary_key=True)
    scope: Mapped[str] = mapped_column(String(8), unique=True)
    setting: Mapped[str] = mapped_column(String(12))
    code: Mapped[str] = mapped_column(String(20))
    since: Mapped[datetime]
    stands: Mapped[bool] = mapped_column(default=False)
    by_receipt: Mapped[bool] = mapped_column(default=False)
    alarmed: Mapped[bool] = mapped_column(default=False)
    probe_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
