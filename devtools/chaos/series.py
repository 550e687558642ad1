"""Several storms, each in a process of its own: while one has the machine, the system of the next one starts
and the one before it is audited."""

from __future__ import annotations

import multiprocessing
import signal
import sys
import traceback
from collections import deque
from collections.abc import Generator, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext
from multiprocessing.synchronize import Lock
from pathlib import Path
from typing import Any

from devtools.chaos.run import Size, run
from devtools.chaos.storms import STORMS

AT_ONCE = 2
"""So many have their systems running at once."""

Run = dict[str, Any]


def series(
    wanted: Sequence[tuple[str, str]], seed: int, size: Size, keep: Path
) -> Generator[Run, None, None]:
    """What came of each (storm, database), in this order; for `keep`, see :func:`run`.

    Left early, the runs that go on put back what they have broken, and take away what they have mounted.
    """
    context = multiprocessing.get_context("spawn")
    turn = context.Lock()
    under_way: deque[_UnderWay] = deque()
    try:
        for name, database in wanted:
            if len(under_way) == AT_ONCE:
                yield under_way[0].result()
                under_way.popleft()
            under_way.append(_UnderWay(context, turn, name, database, seed, size, keep))
        while under_way:
            yield under_way[0].result()
            under_way.popleft()
    finally:
        for one in under_way:
            one.end()


def end_politely(number: int, _: object) -> None:
    """For SIGTERM: leave by the way on which everything is put back. Asked for again, it isn't cut short."""
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


class _UnderWay:
    """A run in its process."""

    def __init__(
        self, context: SpawnContext, turn: Lock, name: str, database: str, seed: int, size: Size, keep: Path
    ) -> None:
        self._name, self._database = name, database
        self._result, theirs = context.Pipe(duplex=False)
        about = (theirs, turn, name, database, seed, size, keep)
        self._process = context.Process(target=_carry_out, args=about)
        self._process.start()
        theirs.close()

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
        """End it now, if it hasn't ended."""
        if self._process.is_alive():
            self._process.terminate()
        self._process.join()


def _carry_out(
    result: Connection, turn: Lock, name: str, database: str, seed: int, size: Size, keep: Path
) -> None:
    signal.signal(signal.SIGINT, lambda *_: None)  # it is for the whole terminal; the other one ends us
    signal.signal(signal.SIGTERM, end_politely)
    try:
        found = run(STORMS[name], database, seed, size, keep, turn)
    except Exception as error:  # the other storms are still worth knowing
        traceback.print_exc()
        found = _stopped(name, database, f"{type(error).__name__}: {error}")
    result.send(found)


def _stopped(name: str, database: str, why: str) -> Run:
    return {"storm": name, "database": database, "stopped": why}
