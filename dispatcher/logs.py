"""How every process logs: lines of text for people, or of JSON for machines (LOG_FORMAT).

What a line may say beyond its message comes as `extra`: ids, kinds, codes. Never names, numbers,
addresses, texts or tokens.
"""

import logging
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
