"""What is read at every call, tap and look is found by an index, however much has been done before."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, text

from dispatcher.database import db
from dispatcher.models import Message, Task
from dispatcher.services import board, dispatching, health, inbound, messaging, search, sweeping
from tests.integration.conftest import People, RecordingGateway, now, receive, save_call

BIG = ("task", "offer", "assignment", "message", "message_receipt", "event", "help_request", "reply_code",
       "link_token", "volunteer", "duty_window", "retiree", "retiree_phone", "search_key", "acceptance",
       "attention")  # fmt: skip
"""Tables that grow with the scheme and with time. The others hold a few rows."""

Statement = tuple[str, Any]


@contextmanager
def statements() -> Iterator[list[Statement]]:
    """Every statement that is run while this lasts, with its parameters."""
    seen: list[Statement] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE")):
            seen.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def full_scans(statement: Statement) -> list[str]:
    """The big tables that the database would read from end to end to answer `statement`."""
    said, parameters = statement
    first = parameters[0] if isinstance(parameters, list) else parameters
    sqlite = db.engine.dialect.name == "sqlite"
    with db.engine.connect() as connection:
        if not sqlite:
            # On a table of ten rows reading all of them is right: would an index serve if it were large?
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        plan = connection.exec_driver_sql(f"EXPLAIN {'QUERY PLAN ' if sqlite else ''}{said}", first)
        steps = [str(row[-1] if sqlite else row[0]).strip().removeprefix("->").strip() for row in plan]
    if sqlite and "LIMIT" in said and not any("TEMP B-TREE FOR ORDER BY" in step for step in steps):
        return []  # read in the order wanted, and no further than to the limit
    mark = "SCAN " if sqlite else "Seq Scan on "
    scanned = [step.removeprefix(mark).split()[0] for step in steps if step.startswith(mark)]
    # An index read from end to end is no better.
    return [table for table in scanned if table in BIG]


def _prepare(people: People) -> dict[str, Any]:
    """A call under way: offers are out, one has been accepted."""
    save_call(people, "k", category="urgent", urgency="urgent")
    task_id = db.session.scalars(db.select(Task.id)).one()
    dispatching.look(task_id, now())
    return {"task_id": task_id}


def _save(people: People, _known: dict[str, Any]) -> None:
    save_call(people, "another", category="groceries")


def _card(people: People, _known: dict[str, Any]) -> None:
    search.card(db.session(), people.retiree)
    search.find(db.session(), "139352")
    search.find(db.session(), "wangx")


def _look(_people: People, known: dict[str, Any]) -> None:
    dispatching.due(now())
    dispatching.look(known["task_id"], now().replace(year=now().year + 1))


def _send(_people: People, _known: dict[str, Any]) -> None:
    gateway = RecordingGateway()
    for message_id in db.session.scalars(db.select(Message.id).where(Message.id > 0)).all():
        messaging.send(message_id, gateway)
        receive(message_id, f"SM{message_id}", "delivered", {}, now())
    sweeping.sweep(now().replace(year=now().year + 1))


def _reply(_people: People, _known: dict[str, Any]) -> None:
    inbound.receive("SMin", "+8613635200000", "11", "", now())


def _board(_people: People, known: dict[str, Any]) -> None:
    board.overview(db.session(), board.Filter(), now())
    board.detail(db.session(), known["task_id"], now())
    health.check(now())


@pytest.mark.parametrize("path", [_save, _card, _look, _send, _reply, _board])
def test_no_hot_path_reads_a_table_from_end_to_end(
    app: Flask, people: People, path: Callable[[People, dict[str, Any]], None]
) -> None:
    with app.app_context():
        known = _prepare(people)
        with statements() as seen:
            path(people, known)
        assert seen
        found = {(table, said[:300]) for said, parameters in seen for table in full_scans((said, parameters))}
        assert found == set()
