"""`make tune`: look for better figures of the policy, on seeds that the benchmark does not use.

A random search around the shipped figures: each trial moves a few of them, is run on the tuning
seeds, and is kept if it is better by the score. Every trial is written down; the front of speed
against offers is reported, with the nearest-k rules beside it.
"""

import argparse
import json
import random
import sys
import tomllib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from devtools.benchmark.runs import ORACLE, Job, run
from dispatcher.rules.settings import DispatchSettings, with_overrides
from dispatcher.simulation.world import Scenario

SEEDS = tuple(range(1001, 1009))
"""The benchmark uses 1 to 10."""

RIVAL = "nearest_k_tuned"

STEPS: dict[str, tuple[float, float, float]] = {
    "urgent.target": (0.85, 0.995, 0.02),
    "urgent.look_ahead_s": (45, 120, 15),
    "urgent.pause_s": (10, 60, 10),
    "urgent.wave_max": (7, 14, 1),
    "urgent.little": (0.3, 0.95, 0.1),
    "soon.target": (0.1, 0.7, 0.06),
    "soon.target_late": (0.3, 0.95, 0.08),
    "soon.look_ahead_s": (120, 420, 60),
    "soon.pause_s": (60, 400, 40),
    "soon.wave_max": (1, 3, 1),
    "soon.little": (0.02, 0.4, 0.05),
    "soon.patience_s": (600, 1500, 120),
    "routine.target": (0.05, 0.6, 0.06),
    "routine.target_late": (0.2, 0.9, 0.08),
    "routine.look_ahead_s": (200, 900, 100),
    "routine.pause_s": (200, 1500, 120),
    "routine.wave_max": (1, 2, 1),
    "routine.little": (0.02, 0.4, 0.05),
    "routine.patience_s": (1200, 4500, 300),
    "learning.facet_weight": (2, 15, 1.5),
    "learning.fatigue_logit": (-0.25, -0.02, 0.03),
    "learning.held_logit": (-1.2, 0.0, 0.15),
    "price.fatigue": (0.0, 3.0, 0.2),
    "price.load": (0.5, 8.0, 0.7),
    "price.pending": (0.0, 3.0, 0.4),
    "daily_cap": (2, 4, 1),
}
"""What is searched: the least, the most, and the usual step."""


def evaluate(pool: ProcessPoolExecutor, settings: DispatchSettings, policy: str, seeds: tuple[int, ...],
             keep: tuple[int, int, int] | None = None) -> dict[str, float]:  # fmt: skip
    """The mean figures of one setting over the seeds."""
    jobs = [Job(seed, Scenario(), policy, settings, keep) for seed in seeds]
    outcomes = list(pool.map(run, jobs))
    return {name: float(np.mean([o.metrics[name] for o in outcomes])) for name in outcomes[0].metrics}


def slowness(found: dict[str, float], rival: dict[str, float]) -> float:
    """The geometric mean of waiting times against the rival's: below 1 is faster."""
    names = ("urgent_p50_s", "urgent_p95_s", "medicine_p50_s", "medicine_p95_s", "groceries_p50_s",
             "groceries_p95_s")  # fmt: skip
    return float(np.exp(np.mean([np.log(found[n] / rival[n]) for n in names])))


def score(found: dict[str, float], rival: dict[str, float], bound: dict[str, float]) -> float:
    """Lower is better: slowness, and a steep price for whatever we hold ourselves to."""
    over = (
        max(found["alerts_per_accept"] / rival["alerts_per_accept"] - 1.02, 0) * 8,
        max(found["coordinator_share"] - rival["coordinator_share"] - 0.004, 0) * 20,
        max(found["gini_load_per_duty_hour"] - rival["gini_load_per_duty_hour"] + 0.012, 0) * 15,
        max(found["urgent_p50_s"] / bound["urgent_p50_s"] - 1.29, 0) * 4,
        max(0.932 - found["urgent_within_120s"], 0) * 15,
        max(found["urgent_p95_s"] / rival["urgent_p95_s"] - 0.50, 0) * 1,
        max(found["medicine_p95_s"] / rival["medicine_p95_s"] - 0.52, 0) * 2,
        max(found["groceries_p95_s"] / rival["groceries_p95_s"] - 0.60, 0) * 2,
    )
    return slowness(found, rival) + sum(over)


def moved(settings: DispatchSettings, lots: random.Random) -> DispatchSettings:
    """`settings` with a few figures moved by about a step."""
    names = lots.sample(list(STEPS), lots.choice((1, 2, 3, 4)))
    changes: dict[str, dict[str, Any]] = {}
    for name in names:
        low, high, step = STEPS[name]
        group, _, key = name.rpartition(".")
        before = getattr(getattr(settings, group) if group else settings, key)
        value = min(max(before + lots.choice((-1, 1)) * step * lots.uniform(0.5, 2), low), high)
        changes.setdefault(group, {})[key] = round(value) if isinstance(before, int) else round(value, 3)
    for group, figures in changes.items():
        inner = {group: replace(getattr(settings, group), **figures)} if group else figures
        settings = replace(settings, **inner)
    return settings


def front(trials: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The trials that none other beats in both slowness and offers."""
    best, least = [], float("inf")
    for trial in sorted(trials, key=lambda t: (t["metrics"]["alerts_per_accept"], t["slowness"])):
        if trial["slowness"] < least:
            best.append(trial)
            least = trial["slowness"]
    return best


def main() -> None:
    """Search, report, write `build/tuning.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=Path, help="TOML file of figures to start from")
    parser.add_argument("--out", type=Path, default=Path("build/tuning.json"))
    options = parser.parse_args()
    settings = DispatchSettings()
    if options.start:
        settings = with_overrides(settings, tomllib.loads(options.start.read_text()))
    lots = random.Random(options.seed)
    trials: list[dict[str, Any]] = []
    with ProcessPoolExecutor() as pool:
        rival = evaluate(pool, settings, RIVAL, SEEDS)
        bound = evaluate(pool, settings, ORACLE, SEEDS)

        def attempt(trial: DispatchSettings) -> float:
            found = evaluate(pool, trial, "dispatcher", SEEDS)
            value = score(found, rival, bound)
            trials.append({"score": value, "slowness": slowness(found, rival), "metrics": found,
                           "settings": asdict(replace(trial, quiet=None))})  # fmt: skip
            return value

        best = attempt(settings)
        for number in range(1, options.trials + 1):
            candidate = moved(settings, lots)
            value = attempt(candidate)
            better = value < best
            if better:
                settings, best = candidate, value
            print(f"\r{number}/{options.trials} trials, best score {best:.4f}", end="\n" if better else "",
                  file=sys.stderr, flush=True)  # fmt: skip
            options.out.parent.mkdir(exist_ok=True)
            rivals: list[dict[str, Any]] = []
            options.out.write_text(json.dumps(
                {"seeds": SEEDS, "rival": rival, "oracle": bound, "front": front(trials), "rivals": rivals,
                 "best": min(trials, key=lambda t: float(t["score"]))}, indent=1))  # fmt: skip


if __name__ == "__main__":
    main()
