"""Doing in one transaction what many threads of a process want at the same moment.

A transaction costs about the same for one row as for twenty. A thread that comes while another is at
work waits; whoever is next takes along everything that has gathered meanwhile (databases call it group
commit). What has gathered is taken when the transaction has begun: the longer it had to wait for its turn
to write, the more it does. Where nobody is in a hurry, a thread that is alone waits a moment for company.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

_T = TypeVar("_T")
_R = TypeVar("_R")
Gathered = Callable[[], Sequence[_T]]
"""Gives the items that have gathered by now: to be called once in each attempt, when the transaction has
begun. The results are for what was given last."""


class _Wish(Generic[_T, _R]):
    """What one thread wants, and what came of it."""

    def __init__(self, item: _T) -> None:
        self.item = item
        self.done = False
        self.result: _R
        self.error: BaseException | None = None


class Together(Generic[_T, _R]):
    """`work` does in one transaction what has gathered, which it asks for when it has begun, and returns a
    result for each item, in their order.

    Calling the instance does one item, perhaps together with those of other threads. `most`: so many
    at once. `linger_s`: so long, in seconds, fewer than `enough` wait for company. If a transaction
    fails, each of its items is tried in one of its own, so that a bad one spoils no other.
    """

    def __init__(
        self,
        work: Callable[[Gathered[_T]], Sequence[_R]],
        most: int = 64,
        linger_s: float = 0.0,
        enough: int = 8,
    ) -> None:
        self._work = work
        self._most = most
        self._linger_s = linger_s
        self._enough = enough
        self._turn = threading.Lock()
        self._company = threading.Event()
        self._gathered: list[_Wish[_T, _R]] = []

    def __call__(self, item: _T) -> _R:
        wish: _Wish[_T, _R] = _Wish(item)
        self._gathered.append(wish)
        if len(self._gathered) >= self._enough:
            self._company.set()
        while not wish.done:
            with self._turn:
                if not wish.done:
                    if self._linger_s:
                        self._wait_for_company()
                    self._next()
        if wish.error is not None:
            raise wish.error
        return wish.result

    def _wait_for_company(self) -> None:
        self._company.clear()
        if len(self._gathered) < self._enough:
            self._company.wait(self._linger_s)

    def _next(self) -> None:
        """Do what has gathered longest. Only whoever has the turn takes anything away."""
        wishes: list[_Wish[_T, _R]] = []

        def gathered() -> list[_T]:
            wishes[:] = self._gathered[: self._most]
            return [wish.item for wish in wishes]

        try:
            self._do(wishes, gathered)
        except Exception as error:  # noqa: BLE001 (raised in the threads that it concerns)
            if wishes:  # one of them may have spoilt it for the others
                for wish in wishes:
                    self._alone(wish)
            else:  # it has not even begun: to try once more for each would take as long again for each
                gathered()
                for wish in wishes:
                    wish.error, wish.done = error, True
        # Not when this thread is being ended: the others find their wishes still here.
        del self._gathered[: len(wishes)]

    def _do(self, wishes: list[_Wish[_T, _R]], gathered: Gathered[_T]) -> None:
        results = self._work(gathered)
        for wish, result in zip(wishes, results, strict=True):
            wish.result, wish.done = result, True

    def _alone(self, wish: _Wish[_T, _R]) -> None:
        try:
            self._do([wish], lambda: [wish.item])
        except Exception as error:  # noqa: BLE001 (raised in the thread that wanted it)
            wish.error, wish.done = error, True
