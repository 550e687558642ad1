"""An office over hours of simulated time: jobs are done in this process, and the gateway says what a test
wants."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from dispatcher.broker import WakeUp
from dispatcher.database import db, transaction
from dispatcher.models import Attention, Campus, Message, Staff, Task, Volunteer
from dispatcher.rules.phones import Phone
from dispatcher.services import (
    dispatching,
    intake,
    messaging,
    receipts,
    roster,
    settling,
    sweeping,
)
from dispatcher.services.intake import Call, Wanted
from dispatcher.sms.gateway import Accepted, Carried, Incoming, Outcome
from tests.integration.conftest import ALL_WEEK, People

NOON = datetime(2026, 11, 30, 4, 0, tzinfo=UTC)
"""12:00 in Taiyuan, a Monday."""


@dataclass
class Gateway:
    """Says of each message what `says` says, by its number; otherwise it takes it. `lists`: what it says that
    it has carried."""

    says: Callable[[str], Outcome | None] = lambda _to: None
    lists: Callable[[], list[Carried] | None] = list
    name: str = "office"
    tried: list[tuple[datetime, str, int]] = field(default_factory=list)
    taken: list[tuple[str, int]] = field(default_factory=list)
    clock: Callable[[], datetime] = lambda: NOON

    def send(self, to: str, _body: str, message_id: int) -> Outcome:
        self.tried.append((self.clock(), to, message_id))
        outcome = self.says(to)
        if outcome is None:
            self.taken.append((to, message_id))
            outcome = Accepted(f"SM{message_id}")
        return outcome

    def sent_to(self, _to: str, _since: datetime) -> list[Carried] | None:
        return self.lists()

    def received_since(self, _since: datetime) -> list[Incoming] | None:
        return []


class Office:
    """The workers of an application, and its clock."""

    def __init__(self, app: Flask, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
        self.app, self.people, self.at = app, people, NOON
        self.gateway = Gateway(clock=lambda: self.at)
        self._jobs: list[WakeUp] = []
        app.extensions["publisher"] = self
        for module in (messaging, settling, dispatching, receipts):
            monkeypatch.setattr(module, "utcnow", lambda: self.at)
        monkeypatch.setattr(dispatching._breath, "take", lambda: None)

    def publish(self, wakeups: list[WakeUp]) -> None:
        """As the broker's publisher: here, jobs are kept until :meth:`work`."""
        self._jobs += wakeups

    def work(self) -> None:
        """Do the jobs that were noted, and those that they note."""
        while self._jobs:
            job = self._jobs.pop(0)
            if job.job == "send":
                messaging.send(job.row_id, self.gateway)
            elif job.job == "settle":
                settling.settle(job.row_id, self.gateway)
            else:
                dispatching.look(job.row_id, self.at)

    def run(self, seconds: float, step_s: float = 5.0) -> None:
        """Let time pass, with a tick and a sweep each step."""
        until = self.at + timedelta(seconds=seconds)
        while self.at < until:
            self.at += timedelta(seconds=step_s)
            for task_id in dispatching.due(self.at):
                dispatching.look(task_id, self.at)
            sweeping.sweep(self.at)
            self.work()

    def call(self, key: str, retiree: int | None = None, **wanted: Any) -> int:
        """Take a call; the id of its task."""
        given = {"category": "medicine", "urgency": "soon", "due_by": None} | wanted
        call = Call(form_key=key, wanted=[Wanted(**given)], retiree_id=retiree or self.people.retiree)
        request_id = intake.save(call, db.session.get_one(Staff, self.people.operator), self.at)

        return db.session.scalars(select(Task.id).where(Task.request_id == request_id)).one()

    def retiree(self, number: str, kind: str = "mobile") -> int:
        """One more retiree of the home campus."""
        with transaction() as tx:
            home = tx.scalars(select(Campus).where(Campus.code == "home")).one()
            person = roster.add_retiree(
                tx,
                roster.RetireeData(
                    name="陈桂英", campus_id=home.id, phones=[Phone(number, kind)], area="西区",
                    address="5号楼101", sex="f",
                ),
            )  # fmt: skip
            tx.flush()
            return person.id

    def volunteer(self, number: str, campus: str = "home") -> int:
        """One more volunteer, always on duty."""
        with transaction() as tx:
            place = tx.scalars(select(Campus).where(Campus.code == campus)).one()
            person = roster.add_volunteer(
                tx,
                roster.VolunteerData(
                    name="周海", phone=number, campus_id=place.id, windows=ALL_WEEK, night_ok=True
                ),
            )
            tx.flush()
            return person.id

    def states(self, kind: str) -> list[str]:
        """States of the messages of a kind, oldest first."""
        db.session.rollback()
        return list(
            db.session.scalars(select(Message.state).where(Message.kind == kind).order_by(Message.id))
        )

    def standing(self, reason: str = "") -> list[Attention]:
        """Attention that stands."""
        db.session.rollback()
        found = db.session.scalars(select(Attention).where(Attention.resolved_at.is_(None))).all()
        return [item for item in found if not reason or item.reason == reason]

    def raised(self, reason: str) -> list[Attention]:
        """Attention that was ever raised."""
        db.session.rollback()
        return list(db.session.scalars(select(Attention).where(Attention.reason == reason)))

    def volunteers(self) -> list[Volunteer]:
        db.session.rollback()
        return list(db.session.scalars(select(Volunteer).order_by(Volunteer.id)))
