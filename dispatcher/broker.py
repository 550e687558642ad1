"""The message broker: how wake-ups are published, and how the workers stay connected.

The database is the truth. A message carries nothing but a job's name and an integer id; it only makes a
worker look at the database *sooner*, for a periodic tick finds the same work anyway. Hence two opposite
needs, and two sets of settings:

* A publisher (the web process after a commit, a job, the beat) must never wait and never fail its caller:
  :class:`Publisher` bounds the time, tries once, counts and logs failures, and raises nothing.
* A worker must never give up: it reconnects for ever, once a second, and gets back the jobs of a worker that
  died.

Where the obvious settings do not do what they seem to:

* kombu's ``Producer.publish(retry=True)`` (Celery's default) and ``Connection.default_channel`` each have a
  retry loop of their own; the first is turned off by ``retry=False``, the second only by ``max_retries`` *in
  the transport options*. redis-py itself does not retry here, since kombu builds its connection pool without
  a policy.
* On a Unix socket kombu drops ``socket_connect_timeout``, and redis-py's default (5 s) would apply: see
  :class:`_Channel`.
* A hung broker still accepts connections (the kernel does), so only ``socket_timeout`` detects it.
* A worker's ``socket_timeout`` must be longer than kombu's blocking pop (1 s); a publisher's much shorter.
* Celery passes no intervals when it reconnects, so kombu backs off to 30 s between attempts (and gives up
  after ``broker_connection_max_retries``, 100 by default): see :class:`_Connection`.
* kombu's lock around "restore the unacknowledged" lasts 300 s, so a worker killed while it holds it would
  delay every redelivery by five minutes: ``unacked_mutex_expire``.
* With ``broker_channel_error_retry`` off (the default), an error reply such as "out of memory" ends the
  worker.
* Time limits are enforced by the prefork pool only: a job on the threads pool must bound its own waits.
"""

import logging
import os
import threading
import time
import weakref
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import celery
import celery.beat
import flask
import redis
from celery.app.amqp import AMQP
from celery.exceptions import SoftTimeLimitExceeded
from kombu.connection import Connection
from kombu.entity import Queue
from kombu.transport.redis import Channel, Transport
from redis.backoff import NoBackoff
from redis.retry import Retry

from dispatcher import metrics
from dispatcher.correlation import correlation_id as correlation_id

logger = logging.getLogger(__name__)

#: The queues: "dispatch" is consumed by a prefork pool (1), "sms" by a pool of 32 threads.
QUEUES = ("dispatch", "sms")
#: The priorities of a job; the lower goes first. What can wait goes after everything else in its queue.
AT_ONCE, LATER = 0, 9
#: Which queue each job goes to. A job that is not named here cannot be published.
ROUTES = {
    "look": "dispatch", "tick": "dispatch", "watch": "dispatch",
    "send": "sms", "settle": "sms", "sweep": "sms", "fetch": "sms",
}  # fmt: skip

#: The message header that carries the correlation id.
CORRELATION_HEADER = "correlation"

#: A job runs for less than this (seconds); the prefork pool kills one that does not.
TASK_TIME_LIMIT = 15
#: A job not acknowledged this long after its delivery is delivered again: its worker is taken for dead.
VISIBILITY_TIMEOUT = TASK_TIME_LIMIT + 5
#: How often a worker that lost the broker tries to reconnect.
RECONNECT_INTERVAL = 1.0

#: How long a publisher waits for one answer of the broker (a new connection takes two),
PUBLISH_TIMEOUT = 0.35
#: for how long it waits for its turn, and then begins new sendings, within one call,
PUBLISH_BUDGET = 0.35
#: how many wake-ups share a round trip, so that time is looked at between them,
PUBLISHED_AT_ONCE = 20
#: and how long it leaves the broker alone after a failure.
BREAKER_SECONDS = 2.0

#: What a publisher needs: one try, no waiting.
PUBLISHER_TRANSPORT_OPTIONS: dict[str, Any] = {
    "max_retries": 0,
    "interval_start": 0,
    "interval_step": 0,
    "interval_max": 0,
    "socket_timeout": PUBLISH_TIMEOUT,
    "socket_connect_timeout": PUBLISH_TIMEOUT,
    "retry_on_timeout": False,
    "priority_steps": [AT_ONCE, LATER],
    "health_check_interval": 0,  # a stale connection is noticed when taken from the pool; no need for a PING
    "max_connections": 4,
}

#: What a worker needs: patience with the broker, and a quick look for what dead workers left behind.
WORKER_TRANSPORT_OPTIONS: dict[str, Any] = {
    "socket_timeout": 5.0,
    "socket_connect_timeout": 2.0,
    "socket_keepalive": True,
    "health_check_interval": 5,
    "visibility_timeout": VISIBILITY_TIMEOUT,
    "priority_steps": [AT_ONCE, LATER],
    "unacked_restore_interval": 1,
    "unacked_restore_throttle": 1,
    "unacked_mutex_expire": 5,
    "max_connections": 20,
}

