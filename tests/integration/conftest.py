"""The services on a real, migrated database, without workers: what a worker would do is called."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

import flask_migrate
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher import create_app
from dispatcher.broker import Publisher
from dispatcher.database import db, transaction
from dispatcher.extensions import limiter
from dispatcher.models import Campus, CampusNeighbour, Retiree, Staff, Volunteer
from dispatcher.rules.availability import Window
from dispatcher.rules.phones import Phone
from dispatcher.rules.settings import with_overrides
from dispatcher.services import accounts, intake, receipts, roster
from dispatcher.services.intake import Call, Wanted
from dispatcher.sms.gateway import Accepted, Carried, Incoming, Outcome
from dispatcher.web.live import Changes
from tests.databases import Home

PASSWORD = "correct horse battery"
ALL_WEEK = [Window(day, 0, 1440) for day in range(7)]


def now() -> datetime:
    return datetime.now(UTC)


class RecordingGateway:
    """A gateway at the small interface, for what can't be brought about over HTTP step by step."""

    name = "recording"

    def __init__(self, outcome: Outcome | None = None) -> None:
        self.outcome = outcome
        self.sent: list[tuple[str, str, int]] = []
        self.listed: list[Carried] | None = []

    def send(self, to: str, body: str, message_id: int) -> Outcome:
        # No session may be open over a network call.
        assert not db.session.registry.has() or not db.session().in_transaction()
        self.sent.append((to, body, message_id))
        return self.outcome or Accepted(f"SM{message_id}")

    def sent_to(self, to: str, since: datetime) -> list[Carried] | None:
        return self.listed

    def received_since(self, since: datetime) -> list[Incoming] | None:
        return []


@pytest.fixture(autouse=True)
def _alone(no_company: None) -> None:
    pass


@pytest.fixture(scope="session")
def templates(homes: Callable[[str], Home]) -> Callable[[str], str]:
    """URLs of empty databases with the newest schema, made by the migrations, by the names of their homes."""

    @cache
    def template(name: str) -> str:
        url = homes(name).create()
        with make_app(url).app_context():
            flask_migrate.upgrade()
            db.engine.dispose()
        return url

    return template


