"""A small threaded HTTP/1.1 server for one WSGI application.

Werkzeug's own server closes every connection after one answer. The provider's does not, and a client
that sends hundreds of messages a second would mostly be opening connections.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from types import TracebackType
from typing import Any
from urllib.parse import unquote_to_bytes
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_log = logging.getLogger(__name__)

IDLE_TIMEOUT_S = 60.0
MAX_REQUEST_BYTES = 256 * 1024
SOCKET_KEY = "phones.socket"

ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]


class _Handler(BaseHTTPRequestHandler):
    """Passes each request of a connection to the application and writes its answer in one piece."""

    server: WsgiServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = IDLE_TIMEOUT_S
    wbufsize = -1

    def handle(self) -> None:
        """Answer until one side has had enough; a client that leaves in between is no error."""
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True

    def finish(self) -> None:
        """Close the connection, which a dropped request has closed already."""
        try:
            super().finish()
        except (ConnectionError, ValueError):
            _log.debug("the client left before its answer")

    def do_GET(self) -> None:
        """Answer a request of any method."""
        length = self._body_length()
        if length is None:
            return
        environ = self._environ(BytesIO(self.rfile.read(length)), length)
        answer = _Answer()
        try:
            parts = self.server.application(environ, answer.start)
            body = b"".join(parts)
            _close(parts)
        except Exception:
            _log.exception("%s %s failed", self.command, self.path)
            self.send_error(HTTPStatus.INTERNAL_SERVER_ERROR)
            return
        code, _, reason = answer.status.partition(" ")
        self.send_response_only(int(code), reason)
        names = {name.lower() for name, _ in answer.headers}
        for name, value in answer.headers:
            self.send_header(name, value)
        if "content-length" not in names and code != "204":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: there are hundreds of requests in a second."""

    def _body_length(self) -> int | None:
        """How many bytes of body follow; None when the request has been refused for it."""
        text = self.headers.get("Content-Length", "0")
        refusal = None
        if "Transfer-Encoding" in self.headers or not text.isdecimal():
            refusal = HTTPStatus.LENGTH_REQUIRED
        elif int(text) > MAX_REQUEST_BYTES:
            refusal = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        if refusal is not None:
            self.close_connection = True
            self.send_error(refusal)
            return None
        return int(text)

    def _environ(self, body: BytesIO, length: int) -> WSGIEnvironment:
        path, _, query = self.path.partition("?")
        host, port = self.server.server_address[:2]
        environ: WSGIEnvironment = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(length),
            "SERVER_NAME": str(host),
            "SERVER_PORT": str(port),
            "SERVER_PROTOCOL": self.request_version,
            "REMOTE_ADDR": self.client_address[0],
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": body,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            SOCKET_KEY: self.connection,
        }
        for name, value in self.headers.items():
            key = "HTTP_" + name.upper().replace("-", "_")
            if key not in ("HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"):
                environ[key] = f"{environ[key]},{value}" if key in environ else value
        return environ


class _Answer:
    """What the application says about its answer before giving the body."""

    def __init__(self) -> None:
        self.status = "500 Internal Server Error"
        self.headers: list[tuple[str, str]] = []

    @property
    def start(self) -> StartResponse:
        """The start_response of WSGI."""

        def start_response(
            status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None, /
        ) -> Any:
            self.status, self.headers = status, headers

        return start_response


def _close(parts: Iterable[bytes]) -> None:
    close = getattr(parts, "close", None)
    if close is not None:
        close()


class WsgiServer(ThreadingHTTPServer):
    """Serves `application`, with a daemon thread for each connection."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, host: str, port: int, application: WSGIApplication) -> None:
        """Bind `host` and `port`; 0 picks a free port. Raises OSError when it is taken."""
        self.application = application
        super().__init__((host, port), _Handler)
