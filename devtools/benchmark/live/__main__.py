"""`python -m devtools.benchmark.live`: measure the live system, print tables, add to `build/bench.json`."""

import argparse
import json
import os
import platform
import signal
import sys
import time
from pathlib import Path
from types import ModuleType

from devtools.benchmark.live import accept, board, growth, latency, logins, people, saves, throughput
from devtools.benchmark.live.figures import Check, Record
from devtools.benchmark.live.stage import POSTGRESQL, SQLITE, stage

GROWTH = "growth"
PARTS: dict[str, ModuleType] = {
    "saves": saves, "latency": latency, "accept": accept, "throughput": throughput, "board": board,
    "logins": logins, GROWTH: growth,
}  # fmt: skip


def measure(part: str, database: str, quick: bool) -> list[Record]:
    """One part on one kind of database; the system is started for it anew."""
    if part == GROWTH:
        found: list[Record] = growth.measure_on(database, quick)
        return found
    env: dict[str, str] | None = getattr(PARTS[part], "ENV", None)
    with stage(database, people.Size(coordinators=board.COORDINATORS), env) as running:
        records: list[Record] = PARTS[part].measure(running, quick)
        return records


def write(out: Path, database: str, part: str, records: list[Record], found: list[Check]) -> None:
    """Put one part into the file, and leave the others as they are."""
    kept = json.loads(out.read_text()) if out.exists() else {}
    live = kept.setdefault("live", {})
    live.setdefault(database, {})[part] = {
        "records": records,
        "checks": [check.record() for check in found],
    }
    live["machine"] = {"cores": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()}
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")


def main() -> None:
    """Measure what was asked for on each database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=list(PARTS))
    parser.add_argument("--database", choices=(SQLITE, POSTGRESQL))
    parser.add_argument("--quick", action="store_true", help="shorter rounds: a glance, not a result")
    parser.add_argument("--out", type=Path, default=Path("build/bench.json"))
    options = parser.parse_args()
    # Ended from outside, it still stops what it has started, and removes its data.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    closing: list[tuple[str, Check]] = []
    for database in [options.database] if options.database else [SQLITE, POSTGRESQL]:
        for part in [options.only] if options.only else list(PARTS):
            began = time.monotonic()
            print(f"\n== {part}, {database}\n", flush=True)
            records = measure(part, database, options.quick)
            PARTS[part].show(records)
            print(
                f"\n({time.monotonic() - began:.0f} s; load of the machine {os.getloadavg()[0]:.1f})",
                flush=True,
            )
            found: list[Check] = PARTS[part].checks(records)
            closing += [(database, check) for check in found]
            write(options.out, database, part, records, found)
    print("\n== What was aimed at\n")
    for database, check in closing:
        print(f"{database:<11}{check.line()}")
    print(f"\nWritten to {options.out}")


if __name__ == "__main__":
    main()
