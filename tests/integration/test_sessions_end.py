"""A login ends: by logging out, everywhere, with the account, and 14 hours after it began in any case."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from dispatcher.database import db, transaction
from dispatcher.models import LoginSession, ShiftNote, Staff
from dispatcher.services import accounts
from tests.integration.conftest import PASSWORD, People, save_call

HOUR = 3600


@pytest.fixture(autouse=True)
def _no_tokens(app: Flask, people: People) -> None:
    app.config["WTF_CSRF_ENABLED"] = False


def log_in(app: Flask, name: str = "op") -> FlaskClient:
    client = app.test_client()
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    answer = client.post("/login", data={"username": name, "password": PASSWORD})
    assert answer.status_code == 302, answer.text
    return client


def copied(client: FlaskClient) -> FlaskClient:
    """Another browser with the same cookie."""
    cookie = client.get_cookie("dispatcher")
    assert cookie is not None
    other = client.application.test_client()
    other.set_cookie("dispatcher", cookie.value)
    return other


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, to be moved on: by so many seconds it is later than it is."""
    later = [0.0]
    real = time.time
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: real() + later[0])
    monkeypatch.setattr("dispatcher.web.auth.utcnow", lambda: datetime.now(UTC) + timedelta(seconds=later[0]))
    return later


def test_a_copied_cookie_is_worth_nothing_after_logging_out(app: Flask) -> None:
    mine = log_in(app)
    thief = copied(mine)
    assert thief.get("/hotline").status_code == 200
    mine.post("/logout")
    assert thief.get("/hotline").status_code == 302
    assert thief.post("/hotline/handover", data={"words": "x"}).status_code == 302
    with app.app_context():
        assert db.session.scalars(select(ShiftNote)).all() == []


def test_logging_out_ends_this_login_and_no_other(app: Flask) -> None:
    desk, phone, colleague = log_in(app), log_in(app), log_in(app, "co")
    desk.post("/logout")
    assert desk.get("/hotline").status_code == 302
    assert phone.get("/hotline").status_code == 200
    assert colleague.get("/board").status_code == 200


def test_logging_out_everywhere_ends_all_logins_of_the_account_and_no_other(app: Flask) -> None:
    desk, phone, colleague = log_in(app), log_in(app), log_in(app, "co")
    page = phone.get("/account").text
    assert page.count("<li>Since") == 2
    assert page.count("(this one)") == 1
    assert "/account" in desk.get("/hotline").text
    assert phone.post("/logout/everywhere").status_code == 302
    assert [client.get("/hotline").status_code for client in (desk, phone)] == [302, 302]
    assert log_in(app).get("/hotline").status_code == 200
    assert colleague.get("/board").status_code == 200


@pytest.mark.parametrize("how", ["password", "closed", "session key of before"])
def test_all_logins_end_with_a_new_password_and_with_the_account(
    app: Flask, people: People, how: str
) -> None:
    client = log_in(app)
    with app.app_context(), transaction() as tx:
        person = tx.get_one(Staff, people.operator)
        if how == "password":
            accounts.set_password(person, "another long password")
        elif how == "closed":
            person.active = False
        else:
            accounts.end_sessions(person)
    assert client.get("/hotline").status_code == 302
    if how == "password":
        assert (
            app.test_client().post("/login", data={"username": "op", "password": PASSWORD}).status_code == 401
        )