#: Options for every ``celery worker`` command: events and states exchanged between workers are of no use
#: here, and mingling makes each reconnection wait for a second. The beat must be a process of its own: a
#: worker started with ``-B`` and then killed leaves its beat behind.
WORKER_ARGUMENTS = ("--without-gossip", "--without-mingle", "--without-heartbeat")


class WakeUp(NamedTuple):
    """A job, the row it is about, and whether it can wait for all that can't."""

    job: str
    row_id: int
    can_wait: bool = False


#: One message to publish: the job's name, its arguments, and options for ``send_task``.
_Message = tuple[str, Sequence[Any], Mapping[str, Any]]


def lists(queue: str) -> tuple[str, ...]:
    """The broker's lists that make up a queue, one for each priority."""
    return queue, f"{queue}{Channel.sep}{LATER}"


def broker_url(redis_url: str) -> str:
    """Translate the ``REDIS_URL`` as redis-py has it into the form kombu understands.

    ``unix:///path/to.sock?db=1`` becomes ``redis+socket:///path/to.sock?virtual_host=1``. Other URLs are the
    same for both, save that kombu would not verify certificates on a bare ``rediss://``, so it is told to.
    """
    parts = urlsplit(redis_url)
    query = dict(parse_qsl(parts.query))
    if parts.scheme == "redis":
        return redis_url
    if parts.scheme == "rediss":
        query.setdefault("ssl_cert_reqs", "required")
        return parts._replace(query=urlencode(query)).geturl()
    if parts.scheme != "unix":
        raise ValueError("REDIS_URL must begin with unix://, redis:// or rediss://")
    if not parts.path.startswith("/") or parts.path == "/" or parts.hostname:
        raise ValueError("REDIS_URL must give an absolute path after unix://")
    username, password = parts.username, parts.password  # still percent-encoded; those of the query are not
    if "username" in query:
        username = quote(query.pop("username"), safe="")
    if "password" in query:
        password = quote(query.pop("password"), safe="")
    database = query.pop("db", "0")
    if query:
        raise ValueError("REDIS_URL has an option that is not understood: " + ", ".join(sorted(query)))
    login = f"{username or ''}:{password or ''}@" if username or password else ""
    return f"redis+socket://{login}{quote(parts.path)}?virtual_host={database}"


class _Channel(Channel):
    """kombu's Redis channel, made to survive the loss of its connection.

    As it is, closing a channel puts the messages of running jobs back into the queue, so that they run twice
    at the same time; if the broker is away just then, that ends the worker with an AttributeError, and so
    does the acknowledgement of a job that was running when its channel was closed. Here nothing is put back
    (only the visibility timeout does that), and a closed channel still knows how to reach the broker to
    acknowledge.

    And kombu makes a client anew to note each job, to acknowledge it and to publish one, which costs more
    than what is asked with it. All that a client holds is the pool of connections, so one serves as long as
    that.
    """

    do_restore = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._parameters: dict[bool, dict[str, Any]] = {}
        self._shared: redis.Redis | None = None
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]

    def _create_client(self, asynchronous: bool = False) -> redis.Redis:
        if asynchronous:
            return super()._create_client(asynchronous)  # type: ignore[no-untyped-call, no-any-return]
        if self._shared is None or self._shared.connection_pool is not self.pool:
            self._shared = super()._create_client()  # type: ignore[no-untyped-call]
        return self._shared

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        if asynchronous not in self._parameters:
            parameters = super()._connparams(asynchronous=asynchronous)  # type: ignore[no-untyped-call]
            # No handshake: a new connection costs a publisher one round trip (a PING), not four.
            parameters |= {"protocol": 2, "driver_info": None}
            parameters["socket_connect_timeout"] = self.socket_connect_timeout
            self._parameters[asynchronous] = parameters
        return dict(self._parameters[asynchronous])


class _Transport(Transport):
    Channel = _Channel


class _Connection(Connection):
    """A connection that, where the caller names no intervals, tries again once a second.

    Celery's worker names none, and kombu's own defaults would let half a minute pass between two attempts.
    """

    def ensure_connection(self, *args: Any, **kwargs: Any) -> Any:
        if len(args) <= 2:  # (errback, max_retries)
            kwargs.setdefault("interval_start", RECONNECT_INTERVAL)
            kwargs.setdefault("interval_step", 0)
            kwargs.setdefault("interval_max", RECONNECT_INTERVAL)
        return super().ensure_connection(*args, **kwargs)  # type: ignore[no-untyped-call]

    def get_transport_cls(self) -> type[Transport]:
        return _Transport

    def maybe_close_channel(self, channel: Any) -> None:
        try:
            super().maybe_close_channel(channel)  # type: ignore[no-untyped-call]
        except Exception as error:  # noqa: BLE001 (it would end a worker that lost its connection)
            logger.debug("Closing a channel: %s", type(error).__name__)


