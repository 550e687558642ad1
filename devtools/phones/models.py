"""The records the simulator keeps: messages, what became of their callbacks, and phones."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from devtools.phones import bodies

TO_PHONE = "to_phone"
FROM_PHONE = "from_phone"
FINAL_STATUSES = frozenset({"delivered", "undelivered", "failed", "received"})

Json = dict[str, Any]


def iso(moment: float | None) -> str | None:
    """Unix time as ISO 8601 in UTC with milliseconds, None for None."""
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(slots=True)
class CallbackAttempt:
    """One try at telling the product a status.

    `http` is the answer's status, None when there was none; `error` then says why.
    """

    status: str
    at: float
    http: int | None
    attempt: int = 1
    error: str | None = None

    def as_json(self) -> Json:
        """The attempt as scripts read it."""
        return {**asdict(self), "at": iso(self.at)}


@dataclass(slots=True)
class Message:
    """One message, in either direction between the product and a phone. Times are Unix seconds (UTC).

    `seq` numbers messages in the order they came; `rev` is the store's revision at the last change.
    `from_number` is None while the provider has not yet chosen a sender of a messaging service.
    """

    seq: int
    sid: str
    direction: str
    to_number: str
    from_number: str | None
    body: str
    at: float
    status: str
    segments: int
    rev: int = 0
    updated_at: float = 0.0
    sent_at: float | None = None
    delivered_at: float | None = None
    error_code: int | None = None
    status_callback: str | None = None
    service_sid: str | None = None
    callbacks: list[CallbackAttempt] = field(default_factory=list)
    webhook_status: int | None = None
    webhook_error: str | None = None

    @property
    def number(self) -> str:
        """The number of the phone, whichever end of the message it is."""
        return (self.to_number if self.direction == TO_PHONE else self.from_number) or ""

    @property
    def is_final(self) -> bool:
        """Whether the status will not change any more."""
        return self.status in FINAL_STATUSES

    def as_json(self) -> Json:
        """The message as scripts and the page read it."""
        return {
            "seq": self.seq,
            "rev": self.rev,
            "sid": self.sid,
            "number": self.number,
            "direction": self.direction,
            "to": self.to_number,
            "from": self.from_number,
            "body": self.body,
            "at": iso(self.at),
            "sent_at": iso(self.sent_at),
            "delivered_at": iso(self.delivered_at),
            "status": self.status,
            "segments": self.segments,
            "error_code": self.error_code,
            "status_callback": self.status_callback,
            "links": bodies.links(self.body),
            "reply_codes": bodies.reply_codes(self.body) if self.direction == TO_PHONE else [],
            "callbacks": [attempt.as_json() for attempt in self.callbacks],
            "webhook_status": self.webhook_status,
            "webhook_error": self.webhook_error,
        }


@dataclass(slots=True)
class Phone:
    """One phone and its switches.

    `off`: messages end undelivered (30003). `unreachable`: the number is out of service (30005).
    `landline`: True or False overrides what the number itself tells; None leaves it to the number.
    `opted_out`: the phone has answered STOP. `label`: set by hand, wins over the label file.
    """

    number: str
    label: str | None = None
    off: bool = False
    unreachable: bool = False
    landline: bool | None = None
    opted_out: bool = False
    unread: int = 0
    messages: list[Message] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PhoneState:
    """What decides how a message to a phone ends, read at one moment."""

    off: bool
    unreachable: bool
    landline: bool
    opted_out: bool
