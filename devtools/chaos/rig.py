"""The running system that a storm breaks, and the handles by which it is broken and looked at."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import requests
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import NullPool

from devtools.chaos import skewed
from devtools.chaos.roster import People
from devtools.local import free_port
from devtools.supervisor import SupervisorError
from devtools.system import ROOT, System, SystemFailed, copies_of

SMALL_DISK_MB = {"sqlite": 256, "postgresql": 900}

SETTINGS = """
live_cap = 1000
daily_cap = 1000
recheck_s = 5
check_s = 15
[urgent]
target = 0.6
target_late = 0.9
look_ahead_s = 15
pause_s = 12
wave_max = 3
expiry_s = 20
rings_s = [0, 4, 8]
coordinator_s = 25
progress_s = 20
[soon]
target = 0.3
target_late = 0.5
look_ahead_s = 15
pause_s = 15
wave_max = 1
patience_s = 5
expiry_s = 20
rings_s = [0, 8, 16]
coordinator_s = 30
progress_s = 20
[routine]
target = 0.2
target_late = 0.4
look_ahead_s = 15
pause_s = 15
wave_max = 1
patience_s = 5
expiry_s = 20
rings_s = [0, 8, 16]
coordinator_s = 30
progress_s = 20
"""
"""Shorter than life, so that a storm of a minute sees offers expire and coordinators told."""


@dataclass
class Rig:
    """One running system with its people.

    `copies`: so many workers of each kind, and clocks, run at once. `disk`: the small file system of its
    database, if it has one.
    """

    system: System
    database: str
    people: People
    copies: int
    disk: Path | None = None

    def of(self, role: str) -> list[str]:
        """The names of the processes of one kind: "web", "dispatch", "sms" or "beat"."""
        return copies_of(role, 1 if role == "web" else self.copies)

    @property
    def product(self) -> list[str]:
        """The names of all processes of the product."""
        return [name for role in ("web", "dispatch", "sms", "beat") for name in self.of(role)]

    def engine(self) -> Engine:
        """The database, from the outside: connections of our own, none kept."""
        return create_engine(self.system.env["DATABASE_URL"], poolclass=NullPool)

    def control(self, **settings: Any) -> None:
        """Set fault controls of the simulated gateway; None takes one back."""
        answer = requests.post(f"{self.system.phones_url}/api/control", json=settings, timeout=10)
        answer.raise_for_status()

    def kill(self, *names: str) -> None:
        """Kill processes with -9, as far as they run; they are started again as after a crash."""
        for name in names:
            try:
                self.system.kill(name)
            except (SupervisorError, ProcessLookupError):
                continue  # it is down already, by this fault or another

    def children(self, name: str) -> list[int]:
        """The ids of the processes that the one called `name` has forked."""
        try:
            return [child.pid for child in psutil.Process(self.system.pid(name)).children(recursive=True)]
        except (SupervisorError, psutil.NoSuchProcess):
            return []

    def step_clock(self, name: str, seconds: float) -> None:
        """Put the clock of one process off by so many seconds from the right time."""
        skewed.step(self.system.data_dir, name, seconds)


@contextmanager
def running(database: str, copies: int = 2, small_disk: bool = False) -> Iterator[Rig]:
    """A system of its own in a folder of its own, with its people; gone at the end.

    `database`: "sqlite" or "postgresql". `small_disk`: the database is on a file system of its own that a
    few megabytes fill. Raises SystemFailed.
    """
    data_dir = Path(tempfile.mkdtemp(prefix="chaos-"))
    disk = data_dir / ("postgres" if database == "postgresql" else "disk") if small_disk else None
    try:
        with mounted(disk, SMALL_DISK_MB[database]):
            settings = data_dir / "dispatch.toml"
            settings.write_text(SETTINGS)
            env = {
                "QUIET_HOURS": "off", "DISPATCH_SETTINGS": str(settings), "LOGIN_RATE": "1000 per minute",
                "UNDO_S": "1",
            }  # fmt: skip
            if disk is not None and database == "sqlite":
                env["DATABASE_URL"] = f"sqlite:///{disk / 'dispatcher.db'}"
            system = System(
                data_dir, free_port(), free_port(), env, postgres=database == "postgresql",
                copies=copies, launcher="devtools.chaos.skewed",
            )  # fmt: skip
            system.prepare()
            system.start()
            try:
                system.wait_ready(90)
                yield Rig(system, database, _people(system), copies, disk)
            finally:
                system.supervisor.hurry()  # all of it is thrown away: nothing need end in order
                system.stop()
    finally:
        shutil.rmtree(data_dir, ignore_errors=True)


def _people(system: System) -> People:
    command = [sys.executable, "-m", "devtools.chaos.roster"]
    done = subprocess.run(command, cwd=ROOT, env=system.env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemFailed(f"the people could not be loaded:\n{done.stderr}")
    return People.from_json(done.stdout)


def cannot_mount() -> str:
    """Why no small file system can be made here; empty when one can."""
    if sys.platform != "linux":
        return "a small file system is made on Linux only"
    if os.geteuid() != 0:
        return "only root may mount a small file system"
    with tempfile.TemporaryDirectory() as place:
        try:
            with mounted(Path(place), 1):
                return ""
        except subprocess.CalledProcessError as error:
            return f"mount: {error.stderr.strip()}"


@contextmanager
def mounted(place: Path | None, megabytes: int) -> Iterator[None]:
    """A file system in memory of that size at `place`, if one is wanted."""
    if place is None:
        yield
        return
    place.mkdir(parents=True, exist_ok=True)
    options = f"size={megabytes}m,mode=0700"
    command = ["mount", "-t", "tmpfs", "-o", options, "chaos", str(place)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    try:
        yield
    finally:
        # Lazily: a process that was killed may take a moment longer to let go of its files.
        subprocess.run(["umount", "--lazy", str(place)], check=True, capture_output=True)
