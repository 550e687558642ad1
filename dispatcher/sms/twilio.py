"""Twilio, or whatever speaks its REST API: always the real client over real HTTP."""

import logging
import ssl
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from dispatcher.rules.lifecycle import MessageState
from dispatcher.sms import twilio_codes
from dispatcher.sms.gateway import Accepted, Carried, Fault, Incoming, Outcome, Refused, Setting, Unknown

log = logging.getLogger(__name__)

CONNECT_S, READ_S = 3.0, 6.0
"""How long a call may take to connect and to be answered, in seconds. Together less than the time
after which a claim counts as lost. Twilio's own client would wait for ever."""

TWILIO_URL = "https://api.twilio.com"
_TWILIO_HOSTS = (TWILIO_URL, "https://messaging.twilio.com")

MOST_RECEIVED = 5000
"""So many incoming messages are listed at once at most: pages of a thousand, the newest first."""

NUMBERS_KNOWN_FOR_S = 3600.0
"""So long, in seconds, the numbers of the messaging service are taken to be the same."""

# Twilio's default opt-out words. A webhook says which was meant; its list of messages doesn't.
_OPT_OUT_WORDS = {
    **dict.fromkeys(("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"), "STOP"),
    **dict.fromkeys(("START", "YES", "UNSTOP"), "START"),
    **dict.fromkeys(("HELP", "INFO"), "HELP"),
}

# Twilio's words for a message's life, in ours. Its early words all mean "we have it".
STATUSES = {
    "accepted": MessageState.SENT,
    "scheduled": MessageState.SENT,
    "queued": MessageState.SENT,
    "sending": MessageState.SENT,
    "sent": MessageState.SENT,
    "delivered": MessageState.DELIVERED,
    "read": MessageState.DELIVERED,
    "undelivered": MessageState.UNDELIVERED,
    "failed": MessageState.FAILED,
    "canceled": MessageState.FAILED,
}

# By so much our clocks may be ahead of Twilio's. Generous: a message that isn't found is sent again, while
# an older one with the same text is known by its id already and isn't taken for it.
_CLOCK_SLACK = timedelta(hours=1)

_NO_CREDENTIALS = Refused("no_credentials", Fault.OURS, Setting.CREDENTIALS)
_NO_SENDER = Refused("no_sender", Fault.OURS, Setting.SENDER)


class _RedirectedHttpClient(TwilioHttpClient):  # type: ignore[misc]
    """Twilio's HTTP client with a timeout, and with another host in place of Twilio's."""

    def __init__(self, base_url: str) -> None:
        super().__init__(pool_connections=True)
        self.timeout = (CONNECT_S, READ_S)
        self._base_url = base_url
        # One connection for each thread that waits; more threads than that reconnect.
        adapter = requests.adapters.HTTPAdapter(pool_maxsize=64)
        self.session.mount("http://", adapter)
        self.session.mount("https://", adapter)

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        if self._base_url != TWILIO_URL:
            for host in _TWILIO_HOSTS:
                url = url.replace(host, self._base_url, 1)
        return super().request(method, url, *args, **kwargs)


