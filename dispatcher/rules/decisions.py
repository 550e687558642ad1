"""What a decision is made from, and what it says: a task as seen, somebody chosen, the plan."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

HOME, NEIGHBOUR, ANYWHERE = 0, 1, 2
RINGS = (HOME, NEIGHBOUR, ANYWHERE)


@dataclass(frozen=True)
class Reason:
    """A sentence to be: a code and its parameters, worded in the reader's language."""

    code: str
    params: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The form in which it is stored as JSON."""
        return {"code": self.code, **self.params}


@dataclass(frozen=True)
class PendingOffer:
    """An offer that still waits for an answer: since when, until when. `chance`: of a yes, as believed when
    it was made."""

    created_at: datetime
    expires_at: datetime
    chance: float


@dataclass(frozen=True)
class TaskView:
    """What the policy needs to know of a task. `neighbours`: campus ids, nearest first.

    `asked`: the volunteers who were put this task before, whatever came of it. `in_vain`: those to whom an
    SMS about it didn't leave, or didn't arrive, because of something of ours; others come first.
    """

    task_id: int
    campus_id: int
    neighbours: tuple[int, ...]
    category: str
    urgency: str
    opened_at: datetime
    due_by: datetime | None = None
    pending: tuple[PendingOffer, ...] = ()
    asked: frozenset[int] = frozenset()
    in_vain: frozenset[int] = frozenset()

    def ring(self, campus_id: int) -> int:
        """In which ring around this task a campus lies."""
        if campus_id == self.campus_id:
            return HOME
        return NEIGHBOUR if campus_id in self.neighbours else ANYWHERE


@dataclass(frozen=True)
class Choice:
    """Somebody to be asked: their row in the crowd, how near, how likely to say yes, and the price."""

    row: int
    volunteer_id: int
    ring: int
    chance: float
    price: float


@dataclass(frozen=True)
class Assessment:
    """Somebody as seen for a task, and why they can't be asked (`bars`), if so."""

    choice: Choice
    bars: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """The next step of a task.

    `ask`: whom to ask now. `waiting`: what it then waits for; `then`: what happens, and when, if that
    doesn't come. `hand_over`: why a person must be told now.
    """

    ask: tuple[Choice, ...]
    look_again_at: datetime
    waiting: Reason
    then: Reason | None = None
    hand_over: Reason | None = None
