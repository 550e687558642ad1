"""What the benchmark prints: a table for each case, a comparison, and what must never happen."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from devtools.benchmark.cases import OURS, OWN, TUNED, Case, Plan, Results
from devtools.benchmark.runs import ORACLE
from dispatcher.simulation.contenders import PACED


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

    def cell(self, figure: tuple[float, float], spread: bool = True, signed: bool = False) -> str:
        """Mean and half width, or with `spread` off the mean; a dash where it does not apply."""
        mean, half = (self.scale * value for value in figure)
        if np.isnan(mean):
            return "–"
        shown = f"{mean:{'+z' if signed else ''}.{self.digits}f}"
        return f"{shown}±{half:.{self.digits}f}" if spread and self.spread and not np.isnan(half) else shown


COLUMNS = (
    Column("urgent help p50, s", "urgent", "p50 s", "urgent_p50_s"),
    Column("urgent help p95, s", "urgent", "p95 s", "urgent_p95_s"),
    Column("urgent help within 120 s, %", "urgent", "≤120 s %", "urgent_within_120s", 100, 1),
    Column("medicine p50, s", "medicine", "p50 s", "medicine_p50_s"),
    Column("medicine p95, s", "medicine", "p95 s", "medicine_p95_s"),
    Column("groceries p50, s", "groceries", "p50 s", "groceries_p50_s"),
    Column("groceries p95, s", "groceries", "p95 s", "groceries_p95_s"),
    Column("alerts per accept", "alerts", "/accept", "alerts_per_accept", 1, 2),
    Column("coordinator told, %", "coordin.", "told %", "coordinator_share", 100, 1),
    Column("Gini of the load", "load", "Gini", "gini_load_per_duty_hour", 1, 3),
    Column("most alerts to one in 24 h", "most", "/24 h", "max_alerts_24h", spread=False),
    Column("caps broken", "caps", "broken", "cap_breaches", spread=False),
)
"""The figures of a table. What must never happen is not among them: it is counted over all runs."""


def print_report(plan: Plan, results: Results) -> None:
    """Print everything to standard output."""
    if plan.quick:
        print("QUICK SET: few seeds, few days, two cases. For a glance only: quote the full set.\n")
    print(
        f"Simulated: seeds {plan.seeds[0]} to {plan.seeds[-1]}, {plan.days} days each; all rules meet the\n"
        "same worlds. Times run from when somebody could be asked until somebody comes. Means over the\n"
        "seeds, ± half the width of the 95 % interval. Caps: the limits by which the product spares\n"
        "people; the rules in use elsewhere know none."
    )
    # An interval from two seeds says nothing and needs much room.
    spread = len(plan.seeds) > 2
    for case in plan.cases:
        print("", *table(case, results, spread), sep="\n")
        if case.few is not None:
            print(f"With the first {case.few} seeds only.")
        elif 0 < case.ablation_seeds < len(plan.seeds):
            print(f"The rules without a part: with the first {case.ablation_seeds} seeds only.")
    print("", *comparison(plan, results), sep="\n")
    print("", *never(results), sep="\n")


def table(case: Case, results: Results, spread: bool = True) -> list[str]:
    """One case: a line for each rule."""
    rows = []
    for policy in case.policies:
        figures = results.figures(case, policy)
        rows.append([policy, *(column.cell(figures[column.metric], spread) for column in COLUMNS)])
    before = ("", *(column.group for column in COLUMNS))
    groups = [
        "" if column.group == last else column.group for column, last in zip(COLUMNS, before, strict=False)
    ]
    return [case.title, *_aligned([["", *groups], ["rule", *(c.heading for c in COLUMNS)], *rows])]


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """The first column to the left, the others to the right, each as wide as it must be."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *others in rows:
        cells = (f"{cell:>{width}}" for cell, width in zip(others, widths[1:], strict=True))
        lines.append("  ".join([f"{first:<{widths[0]}}", *cells]).rstrip())
    return lines


@dataclass(frozen=True)
class Contrast:
    """A figure in which ours is held against another rule. `change`: "ratio", "times" or "points"."""

    metric: str
    change: str
    higher_is_better: bool = False


CONTRASTS = (
    Contrast("urgent_p50_s", "ratio"),
    Contrast("urgent_p95_s", "ratio"),
    Contrast("medicine_p50_s", "ratio"),
    Contrast("medicine_p95_s", "ratio"),
    Contrast("groceries_p50_s", "ratio"),
    Contrast("groceries_p95_s", "ratio"),
    Contrast("alerts_per_accept", "times"),
    Contrast("coordinator_share", "points"),
    Contrast("urgent_within_120s", "points", higher_is_better=True),
    Contrast("gini_load_per_duty_hour", "points"),
)


