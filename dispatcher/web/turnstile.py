"""One login after the other, before anything else is done for it: a crowd of strangers waits outside.

Checking a password is slow on purpose, and threads that are turned away still take turns with those that
serve pages. So in each process one login at a time goes through the application, with a rest between two; a
few wait for their turn, without using the machine. Whoever finds no place gets the form back with the name
in it, made beforehand, after a moment in which they can't try again. A browser in which somebody has logged
in before has a lane of its own, shown by a signed cookie: strangers can fill only theirs.
"""

import secrets
import threading
import time
from collections.abc import Callable, Iterable
from html import escape
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import parse_qs

from flask import Flask, Response, g, render_template
from flask_babel import gettext as _
from flask_wtf.csrf import generate_csrf
from itsdangerous import BadSignature, TimestampSigner
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header, parse_cookie

from dispatcher.web.language import LANGUAGES
from dispatcher.web.threads import FOR_TURNED_AWAY

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LOBBY = 6
"""So many of a lane may wait in a process; each holds one of its threads for pages."""

DELAY_S = 0.5
"""So long, in seconds, those who are turned away sleep on a thread before they are answered, as many as there
are threads for (`threads.FOR_TURNED_AWAY`). Whoever is answered at once is back at once: a dozen of those
take a core."""

PATIENCE_S = 2.0
REST_S = 0.03
"""How long one waits for one's turn at most, and the pause between two logins of strangers, in seconds."""

COOKIE = "dispatcher_known"
KNOWN_FOR_S = 90 * 24 * 3600
MOST_BODY = 4096
"""No form of a login is longer, in bytes: of a longer one nothing is read."""


class Lane:
    """Those who pass one after the other."""

    def __init__(self, rest_s: float) -> None:
        self._places = threading.BoundedSemaphore(LOBBY + 1)
        self._turn = threading.Semaphore()
        self._rest_s = rest_s
        self._free_at = 0.0

    def enter(self) -> bool:
        """Wait for one's turn; False when there is no place, or it took too long."""
        if not self._places.acquire(blocking=False):
            return False
        if not self._turn.acquire(timeout=PATIENCE_S):
            self._places.release()
            return False
        time.sleep(max(0.0, self._free_at - time.monotonic()))
        return True

    def leave(self) -> None:
        """Let the next one in."""
        self._free_at = time.monotonic() + self._rest_s
        self._turn.release()
        self._places.release()


class Turnstile:
    """WSGI, in front of the application."""

    def __init__(self, app: Flask, inner: "WSGIApplication", secure: Callable[[Response], Response]) -> None:
        self._app = app
        self._secure = secure
        self._inner = inner
        self.strangers, self.regulars = Lane(REST_S), Lane(0.0)
        self._delayed = threading.BoundedSemaphore(FOR_TURNED_AWAY)
        self._pages: dict[str, tuple[str, list[tuple[str, str]]]] = {}

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Pass on everything but a login that finds no place."""
        if environ.get("PATH_INFO") != "/login" or environ["REQUEST_METHOD"] != "POST":
            return self._inner(environ, start_response)
        # Before anybody's turn: a slow sender holds up nobody.
        environ["wsgi.input"] = _read(environ)
        cookie = parse_cookie(environ).get(COOKIE, "")
        lane = self.regulars if cookie and is_known(self._app, cookie) else self.strangers
        if not lane.enter():
            return self._turn_away(environ, start_response)
        try:
            return self._inner(environ, start_response)
        finally:
            lane.leave()

    def _turn_away(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        accepts = parse_accept_header(environ.get("HTTP_ACCEPT_LANGUAGE"), LanguageAccept)
        language = accepts.best_match(LANGUAGES) or LANGUAGES[0]
        if language not in self._pages:
            self._pages[language] = self._make(language)
        page, headers = self._pages[language]
        typed = _typed(environ)
        for name in _KEPT:
            page = page.replace(_mark(name), escape(typed.get(name, [""])[0]))
        if self._delayed.acquire(blocking=False):
            time.sleep(DELAY_S)
            self._delayed.release()
        body = page.encode()
        start_response("503 SERVICE UNAVAILABLE", [*headers, ("Content-Length", str(len(body)))])
        return [body]

    def _make(self, language: str) -> tuple[str, list[tuple[str, str]]]:
        """The form with a mark in place of each thing that was typed, and its headers."""
        with self._app.test_request_context("/login"):
            g.language = language
            page = busy({name: _mark(name) for name in _KEPT})
            token = generate_csrf()
            page.set_data(page.get_data(as_text=True).replace(token, _mark("csrf_token")))
            headers = [
                (name, value) for name, value in self._secure(page).headers if name != "Content-Length"
            ]
            return page.get_data(as_text=True), headers


_KEPT = ("username", "next", "csrf_token")


def _mark(name: str) -> str:
    return f"[[{name}]]"


def _read(environ: "WSGIEnvironment") -> IO[bytes]:
    """The body, received; nothing of one that is too long for a login, or of unknown length."""
    length = environ.get("CONTENT_LENGTH") or "0"
    if not (length.isascii() and length.isdigit() and len(length) < 10) or int(length) > MOST_BODY:
        environ["CONTENT_LENGTH"] = "0"
        return BytesIO()
    return BytesIO(environ["wsgi.input"].read(int(length)))


def _typed(environ: "WSGIEnvironment") -> dict[str, list[str]]:
    body = environ["wsgi.input"].read()
    try:
        return parse_qs(body.decode(errors="replace"), max_num_fields=10)
    except ValueError:
        return {}


def busy(values: dict[str, str]) -> Response:
    """The login form, to be sent again in a moment."""
    error = _("Many people are logging in just now. Please try again in a moment.")
    return Response(render_template("auth/login.html", error=error, values=values), 503, {"Retry-After": "3"})


def _signer(app: Flask) -> TimestampSigner:
    secret: Any = app.secret_key
    return TimestampSigner(secret, salt="a browser in which somebody has logged in")


def is_known(app: Flask, value: str) -> bool:
    """Whether this cookie is one that we have given, not too long ago."""
    try:
        _signer(app).unsign(value, max_age=KNOWN_FOR_S)
    except BadSignature:
        return False
    return True


def know(app: Flask, response: Response) -> None:
    """Let this browser use the lane of those who belong here."""
    response.set_cookie(
        COOKIE, _signer(app).sign(secrets.token_hex(8)).decode(), max_age=KNOWN_FOR_S, path="/login",
        secure=app.config["SESSION_COOKIE_SECURE"], httponly=True, samesite="Lax",
    )  # fmt: skip


def init_app(app: Flask, secure: Callable[[Response], Response]) -> None:
    """Put it in front of the application; `secure` gives a response the headers that all have."""
    turnstile = Turnstile(app, app.wsgi_app, secure)
    app.extensions["turnstile"] = turnstile
    app.wsgi_app = turnstile  # type: ignore[method-assign]
