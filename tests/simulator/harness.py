"""A running simulator, a webhook that stands for the product, and the provider's real client library."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any, TypeVar
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

T = TypeVar("T")


def eventually(look: Callable[[], T]) -> T:
    """What `look` gives as soon as it gives something true; fails after DEADLINE_S."""
    end = time.monotonic() + DEADLINE_S
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            pytest.fail(f"waited in vain, the last was {found!r}")
        time.sleep(0.01)


@dataclass(frozen=True)
class Hook:
    """One POST the webhook has received."""

    path: str
    params: dict[str, str]
    signed: bool


class WebhookReceiver:
    """Takes callbacks and inbound messages, checks their signatures, answers as told."""

    def __init__(self) -> None:
        self.hooks: list[Hook] = []
        self.answers: list[int] = []
        self._lock = Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = self.rfile.read(int(self.headers["Content-Length"])).decode()
                status = receiver.take(self.path, form, self.headers.get("X-Twilio-Signature", ""))
                self.send_response(status)
                self.send_header("Content-Type", "text/xml")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def take(self, path: str, form: str, signature: str) -> int:
        params = dict(parse_qsl(form, keep_blank_values=True))
        signed = RequestValidator(AUTH_TOKEN).validate(self.url + path, params, signature)
        with self._lock:
            self.hooks.append(Hook(path, params, bool(signed)))
            return self.answers.pop(0) if self.answers else 204

    def statuses(self, sid: str) -> list[str]:
        """The statuses told of a message, in the order they arrived."""
        with self._lock:
            return [h.params["MessageStatus"] for h in self.hooks if h.params["MessageSid"] == sid]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class LocalHttpClient(TwilioHttpClient):
    """The library's own HTTP client, with the provider's address replaced."""

    def __init__(self, base_url: str, timeout: float = DEADLINE_S) -> None:
        super().__init__(timeout=timeout)
        self._base = urlsplit(base_url)

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        parts = urlsplit(url)
        local = urlunsplit(parts._replace(scheme=self._base.scheme, netloc=self._base.netloc))
        return super().request(method, local, *args, **kwargs)


class Harness:
    """What a test talks to: the simulator's addresses, its controls, and a client."""

    def __init__(self, base_url: str, receiver: WebhookReceiver) -> None:
        self.url = base_url
        self.receiver = receiver
        self.callback_url = receiver.url + "/sms/status?attempt=7&from=x%20y"
        self.session = requests.Session()
        self._clients: list[LocalHttpClient] = []
        self.client = self.new_client()

    def new_client(self, *, token: str = AUTH_TOKEN, timeout: float = DEADLINE_S) -> Client:
        http = LocalHttpClient(self.url, timeout)
        self._clients.append(http)
        return Client(ACCOUNT_SID, token, http_client=http)

    def send(self, to: str = WEI, body: str = "您好", **more: Any) -> Any:
        return self.client.messages.create(
            **{"to": to, "from_": HOTLINE, "body": body, "status_callback": self.callback_url, **more}
        )

    def get(self, path: str) -> Any:
        response = self.session.get(self.url + path, timeout=DEADLINE_S)
        assert response.status_code == 200, response.text
        return response.json()

    def post(self, path: str, content: Any, status: int = 200) -> Any:
        response = self.session.post(self.url + path, json=content, timeout=DEADLINE_S)
        assert response.status_code == status, response.text
        return response.json()

    def control(self, **changes: object) -> Any:
        return self.post("/api/control", changes)

    def record(self, sid: str) -> Any:
        """The message as the JSON for scripts has it."""
        messages = self.get("/api/messages")["messages"]
        return next(message for message in messages if message["sid"] == sid)

    def wait_for(self, sid: str, status: str) -> Any:
        return eventually(lambda: (found := self.record(sid))["status"] == status and found)

    def close(self) -> None:
        self.session.close()
        for client in self._clients:
            assert client.session is not None
            client.session.close()


class InThread:
    """A simulator on a thread of the test process."""

    def __init__(self, data_dir: Path, receiver: WebhookReceiver) -> None:
        self.server = PhoneServer(
            Settings(
                account_sid=ACCOUNT_SID,
                auth_token=AUTH_TOKEN,
                data_dir=data_dir,
                port=0,
                inbound_url=receiver.url + "/sms/inbound",
                hotline_number=HOTLINE,
            )
        )
        self.url = f"http://127.0.0.1:{self.server.port}"
        self._thread = Thread(target=self.server.serve)
        self._thread.start()

    def stop(self) -> None:
        self.server.stop()
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive()


def start_process(data_dir: Path, port: int, inbound_url: str) -> subprocess.Popen[bytes]:
    """A simulator in a process of its own, answering when this returns."""
    env = {
        **os.environ,
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "SMS_INBOUND_URL": inbound_url,
        "HOTLINE_SMS_NUMBER": HOTLINE,
    }
    command = [sys.executable, "-m", "devtools.phones", "--port", str(port), "--data", str(data_dir)]
    process = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)

    def answers() -> bool:
        assert process.poll() is None, "the simulator ended at once"
        try:
            requests.get(f"http://127.0.0.1:{port}/api/control", timeout=1).close()
        except requests.ConnectionError:
            return False
        return True

    eventually(answers)
    return process
