"""Signed form POSTs to the product, as the provider makes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

import urllib3
from twilio.request_validator import RequestValidator

_TIMEOUT = urllib3.Timeout(connect=2.0, read=10.0)
# How long to wait before each further try, in seconds.
RETRY_DELAYS_S = (0.2, 0.4, 0.8)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a POST: the HTTP status, or None and the reason there is none."""

    http: int | None
    error: str | None = None

    @property
    def worth_retrying(self) -> bool:
        """Whether another try could succeed: nobody answered, or the product failed on its side."""
        return self.http is None or self.http >= 500


class Webhooks:
    """Posts to the product's webhooks over a shared pool of connections."""

    def __init__(self, auth_token: str, connections: int = 16) -> None:
        """Sign with `auth_token`; keep up to `connections` connections open."""
        self._validator = RequestValidator(auth_token)
        self._pool = urllib3.PoolManager(num_pools=8, maxsize=connections, retries=False, timeout=_TIMEOUT)

    def post(self, url: str, params: Mapping[str, str]) -> Answer:
        """POST `params` as a form with the provider's signature over `url` and `params`."""
        signature = self._validator.compute_signature(url, dict(params))
        try:
            response = self._pool.request(
                "POST",
                url,
                body=urlencode(params),
                redirect=False,
                headers={
                    "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
                    "X-Twilio-Signature": signature,
                    "User-Agent": "TwilioProxy/1.1",
                    "Accept": "*/*",
                },
            )
        except urllib3.exceptions.HTTPError as error:
            return Answer(None, f"{type(error).__name__}: {error}")
        return Answer(response.status)

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._pool.clear()
