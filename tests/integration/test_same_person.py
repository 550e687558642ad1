"""The same person twice: who may be on the roster already is asked about; and namesakes are told apart."""

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from dispatcher.database import db, transaction
from dispatcher.models import Campus, HelpRequest, Retiree, Task
from dispatcher.services import choosing, dispatching, roster, search
from dispatcher.services.roster import VolunteerData
from tests.integration.conftest import ALL_WEEK, PASSWORD, People, now, save_call

TYPED = {
    "form_key": "new", "want": "other", "other-notes": "换灯泡", "notes": "很急", "new_name": "王秀兰",
    "new_phone": "139 3520 8888", "new_campus": "home", "new_area": "东区", "new_address": "3号楼2单元501",
}  # fmt: skip


@pytest.fixture
def client(app: Flask, people: People) -> FlaskClient:
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    assert client.post("/login", data={"username": "op", "password": PASSWORD}).status_code == 302
    return client


def _save(client: FlaskClient, **typed: Any) -> Any:
    return client.post("/hotline/requests", data=TYPED | typed)


def _people() -> int:
    return db.session.scalar(select(func.count()).select_from(Retiree)) or 0


@pytest.mark.parametrize(
    "typed",
    [
        {}, {"new_address": "3-2-501"}, {"new_address": "三号楼二单元501室"}, {"new_name": "王 秀蘭"},
        {"new_address": "别处", "new_phone": "13935200001", "new_anyway": "1"},
    ],
)  # fmt: skip
def test_who_is_known_by_name_and_home_is_asked_about(
    app: Flask, people: People, client: FlaskClient, typed: dict[str, str]
) -> None:
    asked = _save(client, **typed)
    assert asked.status_code == 422
    for said in ("is on the roster already. Is it the same person?", "3号楼2单元501", "Really somebody else"):
        assert said in asked.text, said
    for name in ("notes", "other-notes", "new_name", "new_phone", "new_address"):
        assert (TYPED | typed)[name] in asked.text, name
    with app.app_context():
        assert _people() == 2
        assert db.session.scalars(select(HelpRequest)).all() == []


def test_the_same_person_gets_the_number(app: Flask, people: People, client: FlaskClient) -> None:
    for _ in range(2):  # a double click
        assert _save(client, new_same=str(people.retiree)).status_code == 303
    with app.app_context():
        assert _people() == 2
        [match] = search.find(db.session(), "8888")
        assert match.retiree.id == people.retiree
        assert [p.number for p in match.retiree.phones] == ["+8613935200001", "+8613935208888"]
        assert db.session.scalars(select(HelpRequest)).one().retiree_id == people.retiree


def test_really_somebody_else_is_taken_in(app: Flask, people: People, client: FlaskClient) -> None:
    assert _save(client, new_same="new").status_code == 303
    with app.app_context():
        assert _people() == 3
        assert len(search.find(db.session(), "王秀兰")) == 2


def test_other_homes_and_names_are_nobody_known(app: Flask, people: People, client: FlaskClient) -> None:
    assert _save(client, new_address="3号楼2单元502").status_code == 303
    assert _save(client, form_key="b", new_name="李秀兰", new_phone="13935208889").status_code == 303


def test_an_answer_for_another_name_counts_for_nothing(
    app: Flask, people: People, client: FlaskClient
) -> None:
    assert _save(client, new_same=str(people.remote)).status_code == 422
    assert _save(client, new_name="李红", new_same=str(people.retiree)).status_code == 303
    with app.app_context():
        retiree = db.session.get_one(Retiree, people.retiree)
        assert len(retiree.phones) == 1
        assert _people() == 3


def test_the_answer_stays_while_something_else_is_wrong(client: FlaskClient, people: People) -> None:
    wrong = _save(client, new_same="new", want="medicine")
    assert wrong.status_code == 422
    assert re.search(r'value="new"\s+checked', wrong.text)


def test_the_same_person_with_an_open_task_keeps_the_number(
    app: Flask, people: People, client: FlaskClient
) -> None:
    with app.app_context():
        save_call(people, "k", category="other")
    asked = _save(client, new_same=str(people.retiree))
    assert asked.status_code == 422
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', asked.text))
    assert hidden["retiree_id"] == str(people.retiree)
    again = TYPED | {key: hidden[key] for key in ("retiree_id", "add_phone", "form_key")}
    assert client.post("/hotline/requests", data=again | {"other-repeat": "new"}).status_code == 303
    with app.app_context():
        numbers = [p.number for p in db.session.get_one(Retiree, people.retiree).phones]
        assert numbers == ["+8613935200001", "+8613935208888"]


def test_namesakes_among_the_volunteers_are_told_apart(app: Flask, people: People) -> None:
    with app.app_context():
        with transaction() as tx:
            home = tx.scalars(select(Campus).where(Campus.code == "home")).one()
            roster.add_volunteer(tx, VolunteerData("李伟", "+8613635207777", home.id, ALL_WEEK))
        save_call(people, "k", category="urgent", urgency="urgent")
        task_id = db.session.scalars(select(Task.id)).one()
        dispatching.look(task_id, now())
        ranked = choosing.ranked(db.session(), db.session.get_one(Task, task_id), now())
        marks = {one.volunteer.phone: one.mark for one in ranked}
        assert marks["+8613635207777"] == "…7777"
        assert marks["+8613635200000"] == "…0000"
        assert {mark for phone, mark in marks.items() if phone[-4:] not in ("7777", "0000")} == {""}


@pytest.mark.parametrize(
    ("notes", "numbers", "marks"),
    [
        (("医学院", "后勤处"), ("+8613635200001", "+8613635200002"), ("医学院", "后勤处")),
        (("医学院", ""), ("+8613635200001", "+8613635200002"), ("…0001", "…0002")),
        (("", ""), ("+8613635200001", "+8613735200001"), ("136 3520 0001", "137 3520 0001")),
    ],
)
def test_by_what_namesakes_are_told_apart(
    app: Flask, people: People, notes: tuple[str, str], numbers: tuple[str, str], marks: tuple[str, str]
) -> None:
    with app.app_context(), transaction() as tx:
        home = tx.scalars(select(Campus.id)).first() or 0
        twins = [
            roster.add_volunteer(
                tx, VolunteerData("周平", number.replace("3520", "3529"), home, role_note=note)
            )
            for number, note in zip(numbers, notes, strict=True)
        ]
        found = choosing.told_apart(twins)
        assert [found[twin.id].replace("3529", "3520") for twin in twins] == list(marks)
