"""From SQLite to PostgreSQL: everything, the same, or nothing. On real databases of both kinds."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import flask_migrate
import psycopg
import pytest
from click.testing import Result
from flask import Flask, current_app
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatcher.copying import Different, copy, tables
from dispatcher.database import db, transaction
from dispatcher.models import (
    AnswerTimes,
    Attention,
    Draft,
    Event,
    Message,
    Offer,
    ReceiptPhoto,
    ReplyCode,
    Retiree,
    ReturnCall,
    ShiftNote,
    Stoppage,
    Task,
    Volunteer,
)
from dispatcher.rules.response import STRETCHES
from dispatcher.services import accounts, dispatching, inbound, messaging, receipts
from dispatcher.services.receipts import Receipt
from dispatcher.sms.gateway import Incoming
from tests.databases import Home
from tests.integration.conftest import PASSWORD, People, RecordingGateway, make_app, now, save_call, volunteer

ODD_TEXTS = [
    "王秀兰：请大声敲门，谢谢！",
    "👵🏽 é é 𠮷野家",
    "tab\tnew\nline\r\n back\\slash \\N \\. 'quote' \"double\" %s {0}",
    " leading and trailing ",
    "",
]
ODD_FLOATS = [0.1 + 0.2, 5e-324, 1.7976931348623157e308, -0.0, 1 / 3, 1e16 + 2]
ODD_MOMENTS = [
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999999, UTC),
    datetime(2026, 11, 24, 1, 2, 3, 4, UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999999, UTC),
]
ODD_JSON: list[Any] = [
    {"b": [None, True, False, 1, 1.0, 2**53 + 1, {"深": "👵🏽"}], "a": 0.1 + 0.2},
    {"": "", " ": "\\u0000 \x00 \ud800 as JSON writes them", "quote": '"\\"'},
]


@pytest.fixture
def app(homes: Callable[[str], Home], templates: Callable[[str], str]) -> Iterator[Flask]:
    """The installation to move: always SQLite."""
    url = homes("sqlite").create(templates("sqlite"))
    app = make_app(url)
    yield app
    with app.app_context():
        db.engine.dispose()
    homes("sqlite").drop(url)


@pytest.fixture
def target(homes: Callable[[str], Home]) -> Iterator[str]:
    """The URL of an empty PostgreSQL database."""
    url = homes("postgresql").create()
    yield url
    homes("postgresql").drop(url)


@pytest.fixture
def full(app: Flask, people: People) -> People:
    """Rows in every table of the installation, as life makes them and as it hardly does."""
    gateway = RecordingGateway()
    with app.app_context():
        save_call(people, notes=ODD_TEXTS[1], items=[{"name": "阿司匹林", "amount": "2盒"}])
        _work(gateway)
        yes = db.session.scalars(select(ReplyCode).where(ReplyCode.purpose == "help")).all()[0]
        inbound.receive(Incoming("SMin1", yes.phone, f"{yes.slot}1"), now())
        inbound.receive(Incoming("SMin2", volunteer(people, 2).phone, "什么？👵🏽"), now())
        save_call(people, "k2", repeat="same", notes="更急了", urgency="urgent")
        save_call(people, "k3", retiree=people.remote, category="other", notes=ODD_TEXTS[0])
        _work(gateway)
        sent = db.session.scalars(select(Message).where(Message.state == "sent")).all()
        for message in sent:
            receipts.take_in(Receipt(message.id, str(message.gateway_id), "delivered", {"To": "x"}, now()))
        accounts.log_in("op", PASSWORD, now(), accounts.Origin("a hash", timedelta(hours=14)))
        _odd_rows(people)
        for one in tables():
            assert db.session.scalar(select(func.count()).select_from(one)), f"nothing in {one.name}"
    return people


def _work(gateway: RecordingGateway) -> None:
    """What the workers would do now."""
    for task_id in dispatching.due(now()):
        dispatching.look(task_id, now())
    for message_id in db.session.scalars(select(Message.id).where(Message.state == "queued")).all():
        messaging.send(message_id, gateway)


def _odd_rows(people: People) -> None:
    with transaction() as tx:
        task, person = tx.scalars(select(Task)).all()[0], tx.get_one(Retiree, people.retiree)
        person.address, person.visit_notes, person.birth_year = ODD_TEXTS[2], ODD_TEXTS[1] * 20, None
        tx.get_one(Volunteer, people.volunteers[0]).recent_offers = ODD_FLOATS[0]
        task.spent_fen, task.notes = 2**31 - 1, "长" * 1000
        away = tx.get_one(Retiree, people.remote).campus_id  # where nothing is planned by them
        odd = (ODD_FLOATS * STRETCHES)[:STRETCHES]
        tx.add(AnswerTimes(campus_id=away, urgent=True, waiting=odd, answered=[0.0] * STRETCHES))
        _faces(tx, people, task)
        tx.add_all(
            Message(direction="in", kind="reply", phone="+861", state="received", body=text, created_at=now())
            for text in ODD_TEXTS
        )
        tx.add_all(
            Event(at=at, kind="note", actor="system", params=params)
            for at in ODD_MOMENTS
            for params in ODD_JSON
        )
        tx.add_all(
            Attention(reason="software", subject=f"odd:{n}", raised_at=now(), params={"x": n}) for n in (1, 2)
        )
        tx.add(Stoppage(scope="JP", setting="region", code="21408", since=ODD_MOMENTS[0], probe_at=now()))
        for offer, chance in zip(tx.scalars(select(Offer)).all(), ODD_FLOATS, strict=False):
            offer.chance = chance
        # More than one batch, and gaps in the numbers.
        start = now()
        tx.add_all(
            Event(id=5000 + 3 * n, at=start + timedelta(microseconds=n), kind="note", actor="system")
            for n in range(2500)
        )


def _faces(tx: Session, people: People, task: Task) -> None:
    """What operators and volunteers leave behind at their pages."""
    by = people.operator
    typed = json.dumps([["want", "medicine"], ["notes", ODD_TEXTS[2]]])
    tx.add(
        Draft(
            operator_id=by,
            form_key="d1",
            retiree_id=people.retiree,
            typed=typed,
            created_at=now(),
            seen_at=now(),
        )
    )
    tx.add(ReturnCall(phone="+86351", notes=ODD_TEXTS[1], due_at=now(), created_by_id=by, created_at=now()))
    tx.add(ShiftNote(staff_id=by, at=now(), text=ODD_TEXTS[0]))
    tx.add(
        ReceiptPhoto(
            task_id=task.id, volunteer_id=people.volunteers[0], digest="d", width=1, height=1,
            jpeg=bytes(range(256)), created_at=now(),
        )
    )  # fmt: skip


def _copy(app: Flask, target: str) -> Result:
    return app.test_cli_runner().invoke(args=["copy-data", "--to", target])


def _everything(app: Flask) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables, by the tables' keys; floats and JSON so that -0.0 and 1.0 show."""
    with app.app_context():
        found = {
            one.name: [
                tuple(repr(value) if isinstance(value, float | dict | list) else value for value in row)
                for row in db.session.execute(select(*one.c).order_by(*one.primary_key.columns))
            ]
            for one in tables()
        }
        db.session.remove()
        db.engine.dispose()
    return found


