"""The simulator as a running server: starting it, serving, and ending it promptly."""

from __future__ import annotations

from threading import Thread

from devtools.phones.app import create_app
from devtools.phones.config import Settings
from devtools.phones.http_server import WsgiServer
from devtools.phones.simulator import Simulator


class PhoneServer:
    """A simulator that holds its port from construction and answers there while serve() runs."""

    def __init__(self, settings: Settings) -> None:
        """Bind the port, 0 for a free one, and restore the state. Raises OSError when it is taken."""
        self._server = WsgiServer(settings.host, settings.port, lambda environ, start: [])
        self.simulator = Simulator(settings)
        self._server.application = create_app(self.simulator)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

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