def test_a_login_that_was_under_way_while_the_password_was_changed_is_none(
    app: Flask, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changed_meanwhile(kept: str, typed: str) -> bool:
        with app.app_context(), transaction() as tx:
            accounts.set_password(tx.get_one(Staff, people.operator), "another long password")
        return True

    monkeypatch.setattr(accounts, "check_password_hash", changed_meanwhile)
    answer = app.test_client().post("/login", data={"username": "op", "password": PASSWORD})
    assert answer.status_code == 401


def test_whatever_is_done_a_login_ends_14_hours_after_it_began(app: Flask, wait: list[float]) -> None:
    client = log_in(app)
    for hour in range(1, 14):
        wait[0] = hour * HOUR
        # Each of these writes the cookie anew.
        client.post("/language", data={"language": ("zh", "en")[hour % 2]})
        client.get("/hotline", headers={"User-Agent": f"browser {hour}"})
        assert client.get("/hotline").status_code == 200, hour
    wait[0] = 14 * HOUR + 5
    assert client.get("/hotline").status_code == 302
    assert log_in(app).get("/hotline").status_code == 200


def test_a_session_of_the_version_before_asks_for_a_new_login_and_keeps_what_is_typed(
    app: Flask, people: People
) -> None:
    client = app.test_client()
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    with app.app_context():
        key = db.session.get_one(Staff, people.operator).session_key
    with client.session_transaction() as session:
        session["_user_id"] = f"{people.operator}.{key}"
    assert client.get("/hotline").headers["Location"].startswith("/login")
    answer = client.post("/hotline/handover", data={"words": "早"}, headers={"Origin": "http://localhost"})
    assert answer.status_code == 400
    assert 'value="早"' in answer.text


def test_only_hashes_of_keys_and_addresses_are_kept(app: Flask) -> None:
    client = log_in(app)
    with client.session_transaction() as session:
        key = session["_user_id"]
    with app.app_context():
        kept = db.session.scalars(select(LoginSession)).one()
        assert key not in (kept.key_hash, kept.address_hash)
        assert "127.0.0.1" not in kept.address_hash
        assert kept.expires_at - kept.created_at == timedelta(hours=14)


def test_logins_of_long_ago_are_forgotten_by_the_next_one(app: Flask) -> None:
    log_in(app)
    with app.app_context(), transaction() as tx:
        tx.scalars(select(LoginSession)).one().expires_at -= accounts.ADDRESS_KNOWN_FOR + timedelta(days=1)
    log_in(app)
    with app.app_context():
        assert len(db.session.scalars(select(LoginSession)).all()) == 1


def _ways_to_end(client: FlaskClient, app: Flask, people: People, how: str) -> None:
    if how == "logout":
        copied(client).post("/logout")
        return
    with app.app_context(), transaction() as tx:
        person = tx.get_one(Staff, people.operator)
        if how == "closed":
            person.active = False
        elif how == "another role":
            person.role = "coordinator"
        else:
            for login in tx.scalars(select(LoginSession)):
                login.expires_at = datetime.now(UTC) - timedelta(seconds=1)


class Following:
    """A stream of the board, read in a thread of its own as a browser does."""

    def __init__(self, client: FlaskClient) -> None:
        self._events: queue.Queue[bytes | None] = queue.Queue()
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._read, args=(client,))
        self._thread.start()

    def _read(self, client: FlaskClient) -> None:
        answer = client.get("/board/stream?rows=1", buffered=False)
        try:
            for event in answer.response:
                self._events.put(event if isinstance(event, bytes) else event.encode())
                if self._enough.is_set():
                    break
        finally:
            answer.close()
            self._events.put(None)

    def next(self) -> bytes | None:
        """The next event; None at the end."""
        return self._events.get(timeout=20)

    def rest(self) -> list[bytes]:
        """All that still comes until the end, or three if there is none."""
        found: list[bytes] = []
        while len(found) < 3 and (event := self.next()) is not None:
            found.append(event)
        return found

    def close(self, wake: Callable[[], object]) -> None:
        """Read no more; `wake` changes something, so that the thread sees it."""
        self._enough.set()
        wake()
        self._thread.join(20)
        assert not self._thread.is_alive()
        for thread in threading.enumerate():
            if thread.name == "changes":  # it holds a connection until it sees that nobody listens
                thread.join(20)


@contextmanager
def following(client: FlaskClient, app: Flask, people: People) -> Iterator[Following]:
    stream = Following(client)

    def change() -> None:
        with app.app_context():
            save_call(people, "at the end", category="other")

    try:
        yield stream
    finally:
        stream.close(change)


@pytest.mark.parametrize("how", ["logout", "closed", "another role", "too long"])
def test_a_stream_ends_with_its_login_and_sends_nothing_of_people_afterwards(
    app: Flask, people: People, how: str
) -> None:
    client = log_in(app)
    with following(client, app, people) as stream:
        assert b"event: hello" in (stream.next() or b"")
        assert b"event: rows" in (stream.next() or b"")
        _ways_to_end(client, app, people, how)
        with app.app_context():
            save_call(people)
        rest = stream.rest()
        assert b"rows" not in b"".join(rest)
        assert len(rest) < 3, "the stream goes on"


def test_a_stream_of_which_nothing_changes_ends_too_when_its_time_has_come(
    app: Flask, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dispatcher.web.live.CHECK_EVERY_S", 0.1)
    later = [0.0]
    with following(log_in(app), app, people) as stream:
        stream.next(), stream.next()
        monkeypatch.setattr(
            "dispatcher.web.live.utcnow", lambda: datetime.now(UTC) + timedelta(seconds=later[0])
        )
        later[0] = 14 * HOUR
        assert len(stream.rest()) < 3


def test_a_drawing_that_began_before_the_end_is_not_sent_after_it(
    app: Flask, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = log_in(app)
    other = copied(client)

    def draw(*_args: object, **_more: object) -> str:
        logging_out = threading.Thread(target=other.post, args=("/logout",))
        logging_out.start()
        logging_out.join()
        return "王秀兰"

    monkeypatch.setattr("dispatcher.web.board.render_template", draw)
    with following(client, app, people) as stream:
        assert "王秀兰".encode() not in b"".join(stream.rest())


def test_a_stream_of_a_login_that_stands_goes_on_when_another_ends(app: Flask, people: People) -> None:
    mine, other = log_in(app), log_in(app)
    with following(mine, app, people) as stream:
        stream.next(), stream.next()
        other.post("/logout")
        with app.app_context():
            save_call(people)
        assert any(b'id="task-' in (stream.next() or b"") for _ in range(4))
