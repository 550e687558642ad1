"""Whom to ask and when: tables for the rules, properties for what must always hold."""

import math
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.rules import policy
from dispatcher.rules.crowd import FACETS, Candidate, Crowd, daypart, log_odds
from dispatcher.rules.decisions import ANYWHERE, HOME, NEIGHBOUR, PendingOffer, Plan, TaskView
from dispatcher.rules.learning import Evidence, outcome
from dispatcher.rules.response import Curves
from dispatcher.rules.settings import (
    CATEGORIES,
    GROCERIES,
    DispatchSettings,
    Pace,
    check,
    is_urgent,
    with_overrides,
)

ZONE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 11, 2, 4, 0, tzinfo=UTC)  # a Monday, 12:00 in Shanghai
NIGHT = datetime(2026, 11, 2, 14, 0, tzinfo=UTC)  # 22:00
SETTINGS = DispatchSettings()
HERE, NEAR, FAR = 1, 2, 3


def person(id: int, campus: int = HERE, **known: Any) -> Candidate:
    on_duty = {"on_duty_until": NOON + timedelta(hours=6)}
    return Candidate(volunteer_id=id, campus_id=campus, **(on_duty | known))


def known_for(accepts: float, refusals: float) -> dict[str, Any]:
    return outcomes({"medicine": accepts}, {"medicine": refusals})


def outcomes(accepts: dict[str, float], refusals: dict[str, float]) -> dict[str, Any]:
    return {
        "accepts": tuple(accepts.get(facet, 0.0) for facet in FACETS),
        "refusals": tuple(refusals.get(facet, 0.0) for facet in FACETS),
    }


def task(category: str = "medicine", urgency: str = "soon", **known: Any) -> TaskView:
    given: dict[str, Any] = {"task_id": 1, "opened_at": NOON} | known
    return TaskView(campus_id=HERE, neighbours=(NEAR,), category=category, urgency=urgency, **given)


def offer(ago_s: float = 0, life_s: float = 900, chance: float = 0.4) -> PendingOffer:
    made = NOON - timedelta(seconds=ago_s)
    return PendingOffer(made, made + timedelta(seconds=life_s), chance)


def decide(
    views: TaskView | list[TaskView],
    people: list[Candidate],
    now: datetime = NOON,
    settings: DispatchSettings = SETTINGS,
) -> list[Plan]:
    tasks = [views] if isinstance(views, TaskView) else views
    return policy.plan_round(tasks, Crowd.of(people), now, settings, ZONE, Curves())


def asked(view: TaskView, people: list[Candidate], now: datetime = NOON, **other: Any) -> list[int]:
    return [choice.volunteer_id for choice in decide(view, people, now, **other)[0].ask]


CROWD = [person(n) for n in range(1, 30)]


def test_whoever_was_tried_in_vain_comes_after_the_others_of_the_same_rings() -> None:
    people = [person(1, **known_for(9, 0)), person(2), person(3, campus=NEAR)]
    settings = with_overrides(SETTINGS, {"soon": {"wave_max": 1}})
    assert asked(task(), people, settings=settings) == [1]
    assert asked(task(in_vain=frozenset({1})), people, settings=settings) == [2]
    assert asked(task(in_vain=frozenset({1}), asked=frozenset({2})), people, settings=settings) == [1]
    only = asked(task(in_vain=frozenset({1, 2}), asked=frozenset({3})), people, settings=settings)
    assert only == [1], "in vain is no bar"


def test_the_more_urgent_the_more_are_asked() -> None:
    waves = [len(asked(task("groceries", urgency), CROWD)) for urgency in ("routine", "soon", "urgent")]
    assert waves == sorted(waves)
    assert waves[2] > waves[0]
    assert len(asked(task("urgent", "routine"), CROWD)) == waves[2]


def test_the_likeliest_are_asked_first_and_so_fewer_are_needed() -> None:
    settings = with_overrides(SETTINGS, {"soon": {"target": 0.3, "wave_max": 9}})
    ready = [person(n, **known_for(18, 2)) for n in (7, 8)]
    reluctant = [person(n, **known_for(2, 18)) for n in (1, 2, 3, 4, 5, 6)]
    assert set(asked(task(), ready + reluctant, settings=settings)) <= {7, 8}
    assert len(asked(task(), reluctant, settings=settings)) > 2


