"""A row that the software can't make sense of is given up by itself, and a person hears of it."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text, update

from devtools.local import hidden_fields
from dispatcher.database import db, transaction
from dispatcher.models import Attention, Message, Retiree, Staff, Task
from dispatcher.services import (
    attention,
    board,
    dispatching,
    health,
    messaging,
    outbox,
    settling,
    several,
    sweeping,
)
from dispatcher.services.coordinating import Edit
from dispatcher.sms.gateway import Carried, Unknown
from tests.integration.conftest import PASSWORD, People, RecordingGateway, now, receive, save_call, volunteer

POISONS: dict[str, dict[str, Any]] = {
    "a language that we don't speak": {"language": "中文"},
    "no language": {"language": ""},
    "no parameters": {"params": {}},
    "parameters of another shape": {"params": []},
    "a name where a person was": {"params": {"retiree": "王秀兰", "hotline": "1", "categories": ["other"]}},
    "a kind of help that is unknown": {
        "params": {
            "retiree": {"name": "王秀兰", "title": "老师", "sex": "f"}, "hotline": "1",
            "categories": ["gardening"],
        }
    },
    "a kind that is gone": {"kind": "greeting_card"},
    "half a character": {"params": {"hotline": "\ud800"}},
}  # fmt: skip


def _received(people: People, key: str) -> int:
    """A call; the id of the retiree's "received" message."""
    save_call(people, key, category={"a": "medicine", "b": "groceries", "c": "other"}[key])
    return db.session.scalars(
        select(Message.id).where(Message.kind == "received").order_by(Message.id.desc()).limit(1)
    ).one()


def _state(message_id: int) -> tuple[str, str]:
    db.session.rollback()
    message = db.session.get_one(Message, message_id)
    return message.state, message.error_code


def _claim_together(message_ids: list[int]) -> list[messaging.Outgoing | None]:
    """As their jobs do: claim them together, then see alone to each that can't be sent."""
    outgoing: list[messaging.Outgoing | None] = []
    for message_id, one in zip(message_ids, messaging._claim_all(lambda: message_ids), strict=True):
        if isinstance(one, messaging._Aside):
            messaging._set_aside(message_id, one, now())
        outgoing.append(one if isinstance(one, messaging.Outgoing) else None)
    return outgoing


@pytest.mark.parametrize("poison", POISONS.values(), ids=POISONS)
def test_one_poisoned_message_is_given_up_and_the_others_go(
    app: Flask, people: People, poison: dict[str, Any]
) -> None:
    with app.app_context():
        before, poisoned, after = (_received(people, key) for key in "abc")
        with transaction() as tx:
            tx.execute(update(Message).where(Message.id == poisoned).values(**poison))
        claimed = _claim_together([before, poisoned, after])
        assert [one is not None for one in claimed] == [True, False, True]
        assert _state(poisoned) == ("failed", "wording")
        about = select(Attention).where(Attention.message_id == poisoned, Attention.resolved_at.is_(None))
        assert db.session.scalars(about).first() is not None, "nobody was told"


def test_a_message_that_nobody_counts_on_is_told_once_for_its_kind(app: Flask, people: People) -> None:
    gateway = RecordingGateway()
    with app.app_context():
        for _ in range(3):
            with transaction() as tx:
                outbox.to_phone(tx, "reply_help", "+8613900000009", "中文", now(), hotline="1")
        for message_id in db.session.scalars(select(Message.id).order_by(Message.id)).all():
            messaging.send(message_id, gateway)
        found = db.session.execute(select(Attention.reason, Attention.subject)).all()
        assert [tuple(row) for row in found] == [("unworded", "wording:reply_help")]


