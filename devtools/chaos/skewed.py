"""Starts one process of the product with a clock that can be put forward or back while it runs.

    python -m devtools.chaos.skewed NAME MODULE ARGUMENTS...

The product asks one function for the time (`dispatcher.clock.utcnow`). In this process, and in those that
it forks, that function's time is off by the seconds in the file `DATA_DIR/clock/NAME`, which is read each
time. Nothing of the product knows. Other clocks (Celery's, the session cookie's) stay right.
"""

from __future__ import annotations

import os
import runpy
import sys
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Self

import dispatcher.clock


def clock_file(data_dir: Path, name: str) -> Path:
    """Where the process called `name` finds by how many seconds its clock is off."""
    return data_dir / "clock" / name


def step(data_dir: Path, name: str, seconds: float) -> None:
    """Put the clock of the process called `name` off by `seconds` from the right time."""
    path = clock_file(data_dir, name)
    path.parent.mkdir(exist_ok=True)
    draft = path.with_suffix(".new")
    draft.write_text(str(seconds))
    draft.replace(path)


def offset(path: Path) -> float:
    """By how many seconds the clock of that file is off; 0 when nobody has touched it."""
    try:
        return float(path.read_text())
    except FileNotFoundError:
        return 0.0


def skew(path: Path) -> None:
    """Let the product's clock in this process follow the file."""

    class Skewed(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) + timedelta(seconds=offset(path))

    # The function looks the name up at each call, so whoever has imported it already is covered too.
    dispatcher.clock.datetime = Skewed  # type: ignore[misc]


def main() -> None:
    """Become the module named on the command line."""
    name, module, *arguments = sys.argv[1:]
    skew(clock_file(Path(os.environ["DATA_DIR"]), name))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
