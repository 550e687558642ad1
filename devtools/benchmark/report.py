"""What the benchmark prints: a table for each case, a comparison, and what must never happen."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from devtools.benchmark.cases import OURS, OWN, TUNED, Case, Plan, Results
from devtools.benchmark.runs import ORACLE


@dataclass(frozen=True)
class Column:
    """A figure as shown: `name` in full, `group` and `heading` where there is little room.

    `scale` turns the figure into the unit shown, with `digits` after the point. `spread`: whether
    the half width is worth its room.
    """

    name: str
    group: str
    heading: str
    metric: str
    scale: float = 1
    digits: int = 0
    spread: bool = True

    def cell(self, figure: tuple[float, float], spread: bool = True) -> str:
        """Mean and half width, or with `spread` off the mean; a dash where it does not apply."""
        mean, half = (self.scale * value for value in figure)
        if np.isnan(mean):
            return "–"
        shown = f"{mean:.{self.digits}f}"
        return f"{shown} ±{half:.{self.digits}f}" if spread and self.spread and not np.isnan(half) else shown


COLUMNS = (
    Column("urgent help p50, s", "urgent help", "p50 s", "urgent_p50_s"),
    Column("urgent help p95, s", "urgent help", "p95 s", "urgent_p95_s"),
    Column("urgent help within 120 s, %", "urgent help", "≤120 s %", "urgent_within_120s", 100, 1),
    Column("medicine p50, s", "medicine", "p50 s", "medicine_p50_s"),
    Column("medicine p95, s", "medicine", "p95 s", "medicine_p95_s"),
    Column("groceries p50, s", "groceries", "p50 s", "groceries_p50_s"),
    Column("groceries p95, s", "groceries", "p95 s", "groceries_p95_s"),
    Column("alerts per accept", "alerts", "/accept", "alerts_per_accept", 1, 2),
    Column("coordinator told, %", "coordin.", "told %", "coordinator_share", 100, 1),
    Column("Gini of the load", "load", "Gini", "gini_load_per_duty_hour", 1, 3),
    Column("most alerts to one in 24 h", "most", "in 24 h", "max_alerts_24h", spread=False),
    Column("caps broken", "caps", "broken", "cap_breaches", spread=False),
)
"""The figures of a table. What must never happen is not among them: it is counted over all runs."""


def print_report(plan: Plan, results: Results) -> None:
    """Print everything to standard output."""
    if plan.quick:
        print("QUICK SET: few seeds, few days, two cases. For a glance only; quote the full set.\n")
    print(f"Simulated: seeds {plan.seeds[0]} to {plan.seeds[-1]}, {plan.days} days each; all rules meet the")
    print("same worlds. Times from when somebody could be asked until somebody comes. Means over the seeds,")
    print("± half the width of the 95 % interval. Caps: the house's rules for sparing people, which the")
    print("rules in use elsewhere do not know.")
    for case in plan.cases:
        print()
        print("\n".join(table(case, results)))
    print()
    print("\n".join(comparison(plan, results)))
    print()
    print("\n".join(never(results)))


def table(case: Case, results: Results) -> list[str]:
    """One case: a line for each rule."""
    rows = [
        [policy, *(column.cell(results.figures(case, policy)[column.metric]) for column in COLUMNS)]
        for policy in case.policies
    ]
    groups = [
        "",
        *(c.group if i == 0 or COLUMNS[i - 1].group != c.group else "" for i, c in enumerate(COLUMNS)),
    ]
    return [case.title, *_aligned([groups, ["rule", *(c.heading for c in COLUMNS)], *rows])]


def _aligned(rows: list[list[str]]) -> Iterator[str]:
    """The first column to the left, the others to the right; the group stands above its first figure."""
    widths = [max(len(row[i]) for row in rows[1:]) for i in range(len(rows[0]))]
    widths = [
        max(width, len(rows[0][i]) if i + 1 == len(widths) or rows[0][i + 1] else 0)
        for i, width in enumerate(widths)
    ]
    groups, *lines = ([f"{row[0]:<{widths[0]}}", *_right(row[1:], widths[1:])] for row in rows)
    yield "  ".join(groups).rstrip()
    yield from ("  ".join(line) for line in lines)


def _right(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True)]


def comparison(plan: Plan, results: Results) -> Iterator[str]:
    """The base case against the tuned nearest-k, then the questions that the other cases answer."""
    base = plan.base
    yield f"Against {TUNED} (base case; the last column: in how many of the worlds ours is better)"
    for label, metric in (
        ("urgent help p95", "urgent_p95_s"),
        ("medicine p95", "medicine_p95_s"),
        ("groceries p95", "groceries_p95_s"),
    ):
        ours, theirs = (results.mean(base, policy, metric) for policy in (OURS, TUNED))
        change = f"{100 * (ours / theirs - 1):+.0f} %"
        yield _line(label, f"{ours:.0f} s", f"{theirs:.0f} s", change, _wins(base, results, metric))
    ours, theirs = (results.mean(base, policy, "alerts_per_accept") for policy in (OURS, TUNED))
    wins = _wins(base, results, "alerts_per_accept")
    yield _line("alerts per accept", f"{ours:.2f}", f"{theirs:.2f}", f"× {ours / theirs:.2f}", wins)
    for label, metric, sign in (
        ("coordinator told", "coordinator_share", 1),
        ("urgent help within 120 s", "urgent_within_120s", -1),
    ):
        ours, theirs = (100 * results.mean(base, policy, metric) for policy in (OURS, TUNED))
        change = f"{ours - theirs:+.1f} points"
        yield _line(label, f"{ours:.1f} %", f"{theirs:.1f} %", change, _wins(base, results, metric, sign))
    metric = "gini_load_per_duty_hour"
    ours, theirs = (results.mean(base, policy, metric) for policy in (OURS, TUNED))
    yield _line(
        "Gini of the load",
        f"{ours:.3f}",
        f"{theirs:.3f}",
        f"{ours - theirs:+.3f}",
        _wins(base, results, metric),
    )
    yield ""
    yield "Against the others"
    yield from _against_others(plan, results)


def _line(label: str, ours: str, theirs: str, change: str, wins: str) -> str:
    return f"  {label:<26}{ours:>9}  against {theirs:>8}   {change:>12}   {wins:>9}"


def _wins(case: Case, results: Results, metric: str, sign: int = 1) -> str:
    """In how many worlds ours has the lower figure (the higher, with `sign` -1)."""
    ours, theirs = (sign * results.values(case, policy, metric) for policy in (OURS, TUNED))
    return f"{int((ours < theirs).sum())} of {len(ours)}"


def _against_others(plan: Plan, results: Results) -> Iterator[str]:
    base = plan.base
    ours, bound = (results.mean(base, policy, "urgent_p50_s") for policy in (OURS, ORACLE))
    yield f"  oracle: urgent help p50 is {ours / bound:.2f} times the bound ({ours:.1f} s against {bound:.1f} s)"
    yield f"  broadcast: {_broadcast(base, results)}"
    busy = plan.case(tasks_per_day=60)
    if busy is not None:
        metric = "urgent_within_120s"
        ours, theirs = (100 * results.mean(busy, policy, metric) for policy in (OURS, "nearest_3"))
        yield (
            f"  nearest_3 at 60 tasks a day: urgent help within 120 s {ours:.1f} % against {theirs:.1f} %, "
            f"{ours - theirs:+.1f} points"
        )
    tireless = plan.case(fatigue="none")
    if tireless is not None:
        yield f"  broadcast where nobody tires of offers: {_broadcast(tireless, results)}"


def _broadcast(case: Case, results: Results) -> str:
    """Who is faster, and at how many times the alerts."""
    parts = []
    for label, metric in (("p50", "urgent_p50_s"), ("p95", "urgent_p95_s")):
        ours, theirs = (results.mean(case, policy, metric) for policy in (OURS, "broadcast"))
        who = "it is faster" if theirs < ours else "ours is faster"
        by = 100 * (1 - min(ours, theirs) / max(ours, theirs))
        parts.append(f"urgent help {label} {ours:.0f} s against {theirs:.0f} s ({who} by {by:.0f} %)")
    alerts = [results.mean(case, policy, "alerts_per_accept") for policy in ("broadcast", OURS)]
    return f"{', '.join(parts)}; it sends {alerts[0] / alerts[1]:.1f} times the alerts"


def never(results: Results) -> Iterator[str]:
    """What must never happen, counted over all runs."""
    yield "What must never happen, in all runs"
    simulated = [outcome for outcome in results.all if outcome.job.policy != ORACLE]
    own = [outcome for outcome in simulated if outcome.job.policy in OWN]
    for label, metric, outcomes in (
        ("tasks lost, all rules", "lost", simulated),
        ("tasks given to two, all rules", "double_assigned", simulated),
        ("caps broken, the product's rules", "cap_breaches", own),
    ):
        total = sum(outcome.metrics[metric] for outcome in outcomes)
        yield f"  {label:<34}{total:>6.0f} in {len(outcomes)} runs"
        for outcome in outcomes:
            if outcome.metrics[metric]:
                job = outcome.job
                yield f"    {outcome.metrics[metric]:.0f} by {job.policy}, seed {job.seed}: {job.scenario}"
