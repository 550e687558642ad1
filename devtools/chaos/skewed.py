"""Starts one process of the product with a clock that can be put forward or back while it runs.

    python -m devtools.chaos.skewed NAME MODULE ARGUMENTS...

The product asks one function for the time (`dispatcher.clock.utcnow`). In this process, and in those that
it forks, that function's time is off by the seconds in the file `DATA_DIR/clock/NAME`, looked at each
time. Nothing of the product knows. Other clocks (Celery's, the session cookie's) stay right.
"""

from __future__ import annotations

import mmap
import os
import runpy
import struct
import sys
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import BinaryIO, Self

import dispatcher.clock

_SECONDS = struct.Struct("=d")


def clock_file(data_dir: Path, name: str) -> Path:
    """Where the process called `name` finds by how many seconds its clock is off."""
    return data_dir / "clock" / name


def step(data_dir: Path, name: str, seconds: float) -> None:
    """Put the clock of the process called `name` off by `seconds` from the right time."""
    with _opened(clock_file(data_dir, name)) as file:
        file.write(_SECONDS.pack(seconds))


def skew(path: Path) -> None:
    """Let the product's clock in this process follow the file."""
    with _opened(path) as file:
        off = mmap.mmap(file.fileno(), _SECONDS.size)  # asked for the time some fifty times a request

    class Skewed(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) + timedelta(seconds=_SECONDS.unpack_from(off)[0])

    # The function looks the name up at each call, so whoever has imported it already is covered too.
    dispatcher.clock.datetime = Skewed  # type: ignore[misc]


def _opened(path: Path) -> BinaryIO:
    """The clock's file; a clock that nobody has touched yet is right."""
    path.parent.mkdir(exist_ok=True)
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0)
    if os.fstat(file.fileno()).st_size < _SECONDS.size:
        file.truncate(_SECONDS.size)  # with zeros
    return file


def main() -> None:
    """Become the module named on the command line."""
    name, module, *arguments = sys.argv[1:]
    skew(clock_file(Path(os.environ["DATA_DIR"]), name))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