def test_for_urgent_help_it_matters_more_who_comes_than_who_has_done_how_much() -> None:
    willing_but_busy = person(1, load=0.5, **outcomes({"medicine": 6, "urgent": 6}, {}))
    rested = person(2, load=0.1, **outcomes({"medicine": 3, "urgent": 3}, {"medicine": 2, "urgent": 2}))
    settings = with_overrides(SETTINGS, {"price": {"load": 4.0, "urgent_share": 0.1}})
    people = [willing_but_busy, rested]
    assert asked(task("medicine", "soon"), people, settings=settings)[0] == 2
    assert asked(task("urgent", "urgent"), people, settings=settings)[0] == 1


def test_what_is_known_of_one_kind_of_help_says_less_of_another() -> None:
    fetches_medicine = person(1, **outcomes({"medicine": 6}, {"groceries": 6}))
    fetches_groceries = person(2, **outcomes({"groceries": 6}, {"medicine": 6}))
    people = [fetches_groceries, fetches_medicine]
    assert asked(task("medicine", "soon"), people)[0] == 1
    assert asked(task("groceries", "routine"), people)[0] == 2


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({}, {"recent_offers": 3.0}),
        ({}, {"held": 1}),
        ({}, {"campus": NEAR}),
        ({"campus": NEAR}, {"campus": FAR}),
        (known_for(3, 1), known_for(1, 3)),
        ({"load": 0.1}, {"load": 0.9}),
    ],
)
def test_who_comes_first(better: dict[str, Any], worse: dict[str, Any]) -> None:
    everywhere = with_overrides(SETTINGS, {"soon": {"rings_s": [0, 0, 0], "wave_max": 2, "target": 0.9}})
    people = [person(1, **worse), person(2, **better)]
    assert asked(task(), people, settings=everywhere) == [2, 1]


@pytest.mark.parametrize(
    ("known", "bar"),
    [
        ({"on_duty_until": None}, "off_duty"),
        ({"available": False}, "unavailable"),
        ({"held": 2}, "busy"),
        ({"live_offers": 1}, "live_offer"),
        ({"live_urgent": 1}, "live_offer"),
        ({"capacity": 0}, "unavailable"),
        ({"alerts_today": SETTINGS.daily_cap}, "daily_cap"),
    ],
)
def test_who_may_not_be_asked(known: dict[str, Any], bar: str) -> None:
    people = [person(1, **known)]
    found = policy.assess(task(), Crowd.of(people), NOON, SETTINGS, ZONE, Curves())
    assert bar in found[0].bars
    assert asked(task(), people) == []


def test_nobody_is_asked_again_whatever_came_of_it() -> None:
    view = task(asked=frozenset({1}))
    assert asked(view, [person(1), person(2)]) == [2]
    found = policy.assess(view, Crowd.of([person(1)]), NOON, SETTINGS, ZONE, Curves())
    assert found[0].bars == ("asked_before",)


@pytest.mark.parametrize("known", [{"live_offers": 1}, {"alerts_today": SETTINGS.daily_cap}])
def test_urgent_help_passes_the_caps_of_those_who_agreed(known: dict[str, Any]) -> None:
    agreed, others = person(1, agreed_urgent=True, **known), person(2, **known)
    assert asked(task("urgent", "urgent"), [agreed, others]) == [1]
    assert asked(task(), [agreed, others]) == []


def test_who_has_urgent_help_to_answer_is_asked_for_other_urgent_help_last() -> None:
    settings = with_overrides(SETTINGS, {"urgent": {"wave_max": 2, "target": 1}})
    people = [person(1, live_urgent=1), person(2)]
    assert asked(task("urgent", "urgent"), people, settings=settings) == [2, 1]
    assert asked(task(), people) == [2]


def test_quiet_hours_wait_for_the_morning_unless_urgent() -> None:
    awake: dict[str, Any] = {"on_duty_until": NIGHT + timedelta(hours=3)}
    people = [person(1, agreed_urgent=True, **awake), person(2, **awake)]
    step = decide(task(opened_at=NIGHT), people, NIGHT)[0]
    assert (step.ask, step.waiting.code, step.hand_over) == ((), "quiet_hours", None)
    assert step.look_again_at == datetime(2026, 11, 2, 23, 0, tzinfo=UTC)  # 07:00
    assert asked(task("urgent", "urgent", opened_at=NIGHT), people, NIGHT) == [1]


