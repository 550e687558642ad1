"""The HTTP server around the application: threaded, on loopback, and ending promptly."""

from __future__ import annotations

import logging
from threading import Thread
from typing import Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from devtools.phones.app import create_app
from devtools.phones.config import Settings
from devtools.phones.simulator import Simulator

_log = logging.getLogger(__name__)


class _QuietHandler(WSGIRequestHandler):
    """Handles requests without a line in the log for each: there are hundreds in a second."""

    def log(self, type: str, message: str, *args: Any) -> None:
        """Keep errors, drop the rest."""
        if type == "error":
            _log.error(message.rstrip(), *args)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


class PhoneServer:
    """A simulator that answers on its port, from construction until stop()."""

    def __init__(self, settings: Settings) -> None:
        """Restore the state and bind the port; 0 picks a free one. Ends the process when the port is taken."""
        self.simulator = Simulator(settings)
        self._server: BaseWSGIServer = make_server(
            settings.host,
            settings.port,
            create_app(self.simulator),
            threaded=True,
            request_handler=_QuietHandler,
        )

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._server.port

    def serve(self) -> None:
        """Answer requests in the calling thread until stop()."""
        try:
            self._server.serve_forever(poll_interval=0.1)
        finally:
            self._server.server_close()

    def stop(self) -> None:
        """End serve() from any thread but without waiting for it; held requests are let go."""
        self.simulator.stop()
        # shutdown() waits for serve(), which would never return if it were interrupted by this very call.
        Thread(target=self._server.shutdown, name="shutdown", daemon=True).start()
