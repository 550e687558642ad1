"""Finding people by whatever an operator hears: numbers, names, homes, emergency contacts; and their keys."""

import flask_migrate
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql

from dispatcher.database import db, transaction
from dispatcher.models import Campus, Retiree, SearchKey, Volunteer, VolunteerKey
from dispatcher.rules.phones import Phone
from dispatcher.services import finding, indexing, roster, search
from dispatcher.services import people as volunteers
from tests.integration.conftest import PASSWORD, People, now
from tests.integration.test_hot_paths import full_scans, pretend_to_be_large, statements


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    assert client.post("/login", data={"username": "op", "password": PASSWORD}).status_code == 302
    return client


@pytest.fixture
def wang(app: Flask, people: People) -> int:
    """Somebody with a landline, a daughter and a door; her id."""
    with app.app_context(), transaction() as tx:
        return roster.add_retiree(
            tx,
            roster.RetireeData(
                name="王桂英", campus_id=tx.scalars(select(Campus.id)).first() or 0, area="西区",
                address="12号楼3单元702", sex="f",
                phones=[Phone("+863517019876", "landline"), Phone("+8613835107777", "mobile")],
                contact_name="刘敏", contact_relation="邻居", contact_phone="+8613603514321",
            ),
        ).id  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "by", "number"),
    [
        ("0351-7019876", "phone", "+863517019876"), ("+86-0351-7019876", "phone", "+863517019876"),
        ("7019876", "phone", "+863517019876"), ("9876", "phone", "+863517019876"),
        ("7777", "phone", "+8613835107777"), ("１３８３５１０７７７７", "phone", "+8613835107777"),
        ("\u202a138 3510 7777\u202c", "phone", "+8613835107777"), ("013835107777", "phone", "+8613835107777"),
        ("4321", "contact", "+8613603514321"), ("13603514321", "contact", "+8613603514321"),
        ("王桂英老师", "name", ""), ("guiying wang", "name", ""), ("刘敏", "by_contact", ""),
        ("liumin", "by_contact", ""), ("12号楼3单元702", "home", ""), ("12-3-702", "home", ""),
        ("12号楼702", "home", ""), ("702", "home", ""), ("西区12号楼", "home", ""),
        ("十二號樓三單元", "home", ""),
    ],
)  # fmt: skip
def test_who_is_calling_is_found_and_how(app: Flask, wang: int, typed: str, by: str, number: str) -> None:
    with app.app_context():
        [match] = search.find(db.session(), typed)
        assert (match.retiree.id, match.by, match.number) == (wang, by, number)


def test_an_honorific_finds_everybody_of_that_surname(app: Flask, people: People, wang: int) -> None:
    with app.app_context():
        for typed in ("王老师", "老王", "王阿姨", "Ms Wang", "wang laoshi"):
            found = {match.retiree.id for match in search.find(db.session(), typed)}
            assert found == {wang, people.retiree}, typed


def test_a_name_and_a_number_or_a_home_find_by_either_and_both_come_first(
    app: Flask, people: People, wang: int
) -> None:
    with app.app_context():
        for typed, right in (
            ("王桂英 13911112222", {wang}),  # the number is new
            ("王桂英 13835107777", {wang}), ("孙某 13835107777", {wang}), ("王桂英 7777", {wang}),
            ("王老师 13835107777", {wang, people.retiree}), ("王老师 12号楼", {wang, people.retiree}),
            ("7019876 王老师", {wang, people.retiree}), ("东区 99号楼", set()), ("孙某 13911112222", set()),
        ):  # fmt: skip
            found = [match.retiree.id for match in search.find(db.session(), typed)]
            assert set(found) == right, typed
            assert found[:1] == [wang][: len(right)], typed
        [match] = search.find(db.session(), "王桂英 13835107777")
        assert match.number == "+8613835107777"
        listed = volunteers.listing(db.session(), volunteers.Wanted(search="李伟 13911112222"), now()).members
        assert [member.volunteer.id for member in listed] == [people.volunteers[0]]


def test_too_little_finds_nobody(app: Flask, wang: int) -> None:
    with app.app_context():
        for typed in ("", " ", "13", "+", "@", "<77", "·", "老师", "%", "_", "小区", "家属院", "号楼"):
            assert search.find(db.session(), typed) == [], typed


