"""Those that meet are done together, and what goes wrong with one concerns it alone."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from dispatcher.services.together import Gathered, Together


def _until_gathered(together: Together[Any, Any], number: int) -> None:
    while len(together._gathered) < number:
        time.sleep(0.001)


def _meet(
    crowd: ThreadPoolExecutor, together: Together[int, Any], items: Sequence[int],
    at_work: threading.Event, go_on: threading.Event,
) -> list[Future[Any]]:  # fmt: skip
    """The first of `items` is at work when the others come; only then it goes on."""
    first = crowd.submit(together, items[0])
    assert at_work.wait(10)
    others = [crowd.submit(together, item) for item in items[1:]]
    _until_gathered(together, len(items))
    go_on.set()
    return [first, *others]


def test_whoever_is_alone_begins_at_once() -> None:
    seen: list[list[int]] = []

    def double(gathered: Gathered[int]) -> list[int]:
        items = gathered()
        seen.append(list(items))
        return [2 * item for item in items]

    together = Together(double)
    assert [together(1), together(2)] == [2, 4]
    assert seen == [[1], [2]]


def test_those_who_come_meanwhile_are_done_in_one_go_each_with_its_own_result() -> None:
    seen: list[list[int]] = []
    first_at_work, go_on = threading.Event(), threading.Event()

    def double(gathered: Gathered[int]) -> list[int]:
        items = gathered()
        seen.append(list(items))
        if not first_at_work.is_set():
            first_at_work.set()
            go_on.wait(10)
        return [2 * item for item in items]

    together = Together(double)
    with ThreadPoolExecutor(6) as crowd:
        first, *others = _meet(crowd, together, range(6), first_at_work, go_on)
        assert first.result() == 0
        assert [other.result() for other in others] == [2, 4, 6, 8, 10]
    assert len(seen) == 2
    assert sorted(seen[1]) == [1, 2, 3, 4, 5]


def test_what_gathers_while_a_transaction_waits_for_its_turn_is_done_in_it() -> None:
    seen: list[list[int]] = []
    waiting, begun = threading.Event(), threading.Event()

    def double(gathered: Gathered[int]) -> list[int]:
        waiting.set()
        begun.wait(10)
        items = list(gathered())
        seen.append(items)
        return [2 * item for item in items]

    together = Together(double)
    with ThreadPoolExecutor(3) as crowd:
        met = _meet(crowd, together, range(3), waiting, begun)
        assert [one.result() for one in met] == [0, 2, 4]
    assert sorted(seen[0]) == [0, 1, 2]
    assert len(seen) == 1


def test_a_transaction_that_never_begins_is_tried_once_for_all_who_waited_for_it() -> None:
    tries: list[None] = []
    waiting, given_up = threading.Event(), threading.Event()

    def locked(gathered: Gathered[int]) -> list[int]:
        tries.append(None)
        waiting.set()
        given_up.wait(10)
        raise TimeoutError

    together = Together(locked)
    with ThreadPoolExecutor(3) as crowd:
        for one in _meet(crowd, together, range(3), waiting, given_up):
            with pytest.raises(TimeoutError):
                one.result()
    assert (len(tries), together._gathered) == (1, [])


def test_no_more_than_the_most_at_once() -> None:
    seen: list[int] = []
    go_on = threading.Event()

    def count(gathered: Gathered[int]) -> list[int]:
        items = gathered()
        seen.append(len(items))
        go_on.wait(10)
        return list(items)

    together = Together(count, most=2)
    with ThreadPoolExecutor(6) as crowd:
        waiting = [crowd.submit(together, n) for n in range(6)]
        _until_gathered(together, 6)
        go_on.set()
        assert [one.result() for one in waiting] == list(range(6))
    assert max(seen) <= 2


def test_one_that_fails_spoils_no_other() -> None:
    at_work, go_on = threading.Event(), threading.Event()

    def invert(gathered: Gathered[int]) -> list[float]:
        items = gathered()
        if not at_work.is_set():
            at_work.set()
            go_on.wait(10)
        return [1 / item for item in items]

    together = Together(invert)
    with ThreadPoolExecutor(4) as crowd:
        first, good, bad, fine = _meet(crowd, together, (1, 2, 0, 4), at_work, go_on)
        assert (first.result(), good.result(), fine.result()) == (1, 0.5, 0.25)
        with pytest.raises(ZeroDivisionError):
            bad.result()
    assert together(8) == 0.125


def test_when_whoever_works_for_others_is_ended_they_go_on_by_themselves() -> None:
    at_work, go_on = threading.Event(), threading.Event()

    def work(gathered: Gathered[int]) -> list[int]:
        items = gathered()
        if not at_work.is_set():
            at_work.set()
            go_on.wait(10)
            raise SystemExit
        return list(items)

    together = Together(work)
    with ThreadPoolExecutor(3) as crowd:
        ended, *others = _meet(crowd, together, range(3), at_work, go_on)
        assert [other.result(10) for other in others] == [1, 2]
        with pytest.raises(SystemExit):
            ended.result(10)


def test_a_few_wait_for_company_and_begin_when_there_is_enough() -> None:
    seen: list[list[int]] = []

    def note(gathered: Gathered[int]) -> list[int]:
        items = gathered()
        seen.append(sorted(items))
        return list(items)

    together = Together(note, linger_s=30, enough=3)
    with ThreadPoolExecutor(3) as crowd:
        assert sorted(crowd.map(together, range(3))) == [0, 1, 2]  # long before half a minute is over
    assert seen == [[0, 1, 2]]


def test_whoever_waits_for_company_in_vain_goes_alone() -> None:
    together: Together[int, int] = Together(lambda gathered: gathered(), linger_s=0.01, enough=2)
    assert together(1) == 1
