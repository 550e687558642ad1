"""Days, hours and lengths of time in statements, alike on both databases, in the office's own time."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, case, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

_EPOCH = date(1970, 1, 1)
DAY_S, HOUR_S = 86400, 3600


class epoch(FunctionElement[int]):
    """Whole seconds since 1970 of a moment in a statement."""

    type = BigInteger()
    inherit_cache = True


@compiles(epoch, "sqlite")
def _sqlite(element: Any, compiler: Any, **options: Any) -> str:
    # Without the fraction, which would round up to the next second, and with that to the next day.
    return f"CAST(strftime('%s', substr({compiler.process(element.clauses, **options)}, 1, 19)) AS INTEGER)"


@compiles(epoch, "postgresql")
def _postgresql(element: Any, compiler: Any, **options: Any) -> str:
    return f"CAST(floor(extract(epoch FROM {compiler.process(element.clauses, **options)})) AS BIGINT)"


def local_seconds(moment: Any, offsets: Sequence[tuple[datetime, int]]) -> ColumnElement[int]:
    """Seconds since 1970 on the local clock; `offsets` as :func:`dispatcher.rules.period.offsets` gives."""
    *changes, (_, last) = offsets
    ahead: ColumnElement[int] = literal(last, BigInteger)
    if changes:
        ahead = case(*((moment < until, literal(s, BigInteger)) for until, s in changes), else_=last)
    return epoch(moment) + ahead


def day_number(moment: Any, offsets: Sequence[tuple[datetime, int]]) -> ColumnElement[int]:
    """The local day, counted from 1970."""
    return local_seconds(moment, offsets) // literal(DAY_S, BigInteger)


def hour_of_day(moment: Any, offsets: Sequence[tuple[datetime, int]]) -> ColumnElement[int]:
    """The local hour, 0 to 23."""
    hours = local_seconds(moment, offsets) // literal(HOUR_S, BigInteger)
    return hours % literal(24, BigInteger)


def as_date(day: int) -> date:
    """The date of a day's number."""
    return _EPOCH + timedelta(days=day)
