"""How long things took, against what was aimed at: from counts of durations, never from single rows."""

from collections.abc import Iterable
from dataclasses import dataclass

from dispatcher.rules.settings import MEDICINE, ROUTINE, SOON, URGENT, DispatchSettings

PACES = (URGENT, SOON, ROUTINE)
"""The kinds of hurry, each with its own aims; all medicine is at least "soon"."""


@dataclass(frozen=True)
class Promptness:
    """How promptly something was done. Durations in seconds.

    `in_time`, `late`: how many were done within what was aimed at, and later. `missing`: not done though
    the time is over. `undecided`: not done, and the time isn't over yet, or it was over before: they say
    nothing. `median_s`, `p90_s`: half, and nine in ten, of those done took no longer; None when none was
    done.
    """

    aim_s: int
    in_time: int = 0
    late: int = 0
    missing: int = 0
    undecided: int = 0
    median_s: int | None = None
    p90_s: int | None = None

    @property
    def done(self) -> int:
        """How many were done at all."""
        return self.in_time + self.late

    @property
    def decided(self) -> int:
        """How many say whether it goes well."""
        return self.done + self.missing

    @property
    def share(self) -> float | None:
        """The share done in time of those that say something, 0 to 1."""
        return self.in_time / self.decided if self.decided else None


def within(counts: Iterable[tuple[int, int]], percent: int) -> int | None:
    """The shortest duration within which at least `percent` were done, or None when none was.

    `counts`: pairs of a duration and how many took so long.
    """
    ordered = sorted(counts)
    total = sum(count for _, count in ordered)
    if not total:
        return None
    wanted = -(-percent * total // 100)
    so_far = 0
    for duration, count in ordered:
        so_far += count
        if so_far >= wanted:
            return duration
    return ordered[-1][0]


def pace_name(category: str, urgency: str) -> str:
    """Under which of :data:`PACES` a task counts, as :meth:`DispatchSettings.pace` has it."""
    if urgency == URGENT or category == URGENT:
        return URGENT
    return SOON if urgency == SOON or category == MEDICINE else ROUTINE


def accepting_aims(settings: DispatchSettings) -> dict[str, int]:
    """By when somebody should have accepted, in seconds from the call: then a coordinator is told."""
    return {name: int(getattr(settings, name).coordinator_s) for name in PACES}


def delivering_aims(settings: DispatchSettings) -> dict[str, int]:
    """By when it should be done, in seconds from the call, where the retiree named no time: accepted in
    time, and heard of in time after that."""
    accepting = accepting_aims(settings)
    return {name: accepting[name] + int(getattr(settings, name).progress_s) for name in PACES}
