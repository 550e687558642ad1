"""The pictures of the benchmark: how fast, at how many alerts, and who carries the load."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from devtools.benchmark.cases import FAMILY, NEAREST_K, OURS, POLICIES, TUNED, Keep, Plan, Results
from devtools.benchmark.labels import Note, Stroke, annotate
from devtools.benchmark.runs import ORACLE, Outcome, mean_and_half_width
from dispatcher.rules.settings import GROCERIES, MEDICINE, URGENT_HELP
from dispatcher.simulation.contenders import PACED, RIVALS
from dispatcher.simulation.world import Floats

STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#666666",
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "figure.facecolor": "white",
    "svg.hashsalt": "dispatcher",
}

KINDS = ((URGENT_HELP, "Urgent help"), (MEDICINE, "Medicine"), (GROCERIES, "Groceries"))


@dataclass(frozen=True)
class Look:
    """How a rule is drawn: name, colour (of the palette of Okabe and Ito), line, width in points."""

    name: str
    colour: str
    line: str = "-"
    width: float = 1.3


def _dashed(keep: Keep) -> str:
    return "-".join(map(str, keep))


LOOKS = {
    OURS: Look("dispatcher", "#D55E00", width=3.0),
    "sequential": Look("sequential", "#CC79A7"),
    "broadcast": Look("broadcast", "#E69F00"),
    "nearest_3": Look("nearest 3", "#56B4E9"),
    "random_3": Look("random 3", "#009E73"),
    TUNED: Look(f"nearest k, tuned ({_dashed(RIVALS[TUNED][1])})", "#0072B2"),
    PACED: Look("nearest k, paced", "#7B3FA0"),
    ORACLE: Look("oracle (a bound)", "#000000", "--", 1.0),
}


def draw(plan: Plan, results: Results, folder: Path) -> list[Path]:
    """Draw all pictures into `folder`; the files, in SVG."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {
        "time-to-accept": time_to_accept,
        "alerts-and-speed": alerts_and_speed,
        "load": load,
    }
    written = []
    with mpl.rc_context(STYLE):
        for name, picture in pictures.items():
            path = folder / f"{name}.svg"
            # Without a date the same figures make the same file.
            picture(plan, results).savefig(path, metadata={"Date": None})
            written.append(path)
    return written


def time_to_accept(plan: Plan, results: Results) -> Figure:
    """For each kind of help the share of searches that have ended by a time; seeds pooled."""
    figure = Figure(figsize=(11, 4.1))
    panels = figure.subplots(1, 3, sharey=True)
    grid = np.geomspace(8, 3 * 3600, 140)
    for axes, (kind, title) in zip(panels, KINDS, strict=True):
        ended = {}
        for policy in _back_to_front(POLICIES):
            waits = np.concatenate([outcome.waits[kind] for outcome in results.of(plan.base, policy)])
            ended[policy] = np.searchsorted(np.sort(waits), grid, side="right") / len(waits)
            _line(axes, grid, 100 * ended[policy], policy)
        axes.set_title(title)
        _time_axis(axes, (10, 60, 600, 3600, 7200), (8, 3 * 3600))
        axes.set_ylim(0, 101)
    panels[0].set_ylabel("searches ended by then, %")
    panels[1].set_xlabel("time since somebody could be asked")
    in_half_an_hour = int(np.searchsorted(grid, 1800))
    order = sorted(ended, key=lambda policy: -ended[policy][in_half_an_hour])
    _key(figure, panels[-1], order, {policy: LOOKS[policy].name for policy in order})
    _head(figure, plan, "Time until somebody comes (simulated)")
    return figure


def alerts_and_speed(plan: Plan, results: Results) -> Figure:
    """Alerts per accept against slow searches: over all kinds of help, and urgent help alone."""
    figure = Figure(figsize=(11, 5.2))
    panels = figure.subplots(1, 2)
    named = []
    for axes, slow, title in zip(
        panels,
        (_slow_over_all, _slow_urgent),
        ("All kinds of help: geometric mean of the three p95", "Urgent help: p95"),
        strict=True,
    ):
        named.append(_against_alerts(axes, plan, results, slow))
        axes.set_title(title)
        axes.set_xlabel("alerts per accept")
        axes.set_ylabel("95 of 100 searches have ended after")
    _head(
        figure, plan, "Alerts against speed: lower left is better (simulated)",
        "; grey: rules that keep out k offers for urgent help, medicine, groceries",
    )  # fmt: skip
    for axes, (notes, strokes) in zip(panels, named, strict=True):
        annotate(axes, notes, strokes)
    return figure


def _slow_over_all(outcome: Outcome) -> float:
    return float(np.exp(np.mean([np.log(outcome.metrics[f"{kind}_p95_s"]) for kind, _ in KINDS])))


