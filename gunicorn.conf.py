"""How the web process runs. Read by `gunicorn -c gunicorn.conf.py wsgi:app`.

Environment: BIND (default 127.0.0.1:PORT), PORT (8000), WEB_PROCESSES (2), WEB_THREADS (352),
LOG_LEVEL (info), LOG_FORMAT (text; or json), ACCESS_LOG (off; a file, or - for standard output),
METRICS_TOKEN (none: nothing is counted), DATA_DIR (instance: where the figures are kept).
"""

import os
from pathlib import Path
from typing import Any

from gunicorn.glogging import Logger
from pythonjsonlogger.json import JsonFormatter

bind = os.environ.get("BIND") or f"127.0.0.1:{os.environ.get('PORT', '8000')}"

# Threads, because a page that follows live changes keeps one waiting nearly all the time.
worker_class = "gthread"
workers = int(os.environ.get("WEB_PROCESSES", "2"))
threads = int(os.environ.get("WEB_THREADS", "352"))  # shared out in dispatcher/web/threads.py
# `preload_app` would load before the port is open, and turn away whoever comes meanwhile: see when_ready.

timeout = 30  # seconds without a sign of life, after which a process is replaced
graceful_timeout = 3  # seconds for open requests at a stop; a live stream never ends by itself
# Idle connections cost no thread. Longer than a proxy in front keeps its own (nginx: 60 s): one that is
# closed just as it is used again is a broken page.
keepalive = 75

# The heartbeat file must not wait for a disk.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None

# Off unless asked for: links carry access tokens in their addresses, which a log must not keep.
accesslog = os.environ.get("ACCESS_LOG") or None
errorlog = "-"
loglevel = os.environ.get("LOG_LEVEL", "info").lower()


class JsonLogger(Logger):
    """gunicorn's own lines in the form of dispatcher/logs.py, which would need the whole product here."""

    def setup(self, cfg: object) -> None:
        super().setup(cfg)
        form = JsonFormatter(
            ["levelname", "name", "message"],
            rename_fields={"levelname": "level", "name": "logger"},
            timestamp="time",
            static_fields={"process": "web", "correlation": None},
            json_ensure_ascii=False,
        )
        for handler in (*self.error_log.handlers, *self.access_log.handlers):
            handler.setFormatter(form)


if os.environ.get("LOG_FORMAT") == "json":
    logger_class = JsonLogger

if os.environ.get("METRICS_TOKEN"):
    # All processes of this machine write their figures there; /metrics sums them up.
    folder = Path(os.environ.get("DATA_DIR", "instance")).resolve() / "metrics"
    folder = Path(os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(folder)))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def when_ready(server: Any) -> None:
    """The port is open, whoever comes waits: before the first fork load all of the application, and settle.

    So a process that has died is replaced at once, and all share the memory of what they have in common.
    Loading connects to nothing and leaves no thread running.
    """
    if server.app.app_uri != "wsgi:app":
        return  # another application, served by these settings to be compared with this one
    server.app.wsgi()
    from dispatcher import memory
    from dispatcher.rules import names

    names.warm()
    memory.settle()


def post_fork(server: Any, _worker: Any) -> None:
    """It may have taken the place of one that has died: whose figures are put in order."""
    if server.app.app_uri == "wsgi:app":
        from dispatcher import metrics

        metrics.start()


control_socket_disable = True  # no second way in; it would also be shared by all demos of one user
