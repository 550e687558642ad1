"""What takes long to find out in a large scheme, and may be some seconds old there.

A process keeps it for a moment; of a small scheme nothing is kept, and everybody sees what is so now. Nothing
that says whom to ask or who has been told may be kept here. A board shows what was kept when it was drawn
until it is drawn again; what one transaction has found is used by others though it be rolled back.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import current_app

Found = TypeVar("Found")

KEPT_S = 2.0
MANY = 2_000
"""What was found in fewer rows than this is found anew each time, whoever asks."""


@dataclass(frozen=True)
class _Kept:
    value: Any
    until: float


def known(what: str, find: Callable[[], tuple[Found, int]], kept_s: float = KEPT_S) -> Found:
    """What `find` finds, or has found in the last `kept_s` seconds.

    `what`: a name of its own. `find` gives the value, and in how many rows it was found. The value is
    everybody's: nobody changes it.
    """
    kept: dict[str, _Kept] = current_app.extensions.setdefault("lately", {})
    last = kept.get(what)
    if last is not None and time.monotonic() < last.until:
        value: Found = last.value
        return value
    value, rows = find()
    if rows >= MANY:
        for name, old in list(kept.items()):
            if old.until < time.monotonic():
                kept.pop(name, None)
        kept[what] = _Kept(value, time.monotonic() + kept_s)
    return value
