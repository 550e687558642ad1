"""Status callbacks: telling the product what became of a message, with every disorder a network has."""

from __future__ import annotations

import logging
import time
from collections import deque
from dataclasses import dataclass
from functools import partial
from threading import Lock

from devtools.phones.controls import Controls
from devtools.phones.models import CallbackAttempt, Message
from devtools.phones.scheduler import Scheduler
from devtools.phones.store import Store
from devtools.phones.webhooks import RETRY_DELAYS_S, Webhooks

_log = logging.getLogger(__name__)

API_VERSION = "2010-04-01"
LOST = "lost on purpose (callbacks_off)"


@dataclass(slots=True)
class _Callback:
    sid: str
    status: str
    url: str
    params: dict[str, str]
    delay_s: float
    copies: int
    attempt: int = 1


class CallbackSender:
    """Posts the statuses of a message in their order, one after the other, unless told to mix them up."""

    def __init__(
        self,
        account_sid: str,
        store: Store,
        controls: Controls,
        scheduler: Scheduler,
        webhooks: Webhooks,
    ) -> None:
        """Post through `webhooks` on the scheduler's workers and record each try in `store`."""
        self._account_sid = account_sid
        self._store = store
        self._controls = controls
        self._scheduler = scheduler
        self._webhooks = webhooks
        self._lock = Lock()
        self._queues: dict[str, deque[_Callback]] = {}
        self._held_back: dict[str, list[_Callback]] = {}

    def push(self, message: Message) -> None:
        """Tell the product the status `message` has now, if it wants to know and the controls let it."""
        status, number = message.status, message.number
        if not message.status_callback or status not in self._controls.words("callback_statuses"):
            return
        if self._controls.flag("callbacks_off", number):
            self._store.add_callback(message.sid, CallbackAttempt(status, time.time(), None, error=LOST))
            return
        callback = _Callback(
            sid=message.sid,
            status=status,
            url=message.status_callback,
            params=self._params(message),
            delay_s=self._controls.seconds("callback_delay_s", number),
            copies=max(self._controls.whole("repeat_callbacks", number) or 1, 1),
        )
        with self._lock:
            if not message.is_final and self._controls.flag("reorder_callbacks", number):
                self._held_back.setdefault(message.sid, []).append(callback)
                return
            late = self._held_back.pop(message.sid, []) if message.is_final else []
            queue = self._queues.setdefault(message.sid, deque())
            idle = not queue
            queue.extend([callback, *late])
        if idle:
            self._send(callback, callback.delay_s)

    def forget(self) -> None:
        """Drop what has not been posted yet."""
        with self._lock:
            self._queues.clear()
            self._held_back.clear()

    def _params(self, message: Message) -> dict[str, str]:
        params = {
            "MessageSid": message.sid,
            "SmsSid": message.sid,
            "MessageStatus": message.status,
            "SmsStatus": message.status,
            "To": message.to_number,
            "From": message.from_number or "",
            "AccountSid": self._account_sid,
            "ApiVersion": API_VERSION,
        }
        if message.service_sid:
            params["MessagingServiceSid"] = message.service_sid
        if message.error_code is not None:
            params["ErrorCode"] = str(message.error_code)
        return params

    def _send(self, callback: _Callback, delay_s: float) -> None:
        self._scheduler.work(partial(self._post, callback), delay_s=delay_s)

    def _post(self, callback: _Callback) -> None:
        started = time.time()
        answer = self._webhooks.post(callback.url, callback.params)
        self._store.add_callback(
            callback.sid,
            CallbackAttempt(callback.status, started, answer.http, callback.attempt, answer.error),
        )
        if answer.worth_retrying and callback.attempt <= len(RETRY_DELAYS_S):
            wait_s = RETRY_DELAYS_S[callback.attempt - 1]
            callback.attempt += 1
            self._send(callback, wait_s)
            return
        if answer.http is None or answer.http >= 400:
            reason = answer.error or answer.http
            _log.warning("callback %s of %s was not taken: %s", callback.status, callback.sid, reason)
        callback.copies -= 1
        callback.attempt = 1
        following = callback if callback.copies > 0 else self._next(callback)
        if following is not None:
            self._send(following, following.delay_s if following is not callback else 0.0)

    def _next(self, done: _Callback) -> _Callback | None:
        with self._lock:
            queue = self._queues.get(done.sid)
            if not queue or queue[0] is not done:
                return None  # forgotten by a reset
            queue.popleft()
            if queue:
                return queue[0]
            del self._queues[done.sid]
            return None
