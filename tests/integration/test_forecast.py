"""What if, on a real database: the roster as it is read, the command, and the page."""

import json
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from dispatcher.database import db, transaction
from dispatcher.models import Campus, Retiree, Volunteer
from dispatcher.rules.availability import Window
from dispatcher.rules.settings import URGENT_HELP, DispatchSettings
from dispatcher.services import forecast as service
from dispatcher.services.forecast import Busy, Forecasts, live_roster
from dispatcher.simulation.cover import Roster
from dispatcher.simulation.forecast import Forecast, Waits, forecast
from tests.integration.conftest import ALL_WEEK, PASSWORD, People, now


@pytest.fixture
def browser(app: Flask, people: People) -> FlaskClient:
    return log_in(app, "co")


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dispatcher.web.forecast.forecasts", Forecasts())


def log_in(app: Flask, username: str) -> FlaskClient:
    app.config["WTF_CSRF_ENABLED"] = False
    browser = app.test_client()
    browser.post("/login", data={"username": username, "password": PASSWORD})
    return browser


def short(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Forecasts of one short run; the requests a day of each that was really computed."""
    computed: list[int] = []

    def quick(roster: Roster, per_day: int, settings: DispatchSettings, *_effort: int) -> Forecast:
        computed.append(per_day)
        assert not db.session.registry.has(), "a session is open during the computation"
        return forecast(roster, per_day, settings, days=2, seeds=1)

    monkeypatch.setattr(service, "forecast", quick)
    return computed


def test_the_roster_is_read_as_it_is_now(app: Flask, people: People) -> None:
    with app.app_context():
        with transaction() as tx:
            first, second, third = (tx.get_one(Volunteer, id) for id in people.volunteers)
            first.paused_until = now() + timedelta(hours=1)
            second.paused_until = now() - timedelta(hours=1)
            third.night_ok, third.capacity = False, 1
        live = live_roster(db.session(), now())
    assert [campus.code for campus in live.campuses] == ["home", "near"]
    assert [(p.neighbours, p.share) for p in live.roster.places] == [((1,), 1.0), ((), 0.0)]
    assert [(p.place, p.agreed_urgent, p.capacity) for p in live.roster.people] == [
        (0, True, 2),
        (1, False, 1),
    ]
    assert live.roster.people[0].windows == tuple(ALL_WEEK)
    assert live.paused == 1


def test_who_has_left_or_wants_no_sms_is_not_there(app: Flask, people: People) -> None:
    with app.app_context():
        with transaction() as tx:
            tx.get_one(Volunteer, people.volunteers[0]).active = False
            tx.get_one(Volunteer, people.volunteers[1]).stopped_at = now()
        live = live_roster(db.session(), now())
    assert (len(live.roster.people), live.paused) == (1, 0)


def test_without_retirees_every_campus_asks_as_much(app: Flask, people: People) -> None:
    with app.app_context():
        with transaction() as tx:
            away = tx.scalars(select(Campus).where(~Campus.reachable)).one()
            for retiree in tx.scalars(select(Retiree)):
                retiree.campus_id = away.id
        assert [p.share for p in live_roster(db.session(), now()).roster.places] == [0.5, 0.5]


def test_the_same_question_is_computed_once_and_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[int] = []

    def note(_roster: Roster, per_day: int, _settings: DispatchSettings, days: int, seeds: int) -> Forecast:
        computed.append(per_day)
        return Forecast(per_day, days, seeds, (), {}, ())

    monkeypatch.setattr(service, "forecast", note)
    roster, settings, kept = Roster((), ()), DispatchSettings(), Forecasts()
    assert kept.get(roster, 5, settings) is kept.get(roster, 5, settings)
    assert computed == [5]
    for per_day in range(6, 20):
        kept.get(roster, per_day, settings)
    kept.get(roster, 5, settings)
    assert computed == [5, *range(6, 20), 5]
    with kept._computing:
        assert kept.get(roster, 5, settings).per_day == 5
        with pytest.raises(Busy):
            kept.get(roster, 21, settings)


def test_the_command_prints_a_table(app: Flask, people: People) -> None:
    with app.app_context(), transaction() as tx:
        for volunteer in tx.scalars(select(Volunteer)):
            volunteer.windows = volunteer.windows[:1]
    said = app.test_cli_runner().invoke(
        args=["simulate-roster", "--requests-per-day", "8", "--days", "3", "--seeds", "1"]
    )
    assert said.exit_code == 0, said.output
    assert "Simulated, not a promise: 8 requests a day, 3 days, 1 times; 3 volunteers" in said.output
    assert "Tue 00:00-24:00 (+5 days): nobody to ask: Yingze campus, Wucheng campus" in said.output


def test_the_command_speaks_to_programs(app: Flask, people: People) -> None:
    said = app.test_cli_runner().invoke(
        args=["simulate-roster", "--requests-per-day", "4", "--days", "2", "--seeds", "1", "--json"]
    )
    found = json.loads(said.output)
    assert found["simulated"] is True
    assert set(found["cells"]) == {"home", "near"}
    assert found["kinds"][URGENT_HELP]["tasks"] > 0
    assert [spot["places"] for spot in found["spots"]] == [["near"], ["home"]]


def test_the_command_says_when_there_is_nobody(app: Flask) -> None:
    said = app.test_cli_runner().invoke(args=["simulate-roster"])
    assert said.exit_code == 1
    assert "nobody on the roster" in said.output


def test_the_page_asks_first_and_computes_nothing(
    browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed = short(monkeypatch)
    page = browser.get("/board/forecast").text
    assert 'name="per_day"' in page
    assert "finding" not in page
    assert computed == []


def test_the_page_says_what_the_simulation_says(
    browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed = short(monkeypatch)
    for _ in range(2):
        answer = browser.get("/board/forecast?per_day=6", headers={"Accept-Language": "en"})
    assert answer.status_code == 200
    assert computed == [6]
    assert "At 6 requests a day, urgent help would be accepted within 2 minutes in" in answer.text
    assert "Yingze campus" in answer.text
    assert "the whole week" in answer.text
    assert " style=" not in answer.text
    assert "按每天 6 件求助计" in browser.get("/board/forecast?per_day=6").text


@pytest.mark.parametrize("typed", ["", "0", "501", "-3", "1.5", "many", "9" * 5000])
def test_what_is_no_number_of_requests_is_kept_and_told_kindly(browser: FlaskClient, typed: str) -> None:
    answer = browser.get(
        "/board/forecast", query_string={"per_day": typed}, headers={"Accept-Language": "en"}
    )
    assert answer.status_code == 422
    assert "Please give a whole number from 1 to 500." in answer.text
    assert f'value="{typed[:20]}"' in answer.text


def test_a_second_forecast_at_the_same_time_is_asked_to_wait(
    browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_question: object) -> Forecast:
        raise Busy

    monkeypatch.setattr("dispatcher.web.forecast.forecasts.get", busy)
    answer = browser.get("/board/forecast?per_day=7", headers={"Accept-Language": "en"})
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "Please try again in a moment" in answer.text
    assert 'value="7"' in answer.text


def test_more_than_can_be_computed_is_told_kindly(
    browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dispatcher.simulation.forecast._MOST_WORK", 1)
    monkeypatch.setattr("dispatcher.simulation.forecast._GENEROUS_WORK", 1)
    answer = browser.get("/board/forecast?per_day=7", headers={"Accept-Language": "en"})
    assert answer.status_code == 422
    assert "Please try fewer requests" in answer.text


def test_an_empty_roster_is_told_kindly(app: Flask, browser: FlaskClient) -> None:
    with app.app_context(), transaction() as tx:
        for volunteer in tx.scalars(select(Volunteer)):
            volunteer.active = False
    answer = browser.get("/board/forecast?per_day=7", headers={"Accept-Language": "en"})
    assert answer.status_code == 200
    assert "no volunteer" in answer.text


def test_a_category_without_tasks_and_long_gaps_can_be_shown(
    app: Flask, browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context(), transaction() as tx:
        for volunteer in tx.scalars(select(Volunteer)):
            windows = (Window(0, 0, 1440), Window(3, 480, 720), Window(4, 480, 720), Window(5, 480, 720))
            volunteer.windows = [type(volunteer.windows[0])(**vars(w)) for w in windows]

    def empty(roster: Roster, per_day: int, settings: DispatchSettings, *_effort: int) -> Forecast:
        found = forecast(roster, per_day, settings, days=1, seeds=1)
        nothing = dict.fromkeys(found.kinds, Waits(0)) | {URGENT_HELP: found.kinds[URGENT_HELP]}
        return Forecast(per_day, 1, 1, found.cells, nothing, found.spots)

    monkeypatch.setattr(service, "forecast", empty)
    page = browser.get("/board/forecast?per_day=1", headers={"Accept-Language": "en"}).text
    assert "Sat 12:00 to Sun 24:00" in page
    assert "Thu to Sat 08:00" in page


def test_only_coordinators_may_ask(app: Flask, people: People) -> None:
    assert log_in(app, "op").get("/board/forecast").status_code == 403
    assert app.test_client().get("/board/forecast").status_code == 302
