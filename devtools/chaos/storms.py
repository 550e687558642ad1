"""Which storms there are, and what breaks when: all of it follows from the seed."""

from __future__ import annotations

import random
from dataclasses import dataclass

from devtools.chaos.faults import FAULTS


@dataclass(frozen=True)
class Storm:
    """Faults of one theme. `gap_s`: the time between the end of one and the next, from and to.

    `lanes`: so many go on at once.
    """

    name: str
    kinds: tuple[str, ...]
    gap_s: tuple[float, float] = (3, 7)
    lanes: int = 1


@dataclass(frozen=True)
class Planned:
    """One fault to come: `at` seconds after the storm's begin, for `seconds`. `lane` counts from 0."""

    at: float
    kind: str
    seconds: float
    lane: int


_THEMES = (
    Storm(
        "processes",
        (
            "dispatch-killed", "dispatch-child-killed", "sms-killed", "sms-killed-message-taken",
            "sms-killed-message-not-taken", "sms-frozen", "beat-killed", "web-child-killed", "web-killed",
            "web-restarted", "web-frozen",
        ),
    ),
    Storm("broker", ("valkey-killed", "valkey-down", "valkey-frozen", "valkey-emptied")),
    Storm(
        "database",
        (
            "database-locked", "database-restarted", "database-killed", "database-connections-cut",
            "everything-killed",
        ),
        gap_s=(6, 10),
    ),
    Storm(
        "gateway",
        (
            "gateway-slow", "gateway-429", "gateway-500", "gateway-drops", "gateway-hangs-after-accepting",
            "gateway-down", "callbacks-doubled", "callbacks-reordered", "callbacks-late", "callbacks-lost",
            "replies-doubled",
        ),
    ),
    # With a gateway that leaves outcomes in doubt: what is in doubt is found again by its time.
    Storm(
        "clock",
        ("clock-back-30-s", "clock-ahead-30-s", "clock-ahead-10-min", "gateway-hangs-after-accepting"),
        gap_s=(1, 3),
        lanes=2,
    ),
    Storm("disk", ("disk-full",), gap_s=(8, 14)),
)  # fmt: skip
_EVERYTHING = Storm(
    "everything",
    tuple(kind for storm in _THEMES if storm.name not in ("disk", "clock") for kind in storm.kinds),
    gap_s=(2, 6),
    lanes=2,
)
STORMS = {storm.name: storm for storm in (*_THEMES, _EVERYTHING)}
"""Every storm by its name. `everything` leaves out full disks and wrong clocks, which change how long all
else takes."""


def plan(storm: Storm, seed: int, seconds: float, database: str) -> list[Planned]:
    """What breaks when within `seconds`, in the order of time: every kind in turn, in a drawn order."""
    kinds = [kind for kind in storm.kinds if FAULTS[kind].database in ("", database)]
    planned = []
    for lane in range(storm.lanes):
        draw = random.Random(f"{seed}/{storm.name}/{database}/{lane}")
        queue: list[str] = []
        at = draw.uniform(1, storm.gap_s[1])
        while True:
            queue = queue or draw.sample(kinds, len(kinds))
            kind = queue.pop()
            lasts = draw.uniform(*FAULTS[kind].seconds)
            if at + lasts > seconds:
                break
            planned.append(Planned(round(at, 2), kind, round(lasts, 2), lane))
            at += lasts + draw.uniform(*storm.gap_s)
    return sorted(planned, key=lambda one: one.at)
