"""What deciding costs as a town grows, and what deciding many tasks better together would be worth.

Run as `python -m devtools.benchmark.scale`: prints tables and writes `build/bench.json`. Volunteers
and tasks are invented from seeds; times are CPU seconds on one core.
"""

import argparse
import json
import math
import os
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from devtools.benchmark.joint import GREEDY, OPTIMUM, WAYS, Reached, compare
from dispatcher.rules.crowd import FACETS, Crowd, Ints
from dispatcher.rules.decisions import PendingOffer, TaskView
from dispatcher.rules.policy import plan_round
from dispatcher.rules.response import Curves
from dispatcher.rules.settings import GROCERIES, MEDICINE, DispatchSettings, seconds
from dispatcher.simulation.world import KINDS, URGENCY_OF, ZONE

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=ZONE)

SIZES = (1_000, 3_000, 10_000, 30_000, 100_000)
FIXED_TASKS, VOLUNTEERS_A_TASK = 2_000, 5
"""Planned at every size: so many tasks; and, to see the growth, one for each so many volunteers."""
TARGET_S, TARGET_VOLUNTEERS = 1.0, 10_000
"""A round over `FIXED_TASKS` among so many volunteers shall take no longer."""
REPEATS = 7

VOLUNTEERS_A_CAMPUS = 200
SHARES = (0.10, 0.35, 0.55)
"""Of the tasks, by `KINDS`."""
OLDEST_S = 40 * 60
"""How long ago the oldest open task was opened."""

WAITING, FREE, SURGE_CAMPUSES, INSTANCES = (40, 100, 200), (30, 60, 120), 5, 50
"""The surges: tasks open at once, volunteers free, campuses; and how many are drawn of each."""

Record = dict[str, Any]


def crowd(rng: np.random.Generator, n: int, campuses: int) -> Crowd:
    """n volunteers: two in five on duty, some of them busy, asked already or tired."""
    live = rng.random(n) < 0.10
    return Crowd(
        volunteer_id=np.arange(n),
        campus_id=np.sort(rng.integers(campuses, size=n)),
        on_duty=rng.random(n) < 0.40,
        available=rng.random(n) < 0.97,
        agreed_urgent=rng.random(n) < 0.80,
        held=rng.choice(3, n, p=(0.80, 0.12, 0.08)),
        capacity=np.full(n, 2),
        alerts_today=rng.binomial(4, 0.2, n) + live,
        live_offers=live.astype(np.int64),
        live_urgent=(rng.random(n) < 0.03).astype(np.int64),
        recent_offers=rng.gamma(0.7, 1.0, n),
        load=rng.gamma(2.0, 0.03, n),
        accepts=rng.exponential(0.6, (n, len(FACETS))),
        refusals=rng.exponential(0.9, (n, len(FACETS))),
    )


def neighbours(rng: np.random.Generator, campuses: int) -> list[tuple[int, ...]]:
    """For each campus its two to four nearest, nearest first."""
    sites = rng.random((campuses, 2))
    away = np.linalg.norm(sites[:, None] - sites[None], axis=2)
    wanted = rng.integers(2, 5, campuses)
    return [tuple(np.argsort(row)[1 : 1 + k].tolist()) for row, k in zip(away, wanted, strict=True)]


def fresh_tasks(rng: np.random.Generator, n: int, campuses: int, shares: tuple[float, ...]) -> list[TaskView]:
    """n open tasks all over the town for which nobody was asked yet. `shares`: of `KINDS`."""
    near = neighbours(rng, campuses)
    where = rng.integers(campuses, size=n).tolist()
    kinds = [KINDS[k] for k in rng.choice(len(KINDS), n, p=shares)]
    ages_s = rng.uniform(0, OLDEST_S, n).tolist()
    return [
        TaskView(i, c, near[c], kind, URGENCY_OF[kind], NOON - seconds(age_s))
        for i, (c, kind, age_s) in enumerate(zip(where, kinds, ages_s, strict=True))
    ]


def asked_before(rng: np.random.Generator, task: TaskView, people: Crowd, members: Ints) -> TaskView:
    """The task with a few of `members` (rows) asked for it already, some of whom may still answer."""
    asked = rng.choice(members, min(int(rng.choice((0, 1, 2, 4))), len(members)), replace=False)
    age = NOON - task.opened_at
    life = seconds(DispatchSettings().pace(task.category, task.urgency).expiry_s)
    made = [NOON - age * float(part) for part in rng.random(rng.integers(len(asked) + 1))]
    pending = [PendingOffer(at, at + life, float(rng.beta(2, 3))) for at in made if at + life > NOON]
    return replace(task, pending=tuple(pending), asked=frozenset(people.volunteer_id[asked].tolist()))


def town(volunteers: int, tasks: int) -> tuple[list[TaskView], Crowd]:
    """A town in the middle of its day: open tasks of all kinds and ages, and its volunteers."""
    rng = np.random.default_rng([volunteers, tasks])
    campuses = volunteers // VOLUNTEERS_A_CAMPUS
    people = crowd(rng, volunteers, campuses)
    edges = np.searchsorted(people.campus_id, np.arange(campuses + 1))
    members = [np.arange(edges[c], edges[c + 1]) for c in range(campuses)]
    fresh = fresh_tasks(rng, tasks, campuses, SHARES)
    return [asked_before(rng, task, people, members[task.campus_id]) for task in fresh], people


