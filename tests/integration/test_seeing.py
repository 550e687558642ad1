"""What is counted and logged is what has happened, under the id of its call, and names nobody."""

import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from prometheus_client import generate_latest
from sqlalchemy import select

from dispatcher import broker, metrics
from dispatcher.correlation import correlation_id
from dispatcher.database import after_commit, db, transaction
from dispatcher.logs import _Json, _Text
from dispatcher.models import HelpRequest, Message, Task, Volunteer
from dispatcher.services import dispatching, messaging, receipts, responding, tokens, volunteering
from dispatcher.services.receipts import Receipt
from dispatcher.sms.gateway import Fault, Refused, Unknown
from tests.integration.conftest import PASSWORD, People, RecordingGateway, make_app, now, save_call

TOKEN = "a token for the figures"
#: Of the invented people of these tests.
PRIVATE = (
    "王秀兰",
    "王老师",
    "李伟",
    "赵强",
    "孙丽",
    "赵敏",
    "钱宁",
    "13935200001",
    "1363520000",
    "3号楼",
    "东区",
    "/o/",
)


def _value(name: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(name, labels) or 0.0


def _figures() -> dict[str, float]:
    return {
        "accepted": _value("dispatcher_messages_total", gateway="twilio", outcome="accepted", code=""),
        "delivered": _value("dispatcher_messages_total", gateway="twilio", outcome="delivered", code=""),
        "first offers": _value("dispatcher_first_offer_seconds_count", category="medicine", urgency="soon"),
        "acceptances": _value("dispatcher_acceptance_seconds_count", category="medicine", urgency="soon"),
    }


def _gained(before: dict[str, float]) -> dict[str, float]:
    return {name: value - before[name] for name, value in _figures().items()}


def _send_all(gateway: RecordingGateway) -> list[int]:
    queued = select(Message.id).where(Message.state == "queued").order_by(Message.id)
    ids = list(db.session.scalars(queued))
    for message_id in ids:
        messaging.send(message_id, gateway)
    return ids


def _token(gateway: RecordingGateway) -> str:
    """Of the first link that was sent."""
    return next(body for _, body, _ in gateway.sent if "/o/" in body).partition("/o/")[2][:12]


def _arrived(message_id: int) -> None:
    for status in ("sent", "delivered", "delivered"):
        receipts.take_in(Receipt(message_id, f"SM{message_id}", status, {"To": "+8613935200001"}, now()))


def _story(gateway: RecordingGateway, people: People) -> None:
    """A call, the offers, the receipts, a volunteer who accepts by link."""
    save_call(people)
    dispatching.look(db.session.scalars(select(Task.id)).one(), now())
    for message_id in _send_all(gateway):
        _arrived(message_id)
    token = _token(gateway)
    volunteering.answer(token, "accept", now(), said="我马上去")
    volunteering.answer(token, "accept", now())
    _send_all(gateway)


def test_each_step_is_counted_once(app: Flask, people: People) -> None:
    before, gateway = _figures(), RecordingGateway()
    with app.app_context():
        _story(gateway, people)
    assert len(gateway.sent) == 6, "received, two offers; assigned, taken, coming"
    assert _gained(before) == {"accepted": 6, "delivered": 3, "first offers": 1, "acceptances": 1}


@pytest.mark.parametrize(
    ("outcome", "word", "code"),
    [
        (Refused("21614", Fault.RECIPIENT), "refused", "21614"),
        (Unknown("no_answer"), "unknown", "no_answer"),
        (Unknown("王秀兰 +8613935200001"), "unknown", "other"),
    ],
)
def test_what_the_gateway_says_is_counted_by_its_code(
    app: Flask, people: People, outcome: Refused | Unknown, word: str, code: str
) -> None:
    labels = {"gateway": "twilio", "outcome": word, "code": code}
    before = _value("dispatcher_messages_total", **labels)
    with app.app_context():
        save_call(people)
        _send_all(RecordingGateway(outcome))
    assert _value("dispatcher_messages_total", **labels) == before + 1


def test_what_turns_out_later_is_counted_when_it_does(app: Flask, people: People) -> None:
    before, gateway = _figures(), RecordingGateway(Unknown("no_answer"))
    with app.app_context():
        save_call(people)
        (message_id,) = _send_all(gateway)
        assert _gained(before)["accepted"] == 0
        _arrived(message_id)
    assert (_gained(before)["accepted"], _gained(before)["delivered"]) == (1, 1)


def test_what_is_rolled_back_counts_nothing(
    app: Flask, people: People, caplog: pytest.LogCaptureFixture
) -> None:
    gateway = RecordingGateway()
    with app.app_context():
        save_call(people)
        dispatching.look(db.session.scalars(select(Task.id)).one(), now())
        _send_all(gateway)
        before = _figures()
        caplog.clear()
        token = _token(gateway)
        with caplog.at_level(logging.INFO), pytest.raises(ValueError, match="no such step"):
            _accept_and_fail(token)
        assert db.session.scalars(select(Task.state)).one() == "open"
    assert _gained(before) == dict.fromkeys(before, 0)
    assert "answered" not in caplog.text


def _accept_and_fail(token: str) -> None:
    with transaction() as tx:
        task_id, volunteer_id = volunteering._link(tx, token, now())
        task, volunteer = tx.get_one(Task, task_id), tx.get_one(Volunteer, volunteer_id)
        assert responding.accept(tx, task, volunteer, now()) is responding.Answer.YOURS
        raise ValueError("no such step")


def test_what_cannot_be_counted_undoes_nothing(
    app: Flask, people: People, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise OSError("disk full")

    with app.app_context():
        request_id = save_call(people)
        with transaction() as tx:
            tx.get_one(HelpRequest, request_id).notes = "kept"
            after_commit(tx, broken)
        db.session.rollback()
        assert db.session.get_one(HelpRequest, request_id).notes == "kept"
    assert "could not be noted" in caplog.text


def _lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    form = _Json()
    return [json.loads(form.format(record)) for record in caplog.records]


def test_one_id_follows_a_call_whoever_takes_the_step(
    app: Flask, people: People, caplog: pytest.LogCaptureFixture
) -> None:
    try:
        with app.app_context(), caplog.at_level(logging.INFO):
            correlation_id.set("id-of-the-save")
            save_call(people)
            assert db.session.scalars(select(HelpRequest.correlation_id)).one() == "id-of-the-save"
            task_id, gateway = db.session.scalars(select(Task.id)).one(), RecordingGateway()
            for step in (
                lambda: dispatching.look(task_id, now()),
                lambda: _send_all(gateway),
                lambda: _arrived(1),
                lambda: volunteering.answer(
                    _token(gateway),
                    "accept",
                    now(),
                ),
            ):
                correlation_id.set("of-somebody-else")  # a tick, a callback, a web request
                step()
    finally:
        correlation_id.set(None)
    lines = [line for line in _lines(caplog) if line["logger"] == "dispatcher.services.steps"]
    assert {line["correlation"] for line in lines} == {"id-of-the-save"}
    assert {"saved", "looked", "claimed", "sent", "receipt", "ended", "answered"} == {
        line["message"] for line in lines
    }
    sent = next(line for line in lines if line["message"] == "sent")
    assert sent.keys() == {
        "time", "level", "logger", "message", "process", "correlation",
        "message_id", "task_id", "kind", "outcome", "code", "took_s",
    }  # fmt: skip


def test_calls_decided_together_keep_their_own_ids(
    app: Flask, people: People, caplog: pytest.LogCaptureFixture
) -> None:
    with app.app_context(), caplog.at_level(logging.INFO):
        for call in ("first-call", "other-call"):
            correlation_id.set(call)
            save_call(people, key=call, category="groceries" if call == "first-call" else "medicine")
        correlation_id.set(None)
        first, other = db.session.scalars(select(Task.id).order_by(Task.id))
        dispatching.look(first, now())
    looked = {line["task_id"]: line["correlation"] for line in _lines(caplog) if line["message"] == "looked"}
    correlation_id.set(None)
    assert looked == {first: "first-call", other: "other-call"}


def test_nobody_is_named(app: Flask, people: People, caplog: pytest.LogCaptureFixture) -> None:
    gateway = RecordingGateway()
    app.config["METRICS_TOKEN"] = TOKEN
    with app.app_context(), caplog.at_level(logging.DEBUG, "dispatcher"):
        _story(gateway, people)
        browser = app.test_client()
        link = _token(gateway)
        browser.get(f"/o/{link}")
        browser.post(f"/o/{link}/underway")
        shown = browser.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
        logged = "\n".join(form.format(r) for form in (_Json(), _Text()) for r in caplog.records)
    assert "dispatcher_acceptance_seconds_bucket" in shown
    assert "answered" in logged
    for text in (*PRIVATE, TOKEN, link, tokens.digest(link), "我马上去", *(b for _, b, _ in gateway.sent)):
        assert text not in shown, text
        assert text not in logged, text


@pytest.mark.parametrize(
    ("setting", "given", "status"),
    [
        ("", "Bearer ", 404),
        ("", f"Bearer {TOKEN}", 404),
        (TOKEN, "", 401),
        (TOKEN, "Bearer guess", 401),
        (TOKEN, f"Basic {TOKEN}", 401),
        (TOKEN, "Bearer 王", 401),
        (TOKEN, f"Bearer {TOKEN}", 200),
    ],
)
def test_the_figures_are_shown_to_whoever_has_the_token(
    app: Flask, setting: str, given: str, status: int
) -> None:
    app.config["METRICS_TOKEN"] = setting
    headers = {"Authorization": given.encode("utf-8").decode("latin-1")}
    answer = app.test_client().get("/metrics", headers=headers)
    assert answer.status_code == status
    assert ("dispatcher_" in answer.text) == (status == 200)


def test_what_cannot_be_known_is_left_out(app: Flask, people: People) -> None:
    """There is no broker here; and then there is no database either."""
    app.config["METRICS_TOKEN"] = TOKEN
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with app.app_context():
        save_call(people)
    shown = app.test_client().get("/metrics", headers=headers).text
    assert "dispatcher_database_up 1.0" in shown
    assert "dispatcher_broker_up 0.0" in shown
    assert "dispatcher_oldest_unsent_seconds " in shown
    assert "dispatcher_queue_length" not in shown
    lost = make_app("sqlite:////nowhere/there-is-no-database.db")
    lost.config["METRICS_TOKEN"] = TOKEN
    shown = lost.test_client().get("/metrics", headers=headers).text
    assert "dispatcher_database_up 0.0" in shown
    assert "dispatcher_oldest_unsent_seconds " not in shown
    assert "dispatcher_page_seconds_count" in shown, "what this process has counted is known all the same"


def test_pages_are_timed_by_their_name(app: Flask) -> None:
    labels = {"endpoint": "volunteer.task", "status": "4xx"}
    before = _value("dispatcher_page_seconds_count", **labels)
    app.test_client().get("/o/abcdefghijkm")
    assert _value("dispatcher_page_seconds_count", **labels) == before + 1


@pytest.mark.parametrize(("proxies", "believed"), [(0, False), (1, True)])
def test_an_id_from_outside_is_believed_of_our_proxy_only(
    app: Flask, people: People, proxies: int, believed: bool
) -> None:
    app.config.update(TRUSTED_PROXIES=proxies, WTF_CSRF_ENABLED=False)
    browser = app.test_client()
    browser.post("/login", data={"username": "op", "password": PASSWORD})
    form = {"form_key": "k", "retiree_id": people.retiree, "want": "other", "other-notes": "灯坏了"}
    answer = browser.post("/hotline/requests", data=form, headers={"X-Request-ID": "from-the-proxy-1"})
    assert answer.status_code == 303, answer.text
    with app.app_context():
        kept = db.session.scalars(select(HelpRequest.correlation_id)).one()
    assert (kept == "from-the-proxy-1") is believed
    assert re.fullmatch(r"[0-9a-f]{12}", kept) or believed


def test_the_page_of_an_error_names_its_id(
    app: Flask, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> str:
        raise RuntimeError("on purpose")

    app.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setitem(app.view_functions, "auth.login", broken)
    monkeypatch.setattr("dispatcher.web.seeing.fresh", lambda: "5eedca11")
    for language, words in (("zh", "请把这个编号"), ("en", "please give this number")):
        answer = app.test_client().get("/login", headers={"Accept-Language": language})
        assert answer.status_code == 500
        assert words in answer.text
        assert "5eedca11" in answer.text
    assert "exception in auth.login" in caplog.text


def test_wake_ups_that_nobody_took_are_counted(app: Flask, people: People) -> None:
    names = ("published", "failed", "skipped")
    before = {name: _value("dispatcher_wakeups_total", outcome=name) for name in names}
    with app.app_context():
        save_call(people)
        publisher: broker.Publisher = app.extensions["publisher"]
    gained = {name: _value("dispatcher_wakeups_total", outcome=name) - before[name] for name in names}
    assert gained == {"published": 0, "failed": publisher.failed, "skipped": publisher.skipped}
    assert gained["failed"] + gained["skipped"] == 2


_COUNT = """
import sys
from dispatcher import metrics
metrics.STREAMS.inc()
metrics.FIRST_OFFER.labels("medicine", "soon").observe(2)
metrics.WAKE_UPS.labels("published").inc(int(sys.argv[1]))
"""


def _count_in_a_process(folder: Path, number: int) -> None:
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)}
    subprocess.run([sys.executable, "-c", _COUNT, str(number)], env=environment, check=True, timeout=60)


def test_processes_that_have_ended_leave_their_sums_and_not_their_files(tmp_path: Path) -> None:
    for number in (1, 2, 4):
        _count_in_a_process(tmp_path, number)
        for _ in range(2):  # shown twice, counted once
            shown = metrics.exposition("", folder=tmp_path)[0].decode()
    assert 'dispatcher_wakeups_total{outcome="published"} 7.0' in shown
    assert 'dispatcher_first_offer_seconds_count{category="medicine",urgency="soon"} 3.0' in shown
    assert 'dispatcher_first_offer_seconds_bucket{category="medicine",le="3.0",urgency="soon"} 3.0' in shown
    assert "dispatcher_board_streams 1" not in shown, "no stream outlives its process"
    assert sorted(p.name for p in tmp_path.glob("*.db")) == ["counter_0.db", "histogram_0.db"]


def test_figures_have_plain_names() -> None:
    for name in generate_latest(metrics.REGISTRY).decode().splitlines():
        if name.startswith("# TYPE "):
            assert re.match(r"# TYPE dispatcher_[a-z_]+(_seconds|_total|_streams|_created) ", name), name
