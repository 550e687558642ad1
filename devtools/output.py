"""Where the output of the supervised processes goes: log files of bounded size, and a console."""

from __future__ import annotations

import os
import threading
from collections import deque
from pathlib import Path
from typing import BinaryIO, TextIO

MAX_LOG_BYTES = 2_000_000
TAIL_LINES = 15
_COLOURS = (36, 33, 32, 35, 34, 31)  # ANSI foregrounds, one process after the other


def _private(path: str, flags: int) -> int:
    """Open with mode 600: logs may hold telephone numbers."""
    return os.open(path, flags, 0o600)


class BoundedLog:
    """An append-only log file of at most `max_bytes`; the one before it is kept as `<name>.1`.

    A new BoundedLog sets the log of the previous run aside. Not thread-safe: one writer each.
    Raises OSError when the file cannot be opened or written.
    """

    def __init__(self, path: Path, max_bytes: int = MAX_LOG_BYTES) -> None:
        self.path = path
        self._max_bytes = max_bytes
        self._size = 0
        self._file: BinaryIO = self._open_new()

    def _open_new(self) -> BinaryIO:
        if self.path.exists():
            self.path.replace(self.path.with_name(self.path.name + ".1"))
        self._size = 0
        return open(self.path, "ab", buffering=0, opener=_private)

    def write(self, line: str) -> None:
        """Append one line (without its newline)."""
        data = line.encode("utf-8", "replace") + b"\n"
        if self._size and self._size + len(data) > self._max_bytes:
            self._file.close()
            self._file = self._open_new()
        self._file.write(data)
        self._size += len(data)

    def close(self) -> None:
        """Close the file; closing twice does no harm."""
        self._file.close()


class Console:
    """Prints lines of several processes to one stream, each with its process's name before it.

    Colours the name only where a person reads (a terminal, and NO_COLOR unset). Thread-safe.
    """

    def __init__(self, stream: TextIO, width: int = 8) -> None:
        self._stream = stream
        self._width = width
        self._lock = threading.Lock()
        self._colour = stream.isatty() and not os.environ.get("NO_COLOR")
        self._seen: dict[str, int] = {}
        self.broken: OSError | None = None

    def write(self, name: str, line: str) -> None:
        """Print one line. When the reader has gone away (`| head`), says no more from then on.

        The reason is kept in `broken`; the processes go on and are still logged to their files.
        """
        with self._lock:
            if self.broken is not None:
                return
            label = f"{name:<{self._width}} |"
            if self._colour:
                number = self._seen.setdefault(name, len(self._seen))
                label = f"\033[{_COLOURS[number % len(_COLOURS)]}m{label}\033[0m"
            try:
                self._stream.write(f"{label} {line}\n")
                self._stream.flush()
            except OSError as error:
                self.broken = error


class Output:
    """One process's output: to its log file, to the console if there is one, and a short tail kept.

    The tail is what the supervisor shows when the process dies unexpectedly.
    """

    def __init__(self, name: str, log: BoundedLog, console: Console | None) -> None:
        self.name = name
        self.log_error: OSError | None = None
        self._log = log
        self._console = console
        self._closed = False
        self._lock = threading.Lock()
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)

    def line(self, text: str) -> None:
        """Take one line. A full disk must not stall the process that wrote it: it is said once."""
        console = self._console
        with self._lock:
            self._tail.append(text)
            if self.log_error is None and not self._closed:
                try:
                    self._log.write(text)
                except OSError as error:
                    self.log_error = error
                    if console is not None:
                        console.write(self.name, f"no longer logged to {self._log.path}: {error}")
        if console is not None:
            console.write(self.name, text)

    def mute(self) -> None:
        """Print nothing more to the console."""
        self._console = None

    def tail(self) -> list[str]:
        """Return the last few lines."""
        with self._lock:
            return list(self._tail)

    def close(self) -> None:
        """Close the log file; a line that still comes is not logged any more."""
        with self._lock:
            self._closed = True
            self._log.close()
