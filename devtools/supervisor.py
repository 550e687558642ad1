"""A small process supervisor for running the whole system on one machine, in a demo and in tests.

Why not honcho or a similar Procfile runner: they end everything when one child ends, where this
system has to show that it survives the loss of any part; they do not tie children to their own life,
so a `kill -9` leaves servers holding the ports; and tests need to kill, stop and start one part.

How it works: one thread, the keeper, forks every child and watches it; all other threads ask it
through a queue. One thread only, because the kernel ends a tied child when the thread that forked it
ends (see `tied.py`), and because state touched by one thread needs no locks. Each child leads its
own session and process group. What is left of the group is killed when its leader has ended.
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, TextIO

from devtools import tied
from devtools.output import BoundedLog, Console, Output

TICK = 0.05  # seconds between two looks at the children
BACKOFF_FIRST = 0.5  # seconds before the first restart; doubles with each early death
BACKOFF_MOST = 15.0
LIVED_WELL = 10.0  # seconds after which a death counts as the first again
_LONGEST_LINE = 65536  # bytes; longer ones are cut in pieces
_TIED = (sys.executable, "-I", "-S", tied.__file__)
_OWN_NAME = "system"


class SupervisorError(RuntimeError):
    """Something that the supervisor was asked for cannot be done; the message says what."""


@dataclass(frozen=True)
class ProcessSpec:
    """One process to run.

    `env` and `cwd` default to the supervisor's own. `ready` is asked repeatedly after the first
    start, for `ready_timeout` seconds at most, before the next process is started. `grace` is the
    number of seconds between `stop_signal` and SIGKILL. `echo` lets its output reach the console.
    `user` is who it runs as, for a program that refuses to be root.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    ready: Callable[[], bool] | None = None
    ready_timeout: float = 10.0
    grace: float = 5.0
    restart: bool = True
    echo: bool = True
    user: str | None = None
    stop_signal: int = signal.SIGTERM


class _Child:
    """The keeper's record of one process. Other threads only read `popen` and `restarts`."""

    def __init__(self, spec: ProcessSpec, output: Output) -> None:
        self.spec = spec
        self.output = output
        self.popen: subprocess.Popen[bytes] | None = None
        self.reader: threading.Thread | None = None
        self.restart = spec.restart
        self.restarts = 0
        self.started_at = 0.0
        self.early_deaths = 0
        self.start_again_at: float | None = None