def _rows(target: str) -> int:
    """How many rows the target's tables hold."""
    with psycopg.connect(target) as connection:
        names = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
        ).fetchall()
        counts = [connection.execute(f'SELECT count(*) FROM "{name}"').fetchone() for (name,) in names]
    return sum(count[0] for count in counts if count)


def _tables(target: str) -> None:
    """Make the tables in the target beforehand."""
    app = make_app(target)
    with app.app_context():
        flask_migrate.upgrade()
        db.engine.dispose()


def test_everything_is_the_same_on_the_other_side(app: Flask, full: People, target: str) -> None:
    before = _everything(app)
    result = _copy(app, target)
    assert result.exit_code == 0, result.output
    count = sum(map(len, before.values()))
    assert f"Copied and compared {count} rows" in result.output
    assert _everything(make_app(target)) == before
    assert _everything(app) == before, "the source is as it was"


def test_work_goes_on_with_fresh_numbers(app: Flask, full: People, target: str) -> None:
    before = _everything(app)
    assert _copy(app, target).exit_code == 0
    moved = make_app(target)
    with moved.app_context():
        request_id = save_call(full, "after", repeat="new", notes="搬家以后")
        assert request_id == max(row[0] for row in before["help_request"]) + 1
        event_id = db.session.scalars(select(Event.id).order_by(Event.id.desc())).first()
        assert event_id == max(row[0] for row in before["event"]) + 1
        with transaction() as tx:
            for one in (each for each in tables() if each.autoincrement_column is not None):
                following = func.nextval(func.pg_get_serial_sequence(f'"{one.name}"', "id"))
                greatest = select(func.max(one.c.id)).scalar_subquery()
                fresh, old = tx.execute(select(following, greatest)).one()
                assert fresh == old + 1, one.name
        db.session.remove()
        _work(RecordingGateway())
        assert db.session.scalars(select(Task.notes).where(Task.request_id == request_id)).one() == "搬家以后"
        db.session.remove()
        db.engine.dispose()


