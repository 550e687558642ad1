"""Names for phones, from a file that may be rewritten while the simulator runs."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from threading import Lock

from devtools.phones import numbers

_log = logging.getLogger(__name__)


class LabelFile:
    """Reads `{"+86…": {"label": "…"}}` and reads it again whenever the file has changed."""

    def __init__(self, path: Path) -> None:
        """Watch the file at `path`, which may appear later."""
        self._path = path
        self._lock = Lock()
        self._stamp: tuple[int, int] | None = None
        self._labels: dict[str, str] = {}
        self._version = 0

    @property
    def version(self) -> int:
        """Grows by one each time the labels have been read anew."""
        self.read()
        return self._version

    def read(self) -> dict[str, str]:
        """The label of every number in the file, in the file's order; empty when there is no file."""
        with self._lock:
            stamp = self._read_stamp()
            if stamp != self._stamp:
                self._stamp = stamp
                self._labels = {} if stamp is None else self._load()
                self._version += 1
            return self._labels

    def _read_stamp(self) -> tuple[int, int] | None:
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            return None
        return stat.st_mtime_ns, stat.st_size

    def _load(self) -> dict[str, str]:
        try:
            content = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            # The writer may be half-way; the file's stamp changes again when it is done.
            _log.warning("phone labels: %s cannot be read: %s", self._path.name, error)
            return self._labels
        if not isinstance(content, dict):
            _log.warning("phone labels: %s does not hold an object", self._path.name)
            return self._labels
        labels: dict[str, str] = {}
        for number, entry in content.items():
            label = entry.get("label") if isinstance(entry, dict) else None
            if numbers.is_e164(number) and isinstance(label, str):
                labels[number] = label
            else:
                _log.warning("phone labels: entry %r is left out", number)
        return labels
