"""What is counted and timed, for Prometheus. docs/operations.md says what each figure means.

Nothing here knows of people: labels are kinds, states, codes and names of pages.

A process that is one of several (web, workers, beat: see gunicorn.conf.py and worker.py) writes its figures
into files of its own in one folder of the machine, named by PROMETHEUS_MULTIPROC_DIR before this module is
imported; whoever is asked sums them up. A process by itself (a test, a command) keeps them in memory.
"""

import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

REGISTRY = CollectorRegistry()
"""The figures of this process."""

FIRST_OFFER = Histogram(
    "dispatcher_first_offer_seconds",
    "From saving the call until the gateway had the first offer of a task.",
    ["category", "urgency"],
    buckets=(0.5, 1, 2, 3, 5, 10, 20, 30, 60, 120, 300, 1800, 7200),
    registry=REGISTRY,
)
ACCEPTANCE = Histogram(
    "dispatcher_acceptance_seconds",
    "From opening a task (by the call, or again) until a volunteer accepted it.",
    ["category", "urgency"],
    buckets=(10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200, 86400),
    registry=REGISTRY,
)
MESSAGES = Counter(
    "dispatcher_messages_total",
    "What the gateway said to a message, and what became of it.",
    ["gateway", "outcome", "code"],
    registry=REGISTRY,
)
GATEWAY = Histogram(
    "dispatcher_gateway_seconds",
    "One attempt to hand a message to the gateway.",
    ["gateway", "outcome"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 3, 6, 10),
    registry=REGISTRY,
)
ROUND = Histogram(
    "dispatcher_round_seconds",
    "One tick, or one sweep.",
    ["round"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15),
    registry=REGISTRY,
)
ROUND_FOUND = Counter(
    "dispatcher_round_found_total",
    "Tasks that ticks found due, messages that sweeps woke.",
    ["round"],
    registry=REGISTRY,
)
WAKE_UPS = Counter(
    "dispatcher_wakeups_total", "Wake-ups and periodic jobs for the broker.", ["outcome"], registry=REGISTRY
)
FETCHES = Counter(
    "dispatcher_fetches_total",
    "Readings of the gateway's list of incoming messages.",
    ["outcome"],
    registry=REGISTRY,
)
FETCHED = Counter(
    "dispatcher_fetched_replies_total",
    "Replies found in that list of which no webhook had told.",
    registry=REGISTRY,
)
REFUSED = Counter(
    "dispatcher_webhooks_refused_total",
    "Webhooks without a valid signature, by whose they seem to be.",
    ["whose"],
    registry=REGISTRY,
)
RETRIES = Counter(
    "dispatcher_use_case_retries_total",
    "Use cases that began again: another transaction was first, or the connection was lost.",
    ["reason"],
    registry=REGISTRY,
)
PAGE = Histogram(
    "dispatcher_page_seconds",
    "Answering one request.",
    ["endpoint", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10),
    registry=REGISTRY,
)
STREAMS = Gauge(
    "dispatcher_board_streams", "Open streams of boards.", multiprocess_mode="livesum", registry=REGISTRY
)

_GONE = "0"
"""In place of a process id in a file's name: what processes counted that have ended."""


def code(said: str) -> str:
    """`said` as a label: a gateway's error code, or a word of ours. Anything else would have no end."""
    return said if re.fullmatch(r"\d{0,6}|[a-z_]{1,20}", said) else "other"


def start() -> None:
    """Tidy up after processes that have ended, so that their files don't pile up."""
    folder = _folder()
    if folder is not None:
        with _alone(folder):
            _tidy(folder)


def exposition(accept: str, facts: Collector | None = None, folder: Path | None = None) -> tuple[bytes, str]:
    """The figures of all processes of this machine, and of `facts`; the body and its content type.

    `accept`: the header of that name. `folder`: where the processes keep their files, if not in the
    environment.
    """
    registry = CollectorRegistry()
    if facts is not None:
        registry.register(facts)
    encode, content_type = choose_encoder(accept)
    folder = folder or _folder()
    if folder is None:
        return encode(REGISTRY) + encode(registry), content_type
    with _alone(folder):
        _tidy(folder)
        MultiProcessCollector(registry, str(folder))
        return encode(registry), content_type


def permitted(token: str, authorization: str) -> bool:
    """Whether a request with this Authorization header may see the figures."""
    return secrets.compare_digest(authorization.encode(), f"Bearer {token}".encode())


def _folder() -> Path | None:
    """Where the processes of this machine keep their figures; None for a process by itself."""
    named = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    return Path(named) if named else None


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else reads or tidies: a figure that is being moved would be seen twice, or not at all."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _tidy(folder: Path) -> None:
    """Add what ended processes counted to one file of each kind, and remove theirs.

    Just removing them would make the sums fall, which Prometheus takes for a restart and counts anew.
    """
    for path in folder.glob("*.db"):
        kind, _, pid = path.stem.rpartition("_")
        if pid == _GONE or _alive(int(pid)):
            continue
        if kind in ("counter", "histogram") and path.stat().st_size:
            total = MmapedDict(str(folder / f"{kind}_{_GONE}.db"))
            for key, value, _, _ in MmapedDict.read_all_values_from_file(str(path)):
                total.write_value(key, total.read_value(key)[0] + value, 0.0)
            total.close()
        path.unlink()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # of another user
    return True
