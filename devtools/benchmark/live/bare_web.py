"""The yardstick of the web: an application that inserts one row a POST, and lists rows, and no more.

Served by the same gunicorn settings as the product, on the same kind of database on the same disk.
"""

import os
import sqlite3
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Flask, render_template_string, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import DateTime, Engine, String, event, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

LIST = (
    "<table>{% for row in rows %}<tr><td>{{ row.id }}<td>{{ row.note }}<td>{{ row.at }}{% endfor %}</table>"
)


class Base(DeclarativeBase):
    """Base of the one table."""


db = SQLAlchemy(model_class=Base)


class Line(Base):
    """What a POST leaves behind."""

    __tablename__ = "line"

    id: Mapped[int] = mapped_column(primary_key=True)
    note: Mapped[str] = mapped_column(String(1000))
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


@event.listens_for(Engine, "connect")
def _as_durable_as_the_product(connection: Any, _record: Any) -> None:
    if isinstance(connection, sqlite3.Connection):
        for setting in ("busy_timeout = 20000", "journal_mode = WAL", "synchronous = FULL"):
            connection.execute(f"PRAGMA {setting}")


pages = Blueprint("pages", __name__)


def create_app() -> Flask:
    """The application, on the database of DATABASE_URL."""
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["DATABASE_URL"]
    db.init_app(app)
    app.register_blueprint(pages)
    return app


@pages.post("/lines")
def insert() -> tuple[str, int]:
    """One row, committed."""
    db.session.add(Line(note=request.form.get("note", ""), at=datetime.now(UTC)))
    db.session.commit()
    return "", 204


@pages.get("/lines")
def listing() -> str:
    """The newest rows as a table without anything to it."""
    newest = select(Line).order_by(Line.id.desc()).limit(request.args.get("n", 1, type=int))
    return render_template_string(LIST, rows=db.session.scalars(newest).all())
