"""Signed form POSTs to the product, as the provider makes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from threading import local
from urllib.parse import SplitResult, urlencode, urlsplit

from twilio.request_validator import RequestValidator

TIMEOUT_S = 10.0
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


class _Connections(local):
    """The connections of one thread, by scheme and host. Kept open: a new one costs more than a POST."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], HTTPConnection] = {}

    def post(self, url: SplitResult, body: bytes, headers: Mapping[str, str]) -> int:
        """The status of the answer. Raises OSError or HTTPException when there is none."""
        key = (url.scheme, url.netloc)
        connection = self._open.pop(key, None)
        reused = connection is not None
        if connection is None:
            kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
            connection = kind(url.netloc, timeout=TIMEOUT_S)
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        try:
            connection.request("POST", target, body, dict(headers))
            response = connection.getresponse()
            response.read()
        except (OSError, HTTPException) as error:
            connection.close()
            # A connection kept open may have been closed by the other side since; a new one tells.
            if reused and isinstance(error, ConnectionError):
                return self.post(url, body, headers)
            raise
        self._open[key] = connection
        return response.status


class Webhooks:
    """Posts to the product's webhooks, each thread over connections of its own."""

    def __init__(self, auth_token: str) -> None:
        """Sign with `auth_token`."""
        self._validator = RequestValidator(auth_token)
        self._connections = _Connections()

    def post(self, url: str, params: Mapping[str, str]) -> Answer:
        """POST `params` as a form with the provider's signature over `url` and `params`."""
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "X-Twilio-Signature": self._validator.compute_signature(url, dict(params)),
            "User-Agent": "TwilioProxy/1.1",
            "Accept": "*/*",
        }
        try:
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.netloc:
                return Answer(None, f"not a web address: {url!r}")
            return Answer(self._connections.post(parts, urlencode(params).encode(), headers))
        except (OSError, HTTPException, ValueError) as error:
            return Answer(None, f"{type(error).__name__}: {error}")