def comparison(plan: Plan, results: Results) -> Iterator[str]:
    """The base case against the strongest rivals, then the questions that the other cases answer."""
    head = ["", "ours", "theirs", "change", "ours better"]
    for rival in (TUNED, PACED):
        yield f"Against {rival}, base case"
        rows = [_contrast(plan.base, results, contrast, rival) for contrast in CONTRASTS]
        yield from ("  " + line for line in _aligned([head, *rows]))
        yield ""
    yield "Against the others"
    yield from ("  " + line for line in _against_others(plan, results))


def _contrast(case: Case, results: Results, contrast: Contrast, rival: str) -> list[str]:
    column = next(column for column in COLUMNS if column.metric == contrast.metric)
    by_seed = [column.scale * results.values(case, policy, column.metric) for policy in (OURS, rival)]
    ours, theirs = (float(values.mean()) for values in by_seed)
    change = {
        "ratio": f"{100 * (ours / theirs - 1):+.0f} %",
        "times": f"× {ours / theirs:.2f}",
        "points": f"{ours - theirs:+.{column.digits}f}" + (" points" if column.scale == 100 else ""),
    }[contrast.change]
    better = by_seed[0] > by_seed[1] if contrast.higher_is_better else by_seed[0] < by_seed[1]
    shown = [f"{value:.{column.digits}f}" for value in (ours, theirs)]
    return [column.name, *shown, change, f"in {int(better.sum())} of {len(better)} worlds"]


def _against_others(plan: Plan, results: Results) -> Iterator[str]:
    base, busy, tireless = plan.base, plan.case(tasks_per_day=60), plan.case(fatigue="none")
    ours, bound = (results.mean(base, policy, "urgent_p50_s") for policy in (OURS, ORACLE))
    yield f"oracle: urgent help p50 {ours:.1f} s against {bound:.1f} s, {ours / bound:.2f} times as long"
    yield f"broadcast: {_broadcast(base, results)}"
    if tireless is not None:
        yield f"broadcast where nobody tires of offers: {_broadcast(tireless, results)}"
    if busy is not None:
        metric = "urgent_within_120s"
        ours, theirs = (100 * results.mean(busy, policy, metric) for policy in (OURS, "nearest_3"))
        yield (
            f"nearest_3 at 60 tasks a day: urgent help within 120 s {ours:.1f} % against {theirs:.1f} %, "
            f"{ours - theirs:+.1f} points"
        )


def _broadcast(case: Case, results: Results) -> str:
    """Who is faster at each kind of help, and at how many times the alerts."""
    many, few = (results.mean(case, policy, "alerts_per_accept") for policy in ("broadcast", OURS))
    said = []
    for name, metric in (
        ("urgent help", "urgent_p50_s"), ("medicine", "medicine_p50_s"), ("groceries", "groceries_p50_s"),
    ):  # fmt: skip
        ours, theirs = (results.mean(case, policy, metric) for policy in (OURS, "broadcast"))
        faster = "it" if theirs < ours else "ours"
        by = 100 * (1 - min(ours, theirs) / max(ours, theirs))
        said.append(f"{name} p50 {ours:.0f} s against {theirs:.0f} s ({faster} is faster by {by:.0f} %)")
    return f"{', '.join(said)}; it sends {many / few:.1f} times the alerts"


def never(results: Results) -> Iterator[str]:
    """What must never happen, counted over all runs."""
    yield "What must never happen"
    simulated = [outcome for outcome in results.all if outcome.job.policy != ORACLE]
    own = [outcome for outcome in simulated if outcome.job.policy in OWN]
    for label, metric, outcomes in (
        ("tasks lost, by any rule", "lost", simulated),
        ("tasks given to two, by any rule", "double_assigned", simulated),
        ("caps broken, by the product's rules", "cap_breaches", own),
    ):
        total = sum(outcome.metrics[metric] for outcome in outcomes)
        yield f"  {label:<36}{total:>6.0f}  in {len(outcomes)} runs"
        for outcome in outcomes:
            if outcome.metrics[metric]:
                job = outcome.job
                yield f"    {outcome.metrics[metric]:.0f} by {job.policy}, seed {job.seed}: {job.scenario}"
