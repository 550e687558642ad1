"""The short form of `make chaos`: a few faults on the running system under load, on both databases."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from devtools.chaos.audit import PROMISES
from devtools.chaos.run import Size, run
from devtools.chaos.storms import Storm

pytestmark = [pytest.mark.scenario, pytest.mark.xdist_group("storm")]

DATABASES = ("sqlite", "postgresql")
SHORT = Storm(
    "short",
    (
        "sms-killed-message-taken", "dispatch-child-killed", "web-child-killed", "valkey-emptied",
        "database-connections-cut", "callbacks-doubled",
    ),
    gap_s=(0.5, 1.5),
    lanes=2,
)  # fmt: skip
SIZE = Size(seconds=14, tasks_per_s=3, copies=1)
SEED = 727

Runs = dict[str, Future[dict[str, Any]]]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Both at once: for most of the time either waits for what has been broken to come right."""
    keep: Path = tmp_path_factory.mktemp("chaos")
    with ThreadPoolExecutor(len(DATABASES)) as both:
        yield {name: both.submit(run, SHORT, name, SEED, SIZE, keep) for name in DATABASES}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("database", DATABASES)
def test_every_promise_is_kept_in_a_storm(runs: Runs, database: str) -> None:
    result = runs[database].result()
    assert result["unsettled"] == []
    assert {promise: result[promise] for promise in PROMISES} == dict.fromkeys(PROMISES, 0), result["broken"]
    # Something did break, and people did use it meanwhile.
    assert sum(result["faults"].values()) >= len(SHORT.kinds) - 1, result["faults_failed"]
    assert result["tasks"] > 10
    assert result["texts"] > result["tasks"]
    assert result["answers"]["accept"] > 0
