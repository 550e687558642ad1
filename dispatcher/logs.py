"""How every process logs: lines of text for people, or of JSON for machines (LOG_FORMAT).

What a line may say beyond its message comes as `extra`: ids, kinds, codes. Never names, numbers,
addresses, texts or tokens.
"""

import logging
import math
import threading
import time
import traceback
from collections.abc import Sequence
from typing import Any

from pythonjsonlogger.core import RESERVED_ATTRS, LogData, merge_record_extra
from pythonjsonlogger.json import JsonFormatter

from dispatcher.correlation import correlation_id

FORMATS = ("text", "json")
LEVELS = ("debug", "info", "warning", "error", "critical")
HANDLER = "dispatcher"
"""The name of our handler: others (of a test, say) are left alone."""

AGAIN_AFTER_S = 300.0
"""An absence is told for the second time after so long, in seconds; each further time three times as long
after it began."""

_role = ""


def origin(error: BaseException) -> str:
    """What `error` is and where it came from, with whatever caused it, for a log: types and lines of code.

    Its words are left out: a database quotes rows in them.
    """
    told, seen = [], set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        frames = "".join(traceback.format_tb(cause.__traceback__))
        told.append(f"{type(cause).__name__}\n{frames}".rstrip())
        cause = cause.__cause__ or cause.__context__
    return "\nbecause of ".join(told)


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


class _Absence:
    """When something went away, and when that is to be told. Times in monotonic seconds.

    `settles_in_s`: so long after it is back, somebody may still say that it is away.
    """

    def __init__(self, settles_in_s: float = 0.0) -> None:
        self._settles_in_s = settles_in_s
        self._lock = threading.Lock()
        self._since: float | None = None
        self._tell_at = 0.0
        self._back_at = -math.inf

    def away(self, now: float) -> float | None:
        """For how long it has been away, if that is to be told now."""
        with self._lock:
            if self._since is None:
                if now - self._back_at < self._settles_in_s:
                    return None  # not everybody has heard yet that it is back
                self._since, self._tell_at = now, now + AGAIN_AFTER_S
                return 0.0
            if now < self._tell_at:
                return None
            away_s = now - self._since
            self._tell_at = now + 2 * away_s
            return away_s

    def back(self, now: float) -> float | None:
        """For how long it was away, if it was."""
        with self._lock:
            if self._since is None:
                return None
            away_s = now - self._since
            self._since, self._back_at = None, now
            return away_s

    def just_back(self, now: float) -> bool:
        """Whether that it is back was told only now, by somebody else."""
        return now - self._back_at < AGAIN_AFTER_S


class Outage:
    """Something that is away is told once, then at growing intervals, and once when it is back.

    `what`: its name in the sentences. One instance serves all threads of a process.
    """

    def __init__(self, logger: logging.Logger, what: str, absence: _Absence | None = None) -> None:
        self._logger = logger
        self._what = what
        self._absence = absence or _Absence()

    def away(self, why: str) -> None:
        """It doesn't answer, for the reason `why` (the name of an error)."""
        away_s = self._absence.away(time.monotonic())
        if away_s == 0:
            self._logger.warning("%s: away (%s)", self._what, why)
        elif away_s is not None:
            self._logger.warning("%s: still away after %d min (%s)", self._what, away_s // 60, why)

    def back(self) -> None:
        """It answers."""
        away_s = self._absence.back(time.monotonic())
        if away_s is not None:
            self._logger.warning("%s: back after %d s", self._what, away_s)


class Seldom:
    """Lets what is found wrong time and again be told once in five minutes, by each process."""

    def __init__(self) -> None:
        self._told_at: dict[object, float] = {}

    def may_tell(self, of: object) -> bool:
        """Whether `of` is to be told of now; then not again for a while."""
        now = time.monotonic()
        if now - self._told_at.get(of, -math.inf) < AGAIN_AFTER_S:
            return False
        self._told_at[of] = now
        return True


_broker_absence = _Absence(settles_in_s=5.0)  # a worker tries again each second
BROKER = Outage(logging.getLogger("dispatcher.broker"), "the broker", _broker_absence)
"""For whoever asks the broker something."""

_BROKER_AWAY = (
    ("dispatcher.broker", "The broker does not answer"),
    ("celery.worker.consumer.consumer", "consumer: Connection to broker lost"),
    ("celery.worker.consumer.consumer", "consumer: Cannot connect to"),
    ("celery.beat", "Connection error: "),
    ("py.warnings", "worker_cancel_long_running_tasks_on_connection_loss"),
    ("flask-limiter", "Rate limit storage unreachable"),
)
_BROKER_BACK = (
    ("dispatcher.broker", "The broker answers again"),
    ("celery.worker.consumer.connection", "Connected to"),
)
"""How each part of a process says that it has lost the broker, or has it again: logger, and words."""


class _OneOutage(logging.Filter):
    """Of all that a process says of a broker that is away, lets pass one line, and one when it is back.

    A worker would say it each second.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is to be written."""
        if _says(record, _BROKER_AWAY):
            away_s = _broker_absence.away(time.monotonic())
            if away_s is None:
                return False
            said = record.getMessage().strip().splitlines()[0]
            record.msg = f"{said} (away for {away_s // 60:.0f} min)" if away_s else said
            record.args, record.exc_info, record.exc_text = None, None, None
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        elif _says(record, _BROKER_BACK):
            now = time.monotonic()
            if _broker_absence.back(now) is None:
                return not _broker_absence.just_back(now)
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True


def _says(record: logging.LogRecord, known: Sequence[tuple[str, str]]) -> bool:
    return any(record.name == name and words in str(record.msg) + str(record.args) for name, words in known)


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
            if not handler.filters:
                handler.addFilter(_OneOutage())
            root.setLevel(level.upper())
    # It would write every number that it is asked about into the log.
    logging.getLogger("twilio.http_client").setLevel(logging.WARNING)


def play(role: str) -> None:
    """Say which of the processes this is: "web", "dispatch", "sms", "beat"."""
    global _role
    _role = role
