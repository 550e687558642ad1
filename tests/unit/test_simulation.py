"""The simulated office: worlds that are the same for every rule, and counts that can be trusted."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from dispatcher.rules.settings import GROCERIES, MEDICINE, URGENT_HELP, DispatchSettings
from dispatcher.simulation.contenders import ABLATIONS, RIVALS, contender
from dispatcher.simulation.measures import METRICS, gini, metrics, most_within_a_day, oracle, waits
from dispatcher.simulation.office import Hall, Office, Search, SimOffer, Step, Tally
from dispatcher.simulation.world import DAY, HOUR, QUARTERS_A_WEEK, Behaviour, Need, Scenario, World

SETTINGS = DispatchSettings()
SMALL = Scenario(tasks_per_day=25, volunteers=40, days=5, handback=0.1)
RULES = ("dispatcher", *RIVALS, *ABLATIONS)


@cache
def tally(rule: str, scenario: Scenario = SMALL, seed: int = 7) -> Tally:
    world = World(seed, scenario)
    decides = contender(rule, world, SETTINGS)
    return Office(world, decides, decides.settings).run()


# -- The world ------------------------------------------------------------------------------------


def test_what_chance_holds_is_the_same_whoever_asks_and_when() -> None:
    one, other = World(3, SMALL), World(3, SMALL)
    for need in reversed(other.needs):
        other.draws(need)
    assert one.needs == other.needs
    for need in one.needs[:20]:
        for a, b in zip(vars(one.draws(need)).values(), vars(other.draws(need)).values(), strict=True):
            assert np.array_equal(a, b)


def test_another_seed_is_another_world() -> None:
    one, other = World(3, SMALL), World(4, SMALL)
    assert one.needs != other.needs
    assert not np.array_equal(one.volunteers.skill, other.volunteers.skill)


def test_how_people_tire_changes_nothing_else_in_the_world() -> None:
    """Or else the cases of the benchmark couldn't be held against one another."""
    one, other = World(3, SMALL), World(3, replace(SMALL, fatigue="double"))
    assert one.needs == other.needs
    assert np.array_equal(one.volunteers.skill, other.volunteers.skill)


