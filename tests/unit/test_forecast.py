"""What if: the simulated waits and the thin spots of a roster, without a database."""

from dataclasses import replace
from datetime import time
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.rules.availability import QuietHours, Window
from dispatcher.rules.settings import GROCERIES, MEDICINE, URGENT_HELP, DispatchSettings
from dispatcher.simulation import forecast as forecasting
from dispatcher.simulation.cover import (
    ENOUGH,
    Person,
    Place,
    Roster,
    duty_mask,
    on_duty,
    thin_spots,
    within_reach,
)
from dispatcher.simulation.forecast import Forecast, effort, forecast
from dispatcher.simulation.trial import BLOCKS, LiveWorld, TooMuch, TrialOffice, TrialRule, is_trial

SETTINGS = DispatchSettings()
QUIET = QuietHours(time(21), time(7))
ALL_WEEK = tuple(Window(day, 0, 1440) for day in range(7))
BY_DAY = tuple(Window(day, 7 * 60, 21 * 60) for day in range(7))
PLACES = (Place((1,), 0.5), Place((0,), 0.3), Place((), 0.2))


def person(place: int = 0, windows: tuple[Window, ...] = ALL_WEEK, agreed: bool = True) -> Person:
    return Person(place, windows, agreed, 2)


def roster(people: list[Person], places: tuple[Place, ...] = PLACES) -> Roster:
    return Roster(places, tuple(people))


def crew(each: int, windows: tuple[Window, ...] = ALL_WEEK) -> Roster:
    return roster([person(i, windows) for i in range(len(PLACES)) for _ in range(each)])


def thin(who: Roster, quiet: QuietHours | None = QUIET) -> list[tuple[object, ...]]:
    spots = thin_spots(who, duty_mask(who.people), quiet, 30)
    return [(s.places, s.weekdays, s.start_min, s.minutes, s.fewest, s.most) for s in spots]


@cache
def once(who: Roster) -> Forecast:
    return forecast(who, 10, SETTINGS, days=7, seeds=1)


def test_windows_become_quarters_of_the_week() -> None:
    duty = duty_mask([person(windows=(Window(1, 8 * 60, 12 * 60), Window(6, 23 * 60 + 52, 1440)))])
    assert np.flatnonzero(duty[:, 0]).tolist() == [*range(96 + 32, 96 + 48), 671]


def test_people_of_the_campus_and_those_within_reach() -> None:
    who = roster([person(0), person(1), person(1, agreed=False), person(2, BY_DAY)])
    duty = duty_mask(who.people)
    noon, midnight = 48, 0
    assert on_duty(who, duty)[:, midnight].tolist() == [1, 2, 0]
    assert within_reach(who, duty, QUIET)[:, midnight].tolist() == [2, 2, 0]
    assert within_reach(who, duty, QUIET)[:, noon].tolist() == [3, 3, 1]
    assert within_reach(who, duty, None)[:, midnight].tolist() == [3, 3, 0]


def test_a_night_without_anybody_is_a_thin_spot() -> None:
    nights = ((0, 1, 2), tuple(range(7)), 21 * 60, 10 * 60, 0, 0)
    assert thin(crew(ENOUGH, BY_DAY)) == [nights]


def test_a_spot_is_told_once_for_the_days_and_campuses_it_is_the_same_for() -> None:
    gap = tuple(w for w in ALL_WEEK if w.weekday not in (1, 3))
    people = [person(0)] * (ENOUGH - 1) + [person(2)] * ENOUGH + [person(1, gap)]
    assert thin(roster(people)) == [((0, 1), (1, 3), 0, 1440, ENOUGH - 1, ENOUGH - 1)]


def test_nobody_is_told_apart_from_few() -> None:
    early, late = (
        (Window(day, 0, 8 * 60) for day in range(7)),
        (Window(day, 9 * 60, 1440) for day in range(7)),
    )
    people = [person(windows=tuple(early))] * 2 + [person(windows=tuple(late))] * 4
    assert thin(roster(people, (Place((), 1.0),)), None) == [
        ((0,), tuple(range(7)), 8 * 60, 60, 0, 0),
        ((0,), tuple(range(7)), 0, 8 * 60, 2, 2),
        ((0,), tuple(range(7)), 9 * 60, 15 * 60, 4, 4),
    ]


def test_sunday_night_runs_on_into_monday() -> None:
    windows = (Window(0, 6 * 60, 1440), *ALL_WEEK[1:6], Window(6, 0, 22 * 60))
    who = roster([person(windows=windows)] * ENOUGH, (Place((), 1.0),))
    assert thin(who) == [((0,), (6,), 22 * 60, 8 * 60, 0, 0)]


