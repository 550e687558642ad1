"""A small installation in which something of every kind is going on, to be asked odd things."""

import itertools
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import flask_migrate
from flask.testing import FlaskClient
from sqlalchemy import Engine, NullPool, create_engine, select, text

from dispatcher.database import Base, db, transaction
from dispatcher.models import Campus, LinkToken, Message, ReplyCode, Staff, Task, Volunteer
from dispatcher.rules.phones import Phone
from dispatcher.services import (
    accounts,
    coordinating,
    dispatching,
    inbound,
    intake,
    messaging,
    progress,
    responding,
    roster,
    tokens,
)
from dispatcher.services.coordinating import Edit
from dispatcher.services.intake import Call, Wanted
from dispatcher.sms.gateway import Incoming
from tests.databases import Home
from tests.integration.conftest import ALL_WEEK, PASSWORD, RecordingGateway, as_new, make_app

ROLES = ("operator", "coordinator", "administrator")
STATES = ("open", "assigned", "underway", "delivered", "closed", "cancelled", "remote")
_COUNT = "SELECT " + ", ".join(
    f"(SELECT count(*) FROM {table.name})" for table in Base.metadata.sorted_tables
)


@dataclass(frozen=True)
class Known:
    """What there is to name in a request: the same in every copy of the place."""

    links: tuple[str, ...]
    pages: tuple[str, ...]
    """To volunteers' own pages."""

    replies: tuple[tuple[str, str], ...]
    """Phones with a code that each may answer with."""

    message_ids: tuple[int, ...]
    gateway_ids: tuple[str, ...]


class Place:
    """One kind of database. A fresh copy of the place each time it is entered."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._turns = itertools.count(1)
        self._template = home.create()
        with make_app(self._template).app_context():
            flask_migrate.upgrade()
            self.known = _furnish()
            db.session.remove()
            db.engine.dispose()
        self._url = home.create()
        self.app = make_app(self._url)
        # Tries are limited by other tests; here it would hide what lies behind.
        self.app.config |= {
            "WTF_CSRF_ENABLED": False,
            "LOGIN_RATE": "1000000/second",
            "LINK_RATE": "1000000/second",
        }
        self.engine: Engine = create_engine(self._url, poolclass=NullPool)

    def __enter__(self) -> "Place":
        self._home.renew(self._url, self._template)
        self._meanwhile = ExitStack()
        self._meanwhile.enter_context(as_new(self.app))
        self._counting = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        origin = accounts.Origin("fuzz", self.app.permanent_session_lifetime)
        with self.app.app_context(), transaction() as tx:
            staff = {
                person.role: accounts.open_login(tx, person, _now(), origin)
                for person in tx.scalars(select(Staff)).all()
            }
        self.clients = {role: self._client(staff.get(role)) for role in (*ROLES, "nobody")}
        return self

    def __exit__(self, *_: object) -> None:
        self._counting.close()
        self._meanwhile.close()

    def _client(self, session_value: str | None) -> FlaskClient:
        client = self.app.test_client()
        if session_value is not None:
            with client.session_transaction() as session:
                session["_user_id"], session["_fresh"] = session_value, True
        return client

    def is_turn(self) -> bool:
        """Every tenth time: a state may have changed without a row more or less."""
        return next(self._turns) % 10 == 0

    def counts(self) -> tuple[int, ...]:
        """How many rows each table has."""
        return tuple(self._counting.execute(text(_COUNT)).one())


def _furnish() -> Known:
    _people()
    gateway, helpers = RecordingGateway(), list(db.session.scalars(select(Volunteer.id)))
    db.session.rollback()
    for number, state in enumerate(STATES, 1):
        _task(number, state, helpers)
    for message_id in list(db.session.scalars(select(Message.id).where(Message.direction == "out")))[::2]:
        messaging.send(message_id, gateway)
    inbound.receive(Incoming("SMold", "+8613635200000", "什么？"), _now())
    links = tuple(f"fuzztoken{n:03}" for n in range(12))
    with transaction() as tx:
        pairs = itertools.product(range(1, len(STATES)), helpers)
        for token, (task_id, helper) in zip(links, pairs, strict=False):
            tx.add(
                LinkToken(
                    token_hash=tokens.digest(token),
                    task_id=task_id,
                    volunteer_id=helper,
                    created_at=_now(),
                    expires_at=_now() + timedelta(days=30),
                )
            )
        for number, helper in enumerate(helpers[:2]):
            tx.add(
                LinkToken(
                    token_hash=tokens.digest(f"fuzzpage{number:04}"), task_id=None, volunteer_id=helper,
                    created_at=_now(), expires_at=_now() + timedelta(days=30),
                )
            )  # fmt: skip
    sent = db.session.scalars(select(Message).where(Message.gateway_id.is_not(None))).all()
    codes = db.session.scalars(select(ReplyCode)).all()
    return Known(
        links=links,
        pages=tuple(f"fuzzpage{number:04}" for number in range(2)),
        replies=tuple((code.phone, str(code.slot)) for code in codes),
        message_ids=tuple(db.session.scalars(select(Message.id).order_by(Message.id))),
        gateway_ids=tuple(str(message.gateway_id) for message in sent),
    )


def _people() -> None:
    with transaction() as tx:
        home = Campus(code="home", name_zh="迎泽校区", name_en="Yingze campus", reachable=True)
        away = Campus(code="away", name_zh="日本", name_en="Japan", reachable=False)
        tx.add_all([home, away])
        tx.flush()
        for role in ROLES:
            accounts.add(tx, role, f"{role} 赵敏", role, PASSWORD)
        for number in range(1, len(STATES) + 1):
            phone = (
                Phone(f"+861393520000{number}", "mobile")
                if number % 2
                else Phone("+863517020001", "landline")
            )
            campus = away if STATES[number - 1] == "remote" else home
            roster.add_retiree(
                tx,
                roster.RetireeData(
                    name=f"王秀兰{number}", campus_id=campus.id, phones=[phone], address="3号楼"
                ),
            )
        for number in range(4):
            roster.add_volunteer(
                tx,
                roster.VolunteerData(
                    name=f"李伟{number}",
                    phone=f"+861363520000{number}",
                    campus_id=home.id,
                    windows=ALL_WEEK,
                    night_ok=True,
                    capacity=50,
                ),
            )


def _task(retiree_id: int, state: str, helpers: list[int]) -> None:
    """A call whose task is brought to `state`."""
    operator = db.session.scalars(select(Staff)).all()[0]
    wanted = Wanted("medicine", "soon", None, [{"name": "阿司匹林"}])
    intake.save(Call(form_key=f"old{retiree_id}", wanted=[wanted], retiree_id=retiree_id), operator, _now())
    task_id = db.session.scalars(select(Task.id).order_by(Task.id.desc())).all()[0]
    if state == "remote":
        return
    dispatching.look(task_id, _now())
    if state in ("closed", "cancelled"):
        edit = Edit(task_id, db.session.scalars(select(Staff)).all()[1], 2**31 - 1, _now())
        (coordinating.close if state == "closed" else coordinating.cancel)(edit, "说好了")
        return
    with transaction() as tx:
        task, helper = tx.get_one(Task, task_id), tx.get_one(Volunteer, helpers[0])
        if state != "open":
            responding.accept(tx, task, helper, _now())
        if state in ("underway", "delivered"):
            progress.underway(tx, task, helper, _now())
        if state == "delivered":
            progress.delivered(tx, task, helper, _now())


def _now() -> datetime:
    return datetime.now(UTC)
