"""What can break. Each fault breaks something of the running system, and puts it back at its end.

To add one: write a line in FAULTS (and its function), and name it in a storm of `storms.py`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from sqlalchemy import text

from devtools.chaos.rig import Rig
from devtools.supervisor import SupervisorError

Draw = random.Random
Undo = Callable[[], None]


@dataclass(frozen=True)
class Fault:
    """One way to break the system.

    `start` breaks it, and returns how it is put back, if it has to be. `seconds`: for how long it lasts,
    from and to; 0 for what is over at once. `database`: on which it exists; "" on both.
    """

    kind: str
    start: Callable[[Rig, Draw], Undo | None]
    seconds: tuple[float, float] = (0, 0)
    database: str = ""


# -- processes -----------------------------------------------------------------------------------------


def _kill(role: str) -> Callable[[Rig, Draw], None]:
    def start(rig: Rig, draw: Draw) -> None:
        rig.kill(draw.choice(rig.of(role)))

    return start


def _kill_one(name: str) -> Callable[[Rig, Draw], None]:
    def start(rig: Rig, draw: Draw) -> None:
        rig.kill(name)

    return start


def _kill_child(role: str) -> Callable[[Rig, Draw], None]:
    """-9 to one of the processes that a process has forked; it forks another."""

    def start(rig: Rig, draw: Draw) -> None:
        children = rig.children(draw.choice(rig.of(role)))
        if children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(draw.choice(children), signal.SIGKILL)

    return start


def _kill_sending(control: str) -> Callable[[Rig, Draw], Undo]:
    """-9 to every SMS worker between claim and answer: the gateway holds what they send just then.

    `control`: "hang_next", and the gateway has taken the messages, or "drop_next", and it has not.
    """

    def start(rig: Rig, draw: Draw) -> Undo:
        rig.control(**{control: 40, "hang_s": 5})
        deadline = time.monotonic() + 5
        with rig.engine().connect() as connection:
            claimed = text("SELECT count(*) FROM message WHERE state = 'sending'")
            while not connection.scalar(claimed) and time.monotonic() < deadline:
                connection.rollback()
                time.sleep(0.05)
        time.sleep(draw.uniform(0, 0.3))
        rig.kill(*rig.of("sms"))
        return lambda: rig.control(**{control: 0, "hang_s": None})

    return start


def _down(name: str) -> Callable[[Rig, Draw], Undo]:
    """-9 to a process that stays down for the time of the fault."""

    def start(rig: Rig, draw: Draw) -> Undo:
        rig.system.set_restart(name, False)
        rig.kill(name)
        return lambda: rig.system.set_restart(name, True)

    return start


def _frozen(name: str) -> Callable[[Rig, Draw], Undo | None]:
    """A process that is there, takes connections, and answers nothing."""

    def start(rig: Rig, draw: Draw) -> Undo | None:
        try:
            pid = rig.system.pid(name)
        except SupervisorError:
            return None  # it is down by another fault
        os.kill(pid, signal.SIGSTOP)

        def thaw() -> None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

        return thaw

    return start


def _restart(name: str) -> Callable[[Rig, Draw], None]:
    def start(rig: Rig, draw: Draw) -> None:
        rig.system.restart(name)

    return start


def _kill_everything(rig: Rig, draw: Draw) -> None:
    """-9 to all of the product at once, as when the machine is switched off."""
    rig.kill(*rig.product)


# -- broker --------------------------------------------------------------------------------------------


def _empty_valkey(rig: Rig, draw: Draw) -> None:
    client = redis.Redis(unix_socket_path=str(rig.system.socket_path), socket_timeout=2.0)
    with contextlib.closing(client), contextlib.suppress(redis.RedisError):  # it is down by another fault
        client.flushall()


# -- database ------------------------------------------------------------------------------------------


def _lock(rig: Rig, draw: Draw) -> Undo:
    """Somebody else holds what every write needs."""
    engine = rig.engine()
    connection = engine.connect()
    if rig.database == "sqlite":
        connection = connection.execution_options(dispatcher_writing=True)  # begins with the write lock
        connection.execute(text("SELECT 1"))
    else:
        connection.execute(text("LOCK TABLE task, message IN ACCESS EXCLUSIVE MODE"))

    def release() -> None:
        connection.close()
        engine.dispose()

    return release


def _cut_connections(rig: Rig, draw: Draw) -> None:
    """The server ends every connection, and goes on."""
    with rig.engine().connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
        )


# -- gateway and callbacks -----------------------------------------------------------------------------


def _controls(**settings: Any) -> Callable[[Rig, Draw], Undo]:
    """Fault controls of the simulated gateway, taken back at the end."""

    def start(rig: Rig, draw: Draw) -> Undo:
        rig.control(**settings)
        return lambda: rig.control(**dict.fromkeys(settings))

    return start


# -- clock ---------------------------------------------------------------------------------------------


def _clock(seconds: float) -> Callable[[Rig, Draw], Undo]:
    """One process of the product, and what it forks, is off by so many seconds."""

    def start(rig: Rig, draw: Draw) -> Undo:
        name = draw.choice([name for name in rig.product if not name.startswith("beat")])
        rig.step_clock(name, seconds)
        return lambda: rig.step_clock(name, 0)

    return start


# -- disk ----------------------------------------------------------------------------------------------


def _fill_disk(rig: Rig, draw: Draw) -> Undo:
    """No byte is left on the database's file system."""
    assert rig.disk is not None, "this storm wants a system with a small disk"
    ballast: Path = rig.disk / "ballast"
    chunk = bytes(1 << 20)
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    file.write(chunk[:size])
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
    return lambda: ballast.unlink()