def test_what_is_due_before_the_morning_is_a_coordinators_business() -> None:
    view = task(opened_at=NIGHT, due_by=NIGHT + timedelta(hours=2))
    step = decide(view, [person(1)], NIGHT)[0]
    assert step.hand_over is not None
    assert step.hand_over.code == "due_in_quiet_hours"


def test_a_night_in_between_doesnt_age_a_task() -> None:
    morning = datetime(2026, 11, 2, 23, 0, 30, tzinfo=UTC)
    evening = NIGHT - timedelta(hours=1, minutes=10)
    for opened_at, age_s in ((NIGHT, 30), (evening, 630)):
        assert policy.asking_s(opened_at, morning, False, SETTINGS, ZONE) == age_s
        assert decide(task(opened_at=opened_at), [person(1)], morning)[0].hand_over is None


def test_what_may_wait_is_promised_nothing_beyond_the_beginning_of_quiet_hours() -> None:
    late = datetime(2026, 11, 2, 12, 59, tzinfo=UTC)  # 20:59
    awake: dict[str, Any] = {"on_duty_until": late + timedelta(hours=3)}
    step = decide(task(opened_at=late), [person(n, **awake) for n in (1, 2, 3)], late)[0]
    begin = late + timedelta(minutes=1)
    assert step.ask
    assert step.then is not None
    assert (step.then.code, step.then.params["at"]) == ("then_quiet", begin.astimezone(ZONE).isoformat())
    assert step.look_again_at == begin
    urgent = decide(task("urgent", "urgent", opened_at=late), [person(1, **awake)], late)[0]
    assert urgent.then is None or urgent.then.code != "then_quiet"


@pytest.mark.parametrize("ahead_s", [0.2, 3600])
def test_a_clock_that_was_put_back_stops_nobody(ahead_s: float) -> None:
    opened_at = NOON + timedelta(seconds=ahead_s)
    assert policy.asking_s(opened_at, NOON, True, SETTINGS, ZONE) == 0
    for view in (task(opened_at=opened_at), task("urgent", "urgent", opened_at=opened_at)):
        assert asked(view, CROWD)


def test_summer_time_beginning_in_quiet_hours_costs_no_task_an_hour() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    evening = datetime(2026, 3, 28, 22, 0, tzinfo=berlin)
    morning = datetime(2026, 3, 29, 7, 0, 30, tzinfo=berlin)
    assert policy.asking_s(evening.astimezone(UTC), morning.astimezone(UTC), False, SETTINGS, berlin) == 30


def test_urgent_help_doesnt_count_twice_on_those_it_asks_now() -> None:
    """Ten who rarely come, all asked at once: that isn't enough, and a person hears of it now."""
    settings = with_overrides(SETTINGS, {"urgent": {"wave_max": 10, "target": 1, "enough": 0.84}})
    people = [person(n, **known_for(1, 14)) for n in range(10)]
    step = decide(task("urgent", "urgent"), people, settings=settings)[0]
    assert len(step.ask) == 10
    assert math.prod(1 - choice.chance for choice in step.ask) > 1 - 0.84
    assert step.hand_over is not None
    assert step.hand_over.code == "too_few"


def test_an_empty_ring_is_skipped_and_a_thin_one_widened_at_once() -> None:
    settings = with_overrides(SETTINGS, {"soon": {"wave_max": 2, "target": 0.5}})
    assert asked(task(), [person(1, NEAR), person(2, FAR)], settings=settings) == [1, 2]
    assert asked(task(), [person(1), person(2, FAR)], settings=settings) == [1, 2]


def test_a_ring_that_can_reach_the_target_is_not_left_before_its_time() -> None:
    settings = with_overrides(SETTINGS, {"soon": {"target": 0.1, "wave_max": 2}})
    reluctant, eager_but_far = person(1), person(2, FAR, **known_for(50, 0))
    assert asked(task(), [reluctant, eager_but_far], settings=settings) == [1]
    later = NOON + timedelta(seconds=SETTINGS.soon.rings_s[ANYWHERE])
    assert asked(task(), [reluctant, eager_but_far], later, settings=settings)[0] == 2


