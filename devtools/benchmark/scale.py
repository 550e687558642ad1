"""What deciding costs as the town grows, and what deciding still better together would be worth.

Run as `python -m devtools.benchmark.scale`; prints two tables and writes `build/bench.json`. All
volunteers and tasks are invented from a seed. Times are CPU seconds on one core, the least of some
repeats, so that whatever else the machine does hardly shows.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]

from dispatcher.rules.crowd import FACETS, Crowd, Floats, Ints, chance, daypart, log_odds, prices
from dispatcher.rules.policy import RINGS, Curves, PendingOffer, TaskView, plan_round
from dispatcher.rules.settings import GROCERIES, MEDICINE, ROUTINE, SOON, URGENT, URGENT_HELP
from dispatcher.rules.settings import DispatchSettings, is_urgent, seconds
from dispatcher.simulation.world import ZONE

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=ZONE)

SIZES = (1_000, 3_000, 10_000, 30_000, 100_000)
TASKS = 2_000
"""So many tasks at every size; and, to see the growth, one for each `VOLUNTEERS_A_TASK`."""
VOLUNTEERS_A_TASK = 5
VOLUNTEERS_A_CAMPUS = 200
OLDEST_S = 40 * 60
"""How long ago the oldest of the open tasks was opened."""

WAITING, FREE, INSTANCES = (40, 100, 200), (30, 60, 120), 50
"""The surges: tasks open at once, volunteers free, and how many of each are drawn."""
SURGE_CAMPUSES = 5

KINDS = (URGENT_HELP, MEDICINE, GROCERIES)
SHARES = (0.10, 0.35, 0.55)
URGENCY = {URGENT_HELP: URGENT, MEDICINE: SOON, GROCERIES: ROUTINE}

Record = dict[str, Any]
_Made = TypeVar("_Made")


def invented_crowd(rng: np.random.Generator, n: int, campuses: int) -> Crowd:
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


def invented_neighbours(rng: np.random.Generator, campuses: int) -> list[tuple[int, ...]]:
    """For each campus its two to four nearest, nearest first."""
    sites = rng.random((campuses, 2))
    away = np.linalg.norm(sites[:, None] - sites[None], axis=2)
    wanted = rng.integers(2, 5, campuses)
    return [tuple(np.argsort(row)[1 : 1 + k].tolist()) for row, k in zip(away, wanted, strict=True)]


def invented_tasks(rng: np.random.Generator, n: int, crowd: Crowd, campuses: int) -> list[TaskView]:
    """n open tasks all over the town; of some a few people of the campus were asked before."""
    neighbours = invented_neighbours(rng, campuses)
    edges = np.searchsorted(crowd.campus_id, np.arange(campuses + 1))
    return [
        _invented_task(rng, i, campus, neighbours[campus], crowd.volunteer_id[edges[campus] : edges[campus + 1]])
        for i, campus in enumerate(rng.integers(campuses, size=n).tolist())
    ]


def _invented_task(
    rng: np.random.Generator, task_id: int, campus: int, neighbours: tuple[int, ...], members: Ints
) -> TaskView:
    category = KINDS[rng.choice(len(KINDS), p=SHARES)]
    age_s = rng.uniform(0, OLDEST_S)
    asked = frozenset(rng.choice(members, min(int(rng.choice((0, 1, 2, 4))), len(members)), replace=False).tolist())
    life = seconds(DispatchSettings().pace(category, URGENCY[category]).expiry_s)
    made = [NOON - seconds(age_s * part) for part in rng.random(rng.integers(len(asked) + 1))]
    return TaskView(
        task_id, campus, neighbours, category, URGENCY[category], NOON - seconds(age_s),
        pending=tuple(PendingOffer(at, at + life, float(rng.beta(2, 3))) for at in made if at + life > NOON),
        asked=asked,
    )  # fmt: skip


def timed(work: Callable[[], _Made], repeats: int = 1) -> tuple[_Made, float]:
    """What `work` makes, and the CPU seconds it takes at best."""
    least = float("inf")
    for _ in range(repeats):
        began = time.process_time()
        made = work()
        least = min(least, time.process_time() - began)
    return made, least


def planning_s(volunteers: int, tasks: int) -> float:
    """The CPU seconds of one round of decisions over so many open tasks."""
    rng = np.random.default_rng([volunteers, tasks])
    campuses = volunteers // VOLUNTEERS_A_CAMPUS
    crowd = invented_crowd(rng, volunteers, campuses)
    open_tasks = invented_tasks(rng, tasks, crowd, campuses)
    settings, curves = DispatchSettings(), Curves()
    repeats = 3 if volunteers > 10_000 else 5
    return timed(lambda: plan_round(open_tasks, crowd, NOON, settings, ZONE, curves), repeats)[1]
