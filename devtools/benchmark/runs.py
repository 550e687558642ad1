"""Running many simulated offices on all cores, and what comes of each."""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field

import numpy as np

from dispatcher.rules.settings import DispatchSettings
from dispatcher.simulation.contenders import contender, nearest
from dispatcher.simulation.measures import metrics, oracle, waits
from dispatcher.simulation.office import Office
from dispatcher.simulation.world import Floats, Scenario, World

ORACLE = "oracle"


@dataclass(frozen=True)
class Job:
    """One run to do. `keep`: the numbers of a nearest-k instead of a rule by name."""

    seed: int
    scenario: Scenario
    policy: str
    settings: DispatchSettings
    keep: tuple[int, int, int] | None = None


@dataclass
class Outcome:
    """What came of a run. `waits`: seconds by category; `load`: tasks per duty hour of each volunteer."""

    job: Job
    metrics: dict[str, float]
    waits: dict[str, Floats] = field(default_factory=dict)
    load: Floats = field(default_factory=lambda: np.zeros(0))
    cpu_s: float = 0.0


def run(job: Job) -> Outcome:
    """Do one run."""
    began = time.process_time()
    world = World(job.seed, job.scenario)
    if job.policy == ORACLE:
        found, times = oracle(world, job.settings)
        return Outcome(job, found, times, cpu_s=time.process_time() - began)
    rule = nearest(world, job.settings, job.keep) if job.keep else contender(job.policy, world, job.settings)
    tally = Office(world, rule, rule.settings).run()
    hours = np.array(tally.weekly_hours)
    load = np.array(tally.taken)[hours > 0] / hours[hours > 0]
    return Outcome(job, metrics(tally), waits(tally), load, time.process_time() - began)


def run_all(jobs: Iterable[Job], progress: Callable[[int, int], None]) -> Iterator[Outcome]:
    """Do all of them on the cores there are, in any order; `progress` hears how many are done."""
    # Each process computes by itself: threads of the numerics library would only get in the way.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    todo = list(jobs)
    with ProcessPoolExecutor(max_workers=len(os.sched_getaffinity(0))) as pool:
        futures = [pool.submit(run, job) for job in todo]
        for done, future in enumerate(as_completed(futures), 1):
            yield future.result()
            progress(done, len(todo))


def mean_and_half_width(values: Iterable[float]) -> tuple[float, float]:
    """The mean over seeds and half the width of its 95 % interval (Student's t)."""
    sample = np.array(list(values), dtype=np.float64)
    n = len(sample)
    if n < 2:
        return float(sample.mean()), float("nan")
    quantile = _T95[min(n - 2, len(_T95) - 1)]
    return float(sample.mean()), float(quantile * sample.std(ddof=1) / np.sqrt(n))


# The 97.5 % quantile of Student's t for 1, 2, ... degrees of freedom; beyond these 1.96 will do.
_T95 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 1.96,
)  # fmt: skip
