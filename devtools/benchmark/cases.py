"""What the benchmark runs: circumstances, rules and seeds; and how to look up what came of it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from devtools.benchmark.runs import ORACLE, Job, Outcome, mean_and_half_width
from dispatcher.rules.settings import DispatchSettings
from dispatcher.simulation.contenders import ABLATIONS, PACED
from dispatcher.simulation.world import Behaviour, Floats, Scenario

OURS = "dispatcher"
TUNED = "nearest_k_tuned"
POLICIES = (OURS, "sequential", "broadcast", "nearest_3", "random_3", TUNED, PACED, ORACLE)
STRONGEST = (OURS, "broadcast", TUNED, PACED, ORACLE)
"""Enough for the cases that ask what an assumption is worth."""

OWN = (OURS, *ABLATIONS)
"""The product's rules, whole and with a part taken out: those that are held to the caps."""

NEAREST_K = "nearest_k"
FAMILY = ((3, 1, 1), (5, 1, 1), (7, 1, 1), (7, 2, 1), (7, 2, 2), (9, 3, 2), (12, 4, 3))
"""Nearest-k rules to draw a line through: offers kept out for urgent help, medicine, groceries."""

Keep = tuple[int, int, int]


@dataclass(frozen=True)
class Case:
    """Circumstances that all its rules meet. `few`: run with so many of the seeds only.

    `ablation_seeds`: with so many of them the product's parts are weighed too.
    """

    title: str
    scenario: Scenario
    ablation_seeds: int = 0
    rules: tuple[str, ...] = POLICIES
    few: int | None = None

    @property
    def policies(self) -> tuple[str, ...]:
        """The rules that are run in it."""
        return (*self.rules, *ABLATIONS) if self.ablation_seeds else self.rules


@dataclass(frozen=True)
class Plan:
    """One benchmark: its cases, the base case first, and the seeds that each is run with."""

    cases: tuple[Case, ...]
    seeds: tuple[int, ...]
    days: int
    quick: bool

    @property
    def base(self) -> Case:
        """The case against which the others are read."""
        return self.cases[0]

    def case(self, **changes: object) -> Case | None:
        """The case that differs from the base just so, if it is run."""
        wanted = replace(self.base.scenario, **changes)  # type: ignore[arg-type]
        return next((case for case in self.cases if case.scenario == wanted), None)

    def seeds_of(self, case: Case, policy: str) -> tuple[int, ...]:
        """The seeds with which a rule is run in a case."""
        return self.seeds[: case.ablation_seeds if policy in ABLATIONS else case.few]

    def jobs(self, settings: DispatchSettings) -> list[Job]:
        """All runs, the longest first, so that no core is left idle at the end."""
        jobs = [
            Job(seed, case.scenario, policy, settings)
            for case in self.cases
            for policy in case.policies
            for seed in self.seeds_of(case, policy)
        ]
        jobs += [
            Job(seed, self.base.scenario, NEAREST_K, settings, keep) for keep in FAMILY for seed in self.seeds
        ]
        return sorted(jobs, key=effort, reverse=True)


def plan(quick: bool) -> Plan:
    """The full benchmark, or the quick one: two cases, two seeds, two weeks."""
    days, seeds = (14, (1, 2)) if quick else (28, tuple(range(1, 11)))
    base = Scenario(days=days)
    usual = Case("30 tasks a day: the base case", base, ablation_seeds=len(seeds))
    busy = replace(base, tasks_per_day=60)
    if quick:
        return Plan((usual, Case("60 tasks a day", busy)), seeds, days, quick)
    others = (
        Case("15 tasks a day", replace(base, tasks_per_day=15)),
        Case("60 tasks a day", busy),
        Case("Nobody tires of offers", replace(base, fatigue="none")),
        Case("Offers tire people twice as much", replace(base, fatigue="double")),
        Case("2 % of accepted tasks come back", replace(base, handback=0.02)),
        Case("15 % of accepted tasks come back", replace(base, handback=0.15)),
        Case("A surge: 200 more tasks in one hour", replace(base, surge=200)),
        Case("A thin roster: 30 volunteers", replace(base, volunteers=30)),
        # What other assumptions would make of it.
        Case("A burst: 200 tasks at one moment, three days", replace(base, burst=200, days=3), 10, STRONGEST),
        Case("One coordinator, one task at a time", replace(base, desks=1), 0, STRONGEST, few=3),
        Case("The surge with one coordinator", replace(base, surge=200, desks=1), 0, STRONGEST, few=3),
        Case("Answers take three times as long", _behaving(base, slowness=3), 0, STRONGEST, few=3),
        Case("Few say no: 20 %, the others are silent", _behaving(base, declines=0.2), 0, STRONGEST, few=3),
    )
    return Plan((usual, *others), seeds, days, quick)


def _behaving(scenario: Scenario, **otherwise: float) -> Scenario:
    return replace(scenario, behaviour=replace(Behaviour(), **otherwise))  # type: ignore[arg-type]


def effort(job: Job) -> float:
    """Roughly how long a run takes, in no unit: the more crowded the office, the more looks."""
    scenario = job.scenario
    tasks = scenario.tasks_per_day * scenario.days + scenario.surge + scenario.burst
    weight = 8 if job.policy in OWN else {"broadcast": 3, ORACLE: 0.3}.get(job.policy, 1)
    return weight * tasks**2 / scenario.volunteers


class Results:
    """What came of all runs, by case and policy, each in the order of the seeds."""

    def __init__(self, outcomes: Iterable[Outcome]) -> None:
        self.all = sorted(outcomes, key=lambda outcome: outcome.job.seed)
        self._by_rule: dict[tuple[Scenario, str, Keep | None], list[Outcome]] = {}
        for outcome in self.all:
            job = outcome.job
            self._by_rule.setdefault((job.scenario, job.policy, job.keep), []).append(outcome)

    def of(self, case: Case, policy: str, keep: Keep | None = None) -> list[Outcome]:
        """The runs of one rule in one case."""
        return self._by_rule[case.scenario, policy, keep]

    def values(self, case: Case, policy: str, metric: str) -> Floats:
        """One figure of one rule in one case, by seed."""
        return np.array([outcome.metrics[metric] for outcome in self.of(case, policy)])

    def mean(self, case: Case, policy: str, metric: str) -> float:
        """The mean of one figure over the seeds."""
        return float(self.values(case, policy, metric).mean())

    def figures(self, case: Case, policy: str, keep: Keep | None = None) -> dict[str, tuple[float, float]]:
        """All figures of one rule in one case: mean and half the width of the 95 % interval."""
        outcomes = self.of(case, policy, keep)
        return {
            name: mean_and_half_width(outcome.metrics[name] for outcome in outcomes)
            for name in outcomes[0].metrics
        }
