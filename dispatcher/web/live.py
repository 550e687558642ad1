"""Telling open boards that something has changed: within a second, without holding the database.

One thread per web process asks the database's own change counter twice a second and wakes every
stream of that process, so a hundred open boards cost one tiny query, and nothing that changes can
be forgotten. A stream says only "changed"; the page fetches what it shows. A process that has no
thread to spare for another stream answers 204, and that page polls instead.
"""

import logging
import os
import threading
import time
from collections.abc import Iterator

from flask import Flask, Response

from dispatcher import metrics
from dispatcher.database import db
from dispatcher.services import board

log = logging.getLogger(__name__)

ASK_EVERY_S = 0.4
KEEP_ALIVE_S = 15.0
STREAM_LIFE_S = 600.0
"""A stream ends after this and the browser opens another: no thread is held by a dead peer."""

MOST_STREAMS = min(24, int(os.environ.get("WEB_THREADS", "48")) // 2)
"""Streams per web process; each holds one of its threads, and half of them stay free for pages."""


class Changes:
    """The change counter of the database, watched while anybody listens."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._condition = threading.Condition()
        self._count = 0
        self._watching = False
        self.streams = 0

    def stream(self) -> Response | None:
        """A stream of "changed" events, or None when there are enough of them."""
        with self._condition:
            if self.streams >= MOST_STREAMS:
                return None
            self.streams += 1
            metrics.STREAMS.inc()
            if not self._watching:
                self._watching = True
                threading.Thread(target=self._watch, name="changes", daemon=True).start()
        response = Response(self._events(), mimetype="text/event-stream")
        response.call_on_close(self._closed)
        response.headers["X-Accel-Buffering"] = "no"
        return response

    def _closed(self) -> None:
        with self._condition:
            self.streams -= 1
            metrics.STREAMS.dec()

    def _events(self) -> Iterator[str]:
        seen, ends_at = self._count, time.monotonic() + STREAM_LIFE_S
        yield "retry: 1000\nevent: hello\ndata: 1\n\n"
        while time.monotonic() < ends_at:
            with self._condition:
                self._condition.wait_for(lambda: self._count != seen, KEEP_ALIVE_S)  # noqa: B023
                changed, seen = self._count != seen, self._count
            yield "event: changed\ndata: 1\n\n" if changed else ": still here\n\n"

    def _watch(self) -> None:
        """Ask, and wake; end when nobody listens any more."""
        while True:
            try:
                with self._app.app_context(), db.engine.connect() as connection:
                    before = None
                    while self._still_wanted():
                        now = board.revision(connection)
                        connection.rollback()
                        if before is not None and now != before:
                            with self._condition:
                                self._count += 1
                                self._condition.notify_all()
                        before = now
                        time.sleep(ASK_EVERY_S)
                    return
            except Exception as error:  # noqa: BLE001 (a thread nobody joins: it must not end unseen)
                # The pages poll as well; try again until the database is back.
                log.warning("watching for changes: %s", type(error).__name__)
                time.sleep(1)

    def _still_wanted(self) -> bool:
        with self._condition:
            self._watching = self.streams > 0
            return self._watching


def init_app(app: Flask) -> None:
    """Give the app its watcher; its thread starts with the first stream."""
    app.extensions["changes"] = Changes(app)
