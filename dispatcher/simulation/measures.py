"""What a run is judged by, and the bound that no rule can beat."""

from collections.abc import Sequence

import numpy as np

from dispatcher.rules.settings import GROCERIES, MEDICINE, URGENT_HELP, DispatchSettings
from dispatcher.simulation.office import Tally, awake
from dispatcher.simulation.world import DAY, KINDS, Floats, World

METRICS = (
    "urgent_p50_s", "urgent_p95_s", "urgent_within_120s", "medicine_p50_s", "medicine_p95_s",
    "groceries_p50_s", "groceries_p95_s", "alerts_per_accept", "coordinator_share",
    "gini_load_per_duty_hour", "max_alerts_24h", "cap_breaches", "lost", "double_assigned",
)  # fmt: skip
"""Times in seconds from when somebody could be asked until somebody comes; shares from 0 to 1.

A search is one task looking for somebody; a task that is handed back begins another. Its time ends
with a volunteer's yes or with somebody whom the coordinator has found. `alerts_per_accept`: offers
sent for each search. `coordinator_share`: searches of which a coordinator had to be told.
`max_alerts_24h`: the most offers that one volunteer got in any 24 hours.
"""


def waits(tally: Tally) -> dict[str, Floats]:
    """How long each search took, in seconds, by category."""
    return {kind: np.array([s.waited_s for s in tally.searches if s.need.category == kind]) for kind in KINDS}


def metrics(tally: Tally) -> dict[str, float]:
    """The figures of one run, by :data:`METRICS`."""
    n = max(len(tally.searches), 1)
    hours = np.array(tally.weekly_hours)
    on_roster = hours > 0
    return _speeds(waits(tally)) | {
        "alerts_per_accept": tally.alerts / n,
        "coordinator_share": sum(s.told_at is not None for s in tally.searches) / n,
        "gini_load_per_duty_hour": gini(np.array(tally.taken)[on_roster] / hours[on_roster]),
        "max_alerts_24h": float(max(most_within_a_day(times) for times in tally.alerts_of)),
        "cap_breaches": float(tally.cap_breaches),
        "lost": float(tally.lost),
        "double_assigned": float(tally.double_assigned),
    }


def oracle(world: World, settings: DispatchSettings) -> tuple[dict[str, float], dict[str, Floats]]:
    """The clairvoyant bound: for each task the fastest of those who would say yes, asked alone.

    Nobody is ever busy or tired, and nothing is handed back; where nobody would come, or too slowly,
    the coordinator is told at once.
    """
    found: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for need in world.needs:
        urgent = need.category == URGENT_HELP
        loud = awake(need.at, settings)
        at = need.at if urgent else loud
        draws = world.draws(need)
        comes = world.on_duty(at) & (draws.accepts < 1 / (1 + np.exp(-world.readiness(need, at))))
        if urgent and loud > need.at:
            comes &= world.volunteers.agreed_urgent
        found[need.category].append(float(draws.delay[comes].min(initial=draws.coordinator_s)))
    times = {kind: np.array(values) for kind, values in found.items()}
    return _speeds(times) | dict.fromkeys(METRICS[7:], float("nan")), times


def gini(values: Floats) -> float:
    """How unevenly something is spread: 0 evenly, 1 all of it on one."""
    if len(values) == 0 or values.sum() == 0:
        return 0.0
    ordered = np.sort(values)
    n = len(ordered)
    return float((2 * np.arange(1, n + 1) - n - 1) @ ordered / (n * ordered.sum()))


def most_within_a_day(times: Sequence[float]) -> int:
    """The most of these moments within any 24 hours."""
    moments = np.asarray(times)
    if len(moments) == 0:
        return 0
    ends = np.arange(1, len(moments) + 1)
    return int((ends - np.searchsorted(moments, moments - DAY, side="right")).max())


def _speeds(times: dict[str, Floats]) -> dict[str, float]:
    found: dict[str, float] = {}
    for kind in (URGENT_HELP, MEDICINE, GROCERIES):
        values = times[kind] if len(times[kind]) else np.array([np.nan])
        found[f"{kind}_p50_s"], found[f"{kind}_p95_s"] = np.percentile(values, [50, 95]).tolist()
    found["urgent_within_120s"] = float(np.mean(times[URGENT_HELP] <= 120))
    return found
