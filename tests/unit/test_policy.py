"""Whom to ask and when: tables for the rules, properties for what must always hold."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.rules.availability import QuietHours
from dispatcher.rules.policy import Candidate, PendingOffer, TaskView, plan, rank
from dispatcher.rules.settings import DispatchSettings, parse_quiet_hours, with_overrides

ZONE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 11, 2, 4, 0, tzinfo=UTC)  # a Monday, 12:00 in Shanghai
NIGHT = datetime(2026, 11, 2, 14, 0, tzinfo=UTC)  # 22:00
SETTINGS = DispatchSettings()
HOME, NEAR, FAR = 1, 2, 3


def person(id: int, campus: int = HOME, **known: Any) -> Candidate:
    on_duty = {"on_duty_until": NOON + timedelta(hours=6)}
    return Candidate(volunteer_id=id, campus_id=campus, **(on_duty | known))


def task(category: str = "medicine", urgency: str = "soon", **known: Any) -> TaskView:
    given = {"opened_at": NOON} | known
    return TaskView(HOME, (NEAR,), category, urgency, **given)


def asked(view: TaskView, people: list[Candidate], now: datetime = NOON) -> list[int]:
    return [a.candidate.volunteer_id for a in plan(view, people, now, SETTINGS, ZONE).ask]


@pytest.mark.parametrize(
    ("category", "urgency", "wave"),
    [("urgent", "urgent", 4), ("medicine", "soon", 2), ("medicine", "routine", 2),
     ("groceries", "routine", 1), ("groceries", "urgent", 4), ("other", "soon", 2)],
)  # fmt: skip
def test_a_wave_is_as_large_as_the_need_is_urgent(category: str, urgency: str, wave: int) -> None:
    assert len(asked(task(category, urgency), [person(n) for n in range(9)])) == wave


def test_the_own_campus_comes_first_then_those_who_did_least_and_waited_longest() -> None:
    people = [
        person(1, FAR),
        person(2, NEAR),
        person(3, held=1),
        person(4, week_load=2),
        person(5, last_asked_at=NOON - timedelta(hours=1)),
        person(6, last_asked_at=NOON - timedelta(days=9)),
        person(7),
    ]
    order = [a.candidate.volunteer_id for a in rank(task(), people, NOON, SETTINGS, ZONE)]
    assert order == [7, 6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize(
    ("known", "bar"),
    [
        ({"on_duty_until": None}, "off_duty"),
        ({"available": False}, "unavailable"),
        ({"asked": True}, "asked_before"),
        ({"held": 2}, "busy"),
        ({"live_offers": 1}, "live_offer"),
        ({"alerts_today": 4}, "daily_cap"),
    ],
)
def test_who_may_not_be_asked(known: dict[str, Any], bar: str) -> None:
    found = rank(task(), [person(1, **known)], NOON, SETTINGS, ZONE)
    assert found[0].bars == (bar,)
    assert asked(task(), [person(1, **known)]) == []


@pytest.mark.parametrize("known", [{"live_offers": 1}, {"alerts_today": 4}])
def test_urgent_help_passes_the_caps_of_those_who_agreed(known: dict[str, Any]) -> None:
    agreed, others = person(1, agreed_urgent=True, **known), person(2, **known)
    assert asked(task("urgent", "urgent"), [agreed, others]) == [1]
    assert asked(task(), [agreed, others]) == []


def test_quiet_hours_wait_for_the_morning_unless_urgent() -> None:
    awake: dict[str, Any] = {"on_duty_until": NIGHT + timedelta(hours=3)}
    people = [person(1, agreed_urgent=True, **awake), person(2, **awake)]
    step = plan(task(opened_at=NIGHT), people, NIGHT, SETTINGS, ZONE)
    assert (step.ask, step.waiting.code, step.hand_over) == ((), "quiet_hours", None)
    assert step.look_again_at == datetime(2026, 11, 2, 23, 0, tzinfo=UTC)  # 07:00
    urgent = plan(task("urgent", "urgent", opened_at=NIGHT), people, NIGHT, SETTINGS, ZONE)
    assert [a.candidate.volunteer_id for a in urgent.ask] == [1]


def test_what_is_due_before_the_morning_is_a_coordinators_business() -> None:
    view = task(opened_at=NIGHT, due_by=NIGHT + timedelta(hours=2))
    step = plan(view, [person(1)], NIGHT, SETTINGS, ZONE)
    assert step.hand_over is not None
    assert step.hand_over.code == "due_in_quiet_hours"


def test_a_night_in_between_doesnt_age_a_task() -> None:
    morning = datetime(2026, 11, 2, 23, 0, 30, tzinfo=UTC)
    step = plan(task(opened_at=NIGHT), [person(n) for n in (1, 2)], morning, SETTINGS, ZONE)
    assert len(step.ask) == 2
    assert step.hand_over is None


def test_an_empty_ring_is_skipped_and_a_thin_one_widened_at_once() -> None:
    assert asked(task(), [person(1, NEAR), person(2, FAR)]) == [1, 2]
    assert asked(task(), [person(1), person(2, FAR)]) == [1, 2]
    assert asked(task(), [person(1), person(2), person(3, FAR)]) == [1, 2]


def test_nobody_left_is_told_at_once_and_looked_at_again_soon() -> None:
    step = plan(task(), [person(1, asked=True)], NOON, SETTINGS, ZONE)
    assert step.hand_over is not None
    assert step.hand_over.code == "nobody_left"
    assert step.look_again_at == NOON + timedelta(seconds=SETTINGS.recheck_s)


def test_while_somebody_is_likely_to_answer_nobody_more_is_asked() -> None:
    fresh = PendingOffer(NOON - timedelta(seconds=30), NOON + timedelta(minutes=14))
    step = plan(task(pending=(fresh, fresh)), [person(1)], NOON, SETTINGS, ZONE)
    assert step.ask == ()
    assert step.look_again_at == NOON + timedelta(seconds=150)
    assert step.hand_over is None


def test_those_who_stay_silent_make_room_for_the_next_wave() -> None:
    stale = PendingOffer(NOON - timedelta(minutes=4), NOON + timedelta(minutes=11))
    assert asked(task(pending=(stale, stale)), [person(1), person(2), person(3)]) == [1, 2]


def test_everybody_asked_and_silent_is_told_before_the_offers_expire() -> None:
    stale = PendingOffer(NOON - timedelta(minutes=4), NOON + timedelta(minutes=11))
    step = plan(task(pending=(stale,)), [person(1, asked=True)], NOON, SETTINGS, ZONE)
    assert step.hand_over is not None
    assert step.hand_over.code == "nobody_answered"


def test_after_the_target_a_person_is_told_and_asking_goes_on() -> None:
    late = NOON + timedelta(seconds=SETTINGS.soon.coordinator_s)
    step = plan(
        task(), [person(n, on_duty_until=late + timedelta(hours=1)) for n in (1, 2)], late, SETTINGS, ZONE
    )
    assert len(step.ask) == 2
    assert step.hand_over is not None
    assert step.hand_over.code == "too_long"


def test_every_choice_says_why() -> None:
    chosen = plan(task(), [person(1)], NOON, SETTINGS, ZONE).ask[0]
    assert [reason.code for reason in chosen.why] == ["same_campus", "on_duty_until", "load", "never_asked"]


def test_settings_can_be_overridden_and_misspelt_ones_are_refused() -> None:
    changed = with_overrides(SETTINGS, {"daily_cap": 6, "soon": {"wave": 3, "rings_s": [0, 1, 2]}})
    assert (changed.daily_cap, changed.soon.wave, changed.soon.rings_s) == (6, 3, (0, 1, 2))
    assert changed.urgent == SETTINGS.urgent
    with pytest.raises(ValueError, match="dayly_cap"):
        with_overrides(SETTINGS, {"dayly_cap": 6})
    with pytest.raises(ValueError, match=r"soon\.wafe"):
        with_overrides(SETTINGS, {"soon": {"wafe": 3}})
    assert parse_quiet_hours("off") is None
    assert parse_quiet_hours("22:30-06:00") == QuietHours(time(22, 30), time(6))


moments = st.integers(0, 6 * 3600).map(lambda s: NOON - timedelta(seconds=s))
people = st.lists(
    st.builds(
        Candidate,
        volunteer_id=st.integers(1, 999),
        campus_id=st.sampled_from([HOME, NEAR, FAR]),
        on_duty_until=st.one_of(st.none(), st.just(NOON + timedelta(hours=3))),
        available=st.booleans(),
        held=st.integers(0, 3),
        week_load=st.integers(0, 9),
        alerts_today=st.integers(0, 6),
        live_offers=st.integers(0, 2),
        last_asked_at=st.one_of(st.none(), moments),
        agreed_urgent=st.booleans(),
        asked=st.booleans(),
    ),
    max_size=25,
    unique_by=lambda c: c.volunteer_id,
)
pendings = st.lists(moments.map(lambda at: PendingOffer(at, at + timedelta(minutes=15))), max_size=6).map(
    tuple
)
tasks = st.builds(
    TaskView,
    campus_id=st.just(HOME),
    neighbours=st.just((NEAR,)),
    category=st.sampled_from(["medicine", "groceries", "urgent", "other"]),
    urgency=st.sampled_from(["routine", "soon", "urgent"]),
    opened_at=moments,
    due_by=st.none(),
    pending=pendings,
)


@given(tasks, people)
def test_nobody_is_asked_who_may_not_be(view: TaskView, crowd: list[Candidate]) -> None:
    for choice in plan(view, crowd, NOON, SETTINGS, ZONE).ask:
        c = choice.candidate
        assert c.available
        assert c.on_duty_until is not None
        assert not c.asked
        assert c.held < c.capacity
        if not (c.agreed_urgent and "urgent" in (view.category, view.urgency)):
            assert c.live_offers < SETTINGS.live_cap
            assert c.alerts_today < SETTINGS.daily_cap


@given(tasks, people, st.randoms(use_true_random=False))
def test_the_order_of_the_input_changes_nothing(view: TaskView, crowd: list[Candidate], rng) -> None:  # type: ignore[no-untyped-def]
    shuffled = crowd.copy()
    rng.shuffle(shuffled)
    assert plan(view, shuffled, NOON, SETTINGS, ZONE) == plan(view, crowd, NOON, SETTINGS, ZONE)


@given(tasks, people)
def test_the_next_look_is_always_in_the_future(view: TaskView, crowd: list[Candidate]) -> None:
    assert plan(view, crowd, NOON, SETTINGS, ZONE).look_again_at > NOON


@given(tasks, people)
def test_nothing_is_ever_waited_for_in_vain(view: TaskView, crowd: list[Candidate]) -> None:
    """Asked nobody, and no offer out: then a person is told."""
    step = plan(replace(view, pending=()), crowd, NOON, SETTINGS, ZONE)
    assert step.ask or step.hand_over is not None


@given(tasks, people)
def test_asking_again_after_asking_asks_nobody_more(view: TaskView, crowd: list[Candidate]) -> None:
    first = plan(view, crowd, NOON, SETTINGS, ZONE)
    chosen = {a.candidate.volunteer_id for a in first.ask}
    new = tuple(PendingOffer(NOON, NOON + timedelta(minutes=15)) for _ in chosen)
    again = [replace(c, asked=c.asked or c.volunteer_id in chosen) for c in crowd]
    second = plan(replace(view, pending=view.pending + new), again, NOON, SETTINGS, ZONE)
    assert not chosen & {a.candidate.volunteer_id for a in second.ask}
    pace = SETTINGS.pace(view.category, view.urgency)
    if len(chosen) == pace.wave:
        assert second.ask == ()