class Supervisor:
    """Starts processes in the order given, restarts them when they die, stops them in reverse order.

    `console` gets each line with the process's name before it; None keeps quiet. `log_dir` gets one
    `<name>.log` per process and the supervisor's own `system.log`. Methods raise SupervisorError.
    """

    def __init__(self, specs: Sequence[ProcessSpec], log_dir: Path, console: TextIO | None = None) -> None:
        log_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        width = max((len(spec.name) for spec in specs), default=0)
        shown = Console(console, max(width, len(_OWN_NAME))) if console is not None else None
        self._own = Output(_OWN_NAME, BoundedLog(log_dir / f"{_OWN_NAME}.log"), shown)
        self._children: dict[str, _Child] = {}
        for spec in specs:
            log = BoundedLog(log_dir / f"{spec.name}.log")
            self._children[spec.name] = _Child(spec, Output(spec.name, log, shown if spec.echo else None))
        self._requests: queue.SimpleQueue[tuple[Callable[[], None], Future[None]]] = queue.SimpleQueue()
        self._keeper: threading.Thread | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._hurry = threading.Event()
        self.failure: BaseException | None = None

    # -- what callers use --------------------------------------------------------------------------

    def start(self) -> None:
        """Start every process, waiting for those that say when they are ready.

        Raises SupervisorError when one is not ready in time; what was started is stopped then.
        """
        if self._keeper is not None:
            raise SupervisorError("the supervisor has been started already")
        self._keeper = threading.Thread(target=self._keep, name="supervisor", daemon=True)
        self._keeper.start()
        try:
            self._ask(self._start_all)
        except BaseException:  # Ctrl-C too: nobody else knows yet what has been started
            self.stop()
            raise

    def stop(self) -> None:
        """Stop every process in reverse order, and close the logs. A second time does no harm."""
        self._stopping.set()
        if self._keeper is not None:
            self._keeper.join()
        else:
            self._stop_all()  # nothing runs

    def hurry(self) -> None:
        """Cut short the grace of a stop: what still runs is killed. Safe in a signal handler."""
        self._hurry.set()

    def mute(self) -> None:
        """Print no more of the processes' output to the console; it still goes to their logs."""
        for child in self._children.values():
            child.output.mute()

    def kill(self, name: str, number: int = signal.SIGKILL, *, group: bool = False) -> None:
        """Send a signal to the process itself, or to its whole group; a death counts as unexpected."""
        pid = self.pid(name)
        if group:
            os.killpg(pid, number)
        else:
            os.kill(pid, number)

    def set_restart(self, name: str, restart: bool) -> None:
        """Say whether the process is restarted when it dies. Turned on, it is started if it is down."""
        child = self._child(name)

        def change() -> None:
            child.restart = restart
            if restart and not self._running(child):
                self._spawn(child)
            elif not restart:
                child.start_again_at = None

        self._ask(change)

    def stop_one(self, name: str) -> None:
        """Stop one process and leave it down until start_one()."""
        child = self._child(name)
        self._ask(lambda: self._end(child))

    def start_one(self, name: str) -> None:
        """Start one process that is down; does nothing if it runs."""
        child = self._child(name)
        self._ask(lambda: None if self._running(child) else self._spawn(child))

    def restart(self, name: str) -> None:
        """Stop one process in order and start it again."""
        self.stop_one(name)
        self.start_one(name)

    def pid(self, name: str) -> int:
        """Return the process's id. Raises SupervisorError when it is not running."""
        popen = self._child(name).popen
        if popen is None or popen.poll() is not None:
            raise SupervisorError(f"{name} is not running")
        return popen.pid

    def alive(self, name: str) -> bool:
        """Tell whether the process runs now."""
        return self._running(self._child(name))

    def restarts(self, name: str) -> int:
        """Return how often the process has been restarted after an unexpected death."""
        return self._child(name).restarts

    def tail(self, name: str) -> list[str]:
        """Return the last few lines that the process printed."""
        return self._child(name).output.tail()

    @property
    def names(self) -> list[str]:
        """The names of the processes in the order of their start."""
        return list(self._children)

    # -- the keeper's thread -----------------------------------------------------------------------

    def _child(self, name: str) -> _Child:
        try:
            return self._children[name]
        except KeyError:
            raise SupervisorError(f"no process is called {name}") from None

    def _ask(self, request: Callable[[], None]) -> None:
        """Have the keeper carry out a request, and wait for it; its exception is raised here."""
        if self._keeper is None or not self._keeper.is_alive():
            raise SupervisorError("the supervisor is not running") from self.failure
        answer: Future[None] = Future()
        self._requests.put((request, answer))
        while not wait([answer], timeout=0.5).done:
            if not self._keeper.is_alive() and not answer.done():
                raise SupervisorError("the supervisor has stopped") from self.failure
        answer.result()

    def _keep(self) -> None:
        """Carry out requests and restart what died, until everything was asked to stop."""
        try:
            while not self._stopping.is_set():
                try:
                    request, answer = self._requests.get(timeout=TICK)
                except queue.Empty:
                    self._look_after_children()
                    continue
                try:
                    request()
                except Exception as error:  # it belongs to the thread that asked, which raises it
                    answer.set_exception(error)
                else:
                    answer.set_result(None)
        except Exception as error:
            self.failure = error
            self._note("the supervisor has failed; everything ends\n" + traceback.format_exc())
            self._hurry.set()
        self._stop_all()

    def _start_all(self) -> None:
        self._start_guard()
        for child in self._children.values():
            if self._stopping.is_set():
                return
            self._spawn(child)
            self._wait_until_ready(child)

    def _wait_until_ready(self, child: _Child) -> None:
        ready, deadline = child.spec.ready, time.monotonic() + child.spec.ready_timeout
        while ready is not None and not ready():
            if self._stopping.is_set():
                return
            if not self._running(child):
                raise SupervisorError("\n".join([f"{child.spec.name} ended at once:", *child.output.tail()]))
            if time.monotonic() > deadline:
                raise SupervisorError(f"{child.spec.name} was not ready in {child.spec.ready_timeout:g} s")
            time.sleep(TICK)

    def _start_guard(self) -> None:
        """Start the guard that kills the groups on its list when this process is gone."""
        self._guard = subprocess.Popen(
            [*_TIED, "guard"], stdin=subprocess.PIPE, bufsize=0, start_new_session=True
        )
        for child in self._children.values():
            if child.popen is not None:
                self._tell_guard("+", child.popen.pid)

    def _tell_guard(self, sign: str, group: int) -> None:
        assert self._guard is not None
        assert self._guard.stdin is not None
        try:
            self._guard.stdin.write(f"{sign}{group}\n".encode())
        except BrokenPipeError:
            self._note("the guard has gone; a new one is started")

    def _spawn(self, child: _Child) -> None:
        spec = child.spec
        if child.popen is not None:
            self._clear(child)  # it has died since it was last looked at
        child.start_again_at = None
        child.started_at = time.monotonic()
        child.popen = subprocess.Popen(
            [*_TIED, "exec", str(os.getpid()), *filter(None, [spec.user]), "--", *spec.argv],
            env=spec.env,
            cwd=spec.cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=0o077,  # what they write is nobody else's business
        )
        self._tell_guard("+", child.popen.pid)
        assert child.popen.stdout is not None
        child.reader = threading.Thread(
            target=_read_lines, args=(child.popen.stdout, child.output), name=f"read-{spec.name}", daemon=True
        )
        child.reader.start()

    def _look_after_children(self) -> None:
        if self._guard is not None and self._guard.poll() is not None:
            self._start_guard()
        now = time.monotonic()
        for child in self._children.values():
            if child.popen is not None and child.popen.poll() is not None:
                self._died(child, child.popen.returncode, now)
            elif child.start_again_at is not None and now >= child.start_again_at:
                child.restarts += 1
                self._spawn(child)

    def _died(self, child: _Child, code: int, now: float) -> None:
        """Clean up after an unexpected death, and plan the restart."""
        lived = now - child.started_at
        self._clear(child)
        child.early_deaths = 1 if lived >= LIVED_WELL else child.early_deaths + 1
        message = f"{child.spec.name} {_how(code)} after {lived:.1f} s"
        if child.restart and not self._stopping.is_set():
            delay = min(BACKOFF_FIRST * 2 ** (child.early_deaths - 1), BACKOFF_MOST)
            child.start_again_at = now + delay
            message += f"; starts again in {delay:g} s"
        self._note(message)
        if not child.spec.echo:
            for line in child.output.tail():
                self._note(f"  {child.spec.name}: {line}")

    def _stop_all(self) -> None:
        for child in reversed(self._children.values()):
            self._end(child)
            child.output.close()
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.close()
            self._guard.wait()
        self._own.close()

    def _end(self, child: _Child) -> None:
        """Ask the leader to end, which ends its own children in order; SIGKILL to what is left."""
        child.start_again_at = None
        if child.popen is None:
            return
        deadline = time.monotonic() + child.spec.grace
        child.popen.send_signal(child.spec.stop_signal)
        while child.popen.poll() is None:
            if self._hurry.is_set() or time.monotonic() > deadline:
                if not self._hurry.is_set():
                    self._note(f"{child.spec.name} did not end in {child.spec.grace:g} s; it is killed")
                child.popen.kill()
                child.popen.wait()
            time.sleep(0.01)
        self._clear(child)
        child.early_deaths = 0

    def _clear(self, child: _Child) -> None:
        """After the leader has ended: kill the rest of its group, and read what it still printed."""
        assert child.popen is not None
        assert child.reader is not None
        try:
            os.killpg(child.popen.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # the usual case: nothing is left
        self._tell_guard("-", child.popen.pid)
        # A grandchild in a session of its own may still hold the pipe: it is not waited for.
        child.reader.join(timeout=1.0)
        child.popen = None

    @staticmethod
    def _running(child: _Child) -> bool:
        popen = child.popen
        return popen is not None and popen.poll() is None

    def _note(self, message: str) -> None:
        """Say something in the supervisor's own name."""
        for line in message.rstrip().split("\n"):
            self._own.line(f"{datetime.now():%H:%M:%S} {line}")


def _how(code: int) -> str:
    """Say how a process ended: subprocess gives the number of a signal as a negative exit code."""
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _read_lines(pipe: IO[bytes], output: Output) -> None:
    """Pass on a child's output line by line until it is closed."""
    with pipe:
        while line := pipe.readline(_LONGEST_LINE):
            output.line(line.decode("utf-8", "replace").rstrip("\r\n"))
