"""How every process logs: lines of text for people, or of JSON for machines (LOG_FORMAT).

What a line may say beyond its message comes as `extra`: ids, kinds, codes. Never names, numbers,
addresses, texts or tokens.
"""

import logging
import threading
import time
from typing import Any

from pythonjsonlogger.core import RESERVED_ATTRS, LogData, merge_record_extra
from pythonjsonlogger.json import JsonFormatter

from dispatcher.correlation import correlation_id

FORMATS = ("text", "json")
LEVELS = ("debug", "info", "warning", "error", "critical")
HANDLER = "dispatcher"
"""The name of our handler: others (of a test, say) are left alone."""

_role = ""


class _Json(JsonFormatter):
    """time, level, logger, message, process, correlation, and what else the line says."""

    def __init__(self) -> None:
        super().__init__(
            ["levelname", "name", "message"],
            rename_fields={"levelname": "level", "name": "logger"},
            timestamp="time",
            json_ensure_ascii=False,
        )

    def process_log_record(self, log_data: LogData) -> LogData:
        log_data["process"] = _role
        log_data.setdefault("correlation", correlation_id.get())
        return log_data


class _Text(logging.Formatter):
    """As one reads it: level, logger, message, and what else the line says."""

    def __init__(self) -> None:
        super().__init__("%(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        said: dict[str, Any] = merge_record_extra(record, {}, {*RESERVED_ATTRS, "message", "asctime"})
        return " ".join([super().formatMessage(record), *(f"{name}={value}" for name, value in said.items())])


class Outage:
    """Something that is away is told once, then at growing intervals, and once when it is back.

    `what`: its name in the sentences. One instance serves all threads of a process.
    """

    AGAIN_AFTER_S = 300.0
    """When it is told for the second time, in seconds; each further time three times as long after."""

    def __init__(self, logger: logging.Logger, what: str) -> None:
        self._logger = logger
        self._what = what
        self._lock = threading.Lock()
        self._since: float | None = None
        self._tell_at = 0.0

    def away(self, why: str, now: float | None = None) -> None:
        """It doesn't answer, for the reason `why` (the name of an error). `now`: monotonic seconds."""
        now = time.monotonic() if now is None else now
        with self._lock:
            first = self._since is None
            if self._since is None:
                self._since = now
                self._tell_at = now + self.AGAIN_AFTER_S
            elif now < self._tell_at:
                return
            away_s = now - self._since
            if not first:
                self._tell_at = now + 2 * away_s
        if first:
            self._logger.warning("%s: away (%s)", self._what, why)
        else:
            self._logger.warning("%s: still away after %d min (%s)", self._what, away_s // 60, why)

    def back(self, now: float | None = None) -> None:
        """It answers."""
        if self._since is None:
            return
        now = time.monotonic() if now is None else now
        with self._lock:
            since, self._since = self._since, None
        if since is not None:
            self._logger.warning("%s: back after %d s", self._what, now - since)


def configure(form: str, level: str) -> None:
    """Send the log to standard error in this form ("text" or "json"), unless somebody else takes care."""
    root = logging.getLogger()
    if not root.handlers:
        ours = logging.StreamHandler()
        ours.name = HANDLER
        root.addHandler(ours)
    for handler in root.handlers:
        if handler.name == HANDLER:
            handler.setFormatter(_Json() if form == "json" else _Text())
            root.setLevel(level.upper())
    # It would write every number that it is asked about into the log.
    logging.getLogger("twilio.http_client").setLevel(logging.WARNING)


def play(role: str) -> None:
    """Say which of the processes this is: "web", "dispatch", "sms", "beat"."""
    global _role
    _role = role
