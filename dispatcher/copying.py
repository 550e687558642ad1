"""Move an installation from SQLite to PostgreSQL: every row, compared value for value, or nothing.

The source is read as one snapshot. The target gets its tables and all rows in one transaction, so a
copy that is broken off leaves it as it was. Then everything is read back through a fresh connection
and compared; a copy that differs is emptied again. Rows are streamed on both sides: the size of the
database costs time, not memory.

No message of this module holds a value: tables, columns and keys say where to look.
"""

import json
import sqlite3
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import Any

import psycopg
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import sql
from sqlalchemy import (
    JSON,
    Column,
    Engine,
    Float,
    Integer,
    NullPool,
    Row,
    String,
    Table,
    create_engine,
    exists,
    func,
    inspect,
    make_url,
    select,
    table,
)
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import ArgumentError, DBAPIError

from dispatcher.columns import LONG_AGO, Unreadable, UtcDateTime, document
from dispatcher.database import Base

CONNECT_S = 10
"""How long the server may take to answer, in seconds."""

_BATCH = 1000
_MOST_INT, _LEAST_INT = 2**31 - 1, -(2**31)

Report = Callable[[str], None]
"""Takes a line about how far it is."""


class NotCopied(Exception):
    """Nothing was copied; the target is as it was. The message says why, for whoever runs it."""


class Different(Exception):
    """What was read back isn't what was copied. The target has been emptied, unless it says otherwise."""


def tables() -> list[Table]:
    """Every table, those that are pointed at before those that point at them."""
    return list(Base.metadata.sorted_tables)


def copy(source: URL, target: str, migrations: Config, report: Report) -> int:
    """Copy all rows of the SQLite file `source` to the empty PostgreSQL database at `target`.

    The file must not be in use. `migrations`: Alembic's configuration; a target without tables gets
    the newest ones. How many rows were copied and compared.

    Raises:
        NotCopied: see there.
        Different: see there.
    """
    there = _target(target)
    here = _source(source)
    newest = str(ScriptDirectory.from_config(migrations).get_current_head())
    with here.connect() as read:
        version = _data_version(read)
        if _revision(read) != newest:
            raise NotCopied("The SQLite database is not up to date: run `flask db upgrade` first.")
        with _explained(there.url), there.begin() as write:
            _prepare(write, migrations, newest)
            for one in tables():
                report(f"{one.name}: {_copy_table(read, write, one)} copied")
            _set_sequences(write)
        try:
            compared = _compare_all(there, read, report)
            read.rollback()
            if _data_version(read) != version:
                raise Different("The SQLite database was written to meanwhile. Stop the system first.")
        except BaseException as error:
            _empty(there, error)
            raise
    return compared


# -- Before ----------------------------------------------------------------------------------------


def _target(text: str) -> Engine:
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise NotCopied("The address of the target is none: postgresql://user@host/database") from error
    if url.get_backend_name() != "postgresql":
        raise NotCopied("The target must be a PostgreSQL database: postgresql://user@host/database")
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        poolclass=NullPool,
        hide_parameters=True,
        # In UTC the driver can hold every moment that Python can.
        connect_args={"connect_timeout": CONNECT_S, "options": "-c timezone=UTC"},
    )


def _source(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite" or not url.database:
        raise NotCopied("DATABASE_URL must be the SQLite database to copy from.")
    if not Path(url.database).is_file():
        raise NotCopied(f"There is no file {url.database}.")
    _check_unused(url.database)
    # Never written through: the database itself would refuse.
    options = {"dispatcher_writing": False}
    return create_engine(
        url,
        poolclass=NullPool,
        hide_parameters=True,
        json_deserializer=document,
        execution_options=options,
    )


def _check_unused(path: str) -> None:
    """Refuse a file that any process has open: only the last one there can leave WAL mode.

    The next connection takes it up again.
    """
    with closing(sqlite3.connect(path, timeout=0.2)) as connection:
        try:
            connection.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.OperationalError as error:
            raise NotCopied(
                "The SQLite database is in use. Stop beat, the workers and the web server, and try again."
            ) from error
        except sqlite3.DatabaseError as error:
            raise NotCopied(f"The file {path} is no SQLite database.") from error


def _data_version(connection: Connection) -> int:
    """A number that another one's commit changes."""
    return int(connection.exec_driver_sql("PRAGMA data_version").scalar_one())


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _prepare(connection: Connection, migrations: Config, newest: str) -> None:
    """The newest tables in the target, all of them empty."""
    if connection.exec_driver_sql("SHOW server_encoding").scalar_one() != "UTF8":
        raise NotCopied("The target can't hold Chinese: make it with ENCODING 'UTF8'.")
    names = set(inspect(connection).get_table_names())
    full = sorted(
        name
        for name in names - {"alembic_version"}
        if connection.scalar(select(exists(select(1).select_from(table(name)))))
    )
    if full:
        raise NotCopied(f"The target is not empty: there are rows in {', '.join(full)}.")
    revision = _revision(connection)
    if revision == newest:
        return
    known = {script.revision for script in ScriptDirectory.from_config(migrations).walk_revisions()}
    if (revision is None and names & {one.name for one in tables()}) or (revision and revision not in known):
        raise NotCopied("The target has tables of another kind or version. Make a new database.")
    migrations.attributes["connection"] = connection
    command.upgrade(migrations, "head")


def spoilt(connection: Connection) -> Iterator[str]:
    """Every value that can't be read or isn't of its column's kind, by table, column and key; no values."""
    for one in tables():
        checks = [_check(column) for column in one.columns]
        for row in _rows(connection, one):
            for column, fits, value in zip(one.columns, checks, row, strict=True):
                if value is not None and not fits(value):
                    yield f"{one.name}.{column.name}: {_key(one, row)}"


# -- Copying ---------------------------------------------------------------------------------------


def _rows(connection: Connection, one: Table) -> Generator[Row[Any]]:
    """All rows in the order of their keys, a batch at a time in memory."""
    query = select(*one.columns).order_by(*one.primary_key.columns)
    with connection.execute(query, execution_options={"yield_per": _BATCH}) as result:
        yield from result


def _copy_table(read: Connection, write: Connection, one: Table) -> int:
    columns = list(one.columns)
    written = [column.type.dialect_impl(write.dialect).bind_processor(write.dialect) for column in columns]
    checks = [_check(column) for column in columns]
    driver: Any = write.connection.driver_connection
    into = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(one.name), sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)
    )
    count = 0
    try:
        with driver.cursor() as cursor, cursor.copy(into) as pipe:
            for row in _rows(read, one):
                for column, fits, value in zip(columns, checks, row, strict=True):
                    if value is not None and not fits(value):
                        raise NotCopied(
                            f"PostgreSQL can't hold {one.name}.{column.name} of the row {_key(one, row)}."
                        )
                pipe.write_row(
                    [make(v) if make is not None else v for make, v in zip(written, row, strict=True)]
                )
                count += 1
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        # Its own words would hold the values.
        raise NotCopied(f"PostgreSQL refuses a row of {one.name}: {type(error).__name__}.") from error
    return count


