"""Places: the campuses that volunteers serve, and the places out of reach."""

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dispatcher.database import Base


class Campus(Base):
    """A place where retirees live. `reachable`: volunteers serve it; elsewhere help is remote."""

    __tablename__ = "campus"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name_zh: Mapped[str] = mapped_column(String(80))
    name_en: Mapped[str] = mapped_column(String(80))
    reachable: Mapped[bool]

    neighbours: Mapped[list["CampusNeighbour"]] = relationship(
        foreign_keys="CampusNeighbour.campus_id", order_by="CampusNeighbour.rank"
    )

    def name(self, language: str) -> str:
        """The name in `language` ("zh" or "en")."""
        return self.name_en if language == "en" else self.name_zh


class CampusNeighbour(Base):
    """One campus near another; `rank` 1 is the nearest."""

    __tablename__ = "campus_neighbour"

    campus_id: Mapped[int] = mapped_column(ForeignKey("campus.id"), primary_key=True)
    neighbour_id: Mapped[int] = mapped_column(ForeignKey("campus.id"), primary_key=True)
    rank: Mapped[int]
