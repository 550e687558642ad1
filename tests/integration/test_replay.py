"""A morning recorded live is replayed in the simulation: the same function, asked the same, decides
the same."""

import heapq
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import pytest
from flask import Flask
from sqlalchemy import func, select

from dispatcher.database import db, transaction
from dispatcher.models import Campus, CampusNeighbour, Offer, Retiree, Staff, Task, Volunteer
from dispatcher.rules import policy
from dispatcher.rules.availability import Window
from dispatcher.rules.crowd import Crowd
from dispatcher.rules.decisions import Plan, TaskView
from dispatcher.rules.lifecycle import OfferState
from dispatcher.rules.phones import Phone
from dispatcher.rules.settings import DispatchSettings
from dispatcher.services import accounts, dispatching, intake, progress, responding, roster
from dispatcher.services.intake import Call, Wanted
from dispatcher.services.states import move
from dispatcher.simulation.contenders import Dispatcher
from dispatcher.simulation.office import Office
from dispatcher.simulation.world import (
    HOUR,
    QUARTERS_A_WEEK,
    URGENCY_OF,
    Draws,
    Need,
    Scenario,
    Volunteers,
    World,
    moment,
)
from tests.integration.conftest import PASSWORD

CAMPUSES = 3
UNTIL = 13 * HOUR
FOUND_S = 9 * HOUR  # after the end: the coordinator finds nobody while we look
SERVICE_S = 2000.0

CALLS = [
    (6.2, "groceries", 0), (6.5, "medicine", 1), (6.8, "urgent", 0), (6.9, "groceries", 0),
    (7.6, "medicine", 0), (7.62, "groceries", 0), (8.1, "urgent", 2), (8.4, "medicine", 2),
    (9.0, "groceries", 1), (9.01, "medicine", 1), (9.02, "urgent", 1), (9.5, "groceries", 2),
    (9.9, "medicine", 0), (10.3, "groceries", 0), (10.31, "medicine", 0), (11.0, "urgent", 0),
]  # fmt: skip
"""Hours since midnight of a Monday, what, and at which campus."""

HANDED_BACK = 4
"""This task's first volunteer gives it back."""


def duty(v: int) -> list[Window]:
    """Three stay all day, the others come and go; every fourth keeps the night."""
    if v % 4 == 0:
        return [Window(0, 0, 1440)]
    return [Window(0, (6 + v % 5) * 60, (10 + v % 4) * 60)]


def answer(task: int, v: int) -> tuple[str, float]:
    """What volunteer `v` says to a task, and after how long: made up, but always the same."""
    lot = (task * 37 + v * 101 + 13) % 100
    said = "accepted" if lot < 28 else "declined" if lot < 70 else ""
    return said, 20.0 + (lot * 17) % 400 + lot / 100


@dataclass(frozen=True)
class Decision:
    """One plan for one task, and all that it was made from, by place in the script."""

    now: datetime
    task: int
    asked_before: tuple[int, ...]
    pending: int
    on_duty: tuple[int, ...]
    tired: tuple[float, ...]
    known: tuple[float, ...]
    ask: tuple[int, ...]
    chances: tuple[float, ...]
    look_again_at: datetime
    waiting: str
    hand_over: str


@contextmanager
def recorded(
    patch: pytest.MonkeyPatch, tasks: dict[int, int], people: dict[int, int]
) -> Iterator[list[Decision]]:
    """All decisions of :func:`policy.plan_round` while this lasts; ids are turned into places."""
    decisions: list[Decision] = []
    plan_round = policy.plan_round

    def listen(views: list[TaskView], crowd: Crowd, now: datetime, *rest: Any) -> list[Plan]:
        plans = plan_round(views, crowd, now, *rest)
        rows = [i for i in np.argsort(crowd.volunteer_id) if crowd.on_duty[i]]
        for view, plan in zip(views, plans, strict=True):
            decisions.append(Decision(
                now, tasks[view.task_id], tuple(sorted(people[v] for v in view.asked)), len(view.pending),
                tuple(people[int(crowd.volunteer_id[i])] for i in rows),
                tuple(round(float(crowd.recent_offers[i]), 6) for i in rows),
                tuple(round(float((crowd.accepts[i] - crowd.refusals[i]).sum()), 6) for i in rows),
                tuple(people[c.volunteer_id] for c in plan.ask),
                tuple(round(c.chance, 9) for c in plan.ask),
                plan.look_again_at, plan.waiting.code, plan.hand_over.code if plan.hand_over else "",
            ))  # fmt: skip
        return plans

    with patch.context() as within:
        within.setattr(policy, "plan_round", listen)
        yield decisions


