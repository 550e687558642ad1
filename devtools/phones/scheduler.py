"""Doing things later and doing slow things elsewhere: one timer thread and a small pool of workers."""

from __future__ import annotations

import heapq
import itertools
import logging
import time
from collections.abc import Callable
from queue import SimpleQueue
from threading import Condition, Event, Thread

_log = logging.getLogger(__name__)

Task = Callable[[], None]


def _nothing() -> None:
    pass


class Scheduler:
    """Runs tasks at their time on one thread, and hands slow ones to a few workers.

    All threads are daemons: whatever a webhook does, it cannot keep the process from ending.
    """

    def __init__(self, workers: int = 12) -> None:
        """Start the timer thread and `workers` worker threads."""
        self._due: list[tuple[float, int, Task]] = []
        self._order = itertools.count()
        self._changed = Condition()
        self._slow: SimpleQueue[Task] = SimpleQueue()
        self._workers = workers
        self.stopping = Event()
        Thread(target=self._run_timer, name="timer", daemon=True).start()
        for index in range(workers):
            Thread(target=self._run_worker, name=f"worker-{index}", daemon=True).start()

    def after(self, delay_s: float, task: Task) -> None:
        """Run a quick `task` on the timer thread in `delay_s` seconds; equal times keep their order."""
        due = time.monotonic() + max(delay_s, 0.0)
        with self._changed:
            heapq.heappush(self._due, (due, next(self._order), task))
            if self._due[0][2] is task:
                self._changed.notify()

    def work(self, task: Task, *, delay_s: float = 0.0) -> None:
        """Run a `task` that may wait on the network on a worker, after `delay_s` seconds."""
        if delay_s > 0:
            self.after(delay_s, lambda: self._slow.put(task))
        else:
            self._slow.put(task)

    def pause(self, seconds: float) -> None:
        """Wait in the calling thread, but not beyond stop()."""
        if seconds > 0:
            self.stopping.wait(seconds)

    def forget(self) -> None:
        """Drop all tasks that have not come due."""
        with self._changed:
            self._due.clear()

    def stop(self) -> None:
        """Start nothing more and release everyone in pause()."""
        self.stopping.set()
        with self._changed:
            self._changed.notify()
        for _ in range(self._workers):
            self._slow.put(_nothing)  # wakes an idle worker, so that it sees the end

    def _run_timer(self) -> None:
        while not self.stopping.is_set():
            with self._changed:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is None or wait > 0:
                    self._changed.wait(wait)
                    continue
                task = heapq.heappop(self._due)[2]
            self._attempt(task)

    def _run_worker(self) -> None:
        while not self.stopping.is_set():
            self._attempt(self._slow.get())

    @staticmethod
    def _attempt(task: Task) -> None:
        try:
            task()
        except Exception:
            # One broken task must not end the thread that all later ones need.
            _log.exception("a scheduled task failed")
