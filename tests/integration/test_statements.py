"""A page costs as many statements with thirty rows as with three."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from dispatcher.database import db, transaction
from dispatcher.models import (
    Assignment,
    Attention,
    Draft,
    Event,
    HelpRequest,
    LinkToken,
    Message,
    Offer,
    ReturnCall,
    ShiftNote,
    Task,
)
from dispatcher.rules.phones import Phone
from dispatcher.services import roster, tokens
from tests.integration.conftest import ALL_WEEK, PASSWORD, People, now

TOKEN = "Ab3dEf5hJk7m"
TASK_TOKEN = "Cd3dEf5hJk7m"
FEW, MANY = 3, 30

PAGES = (
    "/board", "/board?view=lanes", "/board?state=attention", "/board/rows", "/board/wall", "/board/paper",
    "/board/tasks/{busy}", "/board/tasks/{busy}/live", "/board/tasks/{over}", "/board/tasks/{over}/live",
    "/board/volunteers", "/board/volunteers?q=李", "/board/volunteers/{volunteer}", "/board/figures",
    "/board/figures/tasks.csv", "/board/figures/hours.csv", "/hotline", "/hotline/handover", "/hotline/mine",
    "/hotline/calls", "/hotline/calls/list", "/hotline/drafts", "/hotline/find?q=王", "/hotline/find?q=李",
    "/hotline/matches?q=王", "/hotline/people/{retiree}", "/office/texts", "/v/{token}", "/o/{task_token}",
    "/o/{task_token}/stage",
)  # fmt: skip


class Growing:
    """A database in which there is more and more of everything."""

    def __init__(self, people: People) -> None:
        self.people, self.count = people, 0
        self.busy = self.over = 0

    def begin(self, tx: Session) -> None:
        at = now()
        self.busy = self._task(tx, self.people.retiree, "open", at).id
        self.over = self._task(tx, self.people.retiree, "closed", at).id
        mine = self.people.volunteers[0]
        for token, task_id in ((TOKEN, None), (TASK_TOKEN, self.busy)):
            tx.add(
                LinkToken(
                    token_hash=tokens.digest(token), task_id=task_id, volunteer_id=mine, created_at=at,
                    expires_at=at + timedelta(days=1),
                )
            )  # fmt: skip
        tx.add(self._offer(self.busy, mine, at, "sent"))

    def grow(self, tx: Session, to: int) -> None:
        """As much more of everything, so that there is `to` of it."""
        while self.count < to:
            self.count += 1
            self._more(tx, self.count, now())

    def _more(self, tx: Session, n: int, at: datetime) -> None:
        helper = roster.add_volunteer(
            tx,
            roster.VolunteerData(
                name=f"李{n}", phone=f"+861363521{n:04}", campus_id=1, windows=ALL_WEEK, night_ok=True
            ),
        )
        elder = roster.add_retiree(
            tx,
            roster.RetireeData(
                name=f"王{n}", campus_id=1, phones=[Phone(f"+861393521{n:04}", "mobile")], area="东区",
                address=f"3号楼2单元{n}", sex="f",
            ),
        )  # fmt: skip
        tx.flush()
        mine = self.people.volunteers[0]
        for task_id in (self.busy, self.over):
            tx.add(self._offer(task_id, helper.id, at, "expired"))
            tx.add(
                Assignment(
                    task_id=task_id, volunteer_id=helper.id, by_staff_id=self.people.coordinator,
                    created_at=at, ended_at=at, end_reason="handed_back",
                )
            )  # fmt: skip
            tx.add(
                Message(
                    direction="in", kind="reply", phone=helper.phone, state="received", body="好",
                    task_id=task_id, volunteer_id=helper.id, created_at=at,
                )
            )  # fmt: skip
            tx.add(Event(at=at, kind="note", actor="staff", actor_name="钱宁", task_id=task_id, params={}))
        looking = self._task(tx, elder.id, "open", at, due_by=at + timedelta(minutes=30))
        tx.add_all(
            [self._offer(looking.id, helper.id, at, "expired"), self._offer(looking.id, mine, at, "sent")]
        )
        held = self._task(tx, elder.id, "assigned", at, category="groceries")
        tx.add(Assignment(task_id=held.id, volunteer_id=mine, created_at=at))
        done = self._task(tx, self.people.retiree, "closed", at, ended_at=at, delivered_at=at)
        tx.add(
            Assignment(task_id=done.id, volunteer_id=mine, created_at=at, ended_at=at, end_reason="closed")
        )
        for reason, about in (
            ("too_long", {"task_id": looking.id, "retiree_id": elder.id}),
            ("overdue", {"task_id": held.id}),
            ("call_retiree", {"task_id": done.id, "retiree_id": elder.id}),
            ("stopped", {"volunteer_id": helper.id}),
            ("retiree_problem", {"task_id": self.busy, "retiree_id": elder.id}),
        ):
            tx.add(
                Attention(
                    reason=reason, subject=f"{reason}:{n}", params={}, raised_at=at,
                    claimed_by_id=self.people.coordinator if n % 2 else None, **about,
                )
            )  # fmt: skip
        tx.add(
            Message(
                direction="out", kind="received", phone=f"+861393521{n:04}", state="failed",
                error_code="30003",
                task_id=held.id, retiree_id=elder.id, created_at=at,
                params={
                    "retiree": {"name": elder.name, "title": "老师", "sex": "f"}, "hotline": "0351-7010000",
                    "categories": ["medicine"],
                },
            )
        )  # fmt: skip
        operator = self.people.operator
        tx.add(ReturnCall(
            retiree_id=elder.id, name=elder.name, phone="+8613935200001", due_at=at, created_at=at,
            created_by_id=operator,
        ))  # fmt: skip
        tx.add(ShiftNote(staff_id=operator, at=at, text=f"话{n}"))
        tx.add(Draft(operator_id=self.people.coordinator, form_key=f"d{n}", retiree_id=elder.id,
                     typed='[["notes","x"]]', created_at=at, seen_at=at))  # fmt: skip

    def _task(self, tx: Session, retiree_id: int, state: str, at: datetime, **given: object) -> Task:
        request = HelpRequest(
            retiree_id=retiree_id, operator_id=self.people.coordinator, created_at=at,
            form_key=f"{self.count}-{state}-{len(given)}-{retiree_id}",
        )  # fmt: skip
        tx.add(request)
        tx.flush()
        values = {"category": "medicine", "urgency": "soon", "campus_id": 1, "code_word": "青松"} | given
        made = Task(
            request_id=request.id, retiree_id=retiree_id, state=state, created_at=at, opened_at=at, **values
        )
        tx.add(made)
        tx.flush()
        return made

    def _offer(self, task_id: int, volunteer_id: int, at: datetime, state: str) -> Offer:
        return Offer(
            task_id=task_id, volunteer_id=volunteer_id, wave=1, ring=0, chance=0.5, why=[], state=state,
            created_at=at, expires_at=at + timedelta(hours=1),
        )  # fmt: skip


@contextmanager
def _counted(engine: Engine) -> Iterator[list[str]]:
    """The statements that are run while this lasts."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def _costs(app: Flask, client: FlaskClient, paths: list[str]) -> dict[str, int]:
    """How many statements each page costs. No application context is open meanwhile: pages in one would
    share a session, and what one has read would cost the next nothing."""
    with app.app_context():
        engine = db.engine
    found = {}
    for path in paths:
        assert client.get(path).status_code == 200, path  # once before: what is kept for a while is known
        with _counted(engine) as seen:
            client.get(path)
        found[path] = len(seen)
    return found


@pytest.mark.parametrize("username", ["co", "op"])
def test_a_page_costs_no_more_with_thirty_rows_than_with_three(
    app: Flask, people: People, username: str
) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    client.post("/login", data={"username": username, "password": PASSWORD})
    growing = Growing(people)
    with app.app_context():
        with transaction() as tx:
            growing.begin(tx)
            growing.grow(tx, FEW)
        known = {
            "busy": growing.busy, "over": growing.over, "volunteer": people.volunteers[0], "token": TOKEN,
            "task_token": TASK_TOKEN, "retiree": people.retiree,
        }  # fmt: skip
        paths = [path.format(**known) for path in PAGES]
    paths = [path for path in paths if client.get(path).status_code == 200]
    assert len(paths) >= 24
    few = _costs(app, client, paths)
    with app.app_context(), transaction() as tx:
        growing.grow(tx, MANY)
    many = _costs(app, client, paths)
    dearer = {path: (few[path], many[path]) for path in paths if many[path] > few[path] + 1}
    assert not dearer
    assert max(many.values()) <= 35, many
