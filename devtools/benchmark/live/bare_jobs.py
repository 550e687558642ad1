"""The yardstick of the outbox: a job that makes the call to the gateway, and nothing else.

On the same broker and the same kind of pool, through the same client library as the product.
"""

import os
from functools import cache
from typing import Any

import celery
import requests
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

QUEUE, CALL = "bare", "call"


class _Elsewhere(TwilioHttpClient):  # type: ignore[misc]
    """Twilio's HTTP client, pointed at the simulator, with as many connections as threads."""

    def __init__(self, base_url: str) -> None:
        super().__init__(pool_connections=True, timeout=10)
        self._base_url = base_url
        self.session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=64))

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        return super().request(method, url.replace("https://api.twilio.com", self._base_url), *args, **kwargs)


app = celery.Celery("bare", broker=os.environ.get("BARE_BROKER"))
app.conf.update(
    task_default_queue=QUEUE,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
)


@cache
def _client() -> Client:
    env = os.environ
    elsewhere = _Elsewhere(env["TWILIO_API_BASE"])
    return Client(env["TWILIO_ACCOUNT_SID"], env["TWILIO_AUTH_TOKEN"], http_client=elsewhere)


@app.task(name=CALL)  # type: ignore[untyped-decorator]
def call(to: str, body: str) -> None:
    """Hand one SMS to the gateway."""
    _client().messages.create(
        to=to,
        body=body,
        from_=os.environ["HOTLINE_SMS_NUMBER"],
        status_callback=f"{os.environ['BARE_URL']}/lines",
    )
