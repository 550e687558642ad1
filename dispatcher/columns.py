"""Moments and documents as the database keeps them, read so that no row can hold up the others.

PostgreSQL refuses a moment that is none, and half a document. SQLite keeps whatever a tool for databases has
put there, or a disk has left of it: such a value is read as one that everybody sees to be wrong, and logged,
for one unreadable row would cost every page and every job that reads its table.
"""

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from dispatcher.logs import Seldom

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""What a moment that can't be read is read as: what was to be done then is overdue, and shown as that."""

log = logging.getLogger(__name__)

_SHOWN = {"a moment": f"{LONG_AGO:%Y-%m-%d}", "a document": "empty"}
_seldom = Seldom()


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, always timezone-aware and in UTC, on databases with and without time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else _in_utc(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        if dialect.name == "sqlite":
            return _moment
        return super().result_processor(dialect, coltype)


class Unreadable(dict[str, Any]):
    """The empty document that one is read as which can't be read."""


def document(text: str) -> Any:
    """A JSON document as SQLite keeps it, for `json_deserializer`; see :class:`Unreadable`."""
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError):
        _tell("a document")
        return Unreadable()


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return _in_utc(datetime.fromisoformat(text))
    except (ValueError, TypeError, OverflowError):
        _tell("a moment")
        return LONG_AGO


def _in_utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _tell(what: str) -> None:
    # Where it stands isn't known to whoever reads a value.
    if _seldom.may_tell(what):
        log.error(
            "The database holds %s that can't be read: shown as %s. `flask check-rows` finds it",
            what, _SHOWN[what],
        )  # fmt: skip