class _AMQP(AMQP):  # type: ignore[misc]
    Connection = _Connection


def _settings(app: flask.Flask) -> dict[str, Any]:
    """Celery's configuration: what is set here, overridden by ``app.config["CELERY"]``."""
    overrides = dict(app.config.get("CELERY") or {})
    transport_options = WORKER_TRANSPORT_OPTIONS | dict(overrides.pop("broker_transport_options", {}))
    return {
        "broker_url": broker_url(app.config["REDIS_URL"]),
        "broker_transport_options": transport_options,
        "broker_connection_retry": True,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,  # for ever
        "broker_channel_error_retry": True,
        # The jobs
        "task_queues": [Queue(name) for name in QUEUES],  # type: ignore[no-untyped-call]
        "task_default_queue": QUEUES[0],
        "task_create_missing_queues": False,
        "task_routes": {name: {"queue": queue} for name, queue in ROUTES.items()},
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_time_limit": TASK_TIME_LIMIT,
        "task_publish_retry": False,
        "task_ignore_result": True,
        "result_backend": None,
        "task_serializer": "json",
        "result_serializer": "json",
        "accept_content": ["json"],
        "enable_utc": True,
        "timezone": "UTC",
        # The workers
        "worker_prefetch_multiplier": 1,
        # A job under way when the broker is lost is let finish: to stop it half-way through a call to the
        # outside would leave the outcome unknown.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        # Without this, a worker that reconnects while busy takes fewer jobs until they are over.
        "worker_enable_prefetch_count_reduction": False,
        "worker_send_task_events": False,
        "task_send_sent_event": False,
        "worker_hijack_root_logger": False,
        # The beat
        "beat_scheduler": f"{__name__}:Scheduler",
        "beat_max_loop_interval": 1,
    } | overrides


def celery_init_app(app: flask.Flask) -> celery.Celery:
    """Make the Celery application of a Flask application, and its publisher.

    Every job runs in an application context of its own, with the correlation id of whoever asked for it.
    """

    class ContextTask(celery.Task):  # type: ignore[misc]
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            token = correlation_id.set(self.request.get(CORRELATION_HEADER) or correlation_id.get())
            try:
                with app.app_context():
                    return self.run(*args, **kwargs)
            finally:
                correlation_id.reset(token)

    celery_app = celery.Celery(app.name, task_cls=ContextTask, amqp=_AMQP)
    celery_app.config_from_object(_settings(app))
    celery_app.set_default()
    app.extensions["celery"] = celery_app
    app.extensions["publisher"] = Publisher(celery_app)
    return celery_app


