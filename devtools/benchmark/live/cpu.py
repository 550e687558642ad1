"""CPU seconds of processes: unlike times, hardly disturbed by whatever else the machine does."""

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def used_s(pid: int) -> float:
    """CPU seconds of a process and of its children so far."""
    # After the name, which may hold anything: the fields 14 and 15 of proc(5) are user and system time.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = (int(fields[11]) + int(fields[12])) / TICKS
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own + sum(used_s(int(child)) for child in children)