def test_offers_that_are_out_count_with_what_is_left_of_their_chance() -> None:
    settings = with_overrides(SETTINGS, {"soon": {"target": 0.5, "wave_max": 9, "pause_s": 0.001}})
    fresh = len(asked(task(pending=(offer(ago_s=20),) * 3), CROWD, settings=settings))
    stale = len(asked(task(pending=(offer(ago_s=800),) * 3), CROWD, settings=settings))
    assert fresh < stale


def test_no_more_than_a_wave_in_one_pause() -> None:
    wave, pause = SETTINGS.soon.wave_max, SETTINGS.soon.pause_s
    out = tuple(offer(ago_s=pause / 2, chance=0.01) for _ in range(wave))
    step = decide(task(pending=out), CROWD)[0]
    assert step.ask == ()
    assert step.look_again_at == NOON + timedelta(seconds=pause / 2)
    assert step.then is not None
    assert (step.then.code, step.then.params["at"]) == ("then_more", step.look_again_at.isoformat())


def test_the_target_grows_with_the_time_waited() -> None:
    settings = with_overrides(
        SETTINGS, {"routine": {"target": 0.1, "target_late": 0.9, "wave_max": 9, "coordinator_s": 7200}}
    )
    waves = [
        len(asked(task("groceries", "routine", opened_at=opened_at), CROWD, settings=settings))
        for opened_at in (NOON, NOON - timedelta(hours=1), NOON - timedelta(hours=2))
    ]
    assert waves[0] < waves[1] < waves[2]


def test_an_empty_roster_is_told_at_once_and_looked_at_again() -> None:
    step = decide(task(), [])[0]
    assert step.hand_over is not None
    assert step.hand_over.code == "nobody_left"
    assert step.look_again_at == NOON + timedelta(seconds=SETTINGS.recheck_s)


def test_urgent_help_with_little_chance_left_is_told_now_not_at_the_end_of_a_timer() -> None:
    view = task("urgent", "urgent", pending=(offer(ago_s=150, life_s=300),), asked=frozenset({1}))
    step = decide(view, [person(1)])[0]
    assert step.hand_over is not None
    assert step.hand_over.code == "nobody_answered"


def test_what_may_wait_has_patience_with_people_who_come_on_duty() -> None:
    view = task("groceries", "routine", asked=frozenset({1}))
    step = decide(view, [person(1)])[0]
    assert step.hand_over is None
    assert step.then is not None
    assert step.then.code == "then_told"
    told_at = NOON + timedelta(seconds=SETTINGS.routine.patience_s)
    assert step.then.params["at"] == told_at.isoformat()
    assert decide(view, [person(1)], told_at)[0].hand_over is not None


def test_after_the_target_time_a_person_is_told_and_asking_goes_on() -> None:
    late = NOON + timedelta(seconds=SETTINGS.soon.coordinator_s)
    step = decide(task(), CROWD, late)[0]
    assert step.ask
    assert step.hand_over is not None
    assert step.hand_over.code == "too_long"


def test_the_most_pressing_are_served_first_and_nobody_is_asked_twice_at_once() -> None:
    urgent = task("urgent", "urgent", task_id=9)
    older = task(task_id=2, opened_at=NOON - timedelta(minutes=20))
    newer = task(task_id=1)
    settings = with_overrides(SETTINGS, {"urgent": {"wave_max": 5}, "soon": {"wave_max": 1}})
    plans = decide([newer, older, urgent], CROWD[:6], settings=settings)
    assert [len(plan.ask) for plan in plans] == [0, 1, 5]


def test_two_emergencies_may_ask_the_same_people_when_there_are_no_others() -> None:
    first, second = (task("urgent", "urgent", task_id=n) for n in (1, 2))
    plans = decide([first, second], CROWD[:3])
    assert [sorted(c.volunteer_id for c in plan.ask) for plan in plans] == [[1, 2, 3], [1, 2, 3]]
    assert decide([first, task(task_id=2)], CROWD[:3])[1].ask == ()