def make_app(url: str) -> Flask:
    """The application on this database, with a broker that can't be reached."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SECRET_KEY", "integration tests only")
        patch.setenv("DATABASE_URL", url)
        patch.setenv("REDIS_URL", "unix:///nowhere/there-is-no-broker.sock")
        patch.setenv("QUIET_HOURS", "off")
        patch.setenv("UNDO_S", "0")
        patch.setenv("TWILIO_AUTH_TOKEN", "token of the integration tests")
        patch.setenv("DATA_DIR", "/nowhere")
        app = create_app()
    # Two are asked for medicine, whatever figures are shipped: the tests here are about what follows.
    app.config["DISPATCH"] = with_overrides(
        app.config["DISPATCH"], {"soon": {"wave_max": 2, "target": 0.9, "patience_s": 0}}
    )
    return app


@contextmanager
def as_new(app: Flask) -> Iterator[None]:
    """The application with nobody counted and nothing known to be down. Afterwards it has its settings and
    extensions of before, and nothing is left in its pool; what a test changes inside these, or in the schema
    of the database, it puts back itself."""
    config, extensions = dict(app.config), dict(app.extensions)
    limiter.init_app(app)
    app.extensions["celery"].set_current()
    app.extensions["publisher"] = Publisher(app.extensions["celery"])
    app.extensions["changes"] = Changes(app)
    try:
        yield
    finally:
        with app.app_context():
            db.engine.dispose()
        for now_it_is, then in ((app.config, config), (app.extensions, extensions)):
            now_it_is.clear()
            now_it_is.update(then)


@pytest.fixture(scope="session")
def applications(homes: Callable[[str], Home], templates: Callable[[str], str]) -> Callable[[str], Flask]:
    """Applications by the names of their homes. One each, as in life: to load pages and to compose
    statements for each test would take longer than the tests."""

    @cache
    def application(name: str) -> Flask:
        return make_app(homes(name).create(templates(name)))

    return application


@pytest.fixture
def app(
    database: Home, templates: Callable[[str], str], applications: Callable[[str], Flask]
) -> Iterator[Flask]:
    app = applications(database.name)
    database.empty(app.config["SQLALCHEMY_DATABASE_URI"], templates(database.name))
    with as_new(app):
        yield app


@dataclass
class People:
    """Who is in the database: ids."""

    operator: int
    coordinator: int
    retiree: int
    remote: int
    volunteers: list[int]


@pytest.fixture
def people(app: Flask) -> People:
    with app.app_context(), transaction() as tx:
        home = Campus(code="home", name_zh="迎泽校区", name_en="Yingze campus", reachable=True)
        near = Campus(code="near", name_zh="坞城校区", name_en="Wucheng campus", reachable=True)
        away = Campus(code="away", name_zh="日本", name_en="Japan", reachable=False)
        tx.add_all([home, near, away])
        tx.flush()
        tx.add(CampusNeighbour(campus_id=home.id, neighbour_id=near.id, rank=1))
        operator = accounts.add(tx, "op", "赵敏", "operator", PASSWORD)
        coordinator = accounts.add(tx, "co", "钱宁", "coordinator", PASSWORD)
        retiree = _retiree(tx, home.id, "王秀兰", "+8613935200001")
        remote = _retiree(tx, away.id, "李建国", "+8613935200002")
        volunteers = [
            roster.add_volunteer(
                tx,
                roster.VolunteerData(
                    name=name, phone=f"+861363520000{n}", campus_id=campus.id, windows=ALL_WEEK,
                    night_ok=True,
                ),
            )
            for n, (name, campus) in enumerate([("李伟", home), ("赵强", home), ("孙丽", near)])
        ]  # fmt: skip
        tx.flush()
        return People(operator.id, coordinator.id, retiree.id, remote.id, [v.id for v in volunteers])


def _retiree(tx: Session, campus_id: int, name: str, number: str) -> Retiree:
    return roster.add_retiree(
        tx,
        roster.RetireeData(
            name=name, campus_id=campus_id, phones=[Phone(number, "mobile")], area="东区",
            address="3号楼2单元501", sex="f",
        ),
    )  # fmt: skip


def save_call(people: People, key: str = "k", retiree: int | None = None, **wanted: object) -> int:
    """Save a call for one thing; the id of its request."""
    given = {"category": "medicine", "urgency": "soon", "due_by": None} | wanted
    call = Call(form_key=key, wanted=[Wanted(**given)], retiree_id=retiree or people.retiree)  # type: ignore[arg-type]
    return intake.save(call, db.session.get_one(Staff, people.operator), now())


def logged_in(app: Flask, staff_id: int) -> FlaskClient:
    """A browser in which this member of staff has logged in."""
    client = app.test_client()
    with app.app_context(), transaction() as tx:
        origin = accounts.Origin("tests", app.permanent_session_lifetime)
        key = accounts.open_login(tx, tx.get_one(Staff, staff_id), now(), origin)
    with client.session_transaction() as session:
        session["_user_id"], session["_fresh"] = key, True
    return client


def volunteer(people: People, index: int) -> Volunteer:
    return db.session.get_one(Volunteer, people.volunteers[index])


def dump(app: Flask) -> str:
    """All that is in the database, as text."""
    with app.app_context(), db.engine.connect() as connection:
        return "\n".join(
            f"{table.name} {row}"
            for table in db.metadata.sorted_tables
            for row in connection.execute(select(table).order_by(*table.primary_key))
        )


def receive(
    message_id: int | None, gateway_id: str, status: str, payload: dict[str, str], at: datetime
) -> None:
    """A status callback."""
    receipts.take_in(receipts.Receipt(message_id, gateway_id, status, payload, at))