def test_what_cannot_even_be_read_is_given_up_too(
    app: Flask, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A column that the database itself can't make sense of, as only SQLite keeps one."""
    gateway = RecordingGateway()
    with app.app_context():
        whole, broken = _received(people, "a"), _received(people, "b")
        if db.engine.dialect.name == "sqlite":
            with transaction() as tx:
                tx.execute(text("UPDATE message SET params = '{half' WHERE id = :id"), {"id": broken})
        else:
            worded = messaging._waiting

            def spoilt(tx: Any, message_ids: list[int], at: Any) -> Any:
                if broken in message_ids:
                    raise ValueError("half an object")
                return worded(tx, message_ids, at)

            monkeypatch.setattr(messaging, "_waiting", spoilt)
        for message_id in (broken, whole):
            messaging.send(message_id, gateway)
        assert [sent[2] for sent in gateway.sent] == [whole]
        states = select(Message.id, Message.state, Message.error_code).order_by(Message.id)
        found = {row.id: (row.state, row.error_code) for row in db.session.execute(states)}
        assert (found[broken], found[whole]) == (("failed", "wording"), ("sent", ""))
        assert db.session.scalars(select(Attention.message_id)).all() == [broken]


def test_what_can_be_read_but_not_claimed_is_told_by_telephone(
    app: Flask, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        message_id = _received(people, "a")

        def spoilt(*_: object) -> None:
            raise TypeError("about the stoppages, say")

        monkeypatch.setattr("dispatcher.services.messaging.stoppages.standing", spoilt)
        messaging.send(message_id, RecordingGateway())
        assert _state(message_id) == ("failed", "wording")
        told = select(Attention.reason, Attention.message_id)
        assert [tuple(row) for row in db.session.execute(told)] == [("call_retiree", message_id)]


def test_readiness_returns_when_the_poisoned_one_is_given_up(app: Flask, people: People) -> None:
    with app.app_context():
        message_id = _received(people, "a")
        long_ago = now().replace(year=2020)
        with transaction() as tx:
            tx.execute(
                update(Message)
                .where(Message.id == message_id)
                .values(language="中文", created_at=long_ago, wake_at=long_ago)
            )
        assert (health.check(now()).oldest_unsent_s or 0) > health.MESSAGE_LATE_S
        assert sweeping.sweep(now()) == 1
        messaging.send(message_id, RecordingGateway())
        assert health.check(now()).oldest_unsent_s is None


def test_a_machine_in_trouble_gives_nothing_up(
    app: Flask, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        message_id = _received(people, "a")

        def no_more_files(*_: object) -> None:
            raise OSError(24, "Too many open files")

        monkeypatch.setattr(messaging, "rendered", no_more_files)
        with pytest.raises(OSError, match="Too many"):
            messaging.send(message_id, RecordingGateway())
        assert _state(message_id) == ("queued", "")


def test_a_receipt_of_a_poisoned_message_is_taken_in(app: Flask, people: People) -> None:
    with app.app_context():
        message_id = _received(people, "a")
        messaging.send(message_id, RecordingGateway())
        with transaction() as tx:
            tx.execute(update(Message).where(Message.id == message_id).values(language="中文", params=[]))
        receive(message_id, f"SM{message_id}", "undelivered", {"ErrorCode": "30005"}, now())
        assert _state(message_id) == ("undelivered", "30005")
        assert db.session.scalars(select(Attention.reason)).all() == ["call_retiree"]


def test_an_outcome_that_cannot_be_settled_is_told(
    app: Flask, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = RecordingGateway(Unknown("no_answer"))
    with app.app_context():
        message_id = _received(people, "a")
        messaging.send(message_id, gateway)
        gateway.listed = [Carried("SM1", "x", "sent", "", now())]

        def spoilt(*_: object) -> None:
            raise TypeError("a row that can't be settled")

        monkeypatch.setattr(settling, "_records", spoilt)
        settling.settle(message_id, gateway)
        assert _state(message_id)[0] == "unknown"
        assert db.session.scalars(select(Attention.reason)).all() == ["outcome_unknown"]


def test_an_unknown_outcome_without_a_claim_is_told(app: Flask, people: People) -> None:
    """Nobody can ask the gateway about it: it must not wait for ever."""
    with app.app_context():
        message_id = _received(people, "a")
        with transaction() as tx:
            tx.execute(update(Message).where(Message.id == message_id).values(state="unknown"))
        settling.settle(message_id, RecordingGateway())
        assert db.session.scalars(select(Attention.reason)).all() == ["outcome_unknown"]


def test_pages_are_drawn_around_what_cannot_be_shown(app: Flask, people: People) -> None:
    with app.app_context():
        ids = [_received(people, key) for key in "abc"]
        task_ids = [db.session.get_one(Message, message_id).task_id for message_id in ids]
        person = volunteer(people, 0)
        with transaction() as tx:
            tx.execute(update(Message).where(Message.id == ids[0]).values(language="中文"))
            tx.execute(update(Task).where(Task.id == task_ids[1]).values(category="gardening", waiting=[]))
            tx.execute(update(Task).where(Task.id == task_ids[2]).values(waiting={"code": "quiet_hours"}))
            tx.execute(update(Retiree).values(language="中文"))
            retiree = tx.get_one(Retiree, people.retiree)
            for task_id in task_ids:
                attention.raise_(
                    tx, "call_retiree", now(), tx.get(Task, task_id), retiree, kind="received", words={"x": 1}
                )
            attention.raise_(tx, "unclear_reply", now(), volunteer=tx.merge(person), said="?", phone=None)
        client = app.test_client()
    client.post("/login", data=_login(client))
    for path in (
        "/board/figures", "/board/volunteers", f"/board/volunteers/{people.volunteers[0]}", "/hotline",
        f"/hotline/people/{people.retiree}", "/hotline/handover", "/hotline/calls", "/board/paper",
        "/board", "/board?view=lanes", "/board/wall", "/board/rows", "/hotline/find?q=王秀兰",
        *(f"/board/tasks/{task_id}" for task_id in task_ids),
    ):  # fmt: skip
        answer = client.get(path)
        assert answer.status_code == 200, path
        if path in ("/board", "/board?view=lanes", "/board/wall", "/board/rows") or "tasks" in path:
            assert "王秀兰" in answer.text, path
    with app.app_context():
        detail = board.detail(db.session(), task_ids[0] or 0, now())
        assert detail is not None
        assert [words for _, words in detail.messages] == [None]
        unknown = board.detail(db.session(), task_ids[1] or 0, now())
        assert unknown is not None
        assert {one.volunteer.id for one in unknown.ranked} == {*people.volunteers}, "assigned by hand"


@pytest.mark.parametrize(
    ("reason", "params", "words"),
    [
        ("unworded", {"kind": "reply_help"}, "无法生成文字"),
        ("unworded", {"kind": "greeting_card"}, "greeting_card"),
        ("webhooks_refused", {}, "TWILIO_AUTH_TOKEN"),
        ("disk_low", {"free_mb": 123}, "123 MB"),
    ],
)
def test_what_is_about_nobody_stands_on_the_board_in_words(
    app: Flask, people: People, reason: str, params: dict[str, Any], words: str
) -> None:
    with app.app_context(), transaction() as tx:
        attention.raise_(tx, reason, now(), subject="something", **params)
    client = app.test_client()
    client.post("/login", data=_login(client))
    for path in ("/board", "/board?view=lanes", "/board/wall"):
        assert words in client.get(path).text, path


def test_one_task_that_cannot_be_acted_on_keeps_no_other_from_it(app: Flask, people: People) -> None:
    with app.app_context():
        for key in "abc":
            _received(people, key)
        staff = db.session.get_one(Staff, people.coordinator)
        task_ids = list(db.session.scalars(select(Task.id).order_by(Task.id)))

        def act(edit: Edit) -> None:
            if edit.task_id == task_ids[1]:
                raise KeyError("gardening")

        edits = [Edit(task_id, staff, 0, now()) for task_id in task_ids]
        done = several.each(edits, act, "note", now())
        assert [done[task_id] for task_id in task_ids] == [several.DONE, "software", several.DONE]


def test_a_task_that_cannot_even_be_set_aside_stops_no_tick(
    app: Flask, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        for key in "abc":
            _received(people, key)
        task_ids = list(db.session.scalars(select(Task.id).order_by(Task.id)))
        for name in ("_due_together", "lock"):
            monkeypatch.setattr(dispatching, name, _spoilt(getattr(dispatching, name), task_ids[0]))
        for task_id in task_ids:
            dispatching.look_or_set_aside(task_id)
        db.session.rollback()
        again = [db.session.get_one(Task, task_id).look_again_at for task_id in task_ids]
        assert all(moment is not None and moment > now() for moment in again)
        about = select(Attention.subject).where(Attention.reason == "software")
        assert db.session.scalars(about).all() == [f"task:{task_ids[0]}"]
    client = app.test_client()
    client.post("/login", data=_login(client))
    for path in ("/board", "/board?view=lanes", "/board/wall", f"/board/tasks/{task_ids[0]}"):
        assert client.get(path).status_code == 200, path


@pytest.mark.parametrize(
    "reason",
    [
        "nobody_left", "nobody_answered", "too_few", "too_long", "due_in_quiet_hours", "software", "remote",
        "cannot_ask", "text_refused", "no_word", "overdue", "volunteer_problem", "retiree_problem",
        "call_retiree", "repeat_call", "stopped", "volunteer_unreachable", "outcome_unknown", "a new reason",
    ],
)  # fmt: skip
def test_no_alarm_without_a_task_costs_the_board(app: Flask, people: People, reason: str) -> None:
    with app.app_context():
        _received(people, "a")
        with transaction() as tx:
            raised = attention.raise_(tx, reason, now(), subject="task:999999")
            attention_id = raised.id
    client = app.test_client()
    client.post("/login", data=_login(client))
    for path in ("/board", "/board?view=lanes", "/board/wall"):
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert "王秀兰" in answer.text or "wall" in path, path
        if "wall" not in path:
            assert f'id="loose-{attention_id}"' in answer.text
            assert f"/board/attention/{attention_id}/done" in answer.text, "it could never be dismissed"


@pytest.mark.parametrize("params", [[], ["x"], {"texts": 7, "count": "many", "last_at": 3}])
@pytest.mark.parametrize("reason", ["unclear_reply", "call_retiree", "gateway_refuses"])
def test_one_item_that_cannot_be_drawn_keeps_no_other_from_the_board(
    app: Flask, people: People, reason: str, params: Any
) -> None:
    with app.app_context():
        _received(people, "a")
        with transaction() as tx:
            of_task = attention.raise_(tx, reason, now(), tx.scalars(select(Task)).one())
            loose = attention.raise_(tx, reason, now(), subject="x", volunteer=volunteer(people, 0))
            tx.execute(
                update(Attention).where(Attention.id.in_([of_task.id, loose.id])).values(params=params)
            )
    client = app.test_client()
    client.post("/login", data=_login(client))
    for path in ("/board", "/board?view=lanes", "/board/wall"):
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert "王秀兰" in answer.text or "无法显示" in answer.text, path


def test_the_log_of_a_task_that_fails_says_nothing_that_a_row_holds(
    app: Flask, people: People, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with app.app_context():
        _received(people, "a")
        task_id = db.session.scalars(select(Task.id)).one()

        held = "王秀兰 " + "+8613935200001"

        def failing(*_: object, **__: object) -> None:
            try:
                raise ValueError(f"Key (phone)=({held}) already exists")
            except ValueError as cause:
                raise RuntimeError(held) from cause

        monkeypatch.setattr(dispatching, "look", failing)
        dispatching.look_or_set_aside(task_id)
    log = caplog.text
    assert "RuntimeError" in log
    assert "ValueError" in log
    assert "in failing" in log, "where it came from"
    assert held not in log


def _spoilt(function: Any, poisoned: int) -> Any:
    """`function`, which can't read one task."""

    def reading(tx: Any, task_id: int, *more: Any) -> Any:
        if task_id == poisoned:
            raise ValueError("half an object")
        return function(tx, task_id, *more)

    return reading


def _login(client: Any) -> dict[str, str]:
    return hidden_fields(client.get("/login").text) | {"username": "co", "password": PASSWORD}
