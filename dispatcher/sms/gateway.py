"""What every SMS gateway offers, in our words.

A gateway says one of three things of a message: accepted, certainly not accepted, or it doesn't
know. Only "certainly not" may be sent again without asking first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Accepted:
    """The gateway has the message, under its own id."""

    gateway_id: str


@dataclass(frozen=True)
class Refused:
    """The gateway has certainly not taken it. `permanent`: no use in trying again."""

    code: str
    permanent: bool


@dataclass(frozen=True)
class Unknown:
    """It may or may not have the message: a timeout, a 5xx, a broken connection."""

    code: str


Outcome = Accepted | Refused | Unknown


@dataclass(frozen=True)
class Carried:
    """A message as the gateway lists it. `status` is in our words (a MessageState value)."""

    gateway_id: str
    body: str
    status: str
    error_code: str
    created_at: datetime


@dataclass(frozen=True)
class Incoming:
    """An SMS that somebody sent us. `opt_out`: the gateway's own reading, "STOP", "START", "HELP" or "";
    `pictures`: the addresses, at the gateway, of what came with it; `sent_at`: when it was sent, by the
    gateway's clock, if it wasn't told of at once but fetched afterwards."""

    gateway_id: str
    phone: str
    body: str
    opt_out: str = ""
    pictures: tuple[str, ...] = ()
    sent_at: datetime | None = None


class Gateway(Protocol):
    """One way to send SMS; `name`: what it is called in the figures."""

    name: str

    def send(self, to: str, body: str, message_id: int) -> Outcome:
        """Hand over one SMS. Never raises for what a network or a gateway does."""

    def sent_to(self, to: str, since: datetime) -> Sequence[Carried] | None:
        """What it carried to `to` since then, or None when it couldn't be asked."""

    def received_since(self, since: datetime) -> Sequence[Incoming] | None:
        """What was sent to us since then, the oldest first, or None when it couldn't be asked."""
