"""For whoever looks after the system: every request has an id and is timed; /metrics has all figures."""

import re
import time
from collections.abc import Iterator

from flask import Blueprint, Flask, Response, abort, current_app, g, request
from flask.typing import ResponseReturnValue
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from dispatcher import metrics
from dispatcher.clock import utcnow
from dispatcher.correlation import correlation_id, fresh
from dispatcher.services import health

blueprint = Blueprint("seeing", __name__)

_PLAIN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


def init_app(app: Flask) -> None:
    """Watch every request, before anything else does: a form that is too old is refused by an extension that
    was there earlier, and that refusal has an id and is timed too."""
    app.before_request_funcs.setdefault(None, []).insert(0, _begin)
    app.after_request(_answered)
    app.teardown_request(_end)


def _begin() -> None:
    g.began = time.perf_counter()
    given = request.headers.get("X-Request-ID", "") if current_app.config["TRUSTED_PROXIES"] else ""
    correlation_id.set(given if _PLAIN_ID.fullmatch(given) else fresh())


def _answered(response: Response) -> Response:
    labels = (request.endpoint or "none", f"{response.status_code // 100}xx")
    metrics.PAGE.labels(*labels).observe(time.perf_counter() - g.began)
    return response


def _end(_error: BaseException | None) -> None:
    correlation_id.set(None)


@blueprint.get("/metrics")
def show() -> ResponseReturnValue:
    """All figures of this machine's processes, and what the database and the broker say now."""
    token = current_app.config["METRICS_TOKEN"]
    if not token:
        abort(404)
    if not metrics.permitted(token, request.headers.get("Authorization", "")):
        return "a bearer token is needed\n", 401, {"WWW-Authenticate": "Bearer"}
    body, content_type = metrics.exposition(request.headers.get("Accept", ""), _Facts())
    return body, {"Content-Type": content_type}


class _Facts(Collector):
    """What is so at this moment, wherever one asks. What can't be known is left out."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        found = health.check(utcnow())
        yield _gauge("database_up", "1 when the database answers.", found.database)
        yield _gauge("broker_up", "1 when the broker answers.", found.broker)
        if found.database:
            yield _gauge("database_writable", "1 when the database takes what is written.", found.writable)
        if found.disk_free_mb is not None:
            yield _gauge("disk_free_bytes", "Room left on this machine.", found.disk_free_mb * 1_000_000)
        if found.database and found.broker:
            workers = _gauge("worker_up", "1 when its periodic round was done lately.", labels=["worker"])
            workers.add_metric(["dispatch"], found.worker)
            workers.add_metric(["sms"], found.sms_worker)
            yield workers
        if found.last_tick_s is not None:
            yield _gauge("last_tick_age_seconds", "Since the last tick.", found.last_tick_s)
        if found.database:
            unsent, overdue = found.oldest_unsent_s or 0, found.oldest_overdue_s or 0
            yield _gauge("oldest_unsent_seconds", "Age of the oldest message that waits to be sent.", unsent)
            yield _gauge("oldest_overdue_seconds", "How long a due task has waited for its look.", overdue)
        if found.broker:
            queues = _gauge("queue_length", "Jobs that wait at the broker.", labels=["queue"])
            for queue, length in health.queue_lengths().items():
                queues.add_metric([queue], length)
            yield queues


def _gauge(
    name: str, text: str, value: float | None = None, labels: list[str] | None = None
) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"dispatcher_{name}", text, value, labels)
