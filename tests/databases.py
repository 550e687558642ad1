"""Where tests keep their databases: SQLite files, or a PostgreSQL server."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol
from uuid import uuid4

from devtools.postgres import create_database, drop_database, serving


class Home(Protocol):
    """One way to keep databases."""

    name: str

    def create(self, template: str = "") -> str:
        """Make an empty database, or a copy of the one at the URL `template`; its URL."""

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

    def drop(self, url: str) -> None:
        for path in self._folder.glob(self._path(url).name + "*"):  # and its -wal and -shm
            path.unlink()

    @staticmethod
    def _path(url: str) -> Path:
        return Path(url.removeprefix("sqlite:///"))


class PostgresHome:
    """Databases of one server."""

    name = "postgresql"

    def __init__(self, admin_url: str) -> None:
        self._admin_url = admin_url

    def create(self, template: str = "") -> str:
        source = self._database(template) if template else "template0"
        return create_database(self._admin_url, f"test_{uuid4().hex[:16]}", source)

    def drop(self, url: str) -> None:
        drop_database(self._admin_url, self._database(url))

    @staticmethod
    def _database(url: str) -> str:
        return url.partition("?")[0].rpartition("/")[2]


@contextmanager
def opened(name: str, folder: Path, server: str = "") -> Iterator[Home]:
    """The home called `name`; `server`: the URL of a PostgreSQL server to use instead of our own."""
    if name == "sqlite":
        yield SqliteHome(folder)
    elif server:
        yield PostgresHome(server)
    else:
        # Not in pytest's own folder: each run of pytest shuts that to other users, as whom the server
        # runs where we are root.
        with TemporaryDirectory(prefix="dispatcher-test-") as own, serving(Path(own)) as admin_url:
            yield PostgresHome(admin_url)
