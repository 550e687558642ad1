"""The part of `docs/benchmark.md` that comes from one run of the benchmark."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from devtools.benchmark.cases import OURS, POLICIES, Case, Plan, Results
from devtools.benchmark.report import COLUMNS, Column, comparison, never
from devtools.benchmark.runs import ORACLE, Job, mean_and_half_width, run
from dispatcher.rules.settings import DispatchSettings
from dispatcher.simulation.contenders import ABLATIONS
from dispatcher.simulation.world import Floats, Scenario

_COMPACT = tuple(
    column
    for column in COLUMNS
    if column.metric
    in ("urgent_p50_s", "urgent_p95_s", "urgent_within_120s", "medicine_p95_s", "groceries_p95_s",
        "alerts_per_accept", "coordinator_share", "gini_load_per_duty_hour")
)  # fmt: skip


DOCUMENT = Path("docs/benchmark.md")

BEGIN, END = "<!-- figures: begin, written by `make simulate PUBLISH=1` -->", "<!-- figures: end -->"

_WORTH = """Under the whole rules, what changes without one of their parts, in the same worlds.
"""


def write(plan: Plan, results: Results, settings: DispatchSettings, path: Path) -> None:
    """Put the figures of a run between the marks of a document.

    Raises:
        ValueError: the document has no such marks.
    """
    text = path.read_text(encoding="utf-8")
    before, begun, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not (begun and ended):
        raise ValueError(f"no place for figures in {path}")
    figures = figures_of(plan, results, settings)
    path.write_text(f"{before}{BEGIN}\n\n{figures}\n{END}{after}", encoding="utf-8")


_SAMPLE = Scenario(tasks_per_day=40, volunteers=30, days=2, surge=10)


def fingerprint(settings: DispatchSettings) -> str:
    """A short name for what the rules do, by which it can be seen whether a document is about them.

    It is made from the settings and from what comes of a small sample: whenever the rules, the world
    or what is measured change, so does it.
    """
    found = [run(Job(1, _SAMPLE, policy, settings)).metrics for policy in POLICIES]
    rounded = [{name: round(value, 3) for name, value in metrics.items()} for metrics in found]
    return hashlib.sha256(repr((settings, rounded)).encode()).hexdigest()[:12]


def figures_of(plan: Plan, results: Results, settings: DispatchSettings) -> str:
    """The base case in full, how it compares, the other cases in short, and what each part of the
    rules is worth."""
    parts = [_preface(plan, settings), "### The base case\n", *_base(plan.base, results), ""]
    parts += ["```text", *comparison(plan, results), "", *never(results), "```", ""]
    parts += ["### Other cases\n", *_others(plan.cases[1:], results), ""]
    parts += ["### What each part is worth\n", _WORTH, *_ablations(plan.cases, results), ""]
    return "\n".join(parts)


def _preface(plan: Plan, settings: DispatchSettings) -> str:
    kind = "Quick set" if plan.quick else "Full set"
    return (
        f"{kind}, simulated: seeds {plan.seeds[0]} to {plan.seeds[-1]}, {plan.days} days each, with the "
        f"rules `{fingerprint(settings)}`. Means over the seeds, ± half the width of the 95 % interval.\n"
    )


def _base(base: Case, results: Results) -> Iterator[str]:
    rows = ([f"`{policy}`", *_cells(base, policy, results, COLUMNS)] for policy in POLICIES)
    return _table(["Rule", *(column.name for column in COLUMNS)], rows)


def _others(cases: Sequence[Case], results: Results) -> Iterator[str]:
    rows = (
        [case.title if policy == OURS else "", f"`{policy}`", *_cells(case, policy, results, _COMPACT, False)]
        for case in cases
        for policy in case.rules
        if policy != ORACLE
    )
    return _table(["Case", "Rule", *(column.name for column in _COMPACT)], rows)


def _ablations(cases: Sequence[Case], results: Results) -> Iterator[str]:
    """The whole rules, then how far each ablation differs from them in the same worlds."""
    rows: list[list[str]] = []
    for case in cases:
        if not case.ablation_seeds:
            continue
        whole = [results.values(case, OURS, column.metric)[: case.ablation_seeds] for column in _COMPACT]
        title = f"{case.title} ({case.ablation_seeds} seeds)"
        rows.append([title, f"`{OURS}`", *_row(whole)])
        for policy in ABLATIONS:
            without = (results.values(case, policy, column.metric) for column in _COMPACT)
            change = [v - w for v, w in zip(without, whole, strict=True)]
            rows.append(["", f"`{policy}`", *_row(change, signed=True)])
    return _table(["Case", "Rule", *(column.name for column in _COMPACT)], rows)


def _row(columns: Sequence[Floats], signed: bool = False) -> list[str]:
    figures = (mean_and_half_width(values) for values in columns)
    return [c.cell(figure, signed=signed) for c, figure in zip(_COMPACT, figures, strict=True)]


def _cells(
    case: Case, policy: str, results: Results, columns: Sequence[Column], spread: bool = True
) -> list[str]:
    figures = results.figures(case, policy)
    return [column.cell(figures[column.metric], spread) for column in columns]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'|'.join(' --- ' for _ in head)}|"
    yield from (f"| {' | '.join(row)} |" for row in rows)
