"""Several storms, each in a process of its own: before one is over the system of the next one starts, and
while that is under load the first settles, which is waiting mostly, and is audited."""

from __future__ import annotations

import fcntl
import multiprocessing
import signal
import sys
import traceback
from collections import deque
from collections.abc import Generator, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext
from multiprocessing.synchronize import Event
from pathlib import Path

from devtools.chaos.report import Run
from devtools.chaos.run import Size, run
from devtools.chaos.storms import STORMS


def series(
    wanted: Sequence[tuple[str, str]], seed: int, size: Size, keep: Path
) -> Generator[Run, None, None]:
    """What came of each (storm, database), in this order; for `keep`, see :func:`run`.

    Left early, the runs that go on put back what they have broken, and take away what they have mounted.
    """
    context = multiprocessing.get_context("spawn")
    keep.mkdir(parents=True, exist_ok=True)
    turn = _Turn(keep / "turn.lock")
    under_way: deque[_UnderWay] = deque()
    try:
        for name, database in wanted:
            if under_way:
                under_way[-1].wait_until_nearly_over()
            if len(under_way) == 2:
                yield under_way[0].result()
                under_way.popleft()
            under_way.append(_UnderWay(context, turn, name, database, seed, size, keep))
        while under_way:
            yield under_way[0].result()
            under_way.popleft()
    finally:
        for one in under_way:
            one.end()
        for one in under_way:
            one.wait()


def end_politely(number: int, _: object) -> None:
    """For SIGTERM: leave by the way on which everything is put back. Asked for again, it isn't cut short."""
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


class _Turn:
    """Held by one process at a time; by none when that has died, however it did."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        self._file = self._path.open("w")
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self._file.close()


class _UnderWay:
    """A run in its process."""

    def __init__(
        self, context: SpawnContext, turn: _Turn, name: str, database: str, seed: int, size: Size, keep: Path
    ) -> None:
        self._name, self._database = name, database
        self._result, theirs = context.Pipe(duplex=False)
        self._nearly_over = context.Event()
        about = (theirs, turn, self._nearly_over, name, database, seed, size, keep)
        self._process = context.Process(target=_carry_out, args=about)
        self._process.start()
        theirs.close()

    def wait_until_nearly_over(self) -> None:
        """Or for its own."""
        while self._process.is_alive() and not self._nearly_over.wait(0.5):
            pass

    def result(self) -> Run:
        """What came of it, once it has ended."""
        try:
            found: Run = self._result.recv()
        except EOFError:
            self._process.join()
            why = f"its process ended with {self._process.exitcode}"
            found = _stopped(self._name, self._database, why)
        self._process.join()
        return found

    def end(self) -> None:
        """Tell it to end now."""
        self._process.terminate()

    def wait(self) -> None:
        """Until it has put everything back."""
        self._process.join()


def _carry_out(
    result: Connection, turn: _Turn, nearly_over: Event, name: str, database: str, seed: int, size: Size,
    keep: Path,
) -> None:  # fmt: skip
    signal.signal(signal.SIGINT, lambda *_: None)  # it is for the whole terminal; the other one ends us
    signal.signal(signal.SIGTERM, end_politely)
    try:
        found = run(STORMS[name], database, seed, size, keep, turn, nearly_over.set)
    except Exception as error:  # the other storms are still worth knowing
        traceback.print_exc()
        found = _stopped(name, database, f"{type(error).__name__}: {error}")
    result.send(found)


def _stopped(name: str, database: str, why: str) -> Run:
    return {"storm": name, "database": database, "stopped": why}