def surge(seed: int, tasks: int, volunteers: int) -> tuple[list[TaskView], Crowd]:
    """Medicine and groceries wanted all at once, and volunteers on duty who are all free."""
    rng = np.random.default_rng([seed, tasks, volunteers])
    people = crowd(rng, volunteers, SURGE_CAMPUSES)
    everybody, nothing = np.ones(volunteers, dtype=np.bool_), np.zeros(volunteers, dtype=np.int64)
    free = replace(
        people, on_duty=everybody, available=everybody, held=nothing,
        alerts_today=nothing, live_offers=nothing, live_urgent=nothing,
    )  # fmt: skip
    calm = SHARES[KINDS.index(MEDICINE)] + SHARES[KINDS.index(GROCERIES)]
    shares = tuple(
        s / calm if kind in (MEDICINE, GROCERIES) else 0.0 for kind, s in zip(KINDS, SHARES, strict=True)
    )
    return fresh_tasks(rng, tasks, SURGE_CAMPUSES, shares), free


def planning_s(volunteers: int, tasks: int) -> float:
    """The CPU seconds of one round of decisions, at best."""
    open_tasks, people = town(volunteers, tasks)
    settings, curves = DispatchSettings(), Curves()
    least = math.inf
    # Best of several: whatever else the machine does only ever adds.
    for _ in range(REPEATS):
        began = time.process_time()
        plan_round(open_tasks, people, NOON, settings, ZONE, curves)
        least = min(least, time.process_time() - began)
    return least


def surges(tasks: int, volunteers: int) -> Record:
    """What each way of deciding reaches, the mean over `INSTANCES` surges."""
    settings = DispatchSettings()
    runs = [compare(*surge(seed, tasks, volunteers), NOON, ZONE, settings) for seed in range(INSTANCES)]
    ways = {way: _mean([run[way] for run in runs]) for way in WAYS}
    return {"tasks": tasks, "volunteers": volunteers, "instances": INSTANCES, "ways": ways}


def _mean(reached: list[Reached]) -> Record:
    columns = [asdict(one) for one in reached]
    return {name: float(np.mean([column[name] for column in columns])) for name in columns[0]}


def planning(pool: ProcessPoolExecutor) -> list[Record]:
    """Both series: with the same tasks at every size, and with tasks in proportion."""
    took: dict[tuple[int, int], float] = {}
    records = []
    for series in ("fixed", "proportional"):
        first = None
        for n in SIZES:
            case = n, FIXED_TASKS if series == "fixed" else n // VOLUNTEERS_A_TASK
            if case not in took:
                took[case] = pool.submit(planning_s, *case).result()
            unit_s = took[case] / (n * math.log2(n))
            first = first or unit_s
            records.append(
                {"series": series, "volunteers": n, "tasks": case[1], "seconds": took[case],
                 "growth_vs_n_log_n": unit_s / first}
            )  # fmt: skip
    return records


def exponent(records: list[Record]) -> float:
    """The power of the number of volunteers with which the seconds grow, by least squares."""
    sizes, took = (np.log([record[name] for record in records]) for name in ("volunteers", "seconds"))
    return float(np.cov(sizes, took)[0, 1] / sizes.var(ddof=1))


def print_planning(records: list[Record]) -> None:
    """One line for each size, then the growth and the target."""
    print("One round of decisions, CPU seconds on one core\n")
    print(f"{'volunteers':>10} {'tasks':>7} {'seconds':>9} {'against n log n':>16}")
    for record in records:
        print(
            f"{record['volunteers']:>10,} {record['tasks']:>7,} {record['seconds']:>9.3f}"
            f" {record['growth_vs_n_log_n']:>16.2f}"
        )
    aim = TARGET_VOLUNTEERS, FIXED_TASKS
    took_s = next(r["seconds"] for r in records if (r["volunteers"], r["tasks"]) == aim)
    print(f"\n{aim[0]:,} volunteers and {aim[1]:,} tasks: {took_s:.3f} s (at most {TARGET_S:g} s)")
    growth = exponent([r for r in records if r["series"] == "proportional"])
    print(f"With tasks in proportion the cost grows as n^{growth:.2f}; n log n is 1 in the last column.\n")


def print_joint(records: list[Record]) -> None:
    """One line for each size of surge and way of deciding, against the optimum and the policy's own."""
    print(f"Deciding together, mean of {INSTANCES} surges\n")
    print(
        f"{'tasks':>5} {'volunteers':>10}  {'way':<10} {'worth':>7} {'of best':>8} {'accepted':>8}"
        f" {'against greedy':>14} {'ms':>7}"
    )
    for record in records:
        best, own = record["ways"][OPTIMUM]["worth"], record["ways"][GREEDY]["accepted"]
        for way, found in record["ways"].items():
            more = found["accepted"] / own - 1
            print(
                f"{record['tasks']:>5} {record['volunteers']:>10}  {way:<10} {found['worth']:>7.2f}"
                f" {found['worth'] / best:>8.1%} {found['accepted']:>8.2f} {more:>+14.1%}"
                f" {1000 * found['seconds']:>7.2f}"
            )


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/bench.json"))
    options = parser.parse_args()
    # A process of its own that starts with these: numpy reads them once, when it is loaded.
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
        costs = planning(pool)
        print_planning(costs)
        joint = [pool.submit(surges, t, v).result() for t in WAITING for v in FREE]
        print_joint(joint)
    growth = exponent([r for r in costs if r["series"] == "proportional"])
    options.out.parent.mkdir(parents=True, exist_ok=True)
    kept = json.loads(options.out.read_text()) if options.out.exists() else {}
    kept |= {"planning": costs, "exponent": growth, "joint": joint}
    options.out.write_text(json.dumps(kept, indent=1, allow_nan=False) + "\n")
    print(f"\nWritten to {options.out}")


if __name__ == "__main__":
    main()