def test_requests_come_as_often_and_of_the_kinds_that_are_said() -> None:
    needs = World(5, Scenario(tasks_per_day=100, days=28)).needs
    assert len(needs) / 28 == pytest.approx(100, rel=0.06)
    for kind, share in ((URGENT_HELP, 0.10), (MEDICINE, 0.35), (GROCERIES, 0.55)):
        assert sum(n.category == kind for n in needs) / len(needs) == pytest.approx(share, abs=0.03)
    by_hour = np.bincount([int(n.at % DAY // HOUR) for n in needs], minlength=24)
    assert by_hour[9:12].sum() > by_hour[0:6].sum()
    assert [n.at for n in needs] == sorted(n.at for n in needs)


def test_a_surge_comes_in_an_hour_and_a_burst_at_one_moment() -> None:
    calm, surge, burst = (
        World(5, scenario) for scenario in (SMALL, replace(SMALL, surge=50), replace(SMALL, burst=50))
    )
    within = [n for n in surge.needs if 2 * DAY + 14 * HOUR <= n.at < 2 * DAY + 15 * HOUR]
    assert len(surge.needs) == len(calm.needs) + 50
    assert len(within) >= 50
    assert sum(n.at == 2 * DAY + 14.5 * HOUR for n in burst.needs) == 50


def test_the_roster_is_on_duty_as_often_as_is_assumed() -> None:
    people = World(5, Scenario(volunteers=600)).volunteers
    assert people.duty.shape == (QUARTERS_A_WEEK, 600)
    # 55 % of days for five hours on average, 5 % of nights for ten.
    assert people.weekly_hours.mean() == pytest.approx(7 * (0.55 * 5 + 0.05 * 10), rel=0.05)


# -- What must never happen, in any rule's hands --------------------------------------------------


@pytest.mark.parametrize("rule", RULES)
def test_no_task_is_lost_or_given_to_two(rule: str) -> None:
    found = tally(rule)
    assert (found.lost, found.double_assigned) == (0, 0)
    assert all(search.ended_at is not None for search in found.searches)
    assert {s.need.task_id for s in found.searches} == {n.task_id for n in World(7, SMALL).needs}


@pytest.mark.parametrize("rule", ["dispatcher", *ABLATIONS])
def test_the_products_rules_break_no_cap(rule: str) -> None:
    assert tally(rule).cap_breaches == 0


def test_the_same_run_gives_the_same_figures() -> None:
    again = World(7, SMALL)
    found = metrics(Office(again, contender("dispatcher", again, SETTINGS), SETTINGS).run())
    assert found == metrics(tally("dispatcher"))


def test_what_is_handed_back_is_looked_for_again_but_not_among_those_asked() -> None:
    searches: dict[int, list[Search]] = {}
    for search in tally("dispatcher").searches:
        searches.setdefault(search.need.task_id, []).append(search)
    back = [tries for tries in searches.values() if len(tries) > 1]
    assert back
    for first, second, *_ in back:
        assert second.opened_at > (first.ended_at or 0)
        assert first.asked is second.asked  # one set: nobody is asked again
        assert first.alerts + second.alerts <= len(first.asked)


class Reckless:
    """Asks the same three for everything, at any hour, whatever they have to do."""

    together = False

    def decide(self, searches: list[Search], _hall: Hall, now: float) -> list[Step]:
        return [Step([(v, 0.5) for v in (0, 1, 2)], now + HOUR, told=True) for _ in searches]

    def asked(self, offer: SimOffer, now: float) -> None: ...
    def ended(self, offer: SimOffer, now: float) -> None: ...


def test_a_rule_that_breaks_caps_is_found_out() -> None:
    world = World(7, SMALL)
    found = Office(world, Reckless(), SETTINGS).run()
    assert found.cap_breaches > len(world.needs)
    assert found.lost == 0


# -- What it shows --------------------------------------------------------------------------------


def test_no_rule_beats_the_bound() -> None:
    world = World(7, SMALL)
    bound, _ = oracle(world, SETTINGS)
    assert bound.keys() == set(METRICS)
    for rule in RULES:
        found = metrics(tally(rule))
        for kind in (URGENT_HELP, MEDICINE, GROCERIES):
            assert found[f"{kind}_p50_s"] >= bound[f"{kind}_p50_s"]


def test_in_a_burst_deciding_together_serves_urgent_help_first() -> None:
    burst = replace(SMALL, tasks_per_day=1, burst=60, days=3)
    slow = {
        rule: np.mean([waits(tally(rule, burst, seed))[URGENT_HELP].mean() for seed in range(6)])
        for rule in ("dispatcher", "without_joint_decision")
    }
    assert slow["dispatcher"] < slow["without_joint_decision"]


def test_one_coordinator_sees_to_one_task_at_a_time_and_to_urgent_help_first() -> None:
    crowded = replace(SMALL, volunteers=3, tasks_per_day=60, days=2)
    many, one = (tally("sequential", replace(crowded, desks=desks)) for desks in (None, 1))
    assert waits(one)[GROCERIES].mean() > waits(many)[GROCERIES].mean()
    found = sorted((s for s in one.searches if s.by_coordinator), key=lambda s: s.ended_at or 0)
    times = [s.ended_at or 0 for s in found]
    # Nobody is found sooner after the one before than finding somebody takes.
    assert all(
        later - sooner >= min(s.draws.coordinator_s, later - (s.told_at or 0)) - 1e-6
        for sooner, later, s in zip(times, times[1:], found[1:], strict=False)
    )
    assert waits(one)[URGENT_HELP].mean() < waits(one)[MEDICINE].mean()
    assert one.lost == 0


def test_other_assumptions_about_answers() -> None:
    slow = World(7, replace(SMALL, behaviour=Behaviour(slowness=3)))
    for need in slow.needs[:5]:
        assert np.allclose(slow.draws(need).delay, 3 * World(7, SMALL).draws(need).delay)
    silent = replace(SMALL, behaviour=Behaviour(declines=0.0))
    assert (
        metrics(tally("nearest_k_tuned", silent))["medicine_p50_s"]
        > metrics(tally("nearest_k_tuned"))["medicine_p50_s"]
    )


def test_the_paced_rival_has_times_of_its_own() -> None:
    world = World(7, SMALL)
    rule = contender("nearest_k_paced", world, SETTINGS)
    assert rule.settings.soon.expiry_s < SETTINGS.soon.expiry_s
    assert rule.settings.soon.coordinator_s < SETTINGS.soon.coordinator_s
    office = Office(world, rule, rule.settings)
    office.run()
    assert all(s.pace == rule.settings.pace(s.need.category, s.need.urgency) for s in office.searches)


def test_broadcast_asks_everybody_and_one_by_one_asks_one() -> None:
    alerts = {rule: metrics(tally(rule))["alerts_per_accept"] for rule in RIVALS}
    assert min(alerts, key=lambda rule: alerts[rule]) == "sequential"
    assert max(alerts, key=lambda rule: alerts[rule]) == "broadcast"
    assert metrics(tally("sequential"))["coordinator_share"] > 0


def test_a_rule_that_isnt_known_is_refused() -> None:
    with pytest.raises(ValueError, match="no such rule"):
        contender("nearest_4", World(1, SMALL), SETTINGS)


@pytest.mark.parametrize(
    ("values", "expected"), [([1, 1, 1, 1], 0), ([0, 0, 0, 1], 0.75), ([0, 0], 0), ([], 0), ([1, 3], 0.25)]
)
def test_gini(values: list[float], expected: float) -> None:
    assert gini(np.array(values, dtype=float)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("times", "expected"), [([], 0), ([0], 1), ([0, DAY - 1], 2), ([0, DAY], 1), ([0, 1, 2, DAY + 1.5], 3)]
)
def test_the_most_within_a_day(times: list[float], expected: int) -> None:
    assert most_within_a_day(times) == expected


def test_waits_are_told_by_kind() -> None:
    found = waits(tally("dispatcher"))
    assert sum(map(len, found.values())) == len(tally("dispatcher").searches)
    assert all((times >= 0).all() for times in found.values())


def test_a_need_says_how_urgent_it_is() -> None:
    assert Need(1, 0.0, 0, (0.0, 0.0), MEDICINE).urgency == "soon"