class Publisher:
    """Publishes wake-ups, best effort: in bounded time, without retrying, and without ever raising.

    One connection per process, used by one thread at a time. After a failure the rest of the call is skipped,
    and for ``BREAKER_SECONDS`` so is every other call in the process. One warning is logged when an outage
    begins and one when it is over. The counters are those of this process; a forked child starts anew, with
    its own connection.
    """

    def __init__(self, celery_app: celery.Celery, breaker_seconds: float = BREAKER_SECONDS) -> None:
        self._celery = celery_app
        self._breaker_seconds = breaker_seconds
        self._reset()
        _publishers.add(self)

    def _reset(self) -> None:
        self._lock = threading.Lock()  # held while using the connection
        self._count_lock = threading.Lock()  # held while changing a counter
        self._producer: Any = None
        self._closed_until = 0.0  # when the circuit breaker lets the next attempt through
        self._missed_before: int | None = None  # during an outage: wake-ups missed before it began
        #: Wake-ups handed to the broker,
        self.published = 0
        #: that could not be,
        self.failed = 0
        #: and that were not even tried, shortly after a failure.
        self.skipped = 0

    def publish(self, wakeups: Iterable[WakeUp]) -> int:
        """Publish wake-ups, each once, *after* the commit; return how many the broker took."""
        return self._send(
            [
                (wakeup.job, (wakeup.row_id,), {"priority": LATER if wakeup.can_wait else AT_ONCE})
                for wakeup in dict.fromkeys(wakeups)
            ]
        )

    def publish_scheduled(self, name: str, args: Sequence[Any], options: Mapping[str, Any]) -> int:
        """Publish a periodic job, with its options (``expires``, say)."""
        return self._send([(name, tuple(args), options)])

    def _send(self, messages: Sequence[_Message]) -> int:
        known = [message for message in messages if message[0] in ROUTES]
        if len(known) < len(messages):
            logger.error("A wake-up for an unknown job cannot be published")
            self._count("failed", len(messages) - len(known))
        if not known:
            return 0
        if time.monotonic() < self._closed_until or not self._lock.acquire(timeout=PUBLISH_BUDGET):
            self._count("skipped", len(known))
            return 0
        try:
            return self._send_locked(known)
        finally:
            self._lock.release()

    def _send_locked(self, messages: Sequence[_Message]) -> int:
        sent = 0
        deadline = time.monotonic() + PUBLISH_BUDGET
        if time.monotonic() < self._closed_until:  # another thread failed while this one waited for it
            self._count("skipped", len(messages))
            return 0
        try:
            producer = self._connected()
            while sent < len(messages):
                if time.monotonic() > deadline:
                    raise TimeoutError
                some = messages[sent : sent + PUBLISHED_AT_ONCE]
                with producer.batch():  # one round trip for all of them
                    for name, args, options in some:
                        self._send_one(name, args, options)
                sent += len(some)
        except SoftTimeLimitExceeded:  # meant for the job that is publishing
            self._disconnect()
            raise
        except Exception as error:  # noqa: BLE001 (a wake-up is never worth failing the caller)
            self._disconnect()
            self._failed(error)
            self._count("failed", 1)
            self._count("skipped", len(messages) - sent - 1)
        except BaseException:
            self._disconnect()
            raise
        finally:
            self._count("published", sent)
        if sent == len(messages):
            self._recovered()
        return sent

    def _connected(self) -> Any:
        if self._producer is None:
            connection = self._celery.connection_for_write(transport_options=PUBLISHER_TRANSPORT_OPTIONS)
            self._producer = self._celery.amqp.Producer(connection, auto_declare=False)
        return self._producer

    def _send_one(self, name: str, args: Sequence[Any], options: Mapping[str, Any]) -> None:
        options = dict(options)
        headers = dict(options.pop("headers", None) or {})
        if correlation := correlation_id.get():
            headers[CORRELATION_HEADER] = correlation
        self._celery.send_task(
            name,
            args=args,
            producer=self._producer,
            headers=headers,
            retry=False,
            declare=[],  # a queue is a plain list: it needs no declaration, and this saves the round trips
            ignore_result=True,
            add_to_parent=False,
            **options,
        )

    def _disconnect(self) -> None:
        """Leave nothing of a failed connection behind; closing it does not involve the broker."""
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                producer.__connection__.release()
            except Exception as error:  # noqa: BLE001 (nothing is lost)
                logger.debug("Closing a failed broker connection: %s", type(error).__name__)

    def _failed(self, error: Exception) -> None:
        self._closed_until = time.monotonic() + self._breaker_seconds
        if self._missed_before is None:
            self._missed_before = self.failed + self.skipped
            reason = type(error.__cause__ or error).__name__
            logger.warning("The broker does not answer (%s): wake-ups are left to the periodic tick", reason)

    def _recovered(self) -> None:
        if self._missed_before is not None:
            missed = self.failed + self.skipped - self._missed_before
            self._missed_before = None
            logger.warning("The broker answers again: %d wake-ups were left to the periodic tick", missed)

    def _count(self, counter: str, number: int) -> None:
        with self._count_lock:
            setattr(self, counter, getattr(self, counter) + number)
        metrics.WAKE_UPS.labels(counter).inc(number)


_publishers: weakref.WeakSet[Publisher] = weakref.WeakSet()


def _after_fork() -> None:
    """In a forked child: forget the parent's connection, and locks that its other threads may have held."""
    for publisher in list(_publishers):
        publisher._reset()


os.register_at_fork(after_in_child=_after_fork)


class Scheduler(celery.beat.Scheduler):  # type: ignore[misc]
    """The beat, with its schedule in memory, and publishing as the others do: never waiting or failing."""

    producer = None  # the base class would connect, and wait for ever, before each publication

    def __init__(self, app: celery.Celery, **kwargs: Any) -> None:
        self._publisher = Publisher(app, breaker_seconds=0.5)
        super().__init__(app, **kwargs)

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        self._publisher.publish_scheduled(entry.task, entry.args or (), entry.options)


def client(app: flask.Flask, timeout: float = 0.3) -> redis.Redis:
    """A client of the broker for small questions, which fails within about half a second. Close it."""
    return redis.Redis.from_url(
        app.config["REDIS_URL"],
        socket_timeout=timeout,
        socket_connect_timeout=timeout / 2,
        retry=Retry(NoBackoff(), 0),
        protocol=2,  # no handshake:
        driver_info=None,  # nothing is sent but the question
    )


def ping(app: flask.Flask, timeout: float = 0.3) -> bool:
    """Whether the broker answers, found out in at most about half a second on a connection of its own."""
    with client(app, timeout) as connection:
        try:
            return bool(connection.ping())
        except (redis.RedisError, OSError):
            return False