def test_an_empty_installation_moves_too(app: Flask, target: str) -> None:
    assert _copy(app, target).exit_code == 0
    assert _everything(make_app(target)) == _everything(app)


def test_empty_tables_of_an_older_version_are_brought_up_to_date(
    app: Flask, full: People, target: str
) -> None:
    older = make_app(target)
    with older.app_context():
        flask_migrate.upgrade(revision="0001")
        db.engine.dispose()
    assert _copy(app, target).exit_code == 0
    assert _everything(make_app(target)) == _everything(app)


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        ("NEW.actor_name := 'x'; RETURN NEW;", "event id="),
        ("NEW.at := NEW.at + interval '1 microsecond'; RETURN NEW;", "event id="),
        ("IF NEW.id > 6000 THEN RETURN NULL; END IF; RETURN NEW;", "lacks a row"),
        ("IF NEW.id = 6002 THEN NEW.id := 4999; END IF; RETURN NEW;", "lacks a row"),
    ],
    ids=["text", "moment", "lost", "moved"],
)
def test_a_copy_that_differs_is_noticed_and_removed(
    app: Flask, full: People, target: str, spoil: str, found: str
) -> None:
    _tables(target)
    with psycopg.connect(target) as connection:
        function = f"CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {spoil} END $$"
        connection.execute(function)
        connection.execute(
            "CREATE TRIGGER spoil BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION spoil()"
        )
    result = _copy(app, target)
    assert (result.exit_code, found in result.output) == (3, True), result.output
    assert "must not be used" in result.output
    assert _rows(target) == 0


def test_what_is_written_meanwhile_spoils_the_copy(app: Flask, full: People, target: str) -> None:
    with app.app_context():
        source = db.engine.url
        db.session.remove()
        db.engine.dispose()

        def somebody_writes(line: str) -> None:
            if line.startswith("campus: ") and line.endswith("compared"):
                connection = sqlite3.connect(str(source.database))
                connection.execute("UPDATE volunteer SET capacity = capacity + 1")
                connection.commit()
                connection.close()

        migrations = current_app.extensions["migrate"].migrate.get_config()
        with pytest.raises(Different, match="written to meanwhile"):
            copy(source, target, migrations, somebody_writes)
    assert _rows(target) == 0


def test_a_system_that_runs_is_not_copied(app: Flask, people: People, target: str) -> None:
    with app.app_context():
        path = str(db.engine.url.database)
    somebody = sqlite3.connect(path)
    somebody.execute("SELECT count(*) FROM task").fetchone()
    result = _copy(app, target)
    somebody.close()
    assert (result.exit_code, "is in use" in result.output) == (1, True), result.output
    assert _copy(app, target).exit_code == 0


