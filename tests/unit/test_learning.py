"""What outcomes teach: of people, and of how fast they answer."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.rules.crowd import FACETS, daypart
from dispatcher.rules.learning import Evidence, outcome, recent_offers
from dispatcher.rules.response import (
    EDGES_S,
    REMEMBERED,
    STRETCHES,
    Counts,
    assumed,
    learned,
    observed,
    together,
)
from dispatcher.rules.settings import Learning

LEARNING = Learning()
NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
NOTHING = Evidence((0.0,) * len(FACETS), (0.0,) * len(FACETS), NOON)


def _of(evidence: Evidence) -> tuple[dict[str, float], dict[str, float]]:
    accepts, refusals = (
        {facet: n for facet, n in zip(FACETS, counts, strict=True) if n}
        for counts in (evidence.accepts, evidence.refusals)
    )
    return accepts, refusals


@pytest.mark.parametrize(
    ("hour", "part"),
    [(0, "night"), (5, "night"), (6, "morning"), (11, "morning"), (12, "midday"), (16, "midday"),
     (17, "evening"), (21, "evening"), (22, "night"), (23, "night")],
)  # fmt: skip
def test_the_parts_of_the_day(hour: int, part: str) -> None:
    assert daypart(NOON.replace(hour=hour)) == part


def test_an_outcome_counts_for_its_kind_and_for_the_hour_at_which_the_offer_was_made() -> None:
    made = NOON - timedelta(minutes=5)
    yes = outcome(NOTHING, "medicine", made, NOON + timedelta(minutes=5), True, LEARNING)
    no = outcome(NOTHING, "groceries", NOON, NOON, False, LEARNING)
    assert _of(yes) == ({"medicine": 1.0, "morning": 1.0}, {})
    assert _of(no) == ({}, {"groceries": 1.0, "midday": 1.0})


def test_old_evidence_counts_half_after_its_half_life() -> None:
    later = NOON + timedelta(days=LEARNING.half_life_days)
    first = outcome(NOTHING, "medicine", NOON, NOON, True, LEARNING)
    second = outcome(first, "medicine", later, later, True, LEARNING)
    assert second.accepts[FACETS.index("medicine")] == pytest.approx(1.5)
    assert second.at(NOON, LEARNING).accepts == second.accepts  # a clock put back takes nothing away


def test_a_late_yes_takes_back_what_silence_seemed_to_say() -> None:
    later = NOON + timedelta(hours=1)
    silent = outcome(NOTHING, "medicine", NOON, NOON, False, LEARNING)
    found = outcome(silent, "medicine", NOON, later, True, LEARNING, refused_at=NOON)
    accepts, refusals = _of(found)
    assert accepts == {"medicine": 1.0, "midday": 1.0}
    assert sum(refusals.values()) == pytest.approx(0, abs=1e-9)


def test_recent_offers_fade() -> None:
    assert recent_offers(2.0, timedelta(hours=LEARNING.fatigue_half_life_h), LEARNING) == pytest.approx(1.0)


# -- How fast people answer -----------------------------------------------------------------------


@pytest.mark.parametrize("urgent", [True, False])
def test_the_assumed_curve_rises_from_nobody_to_everybody(urgent: bool) -> None:
    curve = assumed(urgent)
    assert curve.by(0) == 0.0
    assert curve.by(10 * EDGES_S[-1]) == 1.0
    assert list(curve.answered) == sorted(curve.answered)
    assert assumed(True).by(60) > 0.5 > assumed(False).by(60)


def test_an_answer_counts_in_its_stretch_and_watching_counts_until_then() -> None:
    counts = observed(Counts(), 25, answered=True)
    assert counts.waiting == (1.0, 1.0, 1.0, *(0.0,) * (STRETCHES - 3))
    assert counts.answered == (0.0, 0.0, 1.0, *(0.0,) * (STRETCHES - 3))


def test_an_offer_withdrawn_was_watched_only_for_the_stretches_it_was_out() -> None:
    counts = observed(Counts(), 25, answered=False)
    assert counts.waiting == (1.0, 1.0, *(0.0,) * (STRETCHES - 2))
    assert sum(counts.answered) == 0
    assert sum(observed(Counts(), -1, answered=False).waiting) == 0  # a clock put back


def test_what_has_been_counted_when_an_offer_expired_isnt_counted_again() -> None:
    at_once = observed(Counts(), 400, answered=True)
    in_two = observed(observed(Counts(), 300, answered=False), 400, answered=True, since_s=300)
    assert in_two == at_once


def test_withdrawals_do_not_make_people_look_slow() -> None:
    """A hundred answers within 10 s; as many offers withdrawn after a second change nothing."""
    quick = Counts()
    for _ in range(100):
        quick = observed(quick, 5, answered=True)
    mixed = quick
    for _ in range(100):
        mixed = observed(mixed, 1, answered=False)
    assert learned(False, mixed, LEARNING) == learned(False, quick, LEARNING)
    assert learned(False, quick, LEARNING).by(10) > 0.6 > assumed(False).by(10)


def test_with_nothing_seen_the_assumed_curve_stays() -> None:
    for urgent in (True, False):
        found = learned(urgent, Counts(), LEARNING).answered
        # All that is left of the tail is given to the last stretch.
        assert found == pytest.approx(assumed(urgent).answered, abs=0.02)


def test_old_counts_are_halved_so_that_new_habits_show() -> None:
    full = Counts((float(REMEMBERED),) * STRETCHES, (100.0,) * STRETCHES)
    assert observed(full, 5, answered=True).waiting[0] == REMEMBERED / 2 + 1
    assert observed(full, 5, answered=True).answered[0] == 51


def test_counts_of_several_places_are_added() -> None:
    one, two = observed(Counts(), 5, answered=True), observed(Counts(), 15, answered=True)
    assert together([one, two]).answered[:2] == (1.0, 1.0)
    assert together([]) == Counts()


@given(st.lists(st.tuples(st.floats(0, 10_000), st.booleans()), max_size=40), st.booleans())
def test_whatever_is_seen_the_curve_is_a_curve(seen: list[tuple[float, bool]], urgent: bool) -> None:
    counts = Counts()
    for elapsed_s, answered in seen:
        counts = observed(counts, elapsed_s, answered)
    curve = learned(urgent, counts, LEARNING)
    assert list(curve.answered) == sorted(curve.answered)
    assert all(0 <= share <= 1 for share in curve.answered)
    assert curve.answered[-1] == pytest.approx(1)