def test_the_page_says_how_somebody_was_found(app: Flask, wang: int, client: FlaskClient) -> None:
    for typed, said in (
        ("9876", "own phone"), ("4321", "phone of 刘敏 (邻居)"), ("刘敏", "emergency contact 刘敏 (邻居)"),
        ("12-3-702", "by address"), ("王桂英", "by name"), ("12", "At least three digits"),
    ):  # fmt: skip
        assert said in client.get(f"/hotline/matches?q={typed}").text, typed


def test_a_volunteer_is_found_by_name_pinyin_and_phone(
    app: Flask, people: People, client: FlaskClient
) -> None:
    with app.app_context():
        for typed in ("李伟", "liwei", "wei li", "李老师", "13635200000", "136 3520 0000", "0000"):
            found = [match.volunteer.id for match in search.find_volunteers(db.session(), typed)]
            assert people.volunteers[0] in found, typed
            listed = volunteers.listing(db.session(), volunteers.Wanted(search=typed), now()).members
            assert people.volunteers[0] in [member.volunteer.id for member in listed], typed
        assert volunteers.listing(db.session(), volunteers.Wanted(search="·"), now()).members == []
    page = client.get("/hotline/find?q=liwei").text
    assert f'href="/board/volunteers/{people.volunteers[0]}"' in page
    assert client.get(f"/board/volunteers/{people.volunteers[0]}").status_code == 200


def test_a_phone_that_is_added_is_found(app: Flask, people: People) -> None:
    with app.app_context():
        for _ in range(2):
            with transaction() as tx:
                roster.add_phone(tx, tx.get_one(Retiree, people.retiree), Phone("+8613935208888", "mobile"))
        [match] = search.find(db.session(), "8888")
        assert (match.retiree.id, match.number) == (people.retiree, "+8613935208888")
        assert [phone.rank for phone in match.retiree.phones] == [0, 1]
        assert len(search.find(db.session(), "王秀兰")) == 1


def _keys() -> list[tuple[object, ...]]:
    return [
        tuple(row)
        for keys, owner in ((SearchKey, SearchKey.retiree_id), (VolunteerKey, VolunteerKey.volunteer_id))
        for row in db.session.execute(select(owner, keys.kind, keys.key).order_by(owner, keys.kind, keys.key))
    ]


def test_outdated_keys_are_written_anew_once(
    app: Flask, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "BATCH", 1)
    with app.app_context():
        right = _keys()
        assert indexing.bring_up_to_date() == 0
        with transaction() as tx:  # as the version before has left them
            tx.execute(delete(VolunteerKey))
            tx.execute(update(SearchKey).values(key="old"))
            tx.execute(update(Retiree).values(keys_version=0))
            tx.execute(update(Volunteer).values(keys_version=0))
        flask_migrate.upgrade()
        assert _keys() == right
        assert indexing.bring_up_to_date() == 0
        result = app.test_cli_runner().invoke(args=["reindex"])
        assert result.exit_code == 0, result.output
        assert "of 5 people" in result.output
        assert _keys() == right


def test_people_in_anothers_hands_are_waited_for(
    app: Flask, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty batch isn't the end: what another transaction holds is skipped."""
    waits: list[float] = []
    with app.app_context():
        indexing.outdate()
        once = iter([0])  # at first all are in hand
        batch = indexing.next_batch
        monkeypatch.setattr(indexing, "next_batch", lambda: next(once, None) if not waits else batch())
        monkeypatch.setattr("dispatcher.services.indexing.time.sleep", waits.append)
        assert indexing.bring_up_to_date() == 5
        assert waits == [indexing.WAIT_S]


def test_a_new_key_keeps_nobody_from_referring_to_the_person(app: Flask) -> None:
    for statement in indexing._OUTDATED.values():
        assert "FOR NO KEY UPDATE" in str(statement.compile(dialect=postgresql.dialect()))


def test_a_search_reads_ranges_of_an_index_and_only_so_far(app: Flask, people: People) -> None:
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            pretend_to_be_large()
        with statements() as seen:
            for typed in ("王老师", "139", "0001", "3-2-501", "李伟", "12号楼", "liwei"):
                finding.find(db.session(), typed, now())
        keyed = [said for said in seen if "FROM search_key" in said[0] or "FROM volunteer_key" in said[0]]
        assert keyed
        assert {table for said in seen for table in full_scans(said)} == set()
        assert all("LIMIT" in said for said, _ in keyed)
        assert len(search.find(db.session(), "王", limit=1)) == 1
