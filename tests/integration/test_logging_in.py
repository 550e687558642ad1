"""Logging in while strangers try: it holds up nobody, and locks out nobody who belongs here."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.security import check_password_hash
from werkzeug.test import EnvironBuilder, TestResponse, run_wsgi_app

from devtools.local import hidden_fields
from dispatcher import config
from dispatcher.config import ConfigurationError
from dispatcher.database import db, transaction
from dispatcher.models import Staff
from dispatcher.services import accounts
from dispatcher.web import threads, turnstile
from tests.integration.conftest import PASSWORD, People, logged_in

OFFICE, HOME, STRANGER = "203.0.113.5", "198.51.100.7", "192.0.2.9"


@pytest.fixture(autouse=True)
def _no_tokens(app: Flask, people: People) -> None:
    app.config["WTF_CSRF_ENABLED"] = False


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tested here is who may try, not how long a hash takes."""
    monkeypatch.setattr(accounts, "check_password_hash", lambda kept, typed: typed == PASSWORD)


def attempt(app: Flask, name: str, password: str, address: str = OFFICE, **more: Any) -> TestResponse:
    client = app.test_client()
    return client.post(
        "/login", data={"username": name, "password": password}, headers={"Accept-Language": "en"},
        environ_base={"REMOTE_ADDR": address}, **more,
    )  # fmt: skip


def codes(app: Flask, tries: int, names: str, addresses: str) -> set[int]:
    """Wrong tries; `{}` in names and addresses is the number of the try."""
    return {attempt(app, names.format(n), "wrong", addresses.format(n)).status_code for n in range(tries)}


def test_logins_leave_threads_for_pages() -> None:
    assert 2 * (turnstile.LOBBY + 1) <= threads.FOR_PAGES / 2
    assert threads.FOR_PAGES + threads.FOR_TURNED_AWAY + threads.FOR_STREAMS == threads.THREADS


@contextmanager
def slow_hash(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Event, list[str]]]:
    """Hashing goes on until told to end; what is being hashed."""
    go_on, at_it = threading.Event(), []

    def hash_slowly(kept: str, typed: str) -> bool:
        at_it.append(typed)
        go_on.wait(20)
        return typed == PASSWORD

    monkeypatch.setattr(accounts, "check_password_hash", hash_slowly)
    try:
        yield go_on, at_it
    finally:
        go_on.set()


