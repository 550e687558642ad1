"""Where tests keep their databases: SQLite files, or a PostgreSQL server."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from devtools.postgres import create_database, drop_database, serving
from dispatcher.database import Base

# Nobody pulls the plug: the server needn't wait for its disk. And it doesn't tidy up in the middle of a test.
HASTY = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off"}
_COUNT_FROM_ONE = "SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'"


def on(database: str) -> pytest.MarkDecorator:
    """A mark for tests that run on this database only: of what only it does, or of pages, which can't tell
    which is behind them."""
    return pytest.mark.parametrize("database", [database], indirect=True, scope="session")


class Home(Protocol):
    """One way to keep databases."""

    name: str

    def create(self, template: str = "") -> str:
        """Make an empty database, or a copy of the one at the URL `template`; its URL."""

    def renew(self, url: str, template: str) -> None:
        """Make the database at `url` a copy of the one at `template` once more. Nobody is connected to it."""

    def empty(self, url: str, template: str) -> None:
        """The same for a copy of which only rows have changed, and a `template` that has no rows."""

    def drop(self, url: str) -> None:
        """Remove a database that nobody needs any more."""


class SqliteHome:
    """Files of one folder."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def create(self, template: str = "") -> str:
        path = self._folder / f"{uuid4().hex}.db"
        if template:
            shutil.copyfile(self._path(template), path)
        return f"sqlite:///{path}"

    def renew(self, url: str, template: str) -> None:
        self.drop(url)
        shutil.copyfile(self._path(template), self._path(url))

    def empty(self, url: str, template: str) -> None:
        self.renew(url, template)

    def drop(self, url: str) -> None:
        for path in self._folder.glob(self._path(url).name + "*"):  # and its -wal and -shm
            path.unlink(missing_ok=True)

    @staticmethod
    def _path(url: str) -> Path:
        return Path(url.removeprefix("sqlite:///"))


class PostgresHome:
    """Databases of one server."""

    name = "postgresql"

    def __init__(self, admin_url: str) -> None:
        self._admin_url = admin_url
        self._made: set[str] = set()

    def create(self, template: str = "") -> str:
        source = self._database(template) if template else "template0"
        url = create_database(self._admin_url, f"test_{uuid4().hex[:16]}", source)
        self._made.add(url)
        return url

    def renew(self, url: str, template: str) -> None:
        drop_database(self._admin_url, self._database(url))
        create_database(self._admin_url, self._database(url), self._database(template))

    def empty(self, url: str, template: str) -> None:
        # A database is some three hundred files: to copy them takes fifty times as long.
        with psycopg.connect(url) as connection:
            # Rather fail than wait for ever, should the test before have left a transaction open.
            connection.execute("SET LOCAL lock_timeout = '10s'")
            for table in reversed(Base.metadata.sorted_tables):
                connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table.name)))
            connection.execute(_COUNT_FROM_ONE)

    def drop(self, url: str) -> None:
        drop_database(self._admin_url, self._database(url))
        self._made.discard(url)

    def drop_all(self) -> None:
        """Remove what was made here and is still there."""
        for url in list(self._made):
            self.drop(url)

    @staticmethod
    def _database(url: str) -> str:
        return url.partition("?")[0].rpartition("/")[2]


@contextmanager
def opened(name: str, folder: Path, server: str = "") -> Iterator[Home]:
    """The home called `name`; `server`: the URL of a PostgreSQL server to use instead of our own."""
    if name == "sqlite":
        yield SqliteHome(folder)
    elif server:
        home = PostgresHome(server)
        try:
            yield home
        finally:
            home.drop_all()
    else:
        # Not in pytest's own folder: each run of pytest shuts that to other users, as whom the server
        # runs where we are root.
        with TemporaryDirectory(prefix="dispatcher-test-") as own, serving(Path(own), HASTY) as admin_url:
            yield PostgresHome(admin_url)
