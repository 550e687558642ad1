"""People who log in: operators, coordinators, administrators."""

from datetime import datetime

from flask_login import UserMixin
from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dispatcher.database import Base
from dispatcher.models.campus import Campus

OPERATOR, COORDINATOR, ADMINISTRATOR = "operator", "coordinator", "administrator"
ROLES = (OPERATOR, COORDINATOR, ADMINISTRATOR)


class Staff(UserMixin, Base):
    """An account. `password_hash` is scrypt with salt; `session_key` ends what the version before knows as
    sessions, and goes once that version can't run beside this one any more.

    `login_key`: the key of the login by which it was loaded; not in the database, which has its hash.
    """

    __tablename__ = "staff"

    login_key = ""

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    role: Mapped[str] = mapped_column(String(20))
    campus_id: Mapped[int | None] = mapped_column(ForeignKey("campus.id"))
    password_hash: Mapped[str] = mapped_column(String(300))
    session_key: Mapped[str] = mapped_column(String(32))
    language: Mapped[str | None] = mapped_column(String(2))
    active: Mapped[bool] = mapped_column(default=True)
    last_login_at: Mapped[datetime | None]

    campus: Mapped[Campus | None] = relationship()

    @property
    def is_active(self) -> bool:
        """Flask-Login's question whether this account may be used."""
        return self.active

    def get_id(self) -> str:
        """Flask-Login's session value: the key of this login."""
        return self.login_key
