"""How soon after a fault the system works again, as seen from outside.

A probe is a call that an operator saves: it works when the retiree's SMS is at the gateway within the
normal time. After a fault calls are saved until one works; the time from the end of the fault to that
SMS is the recovery.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import requests

from devtools.chaos.rig import Rig
from devtools.chaos.staff import Browser, Ledger, take_call

NORMAL_S = 8.0
"""A call saved on a busy but sound system brings its SMS within this."""

GIVE_UP_S = 90.0


@dataclass
class Recovery:
    """Measures recoveries, each on a thread of its own. `seconds` by kind of fault; None: not seen."""

    rig: Rig
    ledger: Ledger
    seconds: dict[str, list[float | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._probes: Iterator[tuple[int, str]] = itertools.cycle(self.rig.people.probes)

    def after(self, kind: str) -> None:
        """A fault of this kind has just ended."""
        with self._lock:
            retiree_id, phone = next(self._probes)
        thread = threading.Thread(
            target=self._measure, args=(kind, retiree_id, phone, time.monotonic()), daemon=True
        )
        self._threads.append(thread)
        thread.start()

    @property
    def busy(self) -> bool:
        """Whether a recovery is still waited for."""
        return any(thread.is_alive() for thread in list(self._threads))

    def wait(self) -> None:
        """Until all are measured."""
        for thread in self._threads:
            thread.join()

    def _measure(self, kind: str, retiree_id: int, phone: str, ended: float) -> None:
        recovered: float | None = None
        browser = Browser(self.rig.system.url, "probe")
        over = threading.Event()
        over.set()  # one try a call: a failed one is no recovery
        while recovered is None and time.monotonic() < ended + GIVE_UP_S:
            begun = time.monotonic()
            before = self._texts(phone)
            entry = take_call(browser, self.ledger, retiree_id, ["other"], False, over)
            if before is None or entry is None or not entry.told:
                time.sleep(0.2)
                continue
            while recovered is None and time.monotonic() < begun + NORMAL_S:
                texts = self._texts(phone)
                if texts is not None and texts > before:
                    recovered = time.monotonic() - ended
                time.sleep(0.1)
        with self._lock:
            self.seconds.setdefault(kind, []).append(recovered)

    def _texts(self, phone: str) -> int | None:
        """How many "your request is noted" the phone has got; None when the simulator is down."""
        url = f"{self.rig.system.phones_url}/api/phones/{phone}/messages"
        try:
            found: list[dict[str, Any]] = requests.get(url, timeout=5).json()
        except requests.RequestException:
            return None
        return len([m for m in found if m["direction"] == "to_phone" and _noted(m["body"])])


def _noted(body: str) -> bool:
    return "我们记下了" in body or "we've noted" in body
