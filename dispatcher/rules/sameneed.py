"""The same need, called in again: what is new about it, beside what was noted before.

A change is a dict as `dispatcher.sms.changes` words it: an item's new amount, one more item, words said.
"""

import unicodedata
from collections.abc import Sequence
from typing import Any

Item = dict[str, Any]
Change = dict[str, Any]

MOST_NOTES = 1000
"""Characters that the notes of a task hold."""


def merge_items(known: Sequence[Item], said: Sequence[Item]) -> tuple[list[Item], list[Change]]:
    """The list as it is now, and what has changed about it.

    An item of the same name is the same item, unless its strength is another; with a new amount, it has that
    amount from now on. What wasn't said again stays as it was.
    """
    items, changes = [dict(item) for item in known], []
    for new in said:
        same = [item for item in items if _is_same(item, new)]
        if not same:
            items.append(dict(new))
            changes.append({"kind": "more"} | _named(new))
            continue
        before = same[0]
        amount = new.get("amount", "")
        if amount and _plain(amount) != _plain(before.get("amount", "")):
            before["amount"] = amount
            changes.append({"kind": "amount"} | _named(before))
        for field, value in new.items():
            if value and not before.get(field):
                before[field] = value
    return items, changes


def add_notes(known: str, said: str) -> tuple[str, list[Change]]:
    """The notes with what was said, each on a line of its own, and what is new about them.

    Where all is too long, the oldest give way: the newest are what counts.
    """
    before = known.splitlines()
    news = [line.strip() for line in said.splitlines() if line.strip() and line.strip() not in before]
    if not news:
        return known, []
    new = "\n".join(news)[:MOST_NOTES]
    room = MOST_NOTES - len(new) - 1
    kept = known[:room] if room > 0 else ""
    return "\n".join(filter(None, (kept, new))), [{"kind": "notes", "said": new}]


def _is_same(one: Item, other: Item) -> bool:
    strengths = {_plain(item["strength"]) for item in (one, other) if item.get("strength")}
    return _plain(one.get("name", "")) == _plain(other.get("name", "")) and len(strengths) < 2


def _named(item: Item) -> Item:
    return {field: item.get(field, "") for field in ("name", "strength", "amount")}


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())
