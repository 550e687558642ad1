"""Starts the simulator: `python -m devtools.phones --port 8001 --data DIR`."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from types import FrameType

from devtools.phones.config import ConfigError, from_environment
from devtools.phones.server import PhoneServer


def main() -> int:
    """Run until SIGTERM or SIGINT. Exit status 0 after an orderly end, 2 for unusable settings."""
    parser = argparse.ArgumentParser(prog="python -m devtools.phones", description="Phones · simulator")
    parser.add_argument("--port", type=int, help="port on 127.0.0.1 (default: PHONES_PORT or 8001)")
    parser.add_argument("--data", help="directory for the journal and the labels (default: DATA_DIR)")
    options = parser.parse_args()
    level = os.environ.get("LOG_LEVEL", "INFO").upper()
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        settings = from_environment(os.environ, port=options.port, data_dir=options.data)
    except ConfigError as error:
        parser.error(str(error))
    try:
        server = PhoneServer(settings)
    except OSError as error:
        parser.error(f"port {settings.port} cannot be used: {error}")

    def end(_signal: int, _frame: FrameType | None) -> None:
        server.stop()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    logging.getLogger(__name__).info("phones on http://%s:%d", settings.host, server.port)
    server.serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
