"""Telling open boards what has changed: within a second, without holding the database.

One thread per web process asks the database's own change counter a few times a second and wakes every
stream of that process, so a hundred open boards cost one tiny query, and nothing that changes can be
forgotten. What a board shows is drawn once for all who look at the same thing, and sent down their
streams if it differs from what they have. A process that has no thread to spare for another stream
answers 204, and that page polls instead.

A stream belongs to a login and ends with it. Whether the logins stand is asked for all streams of the process
at once: every few seconds, at every change, and after every drawing, before anything of it is sent.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from functools import partial

from flask import Flask, Response, request, stream_with_context
from sqlalchemy import Connection
from werkzeug.http import generate_etag

from dispatcher import metrics
from dispatcher.clock import utcnow
from dispatcher.database import db
from dispatcher.services import accounts, board
from dispatcher.web.threads import FOR_STREAMS

log = logging.getLogger(__name__)

ASK_EVERY_S = 0.3
DRAWING_SHARE = 0.25
"""Drawing boards takes no more of a process's time than about this."""

CHECK_EVERY_S = 3.0
"""So often the logins of all streams are looked at while nothing changes."""

KEEP_ALIVE_S = 15.0
STREAM_LIFE_S = (540.0, 660.0)
"""A stream ends after this, from and to, and the browser opens another: no thread is held by a dead peer."""

COME_BACK_MS = (500, 1800)
"""So long after its stream has ended, in milliseconds, a browser opens the next, from and to."""


@dataclass(frozen=True)
class Drawn:
    """What a board shows, as an event. `change`: it is no older than this one; `at`: monotonic seconds."""

    event: bytes
    etag: str
    change: int
    at: float


@dataclass(eq=False)
class Listener:
    """One stream: the hash of its login's key, and the role that the login's account had when it began."""

    login: str
    role: str
    ended: bool = field(default=False)


