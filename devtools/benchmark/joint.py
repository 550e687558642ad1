"""What a better way of deciding many tasks together would be worth: the policy's order against others.

Each task wants one person and each volunteer can be asked for one task. The policy lets the most
pressing task choose first. Another way looks at all tasks at once for the largest sum of the same
worth: by exchanging volunteers between two tasks, or as an assignment problem, solved exactly.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

import numpy as np
from scipy.optimize import linear_sum_assignment

from dispatcher.rules.crowd import Crowd, Floats, Ints, burdens, chance, daypart, log_odds
from dispatcher.rules.decisions import ANYWHERE, HOME, NEIGHBOUR, TaskView
from dispatcher.rules.policy import plan_round
from dispatcher.rules.response import Curves
from dispatcher.rules.settings import DispatchSettings

GREEDY, EXCHANGED, MATCHED = "greedy", "exchanged", "matched"
OPTIMUM, LIKELIEST = "optimum", "likeliest"
WAYS = (GREEDY, EXCHANGED, MATCHED, OPTIMUM, LIKELIEST)
"""The policy's order; the same after pairwise exchange; the largest sum of worth for the tasks that
the policy serves; for any tasks, however long they have waited; the most yeses, whatever they cost."""

_LEAST_GAIN = 1e-12

_Made = TypeVar("_Made")


@dataclass(frozen=True)
class Reached:
    """What a way of deciding comes to: the sum of worth, how many of the tasks somebody is expected
    to accept, how many have somebody asked, and the CPU seconds that it takes."""

    worth: float
    accepted: float
    asked: int
    seconds: float


def compare(
    tasks: Sequence[TaskView], crowd: Crowd, now: datetime, zone: ZoneInfo, settings: DispatchSettings
) -> dict[str, Reached]:
    """What each of :data:`WAYS` reaches for `tasks`, none of them urgent or asked for before."""
    one_each = replace(
        settings, soon=replace(settings.soon, wave_max=1), routine=replace(settings.routine, wave_max=1)
    )
    plans, greedy_s = _timed(lambda: plan_round(tasks, crowd, now, one_each, zone, Curves()))
    (chances, worth), weighing_s = _timed(lambda: weighed(tasks, crowd, now, zone, settings))
    served = np.array([i for i, plan in enumerate(plans) if plan.ask], dtype=np.int64)
    rows = np.array([plan.ask[0].row for plan in plans if plan.ask], dtype=np.int64)

    def reached(before_s: float, pairs: Callable[[], tuple[Ints, Ints]]) -> Reached:
        (of, who), took_s = _timed(pairs)
        yeses = float(chances[of, who].sum())
        return Reached(float(worth[of, who].sum()), yeses, len(of), before_s + took_s)

    both_s = greedy_s + weighing_s
    return {
        GREEDY: reached(greedy_s, lambda: (served, rows)),
        EXCHANGED: reached(both_s, lambda: (served, exchanged(worth[served], rows))),
        MATCHED: reached(both_s, lambda: (served, _assigned(worth[served])[1])),
        OPTIMUM: reached(weighing_s, lambda: _assigned(worth)),
        LIKELIEST: reached(weighing_s, lambda: _assigned(chances)),
    }


def weighed(
    tasks: Sequence[TaskView], crowd: Crowd, now: datetime, zone: ZoneInfo, settings: DispatchSettings
) -> tuple[Floats, Floats]:
    """For each task (rows) and volunteer (columns) the chance of a yes, and what asking is worth.

    Worth is what the policy ranks by: −ln(1 − p·F(T)) for the price, T the time looked ahead.
    """
    price, part = 1 + burdens(crowd, settings.price), daypart(now.astimezone(zone))
    ring_logit = np.array(settings.learning.ring_logit)
    odds = {c: log_odds(crowd, c, part, settings.learning) for c in {task.category for task in tasks}}
    chances = np.array([chance(odds[t.category] + ring_logit[_rings(t, crowd)]) for t in tasks])
    ahead_s = [settings.pace(t.category, t.urgency).look_ahead_s for t in tasks]
    soon = np.array([Curves().calm.by(s) for s in ahead_s])
    return chances, -np.log1p(-chances * soon[:, None]) / price


def exchanged(worth: Floats, who: Ints) -> Ints:
    """Whom each task has after volunteers were exchanged between two tasks, the best exchange first,
    until none adds worth. `worth`: by task and volunteer; `who`: whom each task has at first."""
    who = who.copy()
    while len(who):
        swapped = worth[:, who]
        own = np.diag(swapped)
        gain = swapped + swapped.T - own - own[:, None]
        i, j = np.unravel_index(int(gain.argmax()), gain.shape)
        if gain[i, j] < _LEAST_GAIN:
            break
        who[[i, j]] = who[[j, i]]
    return who


def _assigned(gain: Floats) -> tuple[Ints, Ints]:
    """Tasks and the volunteer of each, so that the sum of `gain` is largest."""
    tasks, volunteers = linear_sum_assignment(gain, maximize=True)
    return tasks, volunteers


def _rings(task: TaskView, crowd: Crowd) -> Ints:
    """As seen from a task, the ring of each volunteer."""
    near = np.isin(crowd.campus_id, task.neighbours)
    return np.where(crowd.campus_id == task.campus_id, HOME, np.where(near, NEIGHBOUR, ANYWHERE))


def _timed(work: Callable[[], _Made]) -> tuple[_Made, float]:
    """What `work` makes, and the CPU seconds that it takes."""
    began = time.process_time()
    made = work()
    return made, time.process_time() - began
