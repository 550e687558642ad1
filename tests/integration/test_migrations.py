"""What the versions before have written means the same after the tables have been brought up to date."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import flask_migrate
import pytest
from flask import Flask
from sqlalchemy import JSON, Boolean, Column, DateTime, Integer, MetaData, Table, insert, select

from dispatcher.database import db, transaction
from dispatcher.models import RetireePhone
from tests.databases import Home
from tests.integration.conftest import make_app

MOMENT = datetime(2026, 11, 1, 8, 30, tzinfo=UTC)


@pytest.fixture
def installation(database: Home) -> Iterator[Flask]:
    """An application whose database is empty: not even the tables are there."""
    url = database.create()
    app = make_app(url)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def _filler(column: Column[Any]) -> Any:
    for kind, value in {Boolean: False, Integer: 0, DateTime: MOMENT, JSON: {}}.items():
        if isinstance(column.type, kind):
            return value
    return ""


def _write(table_name: str, /, **values: Any) -> None:
    """A row in the table as it is now, whatever the models say of it."""
    table = Table(table_name, MetaData(), autoload_with=db.engine)
    needed = {c.name: _filler(c) for c in table.columns if not c.nullable and c.server_default is None}
    if db.engine.dialect.name == "sqlite":
        values = {key: v.replace(tzinfo=None) if isinstance(v, datetime) else v for key, v in values.items()}
    with transaction() as tx:
        tx.execute(insert(table).values(needed | values))


def test_who_had_sent_stop_before_is_remembered(installation: Flask) -> None:
    flask_migrate.upgrade(revision="0009")
    _write("campus", id=1, code="home", name_zh="迎泽校区", name_en="Yingze")
    later = MOMENT.replace(day=9)
    for retiree_id, name in enumerate(("王秀兰", "李玉珍", "张桂英"), 1):
        _write("retiree", id=retiree_id, name=name, campus_id=1)
        number = f"+861393510000{retiree_id}"
        _write("retiree_phone", id=retiree_id, retiree_id=retiree_id, number=number, kind="mobile")
    about = {"reason": "stopped", "subject": "retiree:1", "raised_at": MOMENT}
    _write("attention", id=1, retiree_id=1, **about)
    _write("attention", id=2, retiree_id=1, **about | {"raised_at": later, "subject": "retiree:1b"})
    _write("attention", id=3, retiree_id=2, **about | {"subject": "retiree:2", "resolved_at": later})
    flask_migrate.upgrade()
    stopped = select(RetireePhone.retiree_id, RetireePhone.stopped_at).order_by(RetireePhone.id)
    assert [tuple(row) for row in db.session.execute(stopped)] == [(1, MOMENT), (2, None), (3, None)]