class Changes:
    """The change counter of the database, watched while anybody listens."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._condition = threading.Condition()
        self._count = 0
        self._watching = False
        self._drawn: dict[Hashable, Drawn] = {}
        self._drawing: dict[Hashable, threading.Lock] = {}
        # CPU that drawing took since the last change: the clock would count the crowd that waits beside it.
        self._took_s = 0.0
        self._listeners: set[Listener] = set()

    @property
    def streams(self) -> int:
        """How many there are."""
        return len(self._listeners)

    def stream(
        self, listener: Listener, key: Hashable = None, draw: Callable[[], str] | None = None
    ) -> Response | None:
        """A stream of "changed" events, or None when there are enough of them. It ends with its login.

        With `draw`, what it returns is sent as "rows": at once, and whenever it differs from what was sent
        last. A browser that comes back and was sent just that by its last stream is only told so, by "same".
        Streams with the same `key` must draw the same.
        """
        with self._condition:
            if self.streams >= FOR_STREAMS:
                return None
            self._listeners.add(listener)
            metrics.STREAMS.inc()
            if not self._watching:
                self._watching = True
                threading.Thread(target=self._watch, name="changes", daemon=True).start()
        events = stream_with_context(
            self._events(listener, key, draw, request.headers.get("Last-Event-ID", ""))
        )
        response = Response(events, mimetype="text/event-stream")
        response.call_on_close(partial(self._closed, listener))
        response.headers["X-Accel-Buffering"] = "no"
        return response

    def _closed(self, listener: Listener) -> None:
        with self._condition:
            self._listeners.discard(listener)
            metrics.STREAMS.dec()

    def _events(
        self, listener: Listener, key: Hashable, draw: Callable[[], str] | None, etag: str
    ) -> Iterator[bytes]:
        # When a process ends, all its boards come back, but not all in the same moment.
        yield b"retry: %d\nevent: hello\ndata: 1\n\n" % random.uniform(*COME_BACK_MS)
        # The page may show more than what was drawn before it asked.
        seen, asked = self._count, time.monotonic()
        ends_at = asked + random.uniform(*STREAM_LIFE_S)
        news = b""
        while time.monotonic() < ends_at:
            if draw is not None:
                drawn = self._draw_once(key, draw, seen, asked)
                if listener.ended:
                    return
                if drawn.etag != etag:
                    etag = drawn.etag
                    yield drawn.event
                elif not news:
                    yield b"event: same\nid: %b\ndata: 1\n\n" % etag.encode()
            if news:
                yield news
            with self._condition:
                self._condition.wait_for(lambda: self._count != seen or listener.ended, KEEP_ALIVE_S)  # noqa: B023
                if listener.ended:
                    return
                news = b": still here\n\n" if self._count == seen else b"event: changed\ndata: 1\n\n"
                seen = self._count

    def _draw_once(self, key: Hashable, draw: Callable[[], str], change: int, asked: float) -> Drawn:
        """The board `key` with `change` in it, no older than `asked`: drawn by whoever comes first.

        The words "12 min" age, so it is drawn anew after a while although nothing has happened.
        """
        with self._condition:
            lock = self._drawing.setdefault(key, threading.Lock())
        with lock:
            known = self._drawn.get(key)
            started = time.monotonic()
            if (
                known is not None
                and known.change >= change
                and known.at >= max(asked, started - KEEP_ALIVE_S / 2)
            ):
                return known
            busy = time.thread_time()
            count = self._count  # before reading: what comes meanwhile is the next change
            text = draw()
            db.session.rollback()  # else SQLite would say how it was when drawing began
            self._check_logins(db.session.connection())
            db.session.remove()  # a stream lasts for minutes; it must not hold a connection
            etag = generate_etag(text.encode())
            data = "".join(f"data: {line}\n" for line in text.splitlines())
            drawn = Drawn(f"event: rows\nid: {etag}\n{data}\n".encode(), etag, count, started)
            with self._condition:
                self._drawn[key] = drawn
                self._took_s += time.thread_time() - busy
            return drawn

    def _watch(self) -> None:
        """Ask, and wake; end when nobody listens any more."""
        while True:
            try:
                with self._app.app_context(), db.engine.connect() as connection:
                    before, checked_at = None, 0.0
                    while self._still_wanted():
                        now = board.revision(connection)
                        if now != before or time.monotonic() - checked_at > CHECK_EVERY_S:
                            self._check_logins(connection)
                            checked_at = time.monotonic()
                        connection.rollback()
                        if now != before:  # also at first: something may have happened since they looked
                            with self._condition:
                                self._count += 1
                                self._took_s = 0.0
                                self._condition.notify_all()
                        before = now
                        self._pause()
                    return
            except Exception as error:  # noqa: BLE001 (a thread nobody joins: it must not end unseen)
                # The pages poll as well; try again until the database is back.
                log.warning("watching for changes: %s", type(error).__name__)
                time.sleep(1)

    def _check_logins(self, connection: Connection) -> None:
        """End the streams whose login has ended, or whose account is another's by its role."""
        with self._condition:
            listeners = list(self._listeners)
        roles = accounts.roles_of(connection, {one.login for one in listeners}, utcnow())
        ended = [one for one in listeners if roles.get(one.login) != one.role]
        if ended:
            with self._condition:
                for one in ended:
                    one.ended = True
                self._condition.notify_all()

    def _pause(self) -> None:
        time.sleep(ASK_EVERY_S)
        rest = min(self._took_s / DRAWING_SHARE, 3.0) - ASK_EVERY_S
        if rest > 0:
            time.sleep(rest)

    def _still_wanted(self) -> bool:
        with self._condition:
            self._watching = bool(self._listeners)
            if not self._watching:
                self._drawn.clear()
                self._drawing.clear()
            return self._watching


def init_app(app: Flask) -> None:
    """Give the app its watcher; its thread starts with the first stream."""
    app.extensions["changes"] = Changes(app)
