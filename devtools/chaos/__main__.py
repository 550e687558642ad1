"""`make chaos`: break the running system on purpose, let it settle, and audit what is left."""

from __future__ import annotations

import argparse
import secrets
import signal
import sys
import time
from contextlib import closing
from pathlib import Path

from devtools.chaos import report
from devtools.chaos.run import Size
from devtools.chaos.series import end_politely, series
from devtools.chaos.storms import STORMS
from devtools.system import ROOT

DATABASES = ("sqlite", "postgresql")
FULL = Size(seconds=150, tasks_per_s=9)
QUICK = Size(seconds=35, tasks_per_s=8)


def main() -> int:
    """Run the storms asked for; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m devtools.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=None, help="what breaks when, and who does what")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK.seconds:g} s a storm, less load")
    parser.add_argument("--database", choices=DATABASES, action="append", help="on this one only")
    parser.add_argument("--storm", choices=tuple(STORMS), action="append", help="this one only")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "chaos.json")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, end_politely)
    seed = secrets.randbelow(1_000_000) if asked.seed is None else asked.seed
    size = QUICK if asked.quick else FULL
    print(f"seed {seed}\n{report.heading()}", flush=True)
    runs: list[report.Run] = []
    begun = time.monotonic()
    wanted = [(name, database) for name in asked.storm or STORMS for database in asked.database or DATABASES]
    with closing(series(wanted, seed, size, asked.out.parent / "chaos")) as results:
        for one in results:
            runs.append(one)
            report.write(asked.out, seed, runs)
            print("\n".join(filter(None, (report.line(one), report.details(one)))), flush=True)
    print(f"\n{report.recoveries(runs)}")
    tasks = sum(one.get("tasks", 0) for one in runs)
    wrong = [one for one in runs if report.broken(one)]
    minutes = (time.monotonic() - begun) / 60
    print(f"{len(runs)} runs, {tasks} tasks in {minutes:.1f} min, seed {seed}: ", end="")
    print(f"{len(wrong)} runs BROKE A PROMISE" if wrong else "every promise was kept")
    print(f"Written to {asked.out}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
