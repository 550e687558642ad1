"""A login ends, after a shift or in another tab, while pages are open: nothing typed is lost by it."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from devtools.local import hidden_fields
from dispatcher.database import db, transaction
from dispatcher.models import ShiftNote, Staff
from dispatcher.services import accounts
from tests.integration.conftest import PASSWORD, People


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    client = app.test_client()
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    return client


def test_a_part_of_a_page_tells_who_is_logged_out_and_sends_the_page_nowhere(client: FlaskClient) -> None:
    """It may have been asked for by a clock, with half a call typed beside it."""
    for path in ("/hotline/calls/due", "/hotline/calls/list", "/hotline/matches?q=13935200001"):
        answer = client.get(path, headers={"HX-Request": "true", "Accept-Language": "zh"})
        assert answer.status_code == 401
        assert not [name for name, _value in answer.headers if name.startswith("HX-")]
        assert "您已退出登录" in answer.text
        assert 'href="/login"' in answer.text


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_form_that_was_open_while_its_person_logged_in_anew_is_sent_by_one_more_press(
    app: Flask, people: People, client: FlaskClient, scheme: str
) -> None:
    home = f"{scheme}://localhost"
    client.environ_base["HTTP_REFERER"] = f"{home}/"
    ours = {"Origin": home}
    words = "王老师明早\n要再打一次"

    def log_in() -> None:
        form = hidden_fields(client.get("/login", base_url=home).text) | {
            "username": "op",
            "password": PASSWORD,
        }
        assert client.post("/login", data=form, base_url=home).status_code == 302

    def send(form: dict[str, str], headers: dict[str, str]) -> TestResponse:
        return client.post("/hotline/handover", data=form, headers=headers, base_url=home)

    log_in()
    form = hidden_fields(client.get("/hotline/handover", base_url=home).text) | {"words": words}
    client.post("/logout", data=hidden_fields(client.get("/hotline", base_url=home).text), base_url=home)
    out = send(form, ours)
    assert out.status_code == 400
    assert "You have been logged out. Nothing you typed is lost" in out.text
    assert 'name="referrer"' not in out.text, "the browser is to say where it comes from"
    assert "csrf_token" not in out.text
    log_in()
    again = send(hidden_fields(out.text) | {"words": words}, ours)
    assert again.status_code == 400
    assert "Send it now as 赵敏" in again.text
    assert f'<textarea name="words" hidden>\n{words}</textarea>' in again.text
    # What another site sends is never offered, and neither is a password.
    for origin in ({}, {"Origin": "null"}, {"Origin": "https://elsewhere.example"}):
        assert "王老师" not in send(form, origin).text
    assert (
        PASSWORD not in client.post("/login", data={"password": PASSWORD}, headers=ours, base_url=home).text
    )
    with app.app_context():
        assert db.session.scalars(select(ShiftNote)).all() == []
    assert send(hidden_fields(again.text) | {"words": words}, ours).status_code == 303
    with app.app_context():
        assert db.session.scalars(select(ShiftNote.text)).one() == words


def test_a_form_sent_after_all_logins_of_an_account_were_ended_comes_back_too(
    app: Flask, people: People, client: FlaskClient
) -> None:
    app.config["WTF_CSRF_ENABLED"] = False  # the token still fits
    client.post("/login", data={"username": "op", "password": PASSWORD})
    with app.app_context(), transaction() as tx:
        accounts.end_sessions(tx.get_one(Staff, people.operator))
    answer = client.post(
        "/hotline/handover", data={"words": "明早再打"}, headers={"Origin": "http://localhost"}
    )
    assert answer.status_code == 400
    assert 'value="明早再打"' in answer.text
    assert client.post("/logout").status_code == 302
