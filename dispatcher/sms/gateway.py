"""What every SMS gateway offers, in our words.

A gateway says one of three things of a message: accepted, certainly not accepted, or it doesn't
know. Only "certainly not" may be sent again without asking first. A refusal says whose fault it is, for
that decides what follows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True)
class Accepted:
    """The gateway has the message, under its own id."""

    gateway_id: str


class Fault(StrEnum):
    """Whose fault it is that a message was refused or didn't arrive."""

    RECIPIENT = "recipient"
    """This number can't be reached by SMS: no use in trying again, but others can."""
    OURS = "ours"
    """Our account or settings: it is as true of other messages, until somebody mends it."""
    TEXT = "text"
    """The text of this message, which is ours: others with another text may leave."""
    LOAD = "load"
    """Too much at once, or out of order for a moment: worth another try."""
    UNCLEAR = "unclear"
    """A code that we don't know: perhaps this number's fault, perhaps ours."""


class Setting(StrEnum):
    """What of ours a gateway doesn't accept."""

    SENDER = "sender"
    CREDENTIALS = "credentials"
    REGION = "region"
    ACCOUNT = "account"
    ADDRESS = "address"
    """The public address at which the gateway is to report what becomes of a message."""
    CONNECTION = "connection"
    """No setting proper: the gateway can't be reached at all."""
    OTHER = "other"
    """It says why, but by a code that we don't know."""


@dataclass(frozen=True)
class Refused:
    """The gateway has certainly not taken it, or says later that it didn't pass it on.

    `setting`: what has to be mended, where the fault isn't the recipient's. `opted_out`: the recipient
    wants no SMS. `this_phone`: though the fault is ours, it says nothing of other phones.
    """

    code: str
    fault: Fault
    setting: Setting | None = None
    opted_out: bool = False
    this_phone: bool = False


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
