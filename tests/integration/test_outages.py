"""A broker that is away: one warning and one all-clear from each process, whoever notices it there."""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from dispatcher import logs
from dispatcher.services import health
from tests.integration.conftest import now
from tests.integration.test_broker import ROOT, Valkey, eventually
from tests.integration.test_broker import valkey as valkey


class Clock:
    """Monotonic time that a test moves on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(logs, "time", clock)
    return clock


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Lines as a process with one handler of ours writes them."""
    absence = logs._Absence(settles_in_s=5.0)
    monkeypatch.setattr(logs, "_broker_absence", absence)
    monkeypatch.setattr(logs.BROKER, "_absence", absence)
    lines: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(f"{record.levelname} {record.getMessage()}")

    handler = Kept()
    handler.addFilter(logs._OneOutage())
    logging.getLogger().addHandler(handler)
    yield lines
    logging.getLogger().removeHandler(handler)


def _consumer_cannot_connect() -> None:
    said = "\nconsumer: Cannot connect to %s: %s.\n%s\n"
    logging.getLogger("celery.worker.consumer.consumer").error(said, "redis://", "Error 2", "Trying again")


def test_away_is_told_once_then_seldom_and_back_once(written: list[str], clock: Clock) -> None:
    for second in range(3601):
        _consumer_cannot_connect()
        logs.BROKER.away("ConnectionError")
        clock.now += 1
        assert len(written) <= 1 + (second >= 300) + (second >= 900) + (second >= 2700)
    assert len(written) == 4
    assert written[0] == "WARNING consumer: Cannot connect to redis://: Error 2."
    logging.getLogger("dispatcher.broker").warning("The broker answers again: %d wake-ups were left", 3)
    _consumer_cannot_connect()  # it tries again only in a second
    logs.BROKER.back()
    with_level = logging.getLogger("celery.worker.consumer.connection")
    with_level.warning("Connected to %s", "redis://")
    assert written[4:] == ["WARNING The broker answers again: 3 wake-ups were left"]
    clock.now += 60
    logs.BROKER.away("TimeoutError")
    assert written[5:] == ["WARNING the broker: away (TimeoutError)"], "lost once more"


def test_other_lines_pass(written: list[str], clock: Clock) -> None:
    logging.getLogger("celery.worker.consumer.connection").warning("Connected to %s", "redis://")
    logging.getLogger("celery.worker.consumer.consumer").error("consumer: something else")
    assert written == ["WARNING Connected to redis://", "ERROR consumer: something else"]


def test_readiness_asked_each_second_tells_once(
    app: Flask, caplog: pytest.LogCaptureFixture, written: list[str]
) -> None:
    with app.app_context():
        for _ in range(5):
            assert not health.check(now()).broker
            health.queue_lengths()
    assert len([line for line in written if "broker" in line]) == 1


def test_a_real_worker_says_it_once(valkey: Valkey, tmp_path: Path) -> None:
    valkey.start()
    log = tmp_path / "sms.log"
    environment = os.environ | {
        "REDIS_URL": f"unix://{valkey.socket}", "SECRET_KEY": "integration tests only",
        "DATA_DIR": str(tmp_path), "DATABASE_URL": f"sqlite:///{tmp_path}/none.db", "LOG_FORMAT": "text",
        "PYTHONUNBUFFERED": "1",
    }  # fmt: skip
    command = "-m celery -A worker:celery_app worker -Q sms -n sms@%h --pool threads -c 2 -l INFO"
    options = "--without-gossip --without-mingle --without-heartbeat"
    with log.open("w") as output:
        worker = subprocess.Popen(
            [sys.executable, *command.split(), *options.split()], cwd=ROOT, env=environment,
            stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        eventually(lambda: "ready." in log.read_text())
        before = len(log.read_text())
        valkey.kill()
        time.sleep(4)  # it tries again each second
        valkey.start()
        eventually(lambda: "Connected to" in log.read_text()[before:])
        said = log.read_text()[before:].splitlines()
        lines = [line for line in said if " celery.worker.consumer" in line or " dispatcher.broker" in line]
    finally:
        worker.kill()
        worker.wait()
    assert [line.split()[0] for line in lines] == ["WARNING", "WARNING"], lines
    assert "Connection to broker lost" in lines[0]
    assert "Connected to" in lines[1]
