"""What `make chaos` prints and keeps."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from devtools.chaos.audit import PROMISES
from devtools.chaos.run import spread
from devtools.chaos.storms import STORMS

Run = dict[str, Any]
_COLUMNS = (
    ("storm", 11), ("database", 11), ("s", 6), ("requests", 9), ("tasks", 7), ("SMS", 7), ("faults", 7),
    ("lost", 5), ("double", 7), ("twice", 6), ("unsent", 7), ("contra.", 8), ("imposs.", 8),
)  # fmt: skip


def broken(run: Run) -> bool:
    """Whether a promise was not kept, or the system did not come to rest; a skipped run breaks nothing."""
    kept = not any(run.get(promise) for promise in PROMISES) and not run.get("unsettled")
    return "stopped" in run or not kept


def line(run: Run) -> str:
    """One run as a line of the table."""
    if "skipped" in run:
        return f"{run['storm']:11}{run['database']:11} skipped: {run['skipped']}"
    if "stopped" in run:
        return f"{run['storm']:11}{run['database']:11} could not be carried out: {run['stopped']}"
    cells: list[Any] = [
        run["storm"], run["database"], f"{run['seconds']:.0f}", run["requests"], run["tasks"], run["texts"],
        sum(run["faults"].values()), *(run[promise] for promise in PROMISES),
    ]  # fmt: skip
    shown = (
        f"{cell:{'<' if number < 2 else '>'}{width}}"
        for number, (cell, (_, width)) in enumerate(zip(cells, _COLUMNS, strict=True))
    )
    return "".join(shown) + ("  NOT AT REST: " + "; ".join(run["unsettled"]) if run["unsettled"] else "")


def heading() -> str:
    """The table's first line."""
    return "".join(f"{name:{'<' if n < 2 else '>'}{width}}" for n, (name, width) in enumerate(_COLUMNS))


def details(run: Run) -> str:
    """What is wrong in a run, one sentence a line; empty when nothing is."""
    broken = run.get("broken", {})
    lines = [f"  {promise}: {said}" for promise, sentences in broken.items() for said in sentences]
    lines += [f"  a fault could not be made: {said}" for said in run.get("faults_failed", ())]
    return "\n".join(lines)


def recoveries(runs: Sequence[Run]) -> str:
    """How soon the system worked again, by kind of fault, over all runs: of faults that came alone, and of
    those in storms with several at a time."""
    heads = f"{'p50':>8}{'p95':>8}{'max':>8}{'n':>5}{'not seen':>10}"
    rows = []
    for said, alone in (("one fault at a time", True), ("two at a time", False)):
        measured: dict[str, list[float | None]] = {}
        for run in runs:
            if (STORMS[run["storm"]].lanes == 1) is alone:
                for kind, values in run.get("recoveries", {}).items():
                    measured.setdefault(kind, []).extend(values)
        if measured:
            rows.append(f"{'recovery after, s; ' + said:42}{heads}")
            rows += [_recovery(kind, values) for kind, values in sorted(measured.items())]
            rows += [_recovery("all of these", [one for values in measured.values() for one in values]), ""]
    return "\n".join(rows)


def _recovery(kind: str, values: list[float | None]) -> str:
    row = spread(values)
    figures = ("–" if row[k] is None else f"{row[k]:.1f}" for k in ("p50", "p95", "max"))
    return f"{kind:42}{''.join(f'{figure:>8}' for figure in figures)}{row['n']:>5}{row['not_seen']:>10}"


def write(path: Path, seed: int, runs: Sequence[Run]) -> None:
    """Keep all of it as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"seed": seed, "runs": list(runs)}, ensure_ascii=False, indent=1) + "\n")
