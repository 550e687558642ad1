"""Who may be asked for a kind of help, best first, as seen from each task's place."""

import heapq
import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from dispatcher.rules.crowd import PASSING, Crowd, Flags, Floats, Ints
from dispatcher.rules.decisions import ANYWHERE, HOME, RINGS, Choice, TaskView

_ALMOST_SURE = 0.999_999


class Kind(NamedTuple):
    """What two tasks must share to see the same chances."""

    category: str
    urgent: bool
    look_ahead_s: float


class Reach:
    """Who may be asked now, and who soon, for urgent help or otherwise."""

    def __init__(self, crowd: Crowd, barred: dict[str, Flags]) -> None:
        self._volunteer_id, self.barred = crowd.volunteer_id, barred
        self.rows = np.flatnonzero(~np.logical_or.reduce(list(barred.values())))
        self.now = frozenset(self._volunteer_id[self.rows].tolist())

    @cached_property
    def soon(self) -> frozenset[int]:
        """Those who are only busy just now."""
        passing = np.logical_or.reduce([self.barred[name] for name in PASSING])
        for_good = np.logical_or.reduce([f for name, f in self.barred.items() if name not in PASSING])
        return frozenset(self._volunteer_id[passing & ~for_good].tolist())


class _Entry(NamedTuple):
    """Somebody in a line; sorts the best first."""

    minus_worth: float
    volunteer_id: int
    place: int
    ring: int


class _Line:
    """People in the order in which they are asked."""

    def __init__(self, entries: list[_Entry]) -> None:
        self._entries = entries
        self._next: dict[int, int] = {}

    def free(self, chosen: set[int]) -> Iterator[_Entry]:
        """Those not chosen yet.

        Whoever is found chosen leaves the line, or each task would walk past everybody whom the
        tasks before it have chosen.
        """
        last, i = -1, self._next.get(-1, 0)
        while i < len(self._entries):
            following = self._next.get(i, i + 1)
            if self._entries[i].volunteer_id in chosen:
                self._next[last] = following
            else:
                yield self._entries[i]
                last = i
            i = following

    def taken(self, chosen: set[int]) -> Iterator[_Entry]:
        """Those chosen already."""
        return (entry for entry in self._entries if entry.volunteer_id in chosen)


class Ranking:
    """Everybody who may be asked for one kind of help, best first, as seen from each ring.

    `rows`: theirs in the crowd; `chances`: one row for each ring, of a yes; `soon`: the share of all
    who will answer that has by the end of the time looked ahead; `price`: of asking each. Asking
    somebody is worth −ln(1 − chance · soon) / price.
    """

    def __init__(self, crowd: Crowd, rows: Ints, chances: Floats, soon: float, price: Floats) -> None:
        self._rows, self._ids, self._campus_ids = rows, crowd.volunteer_id[rows], crowd.campus_id[rows]
        self._chances, self._price = chances, price
        self._minus_worth = np.round(np.log1p(-np.minimum(chances * soon, _ALMOST_SURE)) / price, 9)
        self._lines: dict[int, dict[int | None, _Line]] = {}

    def best(self, task: TaskView, opened: int, chosen: set[int], again: bool) -> Iterator[Choice]:
        """Who may be asked, best first: the rings up to `opened` together, then ring by ring.

        Those in `chosen` come last, if they may be asked `again`. Among the same rings whoever was tried in
        vain comes after the others, so that one who can't be told holds nobody up.
        """
        for walk in (_Line.free, _Line.taken) if again else (_Line.free,):
            for rings in (RINGS[: opened + 1], *((ring,) for ring in RINGS[opened + 1 :])):
                lines = [line for ring in rings for line in self._around(task, ring)]
                in_vain = []
                for entry in heapq.merge(*(walk(line, chosen) for line in lines)):
                    # The line of everybody has those of the nearer rings too.
                    ring = task.ring(int(self._campus_ids[entry.place]))
                    if entry.volunteer_id in task.asked or ring != entry.ring:
                        continue
                    if entry.volunteer_id in task.in_vain:
                        in_vain.append((entry.place, ring))
                    else:
                        yield self._choice(entry.place, ring)
                yield from (self._choice(*one) for one in in_vain)

    def _choice(self, place: int, ring: int) -> Choice:
        likely, price = float(self._chances[ring, place]), float(self._price[place])
        return Choice(int(self._rows[place]), int(self._ids[place]), ring, likely, price)

    def _around(self, task: TaskView, ring: int) -> Sequence[_Line]:
        """Those in the ring around a task, in one line or several; with ANYWHERE, everybody."""
        if ring not in self._lines:
            self._lines[ring] = self._lined_up(ring)
        lines = self._lines[ring]
        if ring == ANYWHERE:
            return [*lines.values()]
        near = (task.campus_id,) if ring == HOME else dict.fromkeys(task.neighbours)
        return [lines[c] for c in near if c in lines and task.ring(c) == ring]

    def _lined_up(self, ring: int) -> dict[int | None, _Line]:
        """By campus; for ANYWHERE all in one line, under None."""
        order = np.lexsort((self._ids, self._minus_worth[ring]))
        columns = self._minus_worth[ring][order], self._ids[order], order
        entries = map(_Entry._make, zip(*(column.tolist() for column in columns), itertools.repeat(ring)))
        if ring == ANYWHERE:
            return {None: _Line(list(entries))}
        by_campus: dict[int | None, list[_Entry]] = defaultdict(list)
        for campus_id, entry in zip(self._campus_ids[order].tolist(), entries, strict=True):
            by_campus[campus_id].append(entry)
        return {campus_id: _Line(members) for campus_id, members in by_campus.items()}
