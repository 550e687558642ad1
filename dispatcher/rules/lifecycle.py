"""Which state may follow which: the lives of tasks, offers and messages.

Everything that changes a state asks :func:`may` (through one helper in the services), so an
impossible transition can't be written. A state without successors is final and never moves.
"""

from enum import StrEnum


class TaskState(StrEnum):
    """Where a piece of help stands."""

    OPEN = "open"
    ASSIGNED = "assigned"
    UNDERWAY = "underway"
    DELIVERED = "delivered"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class OfferState(StrEnum):
    """Where a task put to one volunteer stands."""

    QUEUED = "queued"
    SENT = "sent"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class MessageState(StrEnum):
    """Where one SMS stands. Incoming ones are RECEIVED and stay so."""

    QUEUED = "queued"
    SENDING = "sending"
    UNKNOWN = "unknown"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    RECEIVED = "received"


NOT_NEEDED = "not_needed"
"""Why an SMS was given up before it left: it was no longer true, or no longer for that phone."""

State = TaskState | OfferState | MessageState

_T, _O, _M = TaskState, OfferState, MessageState

# One table a noun: the same word may be a state of two of them ("delivered"), and as strings they
# are equal.
_TASK: dict[State, frozenset[State]] = {
    _T.OPEN: frozenset({_T.ASSIGNED, _T.CLOSED, _T.CANCELLED}),
    _T.ASSIGNED: frozenset({_T.OPEN, _T.UNDERWAY, _T.DELIVERED, _T.CLOSED, _T.CANCELLED}),
    # Said too early and taken back within the minute: one step back, whichever step that was.
    _T.UNDERWAY: frozenset({_T.OPEN, _T.ASSIGNED, _T.DELIVERED, _T.CLOSED, _T.CANCELLED}),
    # A retiree's "problem" may need somebody to go again, so delivered can reopen.
    _T.DELIVERED: frozenset({_T.OPEN, _T.ASSIGNED, _T.UNDERWAY, _T.CLOSED, _T.CANCELLED}),
    _T.CLOSED: frozenset(),
    _T.CANCELLED: frozenset(),
}
_OFFER: dict[State, frozenset[State]] = {
    _O.QUEUED: frozenset({_O.SENT, _O.ACCEPTED, _O.DECLINED, _O.EXPIRED, _O.WITHDRAWN}),
    _O.SENT: frozenset({_O.ACCEPTED, _O.DECLINED, _O.EXPIRED, _O.WITHDRAWN}),
    # A late yes still wins while the task is open, and a late no is worth knowing.
    _O.EXPIRED: frozenset({_O.ACCEPTED, _O.DECLINED}),
    _O.ACCEPTED: frozenset(),
    _O.DECLINED: frozenset(),
    _O.WITHDRAWN: frozenset(),
}
_MESSAGE: dict[State, frozenset[State]] = {
    # Back to queued only when the gateway has certainly not taken the message.
    _M.QUEUED: frozenset({_M.SENDING, _M.FAILED}),
    _M.SENDING: frozenset({_M.SENT, _M.DELIVERED, _M.UNDELIVERED, _M.UNKNOWN, _M.QUEUED, _M.FAILED}),
    _M.UNKNOWN: frozenset({_M.SENT, _M.DELIVERED, _M.UNDELIVERED, _M.QUEUED, _M.FAILED}),
    _M.SENT: frozenset({_M.DELIVERED, _M.UNDELIVERED, _M.FAILED}),
    _M.DELIVERED: frozenset(),
    _M.UNDELIVERED: frozenset(),
    _M.FAILED: frozenset(),
    _M.RECEIVED: frozenset(),
}
LIVES: dict[type[StrEnum], dict[State, frozenset[State]]] = {
    TaskState: _TASK,
    OfferState: _OFFER,
    MessageState: _MESSAGE,
}
"""What may follow what, by noun."""

OPEN_ENDED = frozenset({_T.OPEN, _T.ASSIGNED, _T.UNDERWAY, _T.DELIVERED})
"""Task states on the board: somebody still owes something."""

LIVE_OFFER = frozenset({_O.QUEUED, _O.SENT})
"""Offer states that still wait for an answer."""

WELCOME_OFFER = LIVE_OFFER | {_O.EXPIRED, _O.WITHDRAWN}
"""Whoever was asked may still say yes while the task is open, by link and by SMS alike."""

HELD = frozenset({_T.ASSIGNED, _T.UNDERWAY})
"""Task states in which a volunteer is busy with the task."""


def may(before: State, after: State) -> bool:
    """Whether `after` may directly follow `before`. States of different nouns never follow."""
    return type(before) is type(after) and after in LIVES[type(before)][before]


def final(state: State) -> bool:
    """Whether nothing can follow `state`."""
    return not LIVES[type(state)][state]


def sources(after: State) -> frozenset[State]:
    """All states that `after` may directly follow."""
    return frozenset(before for before, afters in LIVES[type(after)].items() if after in afters)
