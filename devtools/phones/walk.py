"""The life of a message on its way to a phone: from queued to delivered, or not."""

from __future__ import annotations

from functools import partial

from devtools.phones.callbacks import CallbackSender
from devtools.phones.controls import Controls
from devtools.phones.models import Message
from devtools.phones.scheduler import Scheduler
from devtools.phones.store import Store

SWITCHED_OFF = 30003
UNKNOWN_HANDSET = 30005
LANDLINE = 30006

# How much of the whole walk each step takes, by the status it leads to.
_SHARE = {"queued": 0.05, "sending": 0.15, "sent": 0.35, "failed": 0.35, "delivered": 0.5, "undelivered": 0.5}


class Walker:
    """Moves messages from status to status and has the product told."""

    def __init__(
        self,
        store: Store,
        controls: Controls,
        scheduler: Scheduler,
        callbacks: CallbackSender,
        hotline_number: str | None,
    ) -> None:
        """`hotline_number` is the sender a messaging service picks."""
        self._store = store
        self._controls = controls
        self._scheduler = scheduler
        self._callbacks = callbacks
        self._hotline_number = hotline_number

    def start(self, message: Message) -> None:
        """Set `message` walking from the status it has; also used after a restart."""
        self._plan(message, self._controls.jitter_s())

    def _plan(self, message: Message, extra_s: float = 0.0) -> None:
        status, _ = self._next(message)
        whole_s = self._controls.seconds("status_delay_s", message.number)
        step = partial(self._step, message.sid, message.status)
        self._scheduler.after(extra_s + whole_s * _SHARE[status], step)

    def _step(self, sid: str, expected: str) -> None:
        message = self._store.get(sid)
        if message is None or message.status != expected:
            return
        # Decided only now: a phone switched off while the message is under way does not get it.
        status, error_code = self._next(message)
        sender = self._hotline_number if message.from_number is None else None
        changed = self._store.set_status(sid, status, error_code=error_code, from_number=sender)
        if changed is None:
            return
        self._callbacks.push(changed)
        if not changed.is_final:
            self._plan(changed)

    def _next(self, message: Message) -> tuple[str, int | None]:
        """The status that follows and, when the message fails there, the error code."""
        if message.status == "accepted":
            return "queued", None
        if message.status == "queued":
            return "sending", None
        error_code = self._delivery_error(message.number)
        if message.status == "sending":
            fails_early = self._controls.text("delivery_error_status", message.number) == "failed"
            return ("failed", error_code) if error_code and fails_early else ("sent", None)
        return ("undelivered", error_code) if error_code else ("delivered", None)

    def _delivery_error(self, number: str) -> int | None:
        chosen = self._controls.whole("delivery_error", number)
        if chosen:
            return chosen
        phone = self._store.state_of(number)
        if phone.landline:
            return LANDLINE
        if phone.unreachable:
            return UNKNOWN_HANDSET
        return SWITCHED_OFF if phone.off else None