class TwilioGateway:
    """Sends by Twilio's Messages resource; status callbacks carry our message id."""

    name = "twilio"

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        sender: str,
        callback_url: str,
        messaging_service: str = "",
        base_url: str = TWILIO_URL,
    ) -> None:
        http = _RedirectedHttpClient(base_url or TWILIO_URL)
        # Without credentials the client can't even be made; nothing is sent with these.
        self._client = Client(account_sid or "unset", auth_token or "unset", http_client=http)
        self._lacks: Refused | None = None
        if not (account_sid and auth_token):
            self._lacks = _NO_CREDENTIALS
        elif not (sender or messaging_service):
            self._lacks = _NO_SENDER
        self._from = {"messaging_service_sid": messaging_service} if messaging_service else {"from_": sender}
        self._callback_url = callback_url
        self._numbers = [sender] if sender and not messaging_service else []
        self._numbers_known_until = 0.0

    def send(self, to: str, body: str, message_id: int) -> Outcome:
        """Hand over one SMS; see :class:`~dispatcher.sms.gateway.Gateway`."""
        if self._lacks is not None:
            return self._lacks  # nobody is asked, who could not take it
        try:
            sent = self._client.messages.create(
                to=to,
                body=body,
                status_callback=f"{self._callback_url}?m={message_id}",
                **self._from,
            )
        except TwilioRestException as error:
            if 400 <= error.status < 500:
                return twilio_codes.refusal(error.code, error.status)
            return Unknown(str(error.code or error.status))
        except requests.exceptions.ConnectTimeout:
            return Refused("connect_timeout", Fault.LOAD, Setting.CONNECTION)
        except requests.exceptions.ConnectionError as error:
            # Refused before a byte was sent, or broken off after: only the first is certain.
            unopened = _why_unopened(error)
            if unopened:
                return Refused(unopened, Fault.LOAD, Setting.CONNECTION)
            return Unknown("connection_broken")
        except (requests.exceptions.RequestException, TwilioException):
            return Unknown("no_answer")
        return Accepted(str(sent.sid))

    def sent_to(self, to: str, since: datetime) -> Sequence[Carried] | None:
        """What Twilio carried to `to` since then, or None when it couldn't be asked."""
        if self._lacks is not None:
            return None
        try:
            # Not by date of sending: a message that Twilio has but hasn't passed on yet has none.
            found = self._client.messages.list(to=to, limit=100)
        except (requests.exceptions.RequestException, TwilioException):
            return None
        return [
            Carried(
                gateway_id=str(m.sid),
                body=m.body or "",
                status=STATUSES.get(str(m.status), MessageState.SENT),
                error_code=str(m.error_code or ""),
                created_at=m.date_created,
            )
            for m in found
            if m.date_created is None or m.date_created >= since - _CLOCK_SLACK
        ]

    def received_since(self, since: datetime) -> Sequence[Incoming] | None:
        """What was sent to our numbers since then; see :class:`~dispatcher.sms.gateway.Gateway`."""
        try:
            found = [
                message
                for number in self._our_numbers()
                for message in self._client.messages.list(
                    to=number, date_sent_after=since.astimezone(UTC), limit=MOST_RECEIVED, page_size=1000
                )
                if message.direction == "inbound" and message.sid and message.from_
            ]
            if len(found) >= MOST_RECEIVED:
                log.warning("more than %d incoming messages: older ones aren't listed", MOST_RECEIVED)
            # The gateway knows the second only; what it lists later of one second came earlier.
            found.reverse()
            found.sort(key=lambda message: message.date_sent or since)
            return [self._incoming(message) for message in found]
        except (requests.exceptions.RequestException, TwilioException):
            return None

    def _our_numbers(self) -> list[str]:
        """The numbers to which people write to us: our own, or those of the messaging service."""
        service = self._from.get("messaging_service_sid")
        if service and time.monotonic() > self._numbers_known_until:
            listed = self._client.messaging.v1.services(service).phone_numbers.list(limit=100)
            self._numbers = [str(one.phone_number) for one in listed]
            self._numbers_known_until = time.monotonic() + NUMBERS_KNOWN_FOR_S
        return self._numbers

    def _incoming(self, message: Any) -> Incoming:
        body = message.body or ""
        pictures: tuple[str, ...] = ()
        if str(message.num_media or "0") != "0":
            media = self._client.messages(message.sid).media.list(limit=10)
            pictures = tuple(f"{TWILIO_URL}{one.uri}".removesuffix(".json") for one in media)
        return Incoming(
            gateway_id=str(message.sid),
            phone=str(message.from_),
            body=body,
            opt_out=_OPT_OUT_WORDS.get(body.strip().upper(), ""),
            pictures=pictures,
            sent_at=message.date_sent,
        )


def _why_unopened(error: requests.exceptions.ConnectionError) -> str:
    """Why the connection couldn't even be opened, so that nothing can have been taken; "" if it could."""
    cause: Any = error.args[0] if error.args else None
    reason = getattr(cause, "reason", cause)
    detail = str(reason.args[-1]) if isinstance(reason, Exception) and reason.args else ""
    if isinstance(error, requests.exceptions.ProxyError) or detail.startswith("Tunnel connection failed"):
        return "proxy"
    if isinstance(error, requests.exceptions.SSLError):
        # Our clock or our list of authorities. Whatever else breaks may break after something was sent.
        untrusted = any(isinstance(arg, ssl.SSLCertVerificationError) for arg in getattr(reason, "args", ()))
        return "certificate" if untrusted else ""
    if type(reason).__name__ in {"NewConnectionError", "ConnectTimeoutError", "NameResolutionError"}:
        return "connection_refused"
    return ""


class Signature:
    """Twilio's signature on what it sends us, checked against the URL we configured."""

    def __init__(self, auth_token: str) -> None:
        self._validator = RequestValidator(auth_token)

    def valid(self, url: str, params: dict[str, str], signature: str) -> bool:
        """Whether `signature` is Twilio's own for this URL and these form fields."""
        return bool(self._validator.validate(url, params, signature))
