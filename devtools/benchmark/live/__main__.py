"""`python -m devtools.benchmark.live`: measure, print, write `build/bench.json`."""

import argparse
import time
from pathlib import Path
from typing import Any

from devtools.benchmark.live import accept, board, latency, people, saves, throughput
from devtools.benchmark.live.stage import POSTGRESQL, SQLITE, stage

PARTS: dict[str, Any] = {
    "saves": saves,
    "latency": latency,
    "throughput": throughput,
    "accept": accept,
    "board": board,
}


def main() -> None:
    """Measure what was asked for on each database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=list(PARTS))
    parser.add_argument("--database", choices=(SQLITE, POSTGRESQL))
    parser.add_argument("--quick", action="store_true", help="shorter rounds; a glance, not a result")
    parser.add_argument("--out", type=Path, default=Path("build/bench.json"))
    options = parser.parse_args()
    databases = [options.database] if options.database else [SQLITE, POSTGRESQL]
    parts = [options.only] if options.only else list(PARTS)
    for database in databases:
        with stage(database, people.Size(coordinators=board.COORDINATORS)) as running:
            for part in parts:
                began = time.monotonic()
                print(f"\n== {part}, {database}\n", flush=True)
                found = PARTS[part].measure(running, options.quick)
                PARTS[part].show(found)
                for c in PARTS[part].checks(found):
                    print(c.line())
                print(f"({time.monotonic() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
