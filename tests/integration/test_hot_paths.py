"""What is read at every call, tap and look is found by an index, however much has been done before."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, inspect, text

from dispatcher.database import db, transaction
from dispatcher.models import Attention, Campus, Message, Staff, Task
from dispatcher.services import (
    attention,
    board,
    coordinating,
    dispatching,
    handover,
    health,
    inbound,
    loose_texts,
    messaging,
    own_page,
    photos,
    search,
    standing,
    sweeping,
    volunteering,
)
from dispatcher.services import people as volunteers
from dispatcher.services.coordinating import Edit
from dispatcher.sms.gateway import Incoming
from tests.integration.conftest import People, RecordingGateway, now, receive, save_call

BIG = ("task", "offer", "assignment", "message", "message_receipt", "event", "help_request", "reply_code",
       "link_token", "volunteer", "volunteer_key", "duty_window", "retiree", "retiree_phone", "search_key",
       "acceptance", "attention", "receipt_photo")  # fmt: skip
"""Tables that grow with the scheme and with time. The others hold a few rows."""

PAST = ("task", "offer", "assignment", "message", "message_receipt", "event", "help_request", "attention",
        "receipt_photo")  # fmt: skip
"""Those that grow with time."""

FEW = {"state": 2, "weekday": 7, "start_min": 20, "end_min": 20, "campus_id": 200, "kind": 20, "active": 1,
       "last_asked_at": 1000, "look_again_at": 1000, "wake_at": 1000}  # fmt: skip
"""How many different values a column has, where they are few."""

TO_THE_LIMIT = ("USING INDEX ix_volunteer_rested_sqlite",)
"""Read in a part of a statement, in order and only as far as so many have been found."""

Statement = tuple[str, Any]


@contextmanager
def statements() -> Iterator[list[Statement]]:
    """Every statement that is run while this lasts, with its parameters."""
    seen: list[Statement] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if statement.startswith(("SELECT", "WITH", "UPDATE", "DELETE")):
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
    mark = "SCAN " if sqlite else "Seq Scan on "
    scans = [step.removeprefix(mark) for step in steps if step.startswith(mark)]
    if sqlite and "LIMIT" in said:
        # An index read from end to end is no better, unless in the order wanted and to the limit only.
        scans = [scan for scan in scans if not scan.endswith(TO_THE_LIMIT)]
        sorts = any("TEMP B-TREE FOR ORDER BY" in step for step in steps)
        if "ORDER BY" in said and not sorts and said.startswith("SELECT"):
            return []
    named = {re.sub(r"_\d+$", "", scan.split()[0]) for scan in scans}  # it may have an alias
    return sorted(named & {*BIG})


def pretend_to_be_large() -> None:
    """Let SQLite plan as for a million closed tasks and 100,000 volunteers: by statistics that say so.

    They have, for each index, the rows of its table, and to how many of them its first column, its first
    two, … come down.
    """
    with db.engine.begin() as connection:
        connection.execute(text("ANALYZE"))  # makes the table of statistics
        connection.execute(text("DELETE FROM sqlite_stat1"))
        for table in BIG:
            for index in inspect(connection).get_indexes(table):
                now_only = table in PAST and "sqlite_where" in index.get("dialect_options", {})
                left = 5_000 if now_only else 2_000_000 if table in PAST else 100_000
                figures = [left]
                for column in index["column_names"]:
                    left = max(1, left // FEW.get(str(column), 100_000))
                    figures.append(left)
                connection.execute(
                    text("INSERT INTO sqlite_stat1 VALUES (:table, :index, :figures)"),
                    {"table": table, "index": index["name"], "figures": " ".join(map(str, figures))},
                )
        connection.execute(text("ANALYZE sqlite_schema"))  # has them read
    db.engine.dispose()


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
    inbound.receive(Incoming("SMin", "+8613635200000", "11"), now())


def _loose_texts(people: People, known: dict[str, Any]) -> None:
    """What nothing can be done with: of a retiree, a volunteer who holds something, strangers; thanks; their
    page, and several dismissed at once."""
    coordinator = db.session.get_one(Staff, people.coordinator)
    coordinating.assign(Edit(known["task_id"], coordinator, 2**31 - 1, now()), people.volunteers[0])
    phones = ("+8613935200001", "+8613635200000", "+8615035100001", "whatsapp:+8613935200001")
    for number, phone in enumerate(phones):
        for again, words in enumerate(("喂？", "我摔倒了", "谢谢")):
            inbound.receive(Incoming(f"SM{number}-{again}", phone, words), now())
    handover.overview(db.session(), now())
    for of_strangers in (False, True):
        found = standing.texts(db.session(), of_strangers, 1).items
        loose_texts.dismiss({item.id: item.message_id or 0 for item in found}, coordinator, now())


def _own_page(people: People, known: dict[str, Any]) -> None:
    """What a volunteer reads and does: their own page, a task of theirs, being free, asking for the link."""
    inbound.receive(Incoming("SMown", "+8613635200000", "我的"), now())
    gateway = RecordingGateway()
    sent_to = Message.phone == "+8613635200000"
    for message_id in db.session.scalars(db.select(Message.id).where(sent_to, Message.kind == "your_page")):
        messaging.send(message_id, gateway)
        break
    token = gateway.sent[0][1].split("/v/")[1][:12]
    own_page.page(token, now())
    own_page.free(token, 2, now())
    for step in ("accept", "later", "problem", "underway", "delivered", "undo", "receipt", "page"):
        volunteering.page(token, now(), task_id=known["task_id"])
        volunteering.answer(token, step, now(), reason="not_home", task_id=known["task_id"])
    photos.jpeg(db.session(), known["task_id"], 1)
    own_page.page(token, now())
    own_page.links_lost(people.volunteers[0], db.session.get_one(Staff, people.coordinator), now())


def _board(people: People, known: dict[str, Any]) -> None:
    with transaction() as tx:
        for number in range(board.PAGE + 3):
            attention.raise_(tx, "stopped", now(), subject=f"phone:{number}")
    inbound.receive(Incoming("SMloose", "+8613935200001", "喂？"), now())
    inbound.receive(Incoming("SMstranger", "+8615035100001", "喂？"), now())
    campus = db.session.scalars(db.select(Campus.code).limit(1)).one()
    for wanted in (board.Filter(), board.Filter(campus, "medicine", "open"), board.Filter(state="attention")):
        board.overview(db.session(), wanted, now())
        board.overview(db.session(), wanted, now(), by_lane=True)
    board.detail(db.session(), known["task_id"], now())
    item = db.session.scalars(db.select(Attention.id).where(Attention.resolved_at.is_(None)).limit(1)).one()
    coordinating.see_to(item, db.session.get_one(Staff, people.coordinator), None, now())
    for volunteer_id in people.volunteers:
        volunteers.person(db.session(), volunteer_id, now())
    health.check(now())


@pytest.mark.parametrize("path", [_save, _card, _look, _send, _reply, _loose_texts, _own_page, _board])
def test_no_hot_path_reads_a_table_from_end_to_end(
    app: Flask, people: People, path: Callable[[People, dict[str, Any]], None]
) -> None:
    with app.app_context():
        known = _prepare(people)
        if db.engine.dialect.name == "sqlite":
            pretend_to_be_large()
        with statements() as seen:
            path(people, known)
        assert seen
        found = {(table, said[:300]) for said, parameters in seen for table in full_scans((said, parameters))}
        assert found == set()