def test_a_week_that_is_always_thin_is_one_spot() -> None:
    assert thin(roster([person(0)])) == [
        ((2,), (0,), 0, 7 * 1440, 0, 0),
        ((0, 1), (0,), 0, 7 * 1440, 1, 1),
    ]


def test_in_quiet_hours_only_those_who_agreed_count() -> None:
    who = roster([person(agreed=False)] * ENOUGH, (Place((), 1.0),))
    assert thin(who, None) == []
    assert thin(who) == [((0,), tuple(range(7)), 21 * 60, 10 * 60, 0, 0)]


WINDOWS = st.builds(
    lambda day, start, length: Window(day, start * 15, min(start * 15 + length * 15, 1440)),
    st.integers(0, 6), st.integers(0, 95), st.integers(1, 60),
)  # fmt: skip
PEOPLE = st.builds(
    person, st.integers(0, 2), st.lists(WINDOWS, max_size=4).map(tuple), st.booleans()
)  # fmt: skip


@given(st.lists(PEOPLE, max_size=6), PEOPLE)
@settings(max_examples=60, deadline=None)
def test_one_more_volunteer_never_makes_it_thinner(people: list[Person], newcomer: Person) -> None:
    before, after = (
        thin_spots(who, duty_mask(who.people), QUIET, 30)
        for who in (roster(people), roster([*people, newcomer]))
    )
    assert sum(s.weight for s in after) <= sum(s.weight for s in before) + 1e-9
    assert all(s.fewest <= s.most < ENOUGH for s in before)


def test_the_same_question_has_the_same_answer() -> None:
    assert forecast(crew(4), 10, SETTINGS, days=7, seeds=1) == once(crew(4))


def test_every_cell_is_tried_and_the_shares_sum_to_one() -> None:
    found = once(crew(4))
    assert [len(row) for row in found.cells] == [BLOCKS] * len(PLACES)
    cells = [cell for row in found.cells for cell in row]
    assert sum(cell.share for cell in cells) == pytest.approx(1)
    assert {cell.urgent.tasks for cell in cells} == {14}
    calm = found.kinds[MEDICINE].tasks + found.kinds[GROCERIES].tasks
    assert sum(cell.other.tasks for cell in cells) == calm > 40
    assert all(cell.on_duty == 4 for cell in cells)
    for waits in found.kinds.values():
        assert waits.median_s is not None
        assert waits.p90_s is not None
        assert waits.median_s <= waits.p90_s


def test_more_volunteers_make_urgent_help_faster() -> None:
    few, many = (once(crew(each)).kinds[URGENT_HELP] for each in (2, 8))
    assert few.prompt is not None
    assert many.prompt is not None
    assert few.median_s is not None
    assert many.median_s is not None
    assert many.prompt > few.prompt + 0.1
    assert many.median_s < few.median_s


def test_without_anybody_at_night_a_coordinator_helps() -> None:
    cells = once(crew(6, BY_DAY)).cells[0]
    night, noon = cells[0], cells[4]
    assert (night.urgent.prompt, night.urgent.coordinator) == (0, 1)
    assert night.on_duty == 0
    assert noon.urgent.prompt is not None
    assert noon.urgent.prompt > 0.5


def test_trials_leave_no_trace() -> None:
    """Urgent help is tried at every hour; the requests stay the same, and so does what people do."""
    tried, alone = (LiveWorld(1, crew(4), 10, 7, tries) for tries in (14, 0))
    assert sum(is_trial(need) for need in tried.needs) == 14 * BLOCKS * len(PLACES)
    assert [need for need in tried.needs if not is_trial(need)] == alone.needs
    office = TrialOffice(tried, TrialRule(tried, SETTINGS, 10**6), SETTINGS)
    tally = office.run()
    real = [search for search in tally.searches if not is_trial(search.need)]
    accepted = [s for s in tally.searches if s.ended_at is not None and not s.by_coordinator]
    assert len(accepted) > sum(tally.taken) == len([s for s in accepted if not is_trial(s.need)])
    assert tally.alerts == sum(search.alerts for search in real)
    assert (tally.lost, office.hall.live_urgent.sum()) == (0, 0)


def test_more_than_a_week_can_be_computed_for_is_refused() -> None:
    assert effort(crew(4), 30) == (14, 2)
    assert effort(crew(4), 500) == (7, 1)
    with pytest.raises(TooMuch):
        effort(crew(200), 500)


def test_nobody_is_no_roster() -> None:
    with pytest.raises(ValueError, match="nobody"):
        forecast(roster([]), 30, SETTINGS)
    with pytest.raises(ValueError, match="nobody"):
        forecast(replace(crew(2), places=()), 30, SETTINGS)


def test_a_run_that_would_take_too_long_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecasting, "_MOST_DECISIONS", 1000)
    with pytest.raises(TooMuch):
        forecast(crew(4), 10, SETTINGS, days=7, seeds=1)
