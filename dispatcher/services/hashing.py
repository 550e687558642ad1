"""Hashing passwords without holding up anybody else: one at a time in a process, at low priority.

A hash takes a tenth of a second of a core on purpose. The thread that makes it goes after those that serve
pages, wherever the system knows priorities of threads.
"""

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

WAIT_S = 5.0
"""Whoever waits longer for a hash, in seconds, is told to come back."""

NICENESS = 5
"""By how much the thread that hashes goes after the others (Linux; elsewhere a process has one priority)."""

_T = TypeVar("_T")

_lock = threading.Lock()
_executor: ThreadPoolExecutor | None = None


class Busy(Exception):
    """Too many passwords are being checked just now."""


def run(work: Callable[[], _T]) -> _T:
    """What `work` returns, which is to hash once.

    Raises:
        Busy: it took too long.
    """
    future = _started().submit(work)
    try:
        return future.result(WAIT_S)
    except TimeoutError as error:
        future.cancel()
        raise Busy from error


def _started() -> ThreadPoolExecutor:
    global _executor
    with _lock:  # by the first login: a process that is forked from must have no thread
        if _executor is None:
            _executor = ThreadPoolExecutor(1, "hashing", initializer=_go_last)
        return _executor


def _go_last() -> None:
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def _start_anew() -> None:
    global _executor, _lock
    _executor, _lock = None, threading.Lock()


os.register_at_fork(after_in_child=_start_anew)