def test_every_choice_says_why() -> None:
    stranger, known = person(1), person(2, week_load=2, **known_for(4, 6))
    choices = {a.choice.volunteer_id: a.choice for a in policy.assess(
        task(), Crowd.of([stranger, known]), NOON, SETTINGS, ZONE, Curves()
    )}  # fmt: skip
    codes = [reason.code for reason in policy.why(choices[1], stranger)]
    assert codes == ["same_campus", "on_duty_until", "load", "never_asked"]
    reasons = {reason.code: reason.params for reason in policy.why(choices[2], known)}
    assert reasons["accepts"] == {"tenths": round(choices[2].chance * 10)}
    assert reasons["load"] == {"held": 0, "week": 2}


def test_asking_more_by_hand_takes_the_best_of_all_rings() -> None:
    people = [person(1, FAR), person(2), person(3, live_offers=1)]
    chosen = policy.ask_more(
        task("urgent", "urgent"), Crowd.of(people), NOON, SETTINGS, ZONE, Curves()
    )  # fmt: skip
    assert [c.volunteer_id for c in chosen] == [2, 1]


# -- What must always hold ------------------------------------------------------------------------

moments = st.integers(0, 3 * 3600).map(lambda s: NOON - timedelta(seconds=s))
evidence = st.lists(st.floats(0, 30), min_size=len(FACETS), max_size=len(FACETS)).map(tuple)
candidates = st.builds(
    Candidate,
    volunteer_id=st.integers(1, 999),
    campus_id=st.sampled_from([HERE, NEAR, FAR]),
    on_duty_until=st.one_of(st.none(), st.just(NOON + timedelta(hours=3))),
    available=st.booleans(),
    agreed_urgent=st.booleans(),
    held=st.integers(0, 3),
    alerts_today=st.integers(0, 6),
    live_offers=st.integers(0, 2),
    live_urgent=st.integers(0, 2),
    recent_offers=st.floats(0, 8),
    load=st.floats(0, 2),
    accepts=evidence,
    refusals=evidence,
)
people = st.lists(candidates, max_size=25, unique_by=lambda c: c.volunteer_id)
pendings = st.lists(
    st.builds(
        lambda at, chance: PendingOffer(at, at + timedelta(minutes=15), chance), moments, st.floats(0, 1)
    ),
    max_size=6,
).map(tuple)
views = st.builds(
    TaskView,
    task_id=st.integers(1, 999),
    campus_id=st.sampled_from([HERE, NEAR, FAR]),
    neighbours=st.sampled_from([(), (NEAR,), (NEAR, FAR), (HERE, FAR)]),
    category=st.sampled_from(["medicine", "groceries", "urgent", "other"]),
    urgency=st.sampled_from(["routine", "soon", "urgent"]),
    opened_at=moments,
    pending=pendings,
    asked=st.frozensets(st.integers(1, 999), max_size=8),
)
rounds = st.lists(views, min_size=1, max_size=6, unique_by=lambda v: v.task_id)
times = st.sampled_from([NOON, NIGHT])


@given(rounds, people, times)
def test_nobody_is_asked_who_may_not_be(tasks: list[TaskView], crowd: list[Candidate], now: datetime) -> None:
    by_id = {c.volunteer_id: c for c in crowd}
    calm: Counter[int] = Counter()
    for view, plan in zip(tasks, decide(tasks, crowd, now), strict=True):
        urgent = is_urgent(view.category, view.urgency)
        ids = [choice.volunteer_id for choice in plan.ask]
        assert len(ids) == len(set(ids))
        assert not set(ids) & view.asked
        for c in map(by_id.__getitem__, ids):
            assert c.available
            assert c.on_duty
            assert c.held < c.capacity
            if not (urgent and c.agreed_urgent):
                assert now != NIGHT
                assert c.live_offers + calm[c.volunteer_id] < SETTINGS.live_cap
                assert c.alerts_today + calm[c.volunteer_id] < SETTINGS.daily_cap
        if not urgent:
            calm.update(ids)
    assert max(calm.values(), default=0) <= 1


