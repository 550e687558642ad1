"""Figures of hand-made histories whose answers are known, on both databases."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from dispatcher.database import db, transaction
from dispatcher.models import Assignment, Event, HelpRequest, Message, Task
from dispatcher.rules.period import Period
from dispatcher.rules.settings import DispatchSettings
from dispatcher.services import figures as counted
from dispatcher.services.figures import Endings, Figures
from tests.integration.conftest import People
from tests.integration.test_hot_paths import full_scans, pretend_to_be_large, statements

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = date(2026, 11, 3)
NOON = datetime(2026, 11, 3, 4, 0, tzinfo=UTC)  # 12:00 in Shanghai
NOW = NOON + timedelta(days=2)
PERIOD = Period(DAY, DAY)
MINUTE = timedelta(minutes=1)


class Past:
    """Writes down what has happened."""

    def __init__(self, tx: Session, people: People) -> None:
        self.tx, self.people = tx, people
        self.number = 0

    def request(self, at: datetime, retiree: int | None = None) -> HelpRequest:
        self.number += 1
        made = HelpRequest(
            retiree_id=retiree or self.people.retiree, form_key=f"past-{self.number}", created_at=at
        )
        self.tx.add(made)
        self.tx.flush()
        return made

    def task(self, at: datetime = NOON, retiree: int | None = None, **given: object) -> Task:
        request = self.request(at, retiree)
        values = {
            "category": "groceries", "urgency": "routine", "state": "closed", "campus_id": 1,
            "code_word": "青松", "opened_at": at, "ended_at": None,
        } | given  # fmt: skip
        made = Task(request_id=request.id, retiree_id=request.retiree_id, created_at=at, **values)
        self.tx.add(made)
        self.tx.flush()
        return made

    def held(self, task: Task, after: timedelta, by: int = 0, end: str = "closed") -> None:
        self.tx.add(
            Assignment(
                task_id=task.id, volunteer_id=self.people.volunteers[by], created_at=task.created_at + after,
                ended_at=NOW if end else None, end_reason=end,
            )
        )  # fmt: skip

    def closed_by_hand(self, task: Task) -> None:
        self.tx.add(Event(at=NOW, kind="closed", actor="staff", task_id=task.id))

    def sms(self, state: str, at: datetime = NOON, code: str = "", direction: str = "out") -> None:
        self.tx.add(
            Message(direction=direction, kind="offer", phone="+8613635200000", state=state, created_at=at,
                    error_code=code)
        )  # fmt: skip


def figures(period: Period = PERIOD, zone: ZoneInfo = SHANGHAI) -> Figures:
    return counted.of(db.session(), period, NOW, zone, DispatchSettings())


def test_requests_are_counted_by_local_hour_and_by_campus(app: Flask, people: People) -> None:
    with app.app_context():
        with transaction() as tx:
            past = Past(tx, people)
            midnight = datetime(2026, 11, 2, 16, 0, tzinfo=UTC)
            for at in (
                midnight - timedelta(microseconds=1),  # still the second
                midnight, midnight + timedelta(minutes=59, seconds=59, microseconds=999_999),
                NOON, midnight + timedelta(hours=24, microseconds=-1),
                midnight + timedelta(hours=24),  # already the fourth
            ):  # fmt: skip
                past.request(at)
            past.request(NOON, people.remote)
        found = figures()
        assert {hour: n for hour, n in enumerate(found.hours) if n} == {0: 2, 12: 2, 23: 1}
        assert [(at.names.get("en"), at.requests) for at in found.campuses] == [
            ("Yingze campus", 4), ("Wucheng campus", 0), (None, 1),
        ]  # fmt: skip
        half_hours = figures(zone=ZoneInfo("Asia/Kolkata"))  # its third began at 18:30 UTC
        assert {hour: n for hour, n in enumerate(half_hours.hours) if n} == {9: 2, 21: 2}


def test_where_clocks_are_changed_hours_are_those_that_people_read(app: Flask, people: People) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    with app.app_context():
        with transaction() as tx:
            past = Past(tx, people)
            for utc_hour in (22, 23, 24, 25, 26, 47, 48):  # from 2026-10-24; clocks go back at 25:00
                past.request(datetime(2026, 10, 24, tzinfo=UTC) + timedelta(hours=utc_hour))
        found = figures(Period(date(2026, 10, 25), date(2026, 10, 25)), berlin)
        assert {hour: n for hour, n in enumerate(found.hours) if n} == {0: 1, 1: 1, 2: 2, 3: 1}
        assert figures(Period(date(2026, 10, 24), date(2026, 10, 26)), berlin).hours[:2] == [2, 2]


def test_times_to_accept_and_to_deliver_against_what_is_aimed_at(app: Flask, people: People) -> None:
    with app.app_context():
        with transaction() as tx:
            past = Past(tx, people)
            # Urgent: accepted within 4 min is in time. Ten: 1, 2, … 10 min; of those four are in time.
            for minutes in range(1, 11):
                task = past.task(category="urgent", urgency="soon", ended_at=NOW)
                past.held(task, minutes * MINUTE)
                task.delivered_at = task.created_at + (minutes + 10) * MINUTE
            # Handed back and taken again: the first yes counts.
            again = past.task(category="medicine", ended_at=NOW)
            past.held(again, 5 * MINUTE, end="handed_back")
            past.held(again, 90 * MINUTE, by=1)
            past.task(urgency="soon", state="open")  # nobody for two days
            past.task(urgency="soon", state="cancelled", ended_at=NOON + 10 * MINUTE)  # too early to say
            past.task(remote=True, campus_id=3)  # no volunteer is asked
            # The retiree named a time: that is the aim, be it sooner or later.
            late = past.task(due_by=NOON + 30 * MINUTE, delivered_at=NOON + 31 * MINUTE)
            good = past.task(due_by=NOON + timedelta(hours=20), delivered_at=NOON + timedelta(hours=19.99))
            for task in (late, good):
                past.held(task, timedelta(seconds=3599))
            past.task(state="open", due_by=NOW + MINUTE)
        found = figures()
        urgent = found.accepting["urgent"]
        assert (urgent.in_time, urgent.late, urgent.missing, urgent.undecided) == (4, 6, 0, 0)
        assert (urgent.aim_s, urgent.median_s, urgent.p90_s, urgent.share) == (240, 300, 540, 0.4)
        soon = found.accepting["soon"]
        assert (soon.in_time, soon.late, soon.missing, soon.undecided) == (1, 0, 1, 1)
        assert (soon.median_s, soon.share) == (300, 0.5)
        assert found.accepting["routine"].median_s == 3599

        done = found.delivering["urgent"]  # 4 min to accept and 15 to be heard of
        assert (done.aim_s, done.in_time, done.late, done.median_s) == (1140, 9, 1, 15 * 60)
        routine = found.delivering["routine"]
        assert (routine.in_time, routine.late, routine.missing, routine.undecided) == (1, 1, 0, 1)
        assert routine.p90_s == 71_964 // 60 * 60 + 60  # beyond an hour by the minute, rounded up
        medicine = found.delivering["soon"]
        assert (medicine.done, medicine.missing, medicine.undecided) == (0, 1, 2)


def test_how_tasks_were_settled_and_how_they_were_spread(app: Flask, people: People) -> None:
    with app.app_context():
        with transaction() as tx:
            past = Past(tx, people)
            for _ in range(3):
                past.held(past.task(), MINUTE)
            by_hand = past.task()
            past.closed_by_hand(by_hand)
            past.held(by_hand, MINUTE, by=1, end="handed_back")
            past.held(by_hand, 2 * MINUTE, by=2, end="handed_back")
            past.held(by_hand, 3 * MINUTE, by=1)
            past.closed_by_hand(past.task(remote=True))
            past.task(state="cancelled")
            held = past.task(state="underway")
            past.held(held, MINUTE, by=1, end="")
            past.task(NOON - timedelta(days=1))  # another day's
        found = figures()
        assert found.endings == Endings(
            by_retiree=3, by_coordinator=1, by_phone=1, cancelled=1, still_open=1, handed_back=1, times=2
        )
        assert found.endings.total == 7
        loads = found.loads
        assert (loads.spread, loads.idle, loads.volunteers, loads.tasks) == ([(2, 1), (3, 1)], 1, 2, 5)
        assert [(name, tasks) for _, name, tasks in loads.most] == [("李伟", 3), ("赵强", 2)]


def test_what_became_of_sms_by_day_and_by_code(app: Flask, people: People) -> None:
    with app.app_context():
        with transaction() as tx:
            past = Past(tx, people)
            past.sms("delivered", code="429")  # refused at first, delivered in the end
            past.sms("delivered", NOON + timedelta(days=1))
            for code in ("30003", "30006", "30006"):
                past.sms("undelivered", code=code)
            past.sms("failed", code="21211")
            past.sms("failed", code="not_needed")
            past.sms("unknown")
            past.sms("sent")
            past.sms("received", direction="in")
        sms = figures(Period(DAY, DAY + timedelta(days=2))).sms
        assert (sms.delivered, sms.lost, sms.unknown, sms.on_the_way, sms.not_needed) == (2, 4, 1, 1, 1)
        assert sms.codes == [("30006", 2), ("21211", 1), ("30003", 1)]
        assert [(d.day.day, d.delivered, d.lost, d.open) for d in sms.days] == [
            (3, 1, 4, 2), (4, 1, 0, 0), (5, 0, 0, 0),
        ]  # fmt: skip
        assert sms.share == pytest.approx(2 / 6)


def test_nothing_happened(app: Flask, people: People) -> None:
    with app.app_context():
        found = figures()
        assert (sum(found.hours), found.endings.total, found.loads.spread) == (0, 0, [])
        assert (found.loads.idle, found.sms.share, found.accepting["urgent"].share) == (3, None, None)
        assert found.accepting["urgent"].median_s is None


def test_the_period_is_found_by_an_index_however_much_happened_before(app: Flask, people: People) -> None:
    with app.app_context():
        with transaction() as tx:
            Past(tx, people).task()
        if db.engine.dialect.name == "sqlite":
            pretend_to_be_large()
        with statements() as seen:
            figures()
        assert len(seen) >= 9
        scans = {(table, said[:200]) for said, given in seen for table in full_scans((said, given))}
        # Whoever has carried nothing is on the roster only.
        assert {table for table, _ in scans} <= {"volunteer"}, scans
