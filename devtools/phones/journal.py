"""Append-only journal of the simulator's events, one JSON object a line."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

_log = logging.getLogger(__name__)


class Journal:
    """Writes events to a file and reads them back at the next start.

    Not safe for use from several threads at once: the store calls it under its own lock.
    """

    def __init__(self, path: Path) -> None:
        """Use the file at `path`; its folder is made when missing. Nothing is opened for writing yet."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._file: IO[str] | None = None

    def replay(self) -> Iterator[dict[str, Any]]:
        """All events so far, oldest first.

        A last line without its end (the process died while writing) is cut off, so that the next event
        starts on a line of its own. An unreadable line elsewhere is logged and left out.
        """
        if not self._path.exists():
            return
        whole = 0
        with self._path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.endswith(b"\n"):
                    _log.warning("journal: dropping the unfinished line %d", number)
                    break
                whole += len(line)
                try:
                    event = json.loads(line)
                except ValueError:
                    _log.warning("journal: line %d is not readable and is left out", number)
                    continue
                yield event
        if whole != self._path.stat().st_size:
            with self._path.open("rb+") as damaged:
                damaged.truncate(whole)

    def append(self, event: dict[str, Any]) -> None:
        """Write `event` and hand it to the operating system, so that it outlives this process."""
        if self._file is None:
            self._file = self._path.open("a", encoding="utf-8")
        self._file.write(json.dumps(event, ensure_ascii=False, separators=(",", ":")) + "\n")
        self._file.flush()

    def clear(self) -> None:
        """Forget all events."""
        self.close()
        self._path.write_bytes(b"")

    def close(self) -> None:
        """Close the file; a later append opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None