_ALL = (
    Fault("dispatch-killed", _kill("dispatch")),
    Fault("dispatch-child-killed", _kill_child("dispatch")),
    Fault("sms-killed", _kill("sms")),
    Fault("sms-killed-message-taken", _kill_sending("hang_next")),
    Fault("sms-killed-message-not-taken", _kill_sending("drop_next")),
    Fault("sms-frozen", _frozen("sms"), (3, 16)),
    Fault("beat-killed", _kill("beat")),
    Fault("everything-killed", _kill_everything),
    Fault("web-child-killed", _kill_child("web")),
    Fault("web-killed", _kill("web")),
    Fault("web-restarted", _restart("web")),
    Fault("web-frozen", _frozen("web"), (2, 5)),
    Fault("valkey-killed", _kill_one("valkey")),
    Fault("valkey-down", _down("valkey"), (3, 10)),
    Fault("valkey-frozen", _frozen("valkey"), (2, 8)),
    Fault("valkey-emptied", _empty_valkey),
    Fault("database-locked", _lock, (2, 12)),
    Fault("database-restarted", _restart("postgres"), database="postgresql"),
    Fault("database-killed", _kill_one("postgres"), database="postgresql"),
    Fault("database-connections-cut", _cut_connections, database="postgresql"),
    Fault("gateway-slow", _controls(api_latency_s=2, jitter_s=5), (4, 10)),
    Fault("gateway-429", _controls(rate_limit_per_s=5), (4, 10)),
    Fault("gateway-500", _controls(fail_rate=0.7), (4, 10)),
    Fault("gateway-drops", _controls(drop_next=60, hang_s=2), (4, 8)),
    Fault("gateway-hangs-after-accepting", _controls(hang_next=60, hang_s=9), (4, 10)),
    Fault("gateway-down", _down("phones"), (3, 8)),
    Fault("callbacks-doubled", _controls(repeat_callbacks=3), (5, 10)),
    Fault("callbacks-reordered", _controls(reorder_callbacks=True), (5, 10)),
    Fault("callbacks-late", _controls(callback_delay_s=4), (5, 10)),
    Fault("callbacks-lost", _controls(callbacks_off=True), (4, 8)),
    Fault("replies-doubled", _controls(inbound_repeat=3), (5, 10)),
    Fault("clock-back-30-s", _clock(-30), (5, 10)),
    Fault("clock-ahead-30-s", _clock(30), (5, 10)),
    Fault("clock-ahead-10-min", _clock(600), (3, 8)),
    Fault("disk-full", _fill_disk, (4, 10)),
)
FAULTS = {fault.kind: fault for fault in _ALL}
"""Every fault by its name."""

LARGEST_STEP_S = 600
"""No clock is put off by more, in seconds."""
