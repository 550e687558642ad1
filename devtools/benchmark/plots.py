"""The pictures of the benchmark: how fast, at how many alerts, and who carries the load."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from devtools.benchmark.cases import FAMILY, NEAREST_K, OURS, POLICIES, TUNED, Plan, Results
from devtools.benchmark.labels import Note, annotate
from devtools.benchmark.runs import ORACLE, Outcome, mean_and_half_width
from dispatcher.rules.settings import GROCERIES, MEDICINE, URGENT_HELP
from dispatcher.simulation.world import Floats

STYLE = {
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


LOOKS = {
    OURS: Look("dispatcher", "#D55E00", width=3.0),
    "sequential": Look("sequential", "#CC79A7"),
    "broadcast": Look("broadcast", "#E69F00"),
    "nearest_3": Look("nearest 3", "#56B4E9"),
    "random_3": Look("random 3", "#009E73"),
    TUNED: Look("nearest k, tuned", "#0072B2"),
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
            waits = _pooled(results.of(plan.base, policy), lambda outcome, kind=kind: outcome.waits[kind])
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
    _head(figure, plan, "Time until somebody comes (simulated)", 0.135)
    return figure


def alerts_and_speed(plan: Plan, results: Results) -> Figure:
    """Alerts per accept against slow searches: over all kinds of help, and urgent help alone."""
    figure = Figure(figsize=(11, 4.7))
    panels = figure.subplots(1, 2)
    for axes, slow, title in zip(
        panels,
        (_slow_over_all, lambda outcome: outcome.metrics["urgent_p95_s"]),
        ("All kinds of help: geometric mean of the three p95", "Urgent help: p95"),
        strict=True,
    ):
        _against_alerts(axes, plan, results, slow)
        axes.set_title(title)
        axes.set_xlabel("alerts per accept")
        axes.set_ylabel("95 of 100 searches have ended after")
    _head(figure, plan, "Alerts against speed: lower left is better (simulated)", 0.0)
    return figure


def _slow_over_all(outcome: Outcome) -> float:
    return float(np.exp(np.mean([np.log(outcome.metrics[f"{kind}_p95_s"]) for kind, _ in KINDS])))


def _against_alerts(axes: Axes, plan: Plan, results: Results, slow: Callable[[Outcome], float]) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    notes = []
    family = [results.of(plan.base, NEAREST_K, keep) for keep in FAMILY]
    points = [_means(outcomes, slow) for outcomes in family]
    axes.plot(*zip(*points, strict=True), color="#999999", lw=0.9, marker="o", ms=3, zorder=2)
    for keep, point in zip(FAMILY, points, strict=True):
        notes.append(Note("-".join(map(str, keep)), point, "#777777", 7.5))
    for policy in POLICIES:
        look, outcomes = LOOKS[policy], results.of(plan.base, policy)
        if policy == ORACLE:
            bound = float(np.mean([slow(outcome) for outcome in outcomes]))
            axes.axhline(bound, color=look.colour, ls=look.line, lw=look.width)
            axes.annotate(
                look.name, (0.99, bound), xycoords=("axes fraction", "data"), xytext=(0, 3),
                textcoords="offset points", ha="right", fontsize=8.5,
            )  # fmt: skip
            continue
        (x, x_half), (y, y_half) = (
            mean_and_half_width(figure(outcome) for outcome in outcomes) for figure in (_alerts, slow)
        )
        ours = policy == OURS
        axes.errorbar(
            x, y, xerr=x_half, yerr=min(y_half, 0.9 * y), color=look.colour, elinewidth=1, capsize=2,
            marker="D" if ours else "o", ms=9 if ours else 6, zorder=5 if ours else 4,
        )  # fmt: skip
        notes.insert(0, Note(look.name, (x, y), look.colour, 10 if ours else 8.5, ours))
    _plain_axes(axes, [note.at for note in notes])
    annotate(axes, notes)


def _alerts(outcome: Outcome) -> float:
    return outcome.metrics["alerts_per_accept"]


def _means(outcomes: Iterable[Outcome], slow: Callable[[Outcome], float]) -> tuple[float, float]:
    found = [(_alerts(outcome), slow(outcome)) for outcome in outcomes]
    x, y = np.mean(found, axis=0)
    return float(x), float(y)


def load(plan: Plan, results: Results) -> Figure:
    """How the tasks are spread: Lorenz curves of tasks per duty hour, mean over the seeds."""
    figure = Figure(figsize=(7.4, 4.9))
    axes = figure.subplots()
    share = np.linspace(0, 1, 101)
    axes.plot([0, 100], [0, 100], color="#999999", lw=0.9, ls=":")
    axes.annotate("everybody the same", (52, 54), rotation=45, rotation_mode="anchor", color="#777777",
                  ha="center", transform_rotates_text=True)  # fmt: skip
    shown = [policy for policy in POLICIES if policy != ORACLE]
    for policy in _back_to_front(shown):
        curves = [lorenz(outcome.load, share) for outcome in results.of(plan.base, policy)]
        _line(axes, 100 * share, 100 * np.mean(curves, axis=0), policy)
    gini = {policy: results.mean(plan.base, policy, "gini_load_per_duty_hour") for policy in shown}
    names = {policy: f"{LOOKS[policy].name}: Gini {gini[policy]:.2f}" for policy in shown}
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 100)
    axes.set_xlabel("volunteers, those with the fewest tasks per duty hour first, %")
    axes.set_ylabel("their share of all load, %")
    _key(figure, axes, sorted(shown, key=lambda policy: gini[policy]), names)
    _head(figure, plan, "How evenly the load is spread (simulated)", 0.31)
    return figure


def lorenz(values: Floats, share: Floats) -> Floats:
    """Which share of the sum belongs to the least `share` of the values, from 0 to 1."""
    sums = np.concatenate([[0.0], np.cumsum(np.sort(values))])
    return np.interp(share, np.linspace(0, 1, len(sums)), sums / max(sums[-1], 1e-12))


def _back_to_front(policies: Iterable[str]) -> list[str]:
    """Ours last, so that nothing is drawn over it."""
    return sorted(policies, key=lambda policy: policy == OURS)


def _pooled(outcomes: Iterable[Outcome], of: Callable[[Outcome], Floats]) -> Floats:
    return np.concatenate([of(outcome) for outcome in outcomes])


def _line(axes: Axes, x: Floats, y: Floats, policy: str) -> None:
    look = LOOKS[policy]
    axes.plot(x, y, color=look.colour, ls=look.line, lw=look.width, solid_capstyle="round")


def _time_axis(axes: Axes, ticks: tuple[float, ...], limits: tuple[float, float]) -> None:
    axes.set_xscale("log")
    axes.set_xlim(*limits)
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _position: _duration(value)))


def _plain_axes(axes: Axes, points: list[tuple[float, float]]) -> None:
    """Ticks that people read on both axes, and room around the points."""
    x, y = np.array(points).T
    low, high = axes.get_ylim()
    axes.set_xlim(x.min() * 0.88, x.max() * 1.3)
    axes.set_ylim(min(low, y.min() * 0.85), max(high, y.max() * 1.2))
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
    handles = [
        axes.plot([], [], color=LOOKS[p].colour, ls=LOOKS[p].line, lw=LOOKS[p].width)[0] for p in order
    ]
    key = axes.legend(
        handles, [names[policy] for policy in order], loc="center left", bbox_to_anchor=(1.02, 0.5),
        frameon=False, handlelength=1.4, labelspacing=0.8,
    )  # fmt: skip
    for text, policy in zip(key.get_texts(), order, strict=True):
        text.set_color(LOOKS[policy].colour)
        text.set_fontweight("bold" if policy == OURS else "normal")


def _head(figure: Figure, plan: Plan, title: str, key_share: float) -> None:
    """Title and circumstances above the panels; `key_share` of the width is kept for the names."""
    scenario = plan.base.scenario
    figure.text(0.012, 0.975, title, fontsize=12, fontweight="bold", va="top")
    figure.text(
        0.012, 0.915,
        f"{scenario.tasks_per_day:g} tasks a day, {scenario.volunteers} volunteers, {plan.days} days, "
        f"{len(plan.seeds)} seeds{'; quick set' if plan.quick else ''}",
        color="#555555", va="top",
    )  # fmt: skip
    figure.tight_layout(rect=(0, 0, 1 - key_share, 0.9))