def test_no_connection_is_held_while_a_password_is_hashed(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[int] = []

    def look(kept: str, typed: str) -> bool:
        held.append(db_pool.checkedout())
        return typed == PASSWORD

    with app.app_context():
        db_pool: Any = db.engine.pool
    monkeypatch.setattr(accounts, "check_password_hash", look)
    for name, password in (("op", PASSWORD), ("op", "wrong"), ("nobody", "wrong")):
        attempt(app, name, password)
    assert held == [0, 0, 0]


def test_of_fifty_who_log_in_at_once_one_is_hashed_and_an_operator_finds_people(
    app: Flask, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = logged_in(app, people.operator)
    most, now_at_it, lock = [0], [0], threading.Lock()

    def count(kept: str, typed: str) -> bool:
        with lock:
            now_at_it[0] += 1
            most[0] = max(most[0], now_at_it[0])
        real = check_password_hash(kept, typed)
        with lock:
            now_at_it[0] -= 1
        return real

    monkeypatch.setattr(accounts, "check_password_hash", count)
    with ThreadPoolExecutor(50) as crowd:
        tries = [crowd.submit(attempt, app, f"n{n}", "wrong", f"192.0.2.{n}") for n in range(50)]
        found = operator.get("/hotline/matches?q=wxl", headers={"HX-Request": "true"})
        answers = [one.result() for one in tries]
    assert found.status_code == 200
    assert "王秀兰" in found.text
    assert most[0] == 1
    assert {answer.status_code for answer in answers} <= {401, 503}


def crowd_of_strangers(app: Flask, crowd: ThreadPoolExecutor) -> list[Future[TestResponse]]:
    """As many as find a place, waiting."""
    tries = [
        crowd.submit(attempt, app, "nobody", "wrong", f"192.0.2.{n}") for n in range(turnstile.LOBBY + 1)
    ]
    lane = app.extensions["turnstile"].strangers
    while lane._places.acquire(blocking=False):
        lane._places.release()
        time.sleep(0.01)
    return tries


def test_whoever_finds_no_place_is_told_kindly_and_keeps_what_was_typed_but_the_password(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with slow_hash(monkeypatch) as (go_on, at_it), ThreadPoolExecutor(turnstile.LOBBY + 1) as crowd:
        waiting = crowd_of_strangers(app, crowd)
        form = {"username": '赵"敏<b>', "password": PASSWORD, "csrf_token": "a token", "next": "/board"}
        for language, words in (("en", "Many people are logging in"), ("zh", "现在登录的人比较多")):
            answer = app.test_client().post("/login", data=form, headers={"Accept-Language": language})
            assert answer.status_code == 503
            assert answer.headers["Retry-After"]
            assert answer.headers["Cache-Control"] == "no-store"
            assert "Content-Security-Policy" in answer.headers
            assert "Set-Cookie" not in answer.headers
            assert words in answer.text
            assert hidden_fields(answer.text) == {"csrf_token": "a token", "next": "/board"}
            assert "赵&#34;敏&lt;b&gt;" in answer.text or "赵&quot;敏&lt;b&gt;" in answer.text
            assert PASSWORD not in answer.text
        assert len(at_it) == 1
        go_on.set()
        assert {one.result().status_code for one in waiting} <= {401, 503}


@contextmanager
def long_delay(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Semaphore]:
    """Whoever is turned away sleeps until the end; released once for each who has fallen asleep."""
    asleep, wake = threading.Semaphore(0), threading.Event()

    def sleep(seconds: float) -> None:
        if seconds == turnstile.DELAY_S:
            asleep.release()
            wake.wait(30)

    monkeypatch.setattr(turnstile, "time", SimpleNamespace(sleep=sleep, monotonic=time.monotonic))
    try:
        yield asleep
    finally:
        wake.set()


def test_fifty_who_are_turned_away_at_once_all_sleep_first_and_an_operator_finds_people(
    app: Flask, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = logged_in(app, people.operator)
    with ThreadPoolExecutor(turnstile.LOBBY + 51) as crowd, slow_hash(monkeypatch):
        crowd_of_strangers(app, crowd)
        with long_delay(monkeypatch) as asleep:
            tries = [crowd.submit(attempt, app, f"n{n}", "wrong", f"192.0.2.{n}") for n in range(50)]
            assert all(asleep.acquire(timeout=20) for _ in tries)
            assert operator.get("/hotline/matches?q=wxl", headers={"HX-Request": "true"}).status_code == 200
            assert not any(one.done() for one in tries)
        assert {one.result().status_code for one in tries} == {503}


def test_whoever_is_turned_away_when_no_thread_is_left_to_sleep_on_is_answered_at_once(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.extensions["turnstile"], "_delayed", threading.BoundedSemaphore(1))
    with ThreadPoolExecutor(turnstile.LOBBY + 2) as crowd, slow_hash(monkeypatch):
        crowd_of_strangers(app, crowd)
        with long_delay(monkeypatch) as asleep:
            sleeper = crowd.submit(attempt, app, "nobody", "wrong", STRANGER)
            assert asleep.acquire(timeout=20)
            assert attempt(app, "nobody", "wrong", STRANGER).status_code == 503
            assert not sleeper.done()
        assert sleeper.result().status_code == 503


def test_a_form_that_is_turned_away_may_be_anything(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with slow_hash(monkeypatch), ThreadPoolExecutor(turnstile.LOBBY + 1) as crowd:
        crowd_of_strangers(app, crowd)
        for body in (
            b"",
            b"\xff=%ff&username",
            b"&" * 3000,
            b"username=" + b"x" * 5000,
            b"username=[[next]]",
        ):
            answer = app.test_client().post("/login", data=body)
            assert answer.status_code == 503


def test_strangers_who_wait_leave_room_for_a_browser_that_is_known(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, forger = app.test_client(), app.test_client()
    form = {"username": "op", "password": PASSWORD}
    assert mine.post("/login", data=form).status_code == 302
    cookie = mine.get_cookie(turnstile.COOKIE, path="/login")
    assert cookie is not None
    assert cookie.http_only
    assert cookie.same_site == "Lax"
    mine.post("/logout")
    forger.set_cookie(turnstile.COOKIE, cookie.value[:-2] + "xx", path="/login")
    with slow_hash(monkeypatch) as (go_on, _), ThreadPoolExecutor(turnstile.LOBBY + 2) as crowd:
        crowd_of_strangers(app, crowd)
        again = crowd.submit(mine.post, "/login", data=form)
        assert forger.post("/login", data=form).status_code == 503
        go_on.set()
        assert again.result().status_code == 302


def test_a_login_that_fails_on_the_way_makes_room_for_the_next(app: Flask) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    lane = turnstile.Turnstile(app, fail, lambda page: page)  # type: ignore[arg-type]
    environ = EnvironBuilder("/login", method="POST").get_environ()
    for _ in range(turnstile.LOBBY + 2):
        with pytest.raises(RuntimeError):
            lane(environ, lambda *_: None)  # type: ignore[arg-type]


def test_one_address_that_tries_many_names_is_stopped(app: Flask) -> None:
    app.config["LOGIN_RATE_ADDRESS"] = "5 per minute"
    assert codes(app, 5, "n{}", STRANGER) == {401}
    answer = attempt(app, "zhaomin", "wrong", STRANGER)
    assert answer.status_code == 429
    assert 'value="zhaomin"' in answer.text
    assert "Too many tries" in answer.text
    assert attempt(app, "op", PASSWORD, STRANGER).status_code == 429
    assert attempt(app, "op", PASSWORD, HOME).status_code == 302


def test_one_customer_of_ipv6_is_one_address(app: Flask) -> None:
    app.config["LOGIN_RATE_ADDRESS"] = "5 per minute"
    assert codes(app, 5, "n{}", "2001:db8:1:2::{}") == {401}
    assert attempt(app, "op", "wrong", "2001:db8:1:2:ffff::1").status_code == 429
    assert attempt(app, "op", "wrong", "2001:db8:1:3::1").status_code == 401


def test_one_name_that_is_tried_from_many_addresses_is_guarded(app: Flask) -> None:
    app.config["LOGIN_RATE_NAME"] = "5 per minute"
    assert codes(app, 5, "op", "192.0.2.{}") == {401}
    assert attempt(app, " OP ", "wrong", STRANGER).status_code == 429
    assert attempt(app, "co", PASSWORD, STRANGER).status_code == 302


def test_all_failures_together_are_limited(app: Flask) -> None:
    app.config["LOGIN_RATE_ALL"] = "5 per minute"
    assert codes(app, 5, "n{}", "192.0.2.{}") == {401}
    assert attempt(app, "another", "wrong", STRANGER).status_code == 429


@pytest.mark.parametrize("limit", ["LOGIN_RATE_ADDRESS", "LOGIN_RATE_NAME", "LOGIN_RATE_ALL"])
def test_nobody_is_locked_out_where_they_have_logged_in_before(app: Flask, limit: str) -> None:
    assert attempt(app, "op", PASSWORD, OFFICE).status_code == 302
    app.config[limit] = "3 per minute"
    codes(app, 3, "op", "192.0.2.{}")
    codes(app, 3, "n{}", OFFICE)
    assert attempt(app, "op", PASSWORD, OFFICE).status_code == 302
    assert attempt(app, "op", "a slip", OFFICE).status_code == 401


def test_many_who_log_in_rightly_from_one_address_are_never_counted(app: Flask, people: People) -> None:
    for name in ("LOGIN_RATE", "LOGIN_RATE_ADDRESS", "LOGIN_RATE_NAME", "LOGIN_RATE_ALL"):
        app.config[name] = "2 per minute"
    assert {attempt(app, "op", PASSWORD, OFFICE).status_code for _ in range(6)} == {302}


def test_guessing_beside_somebody_is_limited_too(app: Flask) -> None:
    assert attempt(app, "op", PASSWORD, OFFICE).status_code == 302
    app.config["LOGIN_RATE"] = "5 per minute"
    assert codes(app, 5, "op", OFFICE) == {401}
    assert attempt(app, "op", PASSWORD, OFFICE).status_code == 429


def test_a_forged_forwarding_header_is_not_believed(app: Flask) -> None:
    app.config["LOGIN_RATE_ADDRESS"] = "5 per minute"
    for n in range(5):
        attempt(app, f"n{n}", "wrong", STRANGER)
    client: FlaskClient = app.test_client()
    answer = client.post(
        "/login", data={"username": "x", "password": "wrong"}, environ_base={"REMOTE_ADDR": STRANGER},
        headers={"X-Forwarded-For": "203.0.113.77", "Forwarded": "for=203.0.113.77"},
    )  # fmt: skip
    assert answer.status_code == 429


def test_a_name_that_does_not_exist_or_is_closed_is_hashed_and_answered_like_any_other(
    app: Flask, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes: list[str] = []

    def look(kept: str, typed: str) -> bool:
        hashes.append(kept.partition("$")[0])
        return typed == PASSWORD

    monkeypatch.setattr(accounts, "check_password_hash", look)
    with app.app_context(), transaction() as tx:
        tx.get_one(Staff, people.coordinator).active = False
    pages = [attempt(app, name, "wrong") for name in ("op", "co", "nobody", "")]
    pages.append(attempt(app, "co", PASSWORD))
    assert {page.status_code for page in pages} == {401}
    assert len(set(hashes)) == 1
    assert len(hashes) == 5
    texts = {
        page.text.replace(f'value="{name}"', "")
        for page, name in zip(pages, ("op", "co", "nobody", "", "co"), strict=True)
    }
    assert len({text.partition('name="csrf_token"')[0] for text in texts}) == 1


def test_no_name_and_no_address_is_kept_or_logged_by_the_limits(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    app.config["LOGIN_RATE"] = "1 per minute"
    caplog.set_level("DEBUG")
    assert codes(app, 2, "zhaomin", STRANGER) == {401, 429}
    assert "zhaomin" not in caplog.text
    assert STRANGER not in caplog.text


def test_a_limit_that_cannot_be_understood_stops_the_start(app: Flask) -> None:
    for name in config.RATES:
        with pytest.raises(ConfigurationError, match=name):
            config.check_rates(app.config | {name: "twenty a minute"})


def test_next_leads_nowhere_else(app: Flask) -> None:
    client = app.test_client()
    for n, target in enumerate(
        (
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/\t/evil.example",
            "evil",
            "/%5Cevil\n",
        )
    ):
        answer = client.post(
            "/login", data={"username": "op", "password": PASSWORD, "next": target},
            environ_base={"REMOTE_ADDR": f"192.0.2.{n}"},
        )  # fmt: skip
        assert answer.headers["Location"] == "/", target


def test_a_slow_sender_holds_up_no_login(app: Flask) -> None:
    """Its headers are here, its form isn't: others mustn't wait for it."""
    arrives, reading = threading.Event(), threading.Event()

    class Slow:
        def read(self, size: int = -1) -> bytes:
            reading.set()
            arrives.wait(20)
            return b"username=co&password=x"

        readline = read

    def slow() -> int:
        environ = EnvironBuilder(path="/login", method="POST").get_environ()
        environ |= {
            "wsgi.input": Slow(), "CONTENT_LENGTH": "22",
            "CONTENT_TYPE": "application/x-www-form-urlencoded", "REMOTE_ADDR": STRANGER,
        }  # fmt: skip
        return int(run_wsgi_app(app.wsgi_app, environ)[1][:3])

    with ThreadPoolExecutor(1) as thread:
        held = thread.submit(slow)
        try:
            assert reading.wait(20)
            assert attempt(app, "co", PASSWORD).status_code in (302, 303)
        finally:
            arrives.set()
        assert held.result() != 503


def test_a_form_that_is_too_long_for_a_login_is_not_read(app: Flask) -> None:
    assert attempt(app, "co", "x" * turnstile.MOST_BODY).status_code not in (302, 303, 500, 503)
    assert attempt(app, "co", PASSWORD).status_code in (302, 303)
