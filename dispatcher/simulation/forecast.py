"""What if: with these volunteers and so many requests a day, how long would people wait, and where?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dispatcher.rules.settings import GROCERIES, MEDICINE, URGENT_HELP, DispatchSettings
from dispatcher.simulation.cover import (
    Roster,
    Spot,
    duty_mask,
    mean_by_block,
    on_duty,
    thin_spots,
    within_reach,
)
from dispatcher.simulation.office import Search
from dispatcher.simulation.trial import (
    BLOCK_H,
    BLOCKS,
    LiveWorld,
    TooMuch,
    TrialOffice,
    TrialRule,
    is_trial,
)
from dispatcher.simulation.world import BY_HOUR, HOUR, Floats

PROMPT_S = 120.0
"""Urgent help accepted within this time counts as prompt."""

DAYS, SEEDS = 14, 2
_TRIES = 14
_EFFORTS = ((DAYS, SEEDS), (DAYS, 1), (7, 1))
_GENEROUS_WORK, _MOST_WORK = 250_000, 1_200_000
_WORK_OF_ANY_REQUEST = 150
_MOST_DECISIONS = 30_000_000


class NobodyToAsk(ValueError):
    """There is no campus, or no volunteer."""


@dataclass(frozen=True)
class Waits:
    """How one kind of help fares. Times in seconds, shares from 0 to 1; None without any task.

    `tasks`: how many were simulated. `prompt`: accepted within :data:`PROMPT_S`. `coordinator`: of
    which a coordinator had to be told.
    """

    tasks: int
    median_s: float | None = None
    p90_s: float | None = None
    prompt: float | None = None
    coordinator: float | None = None


@dataclass(frozen=True)
class Cell:
    """One campus in one part of the day. `share`: of all requests, 0 to 1. `on_duty`: volunteers of
    the campus, mean over the week; `reach`: those who could be asked for urgent help there, with
    the neighbours'."""

    share: float
    on_duty: float
    reach: float
    urgent: Waits
    other: Waits


@dataclass(frozen=True)
class Forecast:
    """What came of it. `cells`: by campus, then by part of the day, :data:`BLOCK_H` hours each.
    `kinds`: by category. `spots`: where it is thin, the most pressing first."""

    per_day: float
    days: int
    seeds: int
    cells: tuple[tuple[Cell, ...], ...]
    kinds: dict[str, Waits]
    spots: tuple[Spot, ...]


def effort(roster: Roster, per_day: float) -> tuple[int, int]:
    """How many days to simulate, and how often: less for many requests and volunteers.

    Raises:
        TooMuch: a single week would take too long.
    """
    for days, seeds in _EFFORTS:
        if _work(roster, per_day, days, seeds) <= _GENEROUS_WORK:
            return days, seeds
    days, seeds = _EFFORTS[-1]
    if _work(roster, per_day, days, seeds) > _MOST_WORK:
        raise TooMuch
    return days, seeds


def forecast(
    roster: Roster, per_day: float, settings: DispatchSettings, days: int = DAYS, seeds: int = SEEDS
) -> Forecast:
    """Simulate so many `days` with so many requests a day, for each seed 1, 2, ...

    The same arguments always give the same answer.

    Raises:
        NobodyToAsk: there is no campus, or no volunteer.
        TooMuch: so many requests are so far beyond these volunteers that it would take too long.
    """
    if not roster.places or not roster.people:
        raise NobodyToAsk("nobody to simulate")
    searches: list[Search] = []
    for seed in range(1, seeds + 1):
        tries = max(-(-_TRIES // seeds), days // 2)
        world = LiveWorld(seed, roster, per_day, days, tries)
        rule = TrialRule(world, settings, _MOST_DECISIONS // (_WORK_OF_ANY_REQUEST + len(roster.people)))
        searches += TrialOffice(world, rule, rule.settings).run().searches
    by_cell = _by_cell(searches, len(roster.places))
    kinds = {kind: _waits([s for s in searches if s.need.category == kind]) for kind in (MEDICINE, GROCERIES)}
    return Forecast(
        per_day, days, seeds,
        _cells(roster, settings, by_cell),
        {URGENT_HELP: _weighted(by_cell, _shares(roster))} | kinds,
        tuple(thin_spots(roster, duty_mask(roster.people), settings.quiet, per_day)),
    )  # fmt: skip


def _work(roster: Roster, per_day: float, days: int, seeds: int) -> float:
    """What a run costs, in units of its own."""
    return per_day * days * seeds * (_WORK_OF_ANY_REQUEST + len(roster.people))


def _cells(
    roster: Roster, settings: DispatchSettings, by_cell: list[list[list[Search]]]
) -> tuple[tuple[Cell, ...], ...]:
    duty, shares = duty_mask(roster.people), _shares(roster)
    here = mean_by_block(on_duty(roster, duty), BLOCK_H)
    reach = mean_by_block(within_reach(roster, duty, settings.quiet), BLOCK_H)
    return tuple(
        tuple(
            Cell(
                float(shares[i, block]), float(here[i, block]), float(reach[i, block]),
                _waits([s for s in found if is_trial(s.need)]),
                _waits([s for s in found if s.need.category != URGENT_HELP]),
            )
            for block, found in enumerate(blocks)
        )
        for i, blocks in enumerate(by_cell)
    )  # fmt: skip


def _shares(roster: Roster) -> Floats:
    """(campuses, parts of the day): the share of all requests; sums to 1."""
    by_block = BY_HOUR.reshape(BLOCKS, BLOCK_H).sum(axis=1) / BY_HOUR.sum()
    return np.outer([place.share for place in roster.places], by_block)


def _by_cell(searches: Sequence[Search], places: int) -> list[list[list[Search]]]:
    found: list[list[list[Search]]] = [[[] for _ in range(BLOCKS)] for _ in range(places)]
    for search in searches:
        hour = int(search.need.at // HOUR) % 24
        found[search.need.campus][hour // BLOCK_H].append(search)
    return found


def _weighted(by_cell: list[list[list[Search]]], shares: Floats) -> Waits:
    """Urgent help as a whole: each trial counts for as many requests as come at its hour and campus."""
    searches: list[Search] = []
    weights: list[float] = []
    for i, blocks in enumerate(by_cell):
        for block, found in enumerate(blocks):
            trials = [s for s in found if is_trial(s.need)]
            searches += trials
            weights += [float(shares[i, block]) / len(trials)] * len(trials)
    return _waits(searches, np.array(weights))


def _waits(searches: Sequence[Search], weights: Floats | None = None) -> Waits:
    if not searches:
        return Waits(0)
    weight = np.ones(len(searches)) if weights is None else weights
    waited = np.array([s.waited_s for s in searches])
    prompt = np.array([s.waited_s <= PROMPT_S and not s.by_coordinator for s in searches])
    told = np.array([s.told_at is not None for s in searches])
    order = np.argsort(waited, kind="stable")
    reached = np.cumsum(weight[order]) / weight.sum()
    median, p90 = (float(waited[order][np.searchsorted(reached, q - 1e-9)]) for q in (0.5, 0.9))
    return Waits(
        len(searches), median, p90,
        float(np.average(prompt, weights=weight)), float(np.average(told, weights=weight)),
    )  # fmt: skip