def _slow_urgent(outcome: Outcome) -> float:
    return outcome.metrics["urgent_p95_s"]


def _against_alerts(
    axes: Axes, plan: Plan, results: Results, slow: Callable[[Outcome], float]
) -> tuple[list[Note], list[Stroke]]:
    """Draw the points; the names that they are to get, and the lines that no name may cover."""
    axes.set_xscale("log")
    axes.set_yscale("log")
    family = {keep: _centre(results.of(plan.base, NEAREST_K, keep), slow) for keep in FAMILY}
    axes.plot(*zip(*family.values(), strict=True), color="#999999", lw=0.9, marker="o", ms=3, zorder=2)
    notes: list[Note] = []
    strokes: list[Stroke] = []
    # Ours and the rule nearest to it choose the places of their names first.
    for policy in dict.fromkeys((OURS, TUNED, *POLICIES)):
        look, outcomes, ours = LOOKS[policy], results.of(plan.base, policy), policy == OURS
        if policy == ORACLE:
            _bound(axes, float(np.mean([slow(outcome) for outcome in outcomes])), look)
            continue
        (x, x_half), (y, y_half) = (
            mean_and_half_width(figure(outcome) for outcome in outcomes) for figure in (_alerts, slow)
        )
        axes.plot(x, y, color=look.colour, marker="D" if ours else "o", ms=9 if ours else 6, zorder=5)
        # Two seeds make a bar as long as the axes.
        if len(outcomes) > 2:
            axes.errorbar(
                x, y, xerr=x_half, yerr=y_half, color=look.colour, elinewidth=1, capsize=2, zorder=4
            )
            # A bar that reaches below zero has no end on a logarithmic axis.
            low = max(y - y_half, y / 100)
            strokes += [((x - x_half, y), (x + x_half, y)), ((x, low), (x, y + y_half))]
        notes.append(Note(look.name, (x, y), look.colour, 10 if ours else 8.5, ours))
    tuned = RIVALS[TUNED][1]
    notes += [Note(_dashed(keep), at, "#777777", 7.5) for keep, at in family.items() if keep != tuned]
    _readable(axes)
    return notes, strokes


def _bound(axes: Axes, at: float, look: Look) -> None:
    """A line across for the bound, which has no number of alerts."""
    axes.axhline(at, color=look.colour, ls=look.line, lw=look.width)
    axes.annotate(
        look.name, (0.99, at), xycoords=("axes fraction", "data"), xytext=(0, 3),
        textcoords="offset points", ha="right", fontsize=8.5,
    )  # fmt: skip


def _alerts(outcome: Outcome) -> float:
    return outcome.metrics["alerts_per_accept"]


def _centre(outcomes: Iterable[Outcome], slow: Callable[[Outcome], float]) -> tuple[float, float]:
    x, y = np.mean([(_alerts(outcome), slow(outcome)) for outcome in outcomes], axis=0)
    return float(x), float(y)


def load(plan: Plan, results: Results) -> Figure:
    """How the tasks per duty hour are spread: Lorenz curves, and the loads themselves in order."""
    figure = Figure(figsize=(11, 4.4))
    lorenz, ordered = figure.subplots(1, 2)
    share = np.linspace(0, 1, 101)
    lorenz.plot([0, 100], [0, 100], color="#999999", lw=0.9, ls=":")
    ordered.axhline(1, color="#999999", lw=0.9, ls=":")
    ordered.annotate("the mean", (1, 1), xytext=(0, 3), textcoords="offset points", color="#777777")
    shown = [policy for policy in POLICIES if policy != ORACLE]
    for policy in _back_to_front(shown):
        loads = [np.sort(outcome.load / outcome.load.mean()) for outcome in results.of(plan.base, policy)]
        sums = [np.concatenate([[0.0], np.cumsum(values / len(values))]) for values in loads]
        _line(lorenz, 100 * share, 100 * _along(share, sums), policy)
        _line(ordered, 100 * share, _along(share, loads), policy)
    gini = {policy: results.mean(plan.base, policy, "gini_load_per_duty_hour") for policy in shown}
    lorenz.set_title("Lorenz curves; dotted: everybody the same")
    lorenz.set_ylabel("their share of all load, %")
    ordered.set_title("Load against the mean")
    ordered.set_ylabel("tasks per duty hour, times the mean")
    for axes in (lorenz, ordered):
        axes.set_xlim(0, 100)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("volunteers, the least loaded first, %")
    names = {policy: f"{LOOKS[policy].name}, Gini {gini[policy]:.2f}" for policy in shown}
    _key(figure, ordered, sorted(shown, key=lambda policy: -gini[policy]), names)
    _head(figure, plan, "How evenly the load is spread: tasks per duty hour of each volunteer (simulated)")
    return figure


