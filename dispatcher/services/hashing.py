"""Hashing passwords without holding up anybody else: one at a time in a process, at low priority.

A hash takes a tenth of a second of a core on purpose, and whoever asks for the login page can ask for one.
So a process makes one at a time, in a thread that the system runs after those that serve pages, and few may
wait for their turn; the others are told at once to come back.
"""

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

STRANGERS, REGULARS = 3, 12
"""So many in a process may be at it or wait: of those who have not logged in from where they are before, and
of those who have. A flood of the first leaves room for the second."""

WAIT_S = 5.0
"""Whoever waits longer for a hash, in seconds, is told to come back."""

NICENESS = 10
"""By how much threads that hash go after the others (Linux; elsewhere a process has one priority)."""

_T = TypeVar("_T")


class Busy(Exception):
    """Too many passwords are being checked just now."""


class Hashing:
    """The queue of one process."""

    def __init__(self) -> None:
        self._executor: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()
        self._places = {
            False: threading.BoundedSemaphore(STRANGERS),
            True: threading.BoundedSemaphore(REGULARS),
        }

    def run(self, work: Callable[[], _T], regular: bool) -> _T:
        """What `work` returns, which is to hash once. `regular`: see REGULARS.

        Raises:
            Busy: there is no place to wait, or it took too long.
        """
        places = self._places[regular]
        if not places.acquire(blocking=False):
            raise Busy
        try:
            future = self._started().submit(work)
            try:
                return future.result(WAIT_S)
            except TimeoutError as error:
                future.cancel()
                raise Busy from error
        finally:
            places.release()

    def _started(self) -> ThreadPoolExecutor:
        with self._lock:  # by the first login: a process that is forked from must have no thread
            if self._executor is None:
                self._executor = ThreadPoolExecutor(1, "hashing", initializer=_go_last)
            return self._executor


def _go_last() -> None:
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


_hashing = Hashing()


def _start_anew() -> None:
    global _hashing
    _hashing = Hashing()


os.register_at_fork(after_in_child=_start_anew)


def run(work: Callable[[], _T], regular: bool = False) -> _T:
    """See :meth:`Hashing.run`, for this process."""
    return _hashing.run(work, regular)
