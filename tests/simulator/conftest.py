"""One simulator and one webhook for all tests here, emptied before each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulator.harness import Harness, InThread, WebhookReceiver


@pytest.fixture(scope="session")
def receiver() -> Iterator[WebhookReceiver]:
    """The webhook that stands for the product."""
    found = WebhookReceiver()
    yield found
    found.close()


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory, receiver: WebhookReceiver) -> Iterator[InThread]:
    """A simulator that answers on a port of its own."""
    server = InThread(tmp_path_factory.mktemp("phones"), receiver)
    yield server
    server.stop()


@pytest.fixture
def phones(running: InThread, receiver: WebhookReceiver) -> Iterator[Harness]:
    """The simulator, as empty as after its first start, walking messages quickly."""
    harness = Harness(running.url, receiver)
    harness.post("/api/reset", {})
    harness.control(status_delay_s=0.05)
    receiver.hooks.clear()
    receiver.answers.clear()
    yield harness
    harness.close()
