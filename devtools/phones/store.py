"""The simulator's state: every message and phone, in memory, with each change in the journal."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict
from threading import RLock
from typing import Any

from devtools.phones import bodies, numbers
from devtools.phones.journal import Journal
from devtools.phones.labels import LabelFile
from devtools.phones.models import FROM_PHONE, TO_PHONE, CallbackAttempt, Json, Message, Phone, PhoneState

SWITCHES = ("off", "unreachable", "landline", "opted_out", "label")


class Store:
    """All messages and phones behind one lock; restored from the journal at the start."""

    def __init__(self, journal: Journal, labels: LabelFile) -> None:
        """Read what the journal holds."""
        self._journal = journal
        self._labels = labels
        self._lock = RLock()
        self._clear()
        self._apply: dict[str, Callable[[dict[str, Any]], None]] = {
            "message": self._apply_message,
            "status": self._apply_status,
            "callback": self._apply_callback,
            "webhook": self._apply_webhook,
            "phone": self._apply_phone,
            "read": self._apply_read,
        }
        for event in journal.replay():
            self._apply[event.pop("event")](event)

    def _clear(self) -> None:
        self._phones: dict[str, Phone] = {}
        self._messages: list[Message] = []
        self._by_sid: dict[str, Message] = {}
        # Least recently changed first, so that "what changed since" reads only the end.
        self._by_change: OrderedDict[str, Message] = OrderedDict()
        self._rev = 0

    # --- changes: each is journalled, then applied exactly as a restart would apply it ---

    def _do(self, name: str, event: dict[str, Any]) -> None:
        self._journal.append({"event": name, **event})
        self._apply[name](event)

    def add_outgoing(
        self,
        *,
        to_number: str,
        from_number: str | None,
        body: str,
        status_callback: str | None = None,
        service_sid: str | None = None,
    ) -> Message:
        """Record a message the product sends to a phone."""
        return self._add(
            direction=TO_PHONE,
            to_number=to_number,
            from_number=from_number,
            body=body,
            # With a messaging service the provider first accepts, then picks a sender and queues.
            status="queued" if service_sid is None else "accepted",
            status_callback=status_callback,
            service_sid=service_sid,
        )

    def add_incoming(self, *, from_number: str, to_number: str, body: str) -> Message:
        """Record a message written on a phone, before the product has been told of it."""
        return self._add(
            direction=FROM_PHONE, to_number=to_number, from_number=from_number, body=body, status="receiving"
        )

    def _add(self, **fields: Any) -> Message:
        now = time.time()
        sid = "SM" + secrets.token_hex(16)
        fields |= {"sid": sid, "at": now, "updated_at": now, "segments": bodies.segments(fields["body"])}
        with self._lock:
            self._do("message", fields)
            return self._by_sid[sid]

    def set_status(
        self, sid: str, status: str, *, error_code: int | None = None, from_number: str | None = None
    ) -> Message | None:
        """Move a message on; None when it is gone (the store was reset meanwhile)."""
        with self._lock:
            if sid not in self._by_sid:
                return None
            event: dict[str, Any] = {"sid": sid, "status": status, "at": time.time()}
            if error_code is not None:
                event["error_code"] = error_code
            if from_number is not None:
                event["from_number"] = from_number
            self._do("status", event)
            return self._by_sid[sid]

    def add_callback(self, sid: str, attempt: CallbackAttempt) -> None:
        """Record one try at a status callback."""
        with self._lock:
            if sid in self._by_sid:
                self._do("callback", {"sid": sid, **asdict(attempt)})

    def set_webhook(self, sid: str, http: int | None, error: str | None) -> None:
        """Record how the product answered when told of a message from a phone."""
        with self._lock:
            if sid in self._by_sid:
                self._do("webhook", {"sid": sid, "http": http, "error": error})

    def set_switches(self, number: str, **switches: bool | str | None) -> None:
        """Set some of a phone's SWITCHES; the phone comes to be when it was unknown."""
        with self._lock:
            self._do("phone", {"number": number, **switches})

    def mark_read(self, number: str) -> None:
        """Note that everything on the phone has been looked at."""
        with self._lock:
            phone = self._phones.get(number)
            if phone is not None and phone.unread:
                self._do("read", {"number": number})

    def reset(self) -> None:
        """Forget all messages and phones, in memory and in the journal.

        Revisions go on from where they were, so that a reader notices that all is gone.
        """
        with self._lock:
            rev = self._rev
            self._journal.clear()
            self._clear()
            self._rev = rev + 1

    def close(self) -> None:
        """Close the journal."""
        with self._lock:
            self._journal.close()

    # --- how an event changes the state ---

    def _touch(self, message: Message) -> None:
        self._rev += 1
        message.rev = self._rev
        self._by_change[message.sid] = message
        self._by_change.move_to_end(message.sid)

    def _phone(self, number: str) -> Phone:
        return self._phones.setdefault(number, Phone(number))

    def _apply_message(self, event: dict[str, Any]) -> None:
        message = Message(seq=len(self._messages) + 1, **event)
        self._messages.append(message)
        self._by_sid[message.sid] = message
        self._phone(message.number).messages.append(message)
        self._touch(message)

    def _apply_status(self, event: dict[str, Any]) -> None:
        message = self._by_sid[event["sid"]]
        message.status = event["status"]
        message.updated_at = event["at"]
        message.error_code = event.get("error_code", message.error_code)
        message.from_number = event.get("from_number", message.from_number)
        if message.status in ("sent", "received"):
            message.sent_at = event["at"]
        elif message.status == "delivered":
            message.delivered_at = event["at"]
            self._phone(message.number).unread += 1
        self._touch(message)

    def _apply_callback(self, event: dict[str, Any]) -> None:
        fields = dict(event)
        message = self._by_sid[fields.pop("sid")]
        message.callbacks.append(CallbackAttempt(**fields))
        self._touch(message)

    def _apply_webhook(self, event: dict[str, Any]) -> None:
        message = self._by_sid[event["sid"]]
        message.webhook_status = event["http"]
        message.webhook_error = event["error"]
        self._touch(message)

    def _apply_phone(self, event: dict[str, Any]) -> None:
        phone = self._phone(event["number"])
        for name in SWITCHES:
            if name in event:
                setattr(phone, name, event[name])
        self._rev += 1

    def _apply_read(self, event: dict[str, Any]) -> None:
        self._phone(event["number"]).unread = 0
        self._rev += 1

    # --- reading ---

    def get(self, sid: str) -> Message | None:
        """The message with this identifier, or None."""
        with self._lock:
            return self._by_sid.get(sid)

    def select(self, number: str | None = None) -> list[Message]:
        """Messages in the order they came: all, or those of one phone."""
        with self._lock:
            if number is None:
                return list(self._messages)
            phone = self._phones.get(number)
            return list(phone.messages) if phone else []

    def unfinished(self) -> list[Message]:
        """Messages, in either direction, that a restart has caught on their way."""
        with self._lock:
            return [m for m in self._messages if not m.is_final]

    def state_of(self, number: str) -> PhoneState:
        """The switches of a phone; a number never seen is an ordinary phone that is on."""
        with self._lock:
            phone = self._phones.get(number)
            if phone is None:
                return PhoneState(False, False, numbers.is_landline(number), False)
            landline = numbers.is_landline(number) if phone.landline is None else phone.landline
            return PhoneState(phone.off, phone.unreachable, landline, phone.opted_out)

    def messages_json(self, number: str) -> list[Json]:
        """One phone's messages, oldest first; empty for a number never seen."""
        with self._lock:
            phone = self._phones.get(number)
            return [m.as_json() for m in phone.messages] if phone else []

    def feed(self, *, since: int = 0, changed_since: int | None = None, limit: int | None = None) -> Json:
        """Messages after `since` in order, or all messages changed after revision `changed_since`.

        `limit` cuts the list after that many; "more" says whether it did.
        """
        with self._lock:
            if changed_since is None:
                found = self._messages[max(since, 0) :]
            else:
                found = []
                for message in reversed(self._by_change.values()):
                    if message.rev <= changed_since:
                        break
                    found.append(message)
                found.reverse()
            chosen = found if limit is None else found[:limit]
            more = len(chosen) < len(found)
            return {
                "messages": [m.as_json() for m in chosen],
                "last_seq": chosen[-1].seq if more and changed_since is None else len(self._messages),
                "rev": chosen[-1].rev if more and changed_since is not None else self._rev,
                "labels_rev": self._labels.version,
                "more": more,
            }

    def phones_json(self) -> list[Json]:
        """All phones: those with messages first, most recent on top, then the others in label order."""
        with self._lock:
            labels = self._labels.read()
            known = [*self._phones.values(), *(Phone(n) for n in labels if n not in self._phones)]
            place = {number: index for index, number in enumerate(labels)}
            known.sort(
                key=lambda p: (-p.messages[-1].seq if p.messages else 0, place.get(p.number, len(place)))
            )
            return [self._phone_json(phone, labels) for phone in known]

    def phone_json(self, number: str) -> Json:
        """One phone as in the list; a number never seen is given as a phone without messages."""
        with self._lock:
            return self._phone_json(self._phones.get(number) or Phone(number), self._labels.read())

    def _phone_json(self, phone: Phone, labels: dict[str, str]) -> Json:
        landline = numbers.is_landline(phone.number) if phone.landline is None else phone.landline
        return {
            "number": phone.number,
            "label": phone.label or labels.get(phone.number, ""),
            "off": phone.off,
            "unreachable": phone.unreachable,
            "landline": landline,
            "opted_out": phone.opted_out,
            "messages": len(phone.messages),
            "unread": phone.unread,
            "last_message": phone.messages[-1].as_json() if phone.messages else None,
        }
