"""What an open board is told by its stream, and when: at once, once, and nothing that it has already."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from tests.world import World, eventually

pytestmark = pytest.mark.scenario

Event = dict[str, str]


@contextmanager
def _stream(world: World, have: str = "") -> Iterator[Iterator[Event]]:
    """The events of a new stream, each by its fields; `have`: the last that this browser was sent."""
    headers = {"Last-Event-ID": have} if have else {}
    with closing(world.coordinator.get("/board/stream?rows=1", headers=headers, stream=True)) as answer:
        assert answer.status_code == 200
        yield _events(answer.iter_lines(chunk_size=4096))


def _events(lines: Iterator[bytes]) -> Iterator[Event]:
    event: Event = {}
    for line in lines:
        name, _, value = line.decode().partition(": ")
        if name:
            event[name] = f"{event[name]}\n{value}" if name in event else value
        elif event:
            yield event
            event = {}


def _rows(events: Iterator[Event]) -> Iterator[Event]:
    return (event for event in events if event.get("event") == "rows")


def test_a_board_that_opens_is_brought_what_is_open_and_then_each_change(world: World) -> None:
    elder = world.retiree()
    task = world.call(elder)
    elder.phone.expect("记下了")
    with _stream(world) as events:
        hello = next(events)
        assert hello["event"] == "hello"
        assert 500 <= int(hello["retry"]) <= 2000, "not all come back in the same moment"
        assert f'id="task-{task}"' in next(_rows(events))["data"]
        new = world.call(elder, "groceries")
        elder.phone.expect("记下了")
        assert any(f'id="task-{new}"' in rows["data"] for rows in _rows(events))


def test_a_board_that_comes_back_is_only_told_that_it_has_what_there_is(world: World) -> None:
    elder = world.retiree()
    world.call(elder)
    elder.phone.expect("记下了")
    told: Event = {"id": ""}

    def same() -> bool:
        had = told["id"]
        with _stream(world, have=had) as events:
            assert next(events)["event"] == "hello"
            told.update(next(events))
        assert told["event"] == ("same" if told["id"] == had else "rows")
        return told["event"] == "same"

    eventually(same, "nothing happens any more")
    known = told["id"]
    new = world.call(elder, "groceries")
    elder.phone.expect("记下了")
    with _stream(world, have=known) as events:
        assert f'id="task-{new}"' in next(_rows(events))["data"]
