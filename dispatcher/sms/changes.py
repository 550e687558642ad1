"""What has changed about a task, in words: `{what}` of an SMS, shortened where room is short.

A change is plain JSON. `kind` says what: "more" (an item: `name`, `strength`, `amount`), "amount" (the same:
the item's new amount), "due" (`due_at`, ISO 8601), "urgency" (`urgency`), "notes" (`said`).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Change = dict[str, Any]


@dataclass(frozen=True)
class Room:
    """How much is said: so many items by name, so many characters of a name, of what was said, and of all.

    `plain`: only in the small alphabet, for one Chinese character makes an English text cost twice as much.
    """

    items: int = 100
    name: int = 120
    said: int = 1000
    whole: int = 2000
    plain: bool = False


WIDE = Room()


def narrower(changes: Sequence[Change], language: str) -> Iterator[Room]:
    """Less and less room, to be tried until the text fits."""
    count = sum(change["kind"] in ("more", "amount") for change in changes)
    rooms = [
        Room(items, 2 * said, said)
        for said in (80, 40, 24, 12)
        for items in sorted({count, 3, 2, 1}, reverse=True)
        if items <= max(count, 1)
    ]
    if language == "en":
        yield from (Room(one.items, one.name, one.said, plain=True) for one in rooms[:4])
    yield from rooms
    yield from (Room(0, 0, 0, whole) for whole in (80, 60, 40, 24, 12))


def worded(
    changes: Sequence[Change], words: dict[str, str], due: Callable[[Change], str], room: Room = WIDE
) -> str:
    """The changes in one line: urgency, time, items, what was said. `due` words a moment."""
    parts = [words[f"what_{one['urgency']}"] for one in changes if one["kind"] == "urgency"]
    parts += [words["what_due"].format(due=due(one)) for one in changes if one["kind"] == "due"]
    parts += _items([one for one in changes if one["kind"] in ("amount", "more")], words, room)
    parts += [_notes(one["said"], words, room) for one in changes if one["kind"] == "notes"]
    return _short(words["what_and"].join(parts), room.whole)


def _items(changes: list[Change], words: dict[str, str], room: Room) -> list[str]:
    if not changes:
        return []
    named = [_item(one, words, room) for one in changes[: room.items]]
    if not named or (room.plain and not "".join(named).isascii()):
        return [words["what_list"]]
    left = len(changes) - len(named)
    more = words["what_items"].format(n=len(changes), left=left) if left else ""
    return [words["and"].join(named) + more]


def _item(change: Change, words: dict[str, str], room: Room) -> str:
    item = _short(" ".join(filter(None, (change["name"], change.get("strength")))), room.name)
    amount = _short(change.get("amount", ""), room.name)
    if change["kind"] == "amount":
        return words["what_amount"].format(item=item, amount=amount)
    return words["what_more"].format(item=" ".join(filter(None, (item, amount))))


def _notes(said: str, words: dict[str, str], room: Room) -> str:
    if not room.said or (room.plain and not said.isascii()):
        return words["what_said"]
    return words["what_notes"].format(said=_short(said, room.said, "..." if said.isascii() else "…"))


def _short(text: str, most: int, end: str = "…") -> str:
    whole = " ".join(text.split())
    return whole if len(whole) <= most else f"{whole[: max(0, most - len(end))]}{end}"