def _check(column: Column[Any]) -> Callable[[Any], bool]:
    """Whether a value can be read, is of its column's type, and PostgreSQL can hold it; SQLite minds none of
    that."""
    kind = column.type
    if isinstance(kind, UtcDateTime):
        return lambda v: v is not LONG_AGO
    if isinstance(kind, JSON):
        return _is_json
    if isinstance(kind, String):
        most = kind.length
        return lambda v: isinstance(v, str) and "\x00" not in v and (most is None or len(v) <= most)
    if isinstance(kind, Integer):
        return lambda v: isinstance(v, int) and _LEAST_INT <= v <= _MOST_INT
    python = float if isinstance(kind, Float) else kind.python_type
    return lambda v: isinstance(v, python)


def _is_json(value: Any) -> bool:
    if isinstance(value, Unreadable):
        return False
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True


def _set_sequences(connection: Connection) -> None:
    """The next row of every table gets the number after the greatest."""
    for one in tables():
        column = one.autoincrement_column
        if column is not None:
            name = connection.dialect.identifier_preparer.format_table(one)
            sequence = func.pg_get_serial_sequence(name, column.name)
            newest = select(func.coalesce(func.max(column), 0) + 1).scalar_subquery()
            connection.execute(select(func.setval(sequence, newest, False)))


# -- Afterwards ------------------------------------------------------------------------------------


def _compare_all(target: Engine, read: Connection, report: Report) -> int:
    count = 0
    with _explained(target.url), target.connect() as back:
        for one in tables():
            count += (same := _compare(read, back, one))
            report(f"{one.name}: {same} compared")
    return count


def _compare(read: Connection, back: Connection, one: Table) -> int:
    """How many rows there are, all the same on both sides.

    Raises:
        Different: a row is missing, too many, or has another value.
    """
    count = 0
    normal = [_normal(column) for column in one.columns]
    with closing(_rows(read, one)) as here, closing(_rows(back, one)) as there:
        for ours, theirs in zip_longest(here, there):
            if ours is None:
                raise Different(f"The copy has a row too many: {one.name} {_key(one, theirs)}.")
            if theirs is None:
                raise Different(f"The copy lacks a row: {one.name} {_key(one, ours)}.")
            wrong = [
                column
                for column, make, a, b in zip(one.columns, normal, ours, theirs, strict=True)
                if make(a) != make(b)
            ]
            if any(column.primary_key for column in wrong):
                raise Different(f"The copy lacks a row, or has another: {one.name} {_key(one, ours)}.")
            if wrong:
                names = ", ".join(column.name for column in wrong)
                raise Different(f"The copy differs: {one.name} {_key(one, ours)}: {names}.")
            count += 1
    return count


def _normal(column: Column[Any]) -> Callable[[Any], Any]:
    """A form of the column's values that is the same exactly when they are.

    Moments are in UTC and booleans are booleans by their types already.
    """
    if isinstance(column.type, JSON):
        return lambda value: json.dumps(value, sort_keys=True)
    if isinstance(column.type, Float):
        return repr
    return lambda value: value


def _key(one: Table, row: Sequence[Any]) -> str:
    """The primary key of a row: numbers and flags, nothing personal."""
    columns = list(one.columns)
    return ", ".join(f"{c.name}={row[columns.index(c)]}" for c in one.primary_key.columns)


def _empty(target: Engine, why: BaseException) -> None:
    """Take every row out of the target again."""
    try:
        with target.begin() as connection:
            quoted = connection.dialect.identifier_preparer.format_table
            names = ", ".join(quoted(one) for one in tables())
            connection.exec_driver_sql(f"TRUNCATE {names} RESTART IDENTITY")
    except DBAPIError as error:
        raise Different(
            f"{why} The target could not be emptied again and must not be used: drop that database."
        ) from error


@contextmanager
def _explained(url: URL) -> Iterator[None]:
    """What goes wrong with the server, in words and without values."""
    where = url.render_as_string(hide_password=True)
    try:
        yield
    except (DBAPIError, psycopg.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(cause, psycopg.errors.InsufficientPrivilege):
            raise NotCopied(f"No right to make or write the tables of {where}.") from error
        if isinstance(cause, psycopg.OperationalError):
            said = str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
            raise NotCopied(f"{where} can't be reached, or went away: {said}") from error
        raise NotCopied(f"The server refuses: {type(cause).__name__}.") from error
