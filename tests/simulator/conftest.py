"""A running simulator, a webhook that stands for the product, and the provider's real client library."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import pytest
import requests
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from devtools.phones.config import Settings
from devtools.phones.server import PhoneServer

ACCOUNT_SID = "AC" + "0123456789abcdef" * 2
AUTH_TOKEN = "a token for tests only"
HOTLINE = "+8613900000000"
WEI = "+8613800000001"
FANG = "+8613800000002"
LANDLINE = "+863515678901"
DEADLINE_S = 8.0


def eventually[T](look: Callable[[], T]) -> T:
    """What `look` gives as soon as it gives something true; fails after DEADLINE_S."""
    end = time.monotonic() + DEADLINE_S
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            pytest.fail("waited in vain")
        time.sleep(0.01)