def test_a_target_with_rows_is_left_alone(app: Flask, full: People, target: str) -> None:
    assert _copy(app, target).exit_code == 0
    rows = _rows(target)
    result = _copy(app, target)
    assert (result.exit_code, "not empty" in result.output) == (1, True), result.output
    assert _rows(target) == rows


@pytest.mark.parametrize(
    ("statement", "where"),
    [
        ("UPDATE volunteer SET name = ? WHERE id = 1", "volunteer.name of the row id=1"),
        ("UPDATE message SET body = 'a' || char(0) || 'b' || substr(?, 1, 0)", "message.body of the row"),
        ("UPDATE task SET spent_fen = 2147483648 + 0 * length(?)", "task.spent_fen of the row"),
        ("UPDATE task SET spent_fen = ?", "task.spent_fen of the row"),
        ("UPDATE event SET params = '{\"x\": NaN}' || substr(?, 1, 0)", "event.params of the row"),
        ("UPDATE task SET due_by = ?", "task.due_by of the row"),
        ("UPDATE task SET waiting = '{' || ?", "task.waiting of the row"),
    ],
)
def test_what_postgresql_cannot_hold_is_named_and_nothing_is_copied(
    app: Flask, full: People, target: str, statement: str, where: str
) -> None:
    with app.app_context():
        path = str(db.engine.url.database)
        db.session.remove()
        db.engine.dispose()
    connection = sqlite3.connect(path)
    connection.execute(statement, ["长" * 81])
    connection.commit()
    connection.close()
    result = _copy(app, target)
    assert (result.exit_code, where in result.output) == (1, True), result.output
    assert "长" not in result.output
    with psycopg.connect(target) as there:
        assert there.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)


def test_wrong_addresses_are_told_kindly(app: Flask, people: People) -> None:
    for target, said in [
        ("nonsense", "address of the target"),
        ("mysql://root@localhost/x", "must be a PostgreSQL database"),
        ("sqlite:///other.db", "must be a PostgreSQL database"),
        ("postgresql://user:secret@/nowhere?host=/nowhere", "can't be reached"),
    ]:
        result = _copy(app, target)
        assert (result.exit_code, said in result.output) == (1, True), result.output
        assert "secret" not in result.output
        assert "Traceback" not in result.output


def test_tables_of_another_version_are_refused(app: Flask, people: People, target: str) -> None:
    _tables(target)
    with psycopg.connect(target) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'ffff'")
    result = _copy(app, target)
    assert (result.exit_code, "another kind or version" in result.output) == (1, True), result.output


def test_an_installation_of_an_older_version_is_refused(app: Flask, people: People, target: str) -> None:
    with app.app_context(), transaction() as tx:
        tx.connection().exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    result = _copy(app, target)
    assert (result.exit_code, "flask db upgrade" in result.output) == (1, True), result.output


def test_without_rights_it_says_so(app: Flask, people: People, target: str) -> None:
    with psycopg.connect(target, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS test_reader")
        connection.execute("CREATE ROLE test_reader LOGIN PASSWORD 'test_reader'")
    address = psycopg.conninfo.conninfo_to_dict(target)
    reader = f"postgresql://test_reader:test_reader@/{address['dbname']}?host={address['host']}"
    result = _copy(app, reader)
    assert (result.exit_code, "No right" in result.output) == (1, True), result.output
    with psycopg.connect(target, autocommit=True) as connection:
        connection.execute("DROP ROLE test_reader")


def test_only_sqlite_is_copied_from(homes: Callable[[str], Home], target: str) -> None:
    other = homes("postgresql").create()
    result = _copy(make_app(other), target)
    homes("postgresql").drop(other)
    assert (result.exit_code, "must be the SQLite database" in result.output) == (1, True), result.output
