"""Messages written on a phone, on their way to the product."""

from __future__ import annotations

import logging

from devtools.phones import bodies
from devtools.phones.callbacks import API_VERSION
from devtools.phones.config import Settings
from devtools.phones.controls import Controls
from devtools.phones.models import TO_PHONE, Json, Message
from devtools.phones.scheduler import Scheduler
from devtools.phones.store import Store
from devtools.phones.webhooks import RETRY_DELAYS_S, Answer, Webhooks

_log = logging.getLogger(__name__)


class NoHotlineError(Exception):
    """There is nobody to answer: no hotline number is set and nobody has written to this phone."""


class SwitchedOffError(Exception):
    """A phone that is switched off cannot send anything."""


class Inbound:
    """Takes replies from phones, keeps the opt-outs, and posts each reply to the product."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        controls: Controls,
        scheduler: Scheduler,
        webhooks: Webhooks,
    ) -> None:
        """Post to the inbound URL of `settings`, through `webhooks`."""
        self._settings = settings
        self._store = store
        self._controls = controls
        self._scheduler = scheduler
        self._webhooks = webhooks

    def reply(self, number: str, body: str) -> Json:
        """Send `body` from the phone to the hotline and wait for the product's webhook to answer.

        Gives the message's record. Raises SwitchedOffError or NoHotlineError when nothing can be sent.
        """
        if self._store.state_of(number).off:
            raise SwitchedOffError
        message = self._store.add_incoming(from_number=number, to_number=self._hotline_for(number), body=body)
        self._store.mark_read(number)
        keyword = bodies.opt_out_type(body)
        if keyword in ("STOP", "START"):
            self._store.set_switches(number, opted_out=keyword == "STOP")
        self.deliver(message)
        return message.as_json()

    def deliver(self, message: Message) -> None:
        """Post `message` to the product, again when it fails, and record the outcome."""
        url = self._settings.inbound_url
        if url is None:
            answer = Answer(None, "no inbound URL is set")
        else:
            params = self._params(message)
            for _ in range(max(self._controls.whole("inbound_repeat", message.number) or 1, 1)):
                answer = self._post(url, params)
        # Only now: a restart in between finds the message still "receiving" and posts it again.
        self._store.set_status(message.sid, "received")
        self._store.set_webhook(message.sid, answer.http, answer.error)
        if answer.http is None or answer.http >= 400:
            _log.warning("message %s was not taken: %s", message.sid, answer.error or answer.http)

    def _post(self, url: str, params: dict[str, str]) -> Answer:
        answer = self._webhooks.post(url, params)
        for delay_s in RETRY_DELAYS_S:
            if not answer.worth_retrying or self._scheduler.stopping.is_set():
                break
            self._scheduler.pause(delay_s)
            answer = self._webhooks.post(url, params)
        return answer

    def _params(self, message: Message) -> dict[str, str]:
        params = {
            "MessageSid": message.sid,
            "SmsSid": message.sid,
            "SmsMessageSid": message.sid,
            "SmsStatus": "received",
            "AccountSid": self._settings.account_sid,
            "ApiVersion": API_VERSION,
            "From": message.number,
            "To": message.to_number,
            "Body": message.body,
            "NumMedia": "0",
            "NumSegments": str(message.segments),
        }
        keyword = bodies.opt_out_type(message.body)
        if keyword is not None:
            params["OptOutType"] = keyword
        return params

    def _hotline_for(self, number: str) -> str:
        if self._settings.hotline_number:
            return self._settings.hotline_number
        for message in reversed(self._store.select(number)):
            if message.direction == TO_PHONE and message.from_number:
                return message.from_number
        raise NoHotlineError