def _along(share: Floats, columns: Iterable[Floats]) -> Floats:
    """The mean of several curves, each laid out evenly from 0 to 1."""
    curves = [np.interp(share, np.linspace(0, 1, len(values)), values) for values in columns]
    return np.asarray(np.mean(curves, axis=0))


def _back_to_front(policies: Iterable[str]) -> list[str]:
    """Ours last, so that nothing is drawn over it."""
    return sorted(policies, key=lambda policy: policy == OURS)


def _line(axes: Axes, x: Floats, y: Floats, policy: str) -> None:
    look = LOOKS[policy]
    axes.plot(x, y, color=look.colour, ls=look.line, lw=look.width, solid_capstyle="round")


def _time_axis(axes: Axes, ticks: tuple[float, ...], limits: tuple[float, float]) -> None:
    axes.set_xscale("log")
    axes.set_xlim(*limits)
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _position: _duration(value)))


def _readable(axes: Axes) -> None:
    """Ticks that people read on both axes, and room for the names at the edges."""
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    axes.set_xlim(left * 0.95, right * 1.05)
    axes.set_ylim(low * 0.9, high * 1.1)
    axes.xaxis.set_major_locator(FixedLocator([1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _position: f"{value:g}"))
    minutes = [0.5, 1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 60, 90, 120]
    axes.yaxis.set_major_locator(FixedLocator([60 * m for m in minutes]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _position: _duration(value)))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_locator(NullLocator())


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:g} s"
    return f"{seconds / 60:g} min" if seconds < 3600 else f"{seconds / 3600:g} h"


def _key(figure: Figure, axes: Axes, order: list[str], names: dict[str, str]) -> None:
    """The names beside the curves, in the order in which the curves lie."""
    looks = [LOOKS[policy] for policy in order]
    handles = [axes.plot([], [], color=look.colour, ls=look.line, lw=look.width)[0] for look in looks]
    key = axes.legend(
        handles, [names[policy] for policy in order], loc="center left", bbox_to_anchor=(1.02, 0.5),
        frameon=False, handlelength=1.4, labelspacing=0.8,
    )  # fmt: skip
    for text, policy in zip(key.get_texts(), order, strict=True):
        text.set_color(LOOKS[policy].colour)
        text.set_fontweight("bold" if policy == OURS else "normal")


def _head(figure: Figure, plan: Plan, title: str, note: str = "") -> None:
    """Title and circumstances above the panels, which take what room is left."""
    scenario = plan.base.scenario
    figure.text(0.012, 0.975, title, fontsize=12, fontweight="bold", va="top")
    figure.text(
        0.012, 0.915,
        f"{scenario.tasks_per_day:g} tasks a day, {scenario.volunteers} volunteers, {plan.days} days, "
        f"{len(plan.seeds)} seeds{'; quick set' if plan.quick else ''}{note}",
        color="#555555", va="top",
    )  # fmt: skip
    figure.tight_layout(rect=(0, 0, 1, 0.9))


Point = tuple[float, float]
"""Alerts per accept, and slowness."""


def draw_front(
    trials: Sequence[Point],
    front: Sequence[Point],
    family: Mapping[Keep, Point],
    start: Point,
    folder: Path,
) -> Path:
    """Draw what a search has found into `folder`: each trial, the front, and the nearest-k rules."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "tuning.svg"
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8, 5))
        axes = figure.subplots()
        ours, theirs = LOOKS[OURS].colour, LOOKS[TUNED].colour
        axes.plot(*zip(*trials, strict=True), color="#bbbbbb", lw=0, marker=".", ms=5, zorder=2)
        axes.plot(*zip(*front, strict=True), color=ours, lw=1.3, marker="o", ms=4, zorder=4)
        axes.plot(*zip(*family.values(), strict=True), color=theirs, lw=0.9, marker="o", ms=4, zorder=3)
        axes.plot(*start, color=ours, marker="D", ms=9, zorder=5)
        axes.set_xlabel("alerts per accept")
        axes.set_ylabel("slowness: waiting times against nearest k, tuned")
        figure.text(
            0.012, 0.975, "Figures tried: lower left is better (simulated)",
            fontsize=12, fontweight="bold", va="top",
        )  # fmt: skip
        figure.text(
            0.012, 0.92,
            "orange: the front, the diamond where it started; grey: other trials; blue: nearest-k rules",
            color="#555555", va="top",
        )  # fmt: skip
        figure.tight_layout(rect=(0, 0, 1, 0.9))
        notes = [Note("start", start, ours, 10, bold=True)]
        notes += [Note(_dashed(keep), at, theirs, 8) for keep, at in family.items()]
        annotate(axes, notes, [])
        figure.savefig(path, metadata={"Date": None})
    return path