shares = st.floats(0.001, 1)
paces = st.builds(
    Pace,
    target=shares, target_late=shares, look_ahead_s=st.floats(1, 4000), pause_s=st.floats(1, 4000),
    wave_max=st.integers(1, 12), expiry_s=st.floats(1, 4000),
    rings_s=st.lists(st.floats(0, 4000), min_size=2, max_size=2).map(lambda at: (0.0, *sorted(at))),
    enough=st.floats(0, 1), patience_s=st.floats(0, 9000), coordinator_s=st.floats(1, 9000),
    progress_s=st.just(60.0),
)  # fmt: skip
figures = st.builds(
    DispatchSettings, urgent=paces, soon=paces, routine=paces, daily_cap=st.integers(0, 5),
    live_cap=st.integers(0, 2), recheck_s=st.floats(1, 600),
)  # fmt: skip


@given(rounds, people, times, figures)
def test_whatever_the_figures_nobody_is_asked_who_may_not_be(
    tasks: list[TaskView], crowd: list[Candidate], now: datetime, settings: DispatchSettings
) -> None:
    check(settings)
    by_id = {c.volunteer_id: c for c in crowd}
    for view, plan in zip(tasks, decide(tasks, crowd, now, settings), strict=True):
        pace, urgent = settings.pace(view.category, view.urgency), is_urgent(view.category, view.urgency)
        assert len(plan.ask) <= pace.wave_max
        assert plan.look_again_at > now
        assert not {choice.volunteer_id for choice in plan.ask} & view.asked
        for c in (by_id[choice.volunteer_id] for choice in plan.ask):
            assert c.available
            assert c.on_duty
            assert c.held < c.capacity
            if not (urgent and c.agreed_urgent):
                assert now != NIGHT
                assert c.live_offers < settings.live_cap
                assert c.alerts_today < settings.daily_cap


@given(rounds, people, st.randoms(use_true_random=False), times)
def test_the_order_of_the_input_changes_nothing(
    tasks: list[TaskView], crowd: list[Candidate], lots: Any, now: datetime
) -> None:
    def decisions(some: list[TaskView], among: list[Candidate]) -> dict[int, Any]:
        plans = decide(some, among, now)
        # A row is a place in the crowd as it was given; who stands there is what counts.
        return {
            view.task_id: (replace(plan, ask=()), [replace(c, row=0) for c in plan.ask])
            for view, plan in zip(some, plans, strict=True)
        }

    other_tasks, other_crowd = tasks.copy(), crowd.copy()
    lots.shuffle(other_tasks)
    lots.shuffle(other_crowd)
    assert decisions(other_tasks, other_crowd) == decisions(tasks, crowd)


@given(rounds, people, times)
def test_the_next_look_is_always_in_the_future(
    tasks: list[TaskView], crowd: list[Candidate], now: datetime
) -> None:
    assert all(plan.look_again_at > now for plan in decide(tasks, crowd, now))


@given(views, people)
def test_nothing_is_ever_waited_for_in_vain(view: TaskView, crowd: list[Candidate]) -> None:
    """Asked nobody, nobody busy, and no offer ever out: then a person is told."""
    alone = replace(view, pending=(), asked=frozenset())
    free = [replace(c, held=0, live_offers=0, live_urgent=0) for c in crowd]
    plan = decide(alone, free)[0]
    assert plan.ask or plan.hand_over is not None


@given(views, people, times)
def test_somebody_is_always_told_in_the_end(view: TaskView, crowd: list[Candidate], now: datetime) -> None:
    late = now + timedelta(days=2)
    if not is_urgent(view.category, view.urgency):
        late = late.replace(hour=5)  # 13:00
    assert decide(view, crowd, late)[0].hand_over is not None


@given(views, people)
def test_asking_again_after_asking_asks_nobody_more(view: TaskView, crowd: list[Candidate]) -> None:
    first = decide(view, crowd)[0]
    chosen = {c.volunteer_id for c in first.ask}
    made = tuple(PendingOffer(NOON, NOON + timedelta(minutes=15), c.chance) for c in first.ask)
    urgent = is_urgent(view.category, view.urgency)
    crowd_then = [
        replace(
            c, live_offers=c.live_offers + (not urgent), live_urgent=c.live_urgent + urgent,
            alerts_today=c.alerts_today + (not urgent), recent_offers=c.recent_offers + 1,
        ) if c.volunteer_id in chosen else c
        for c in crowd
    ]  # fmt: skip
    second = decide(replace(view, pending=view.pending + made, asked=view.asked | chosen), crowd_then)[0]
    assert second.ask == ()


