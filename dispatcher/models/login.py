"""Logins of staff, each of which ends by itself, by logging out, or with all others of its account."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from dispatcher.database import Base


class LoginSession(Base):
    """One login of one browser. The browser holds the key, this row its SHA-256.

    `address_hash`: the network address it came from, as a keyed hash; kept for a while after the login has
    ended, to know where somebody usually logs in from.
    """

    __tablename__ = "login_session"

    id: Mapped[int] = mapped_column(primary_key=True)
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    address_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    ended: Mapped[bool] = mapped_column(default=False)
