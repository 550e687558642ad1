"""`make simulate`: our rules and those in use elsewhere among the same simulated people.

Prints tables, writes `simulation.json` and the plots into the output folder. Nothing is judged: the
figures are for people to read.
"""

import argparse
import json
import math
import shutil
import sys
import time
from dataclasses import asdict
from itertools import accumulate
from pathlib import Path
from typing import Any, TextIO

from devtools.benchmark import cases, markdown, plots
from devtools.benchmark.cases import Case, Keep, Plan, Results
from devtools.benchmark.report import print_report
from devtools.benchmark.runs import Job, Outcome, run_all
from dispatcher.rules.availability import QuietHours
from dispatcher.rules.settings import DispatchSettings

PUBLISHED = Path("docs/benchmark")


class Progress:
    """Says how far the runs are: one line that changes in a terminal, else a line every 10 %."""

    def __init__(self, jobs: list[Job], stream: TextIO) -> None:
        self._stream, self._terminal = stream, stream.isatty()
        # The runs begin in this order, so the first n are about those that are done.
        self._effort = list(accumulate(cases.effort(job) for job in jobs))
        self._began = time.monotonic()
        self._said = 0

    def __call__(self, done: int, total: int) -> None:
        """Hear that `done` of `total` runs are done."""
        tenth = 10 * done // total
        if not self._terminal and tenth == self._said:
            return
        self._said = tenth
        elapsed = time.monotonic() - self._began
        left = elapsed * (self._effort[-1] / self._effort[done - 1] - 1)
        text = f"{done}/{total} runs, {_clock(elapsed)} elapsed, about {_clock(left)} left"
        end = "\n" if not self._terminal or done == total else ""
        self._stream.write(f"\r{text:<60}{end}" if self._terminal else f"{text}{end}")
        self._stream.flush()


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def as_json(plan: Plan, results: Results, settings: DispatchSettings) -> dict[str, Any]:
    """All figures with all that they depend on, as strict JSON knows them: NaN is null."""
    return {
        "settings": {
            **asdict(settings),
            "quiet": _quiet(settings.quiet),
            "seeds": list(plan.seeds),
            "days": plan.days,
            "behaviour": asdict(plan.base.scenario.behaviour),
            "quick": plan.quick,
        },
        "runs": [_entry(case, policy, results) for case in plan.cases for policy in case.policies],
        "nearest_k": [_entry(plan.base, cases.NEAREST_K, results, keep) for keep in cases.FAMILY],
    }


def _entry(case: Case, policy: str, results: Results, keep: Keep | None = None) -> dict[str, Any]:
    scenario = case.scenario
    figures = results.figures(case, policy, keep)
    return {
        "tasks_per_day": scenario.tasks_per_day,
        "fatigue": scenario.fatigue,
        "handback": scenario.handback,
        "volunteers": scenario.volunteers,
        "surge": scenario.surge,
        "burst": scenario.burst,
        "case": case.title,
        "policy": policy,
        **({"keep": list(keep)} if keep else {}),
        "seeds": len(results.of(case, policy, keep)),
        "metrics": {name: [_number(value) for value in pair] for name, pair in figures.items()},
    }


def _number(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None


def _quiet(quiet: QuietHours | None) -> str:
    return "off" if quiet is None else f"{quiet.start:%H:%M}-{quiet.end:%H:%M}"


def cpu_report(plan: Plan, results: Results, wall_s: float) -> list[str]:
    """What the runs cost: CPU seconds by case, in all, and by the clock."""
    lines = [f"{'CPU seconds':<40}{'product':>9}{'others':>9}"]
    for case in plan.cases:
        spent = [o for o in results.all if o.job.scenario == case.scenario]
        own = sum(o.cpu_s for o in spent if o.job.policy in cases.OWN)
        lines.append(f"  {case.title:<38}{own:>9.1f}{sum(o.cpu_s for o in spent) - own:>9.1f}")
    total = sum(o.cpu_s for o in results.all)
    return [*lines, f"  {len(results.all)} runs: {total:.0f} CPU seconds, {wall_s:.0f} s by the clock"]


def execute(plan: Plan, settings: DispatchSettings) -> tuple[Results, float]:
    """Do all runs; the results, and how many seconds they took."""
    began = time.monotonic()
    jobs = plan.jobs(settings)
    outcomes: list[Outcome] = list(run_all(jobs, Progress(jobs, sys.stderr)))
    return Results(outcomes), time.monotonic() - began


def main() -> None:
    """Run, print, write, draw."""
    parser = argparse.ArgumentParser(prog="python -m devtools.benchmark.simulate", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two cases, two seeds, two weeks")
    parser.add_argument("--out", type=Path, default=Path("build"), help="folder of what is written")
    parser.add_argument("--publish", action="store_true", help=f"update {markdown.DOCUMENT} and its plots")
    options = parser.parse_args()
    if options.quick and options.publish:
        parser.error("the quick set is not for publishing")

    plan, settings = cases.plan(options.quick), DispatchSettings()
    results, wall_s = execute(plan, settings)
    print_report(plan, results)
    print()
    print("\n".join(cpu_report(plan, results, wall_s)))

    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(as_json(plan, results, settings), indent=1, allow_nan=False)
    written = [out / "simulation.json"]
    written[0].write_text(text + "\n", encoding="utf-8")
    pictures = plots.draw(plan, results, out / "plots")
    written += pictures
    if options.publish:
        markdown.write(plan, results, settings, markdown.DOCUMENT)
        written.append(markdown.DOCUMENT)
        PUBLISHED.mkdir(parents=True, exist_ok=True)
        written += [Path(shutil.copy(picture, PUBLISHED)) for picture in pictures]
    print("\nWritten: " + ", ".join(str(path) for path in written))


if __name__ == "__main__":
    main()