def test_the_live_system_and_the_simulation_decide_the_same(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Cold, warm, in quiet hours and out of them, with everything that is learned on the way.
    settings = replace(DispatchSettings(), recheck_s=240)
    app.config["DISPATCH"] = settings
    with app.app_context():
        live = Live()
        live.run(monkeypatch)
    script = Script()
    places = {n: n for n in range(len(CALLS))}
    with recorded(monkeypatch, places, {v: v for v in range(VOLUNTEERS)}) as simulated:
        Office(script, Dispatcher(script, settings), settings).run()

    before = [d for d in simulated if d.now < moment(UNTIL)]
    by_moment = {(d.now, d.task): d for d in live.decisions}
    assert [(d.now, d.task) for d in before if (d.now, d.task) not in by_moment] == []
    for decision in before:
        assert by_moment[decision.now, decision.task] == decision
    assert len(by_moment) == len(before)
    # The script is worth replaying: waves, widening, hand-overs, joint decisions, learned chances.
    assert sum(len(d.ask) for d in before) > 40
    assert {"answers", "nobody_left"} <= {d.waiting for d in before}
    assert any(d.hand_over for d in before)
    assert len({d.now for d in before}) < len(before)
    assert len({chance for d in before for chance in d.chances}) > 20


VOLUNTEERS = 14


class Live:
    """The product's own services on a real database, with a clock of its own."""

    def __init__(self) -> None:
        with transaction() as tx:
            places = [
                Campus(code=f"c{i}", name_zh=f"{i}区", name_en=f"C{i}", reachable=True)
                for i in range(CAMPUSES)
            ]
            tx.add_all(places)
            tx.flush()
            for i, place in enumerate(places):
                for rank, j in enumerate(Script.NEIGHBOURS[i], 1):
                    tx.add(CampusNeighbour(campus_id=place.id, neighbour_id=places[j].id, rank=rank))
            operator = accounts.add(tx, "op", "赵敏", "operator", PASSWORD)
            tx.flush()
            self.operator = operator.id
            self.retirees = [
                roster.add_retiree(tx, roster.RetireeData(
                    name="王秀兰", campus_id=places[campus].id, phones=[Phone(f"+86139352{n:05}", "mobile")],
                )).id
                for n, (_, _, campus) in enumerate(CALLS)
            ]  # fmt: skip
            self.people = [
                roster.add_volunteer(tx, roster.VolunteerData(
                    name="李伟", phone=f"+86136352{v:05}", campus_id=places[v % CAMPUSES].id,
                    windows=duty(v), night_ok=v % 4 != 3,
                )).id
                for v in range(VOLUNTEERS)
            ]  # fmt: skip
        self.tasks: dict[int, int] = {}
        self.places = {volunteer_id: v for v, volunteer_id in enumerate(self.people)}
        self.events: list[tuple[float, int, int, Any]] = []
        self.decisions: list[Decision] = []
        self.handed_back = False

    def run(self, patch: pytest.MonkeyPatch) -> None:
        """Until the end of the morning, from one moment at which something happens to the next."""
        for n, (hour, _, _) in enumerate(CALLS):
            self._at(hour * HOUR, self._call, n)
        with recorded(patch, self.tasks, self.places) as self.decisions:
            while (now := self._next()) < UNTIL:
                while self.events and self.events[0][0] <= now:
                    _, _, _, (act, *subject) = heapq.heappop(self.events)
                    act(*subject, now)
                offers = self._offers()
                while due := dispatching.due(moment(now)):
                    dispatching.look(due[0], moment(now))
                self._send(now)
                for task, v in self._offers() - offers:
                    said, delay = answer(task, v)
                    if said:
                        self._at(now + delay, self._answer, task, v, said)

    def _at(self, when: float, act: Any, *subject: Any) -> None:
        heapq.heappush(self.events, (when, len(self.events), id(subject), (act, *subject)))

    def _next(self) -> float:
        db.session.rollback()
        first = db.session.scalar(select(func.min(Task.look_again_at)).where(Task.state == "open"))
        looks = [(first - moment(0)).total_seconds()] if first is not None else []
        return min([*looks, *(when for when, *_ in self.events[:1])], default=UNTIL)

    def _offers(self) -> set[tuple[int, int]]:
        db.session.rollback()
        rows = db.session.execute(select(Offer.task_id, Offer.volunteer_id))
        return {(self.tasks[task_id], self.places[volunteer_id]) for task_id, volunteer_id in rows}

    def _send(self, now: float) -> None:
        """The SMS of new offers leave at once."""
        with transaction() as tx:
            for offer in tx.scalars(select(Offer).where(Offer.state == "queued")):
                move(tx, offer, OfferState.SENT, sent_at=moment(now))

    def _call(self, n: int, now: float) -> None:
        _, category, _ = CALLS[n]
        wanted = Wanted(category, URGENCY_OF[category], None)
        operator = db.session.get_one(Staff, self.operator)
        intake.save(Call(f"call {n}", [wanted], self.retirees[n]), operator, moment(now))
        task = db.session.query(Task).filter_by(retiree_id=self.retirees[n]).one()
        self.tasks[task.id] = n

    def _answer(self, n: int, v: int, said: str, now: float) -> None:
        with transaction() as tx:
            task, volunteer = self._task(n), tx.get_one(Volunteer, self.people[v])
            if said == "declined":
                if task.state == "open":
                    responding.decline(tx, task, volunteer, "", "", moment(now))
                return
            if responding.accept(tx, task, volunteer, moment(now)) is not responding.Answer.YOURS:
                return
        if n == HANDED_BACK and not self.handed_back:
            self.handed_back = True
            self._at(now + Script.HANDED_BACK_AFTER_S, self._end, n, v, progress.hand_back, ("", ""))
        else:
            self._at(now + SERVICE_S, self._end, n, v, progress.delivered, ())

    def _end(self, n: int, v: int, step: Any, words: tuple[str, ...], now: float) -> None:
        with transaction() as tx:
            step(tx, self._task(n), tx.get_one(Volunteer, self.people[v]), *words, moment(now))

    def _task(self, n: int) -> Task:
        return db.session.query(Task).join(Retiree).filter(Retiree.id == self.retirees[n]).one()


class Script(World):
    """The same morning as a world of the simulation."""

    NEIGHBOURS = [(1,), (0, 2), (1,)]
    HANDED_BACK_AFTER_S = 60 + 840 * 0.5

    def __init__(self) -> None:
        mask = np.zeros((QUARTERS_A_WEEK, VOLUNTEERS), dtype=np.bool_)
        for v in range(VOLUNTEERS):
            for window in duty(v):
                mask[
                    window.weekday * 96 + window.start_min // 15 : window.weekday * 96 + window.end_min // 15,
                    v,
                ] = True
        nothing = np.zeros(VOLUNTEERS)
        everybody = np.arange(VOLUNTEERS)
        volunteers = Volunteers(
            campus=everybody % CAMPUSES, place=np.zeros((VOLUNTEERS, 2)), duty=mask,
            agreed_urgent=everybody % 4 != 3, capacity=np.full(VOLUNTEERS, 2), skill=nothing,
            category=np.zeros((VOLUNTEERS, 3)), hour_size=nothing, hour_peak=nothing, speed=nothing + 1,
        )  # fmt: skip
        scenario = Scenario(tasks_per_day=0, days=1, campuses=(0.4, 0.3, 0.3), fatigue="none", handback=0.02)
        super().__init__(1, scenario, volunteers)
        self.needs = [
            Need(n, hour * HOUR, campus, (0.0, 0.0), category)
            for n, (hour, category, campus) in enumerate(CALLS)
        ]

    @property
    def neighbours(self) -> list[tuple[int, ...]]:
        return self.NEIGHBOURS

    def readiness(self, need: Need, at: float) -> Any:
        return np.array(
            [1000.0 if answer(need.task_id, v)[0] == "accepted" else -700.0 for v in range(VOLUNTEERS)]
        )

    def draws(self, need: Need) -> Draws:
        said = [answer(need.task_id, v) for v in range(VOLUNTEERS)]
        back = np.full(VOLUNTEERS, 0.01 if need.task_id == HANDED_BACK else 1.0)
        return Draws(
            accepts=np.full(VOLUNTEERS, 0.5),
            speaks=np.array([0.0 if word == "declined" else 1.0 for word, _ in said]),
            delay=np.array([delay for _, delay in said]),
            handback=back, service=SERVICE_S, coordinator_s=FOUND_S,
        )  # fmt: skip