@given(rounds, people)
def test_a_round_repeated_at_the_same_moment_asks_nobody_more(
    tasks: list[TaskView], crowd: list[Candidate]
) -> None:
    first = decide(tasks, crowd)
    offers: Counter[tuple[int, bool]] = Counter()
    for view, plan in zip(tasks, first, strict=True):
        urgent = is_urgent(view.category, view.urgency)
        offers.update((choice.volunteer_id, urgent) for choice in plan.ask)
    crowd_then = [
        replace(
            c,
            live_offers=c.live_offers + offers[c.volunteer_id, False],
            live_urgent=c.live_urgent + offers[c.volunteer_id, True],
            alerts_today=c.alerts_today + offers[c.volunteer_id, False],
        )
        for c in crowd
    ]
    tasks_then = [
        replace(
            view,
            pending=(
                *view.pending,
                *(PendingOffer(NOON, NOON + timedelta(hours=1), c.chance) for c in plan.ask),
            ),
            asked=view.asked | {c.volunteer_id for c in plan.ask},
        )
        for view, plan in zip(tasks, first, strict=True)
    ]
    calm = [not is_urgent(view.category, view.urgency) for view in tasks]
    assert [plan.ask for plan, quiet in zip(decide(tasks_then, crowd_then), calm, strict=True) if quiet] == [
        () for quiet in calm if quiet
    ]


kinds, hours = st.sampled_from(CATEGORIES), st.integers(0, 23)


@given(candidates, kinds, hours, kinds, hours)
def test_a_yes_never_makes_anybody_look_less_ready_nor_a_no_readier(
    known: Candidate, category: str, hour: int, asked_for: str, now_hour: int
) -> None:
    at = NOON.replace(hour=hour)
    before = Evidence(known.accepts, known.refusals, at)
    yes, no = (outcome(before, category, at, at, accepted, SETTINGS.learning) for accepted in (True, False))
    odds = log_odds(
        Crowd.of([replace(known, accepts=e.accepts, refusals=e.refusals) for e in (no, before, yes)]),
        asked_for, daypart(NOON.replace(hour=now_hour)), SETTINGS.learning,
    )  # fmt: skip
    assert odds[0] <= odds[1] <= odds[2]


@given(views, people)
def test_more_urgency_never_asks_fewer(view: TaskView, crowd: list[Candidate]) -> None:
    calm = replace(view, category=GROCERIES, pending=(), opened_at=NOON)
    waves = [
        len(decide(replace(calm, urgency=urgency), crowd)[0].ask) for urgency in ("routine", "soon", "urgent")
    ]
    # Whoever has agreed to nothing beyond the caps is as free for urgent help as for any other.
    assert waves == sorted(waves)


@given(views, people, st.integers(0, 24))
def test_a_strictly_better_volunteer_is_never_passed_over_for_a_worse_one(
    view: TaskView, crowd: list[Candidate], which: int
) -> None:
    if not crowd:
        return
    worse = crowd[which % len(crowd)]
    better = replace(
        worse, volunteer_id=1000,
        accepts=tuple(n + 1 for n in worse.accepts),
        recent_offers=worse.recent_offers / 2, load=worse.load / 2,
    )  # fmt: skip
    chosen = {c.volunteer_id for c in decide(view, [*crowd, better])[0].ask}
    assert worse.volunteer_id not in chosen or better.volunteer_id in chosen


@given(views, people)
def test_what_is_said_of_a_choice_is_a_chance(view: TaskView, crowd: list[Candidate]) -> None:
    for found in policy.assess(view, Crowd.of(crowd), NOON, SETTINGS, ZONE, Curves()):
        assert 0 <= found.choice.chance <= 1
        assert found.choice.price >= 1
        assert found.choice.ring in (HOME, NEIGHBOUR, ANYWHERE)


@given(people)
def test_everybody_is_assessed_once(crowd: list[Candidate]) -> None:
    found = policy.assess(task(), Crowd.of(crowd), NOON, SETTINGS, ZONE, Curves())
    assert sorted(a.choice.volunteer_id for a in found) == sorted(c.volunteer_id for c in crowd)
    barred = [bool(a.bars) for a in found]
    assert barred == sorted(barred)
