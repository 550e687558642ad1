"""What the operators' desk keeps: drafts, calls to return, the day's calls, hand-over; and its search."""

import re
import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from dispatcher.database import db, transaction
from dispatcher.models import (
    Attention,
    Draft,
    Event,
    HelpRequest,
    Message,
    ReturnCall,
    ShiftNote,
    Staff,
    Task,
)
from dispatcher.rules.phones import Phone
from dispatcher.services import (
    attention,
    calls,
    dispatching,
    drafts,
    finding,
    handover,
    inbound,
    intake,
    progress,
    responding,
    returning,
    search,
)
from dispatcher.services.drafts import OpenForm
from dispatcher.services.intake import Call, NewPerson, Wanted
from dispatcher.sms.gateway import Incoming
from tests.integration.conftest import PASSWORD, People, now, save_call, volunteer
from tests.integration.test_hot_paths import full_scans, pretend_to_be_large, statements

MEDICINE = [
    ("csrf_token", "secret"), ("form_key", "k"), ("want", "medicine"), ("life_danger", "1"),
    ("medicine-name", "阿司匹林"), ("medicine-strength", ""), ("medicine-amount", "2盒"),
    ("medicine-source", "card"), ("medicine-where", ""),
    ("medicine-name", "硝苯地平"), ("medicine-strength", "20mg"), ("medicine-amount", ""),
    ("medicine-source", ""), ("medicine-where", "校医院"),
    ("medicine-urgency", "urgent"), ("medicine-due", "tomorrow"), ("notes", "说话慢"),
]  # fmt: skip
"""A form that somebody is typing: two lines, a choice, a box ticked."""


def _staff(people: People, coordinator: bool = False) -> Staff:
    return db.session.get_one(Staff, people.coordinator if coordinator else people.operator)


def _form(people: People, typed: Any = MEDICINE, typed_at: int = 1000, **other: Any) -> OpenForm:
    return OpenForm(
        **{"form_key": "k", "retiree_id": people.retiree, "fields": typed, "typed_at": typed_at} | other
    )


def _unfinished(people: People, coordinator: bool = False) -> list[str]:
    db.session.rollback()
    mine = drafts.unfinished(db.session(), people.coordinator if coordinator else people.operator)
    return [draft.form_key for draft in mine]


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    return client


def _log_in(client: FlaskClient, name: str = "op") -> None:
    client.post("/logout")
    assert client.post("/login", data={"username": name, "password": PASSWORD}).status_code == 302


# -- Drafts ----------------------------------------------------------------------------------------


def test_a_draft_keeps_everything_and_only_the_newest(app: Flask, people: People) -> None:
    with app.app_context():
        operator = _staff(people)
        assert drafts.keep(_form(people), operator, now())
        kept = db.session.scalars(select(Draft)).one()
        typed = drafts.fields(kept)
        assert typed[:-1] == [pair for pair in MEDICINE if pair[0] not in ("csrf_token", "form_key")]
        assert drafts.typed_at(kept) == 1000
        drafts.keep(_form(people, [("notes", "older")], 999), operator, now())
        drafts.keep(_form(people, [], 0), operator, now())  # only says that it is open
        assert dict(drafts.fields(db.session.scalars(select(Draft)).one()))["notes"] == "说话慢"
        drafts.keep(_form(people, [("notes", "newer")], 1001), operator, now())
        assert dict(drafts.fields(db.session.scalars(select(Draft)).one()))["notes"] == "newer"
        assert _unfinished(people) == ["k"]
        assert _unfinished(people, coordinator=True) == []  # a colleague has their own
        with pytest.raises(drafts.TooLong):
            drafts.keep(_form(people, [("notes", "长" * drafts.LONGEST)], 1002), operator, now())
        assert _unfinished(people) == ["k"]


def test_an_empty_form_is_open_but_isnt_unfinished(app: Flask, people: People) -> None:
    defaults = [("medicine-urgency", "soon"), ("new_language", "zh"), ("notes", "  "), ("return_call", "1")]
    with app.app_context():
        operator = _staff(people)
        drafts.keep(_form(people, MEDICINE, 0), operator, now())  # nothing was typed: filled in by the page
        drafts.keep(_form(people, defaults, 5, form_key="other"), operator, now())
        assert _unfinished(people) == []
        assert len(drafts.others(db.session(), people.retiree, people.coordinator, now())) == 2
        drafts.keep(_form(people, [], 0, closing=True), operator, now())
        drafts.keep(_form(people, MEDICINE, 7, closing=True, form_key="typed"), operator, now())
        assert _unfinished(people) == ["typed"]
        assert set(db.session.scalars(select(Draft.form_key))) == {"other", "typed"}


def test_a_saved_call_never_comes_back_as_a_draft(app: Flask, people: People) -> None:
    with app.app_context():
        operator = _staff(people)
        drafts.keep(_form(people), operator, now())
        save_call(people, "k")
        assert db.session.scalars(select(Draft)).all() == []
        # What was under way when it was saved arrives late.
        assert not drafts.keep(_form(people, typed_at=2000), _staff(people), now())
        assert db.session.scalars(select(Draft)).all() == []
        # Two that met in the database: the draft that slipped in isn't shown, and goes with the next.
        with transaction() as tx:
            tx.add(
                Draft(operator_id=people.operator, form_key="k", typed='[["notes", "x"]]', created_at=now(),
                      seen_at=now())
            )  # fmt: skip
        assert _unfinished(people) == []
        drafts.keep(_form(people, form_key="another"), _staff(people), now())
        assert set(db.session.scalars(select(Draft.form_key))) == {"another"}


def test_drafts_are_kept_for_a_week_and_thrown_away_at_once(app: Flask, people: People) -> None:
    with app.app_context():
        operator, week_ago = _staff(people), now() - timedelta(days=7, minutes=1)
        drafts.keep(_form(people, form_key="old"), operator, week_ago)
        drafts.keep(_form(people, [], 0, form_key="looked at"), operator, now() - timedelta(minutes=5))
        drafts.keep(_form(people, form_key="fresh"), operator, week_ago + timedelta(hours=1))
        assert set(db.session.scalars(select(Draft.form_key))) == {"old", "looked at", "fresh"}
        drafts.keep(_form(people), operator, now())
        assert set(db.session.scalars(select(Draft.form_key))) == {"fresh", "k"}
        drafts.throw_away("k", _staff(people, coordinator=True), now())  # not theirs
        assert _unfinished(people) == ["k", "fresh"]
        for _ in range(2):
            drafts.throw_away("k", _staff(people), now())
        assert _unfinished(people) == ["fresh"]
        # A copy that comes late stays away, and tells colleagues nothing; who goes on typing has it again.
        form = _form(people)
        assert drafts.keep(form, _staff(people), now())
        assert _unfinished(people) == ["fresh"]
        other = _staff(people, coordinator=True).id
        assert drafts.others(db.session(), people.retiree, other, now()) == []
        assert (
            drafts.own(
                db.session(),
                db.session.scalars(
                    select(Draft.id).where(Draft.form_key == "k", Draft.operator_id == people.operator)
                ).one(),
                _staff(people).id,
            )
            is None
        )
        assert drafts.keep(replace(form, typed_at=form.typed_at + 1), _staff(people), now())
        assert _unfinished(people) == ["k", "fresh"]


def test_two_operators_with_the_same_card_see_each_other(app: Flask, people: People) -> None:
    with app.app_context():
        start = now() - timedelta(minutes=10)
        drafts.keep(_form(people, [], 0), _staff(people), start)
        session, seen_by = db.session(), (people.retiree, people.coordinator)
        [there] = drafts.others(session, *seen_by, start + timedelta(seconds=44))
        assert (there.operator.name, there.created_at) == ("赵敏", start)
        assert drafts.others(session, people.retiree, people.operator, start) == []  # not oneself
        assert drafts.others(session, people.remote, people.coordinator, start) == []
        assert drafts.others(session, *seen_by, start + timedelta(seconds=46)) == []
        drafts.keep(_form(people, [], 0), _staff(people), start + timedelta(seconds=40))
        assert drafts.others(db.session(), *seen_by, start + timedelta(seconds=60))[0].created_at == start
        # Taken up again later: since when it is open now.
        later = start + timedelta(minutes=5)
        drafts.keep(_form(people, [], 0), _staff(people), later)
        assert drafts.others(db.session(), *seen_by, later)[0].created_at == later


def test_the_form_comes_back_as_it_was_left(app: Flask, people: People, client: FlaskClient) -> None:
    _log_in(client)
    typed = {"form_key": "k", "retiree_id": str(people.retiree), "typed_at": "1700000000000"}
    body = [*MEDICINE[2:], *typed.items()]
    answer = client.post("/hotline/drafts", data=_multi(body))
    assert (answer.status_code, answer.text.strip()) == (200, "")
    assert "Unfinished calls" in client.get("/hotline").text
    with app.app_context():
        draft_id = db.session.scalars(select(Draft.id)).one()
    page = client.get(f"/hotline/drafts/{draft_id}").text
    form = page[page.index('id="call-form"') :]
    assert 'name="form_key" value="k"' in form
    assert 'name="typed_at" value="1700000000000"' in form
    values = re.findall(r'id="medicine-(\w+-\d)" name="[^"]*" value="([^"]*)"', form)
    assert dict(values)["name-0"] == "阿司匹林"
    assert dict(values)["strength-0"] == ""
    assert (dict(values)["name-1"], dict(values)["strength-1"]) == ("硝苯地平", "20mg")
    for field in (r'value="card" selected', r'value="urgent"\s+checked', r'value="tomorrow" selected'):
        assert re.search(field, form), field
    assert re.search(r'id="life_danger"\s+checked', form)
    assert ">说话慢</textarea>" in form
    assert "You have an unfinished call" not in page  # it is this one
    assert "You have an unfinished call" in client.get(f"/hotline/people/{people.retiree}").text
    # A colleague sees that the card is open, and nothing of what was typed.
    _log_in(client, "co")
    assert "Unfinished calls" not in client.get("/hotline").text
    assert client.get(f"/hotline/drafts/{draft_id}").status_code == 302
    other = client.post("/hotline/drafts", data={"form_key": "z", "retiree_id": people.retiree})
    assert "赵敏 has this card open too" in other.text
    _log_in(client)
    assert client.post("/hotline/requests", data=_multi([*body, ("script_given", "1")])).status_code == 303
    assert client.post("/hotline/drafts", data=_multi(body)).status_code == 409
    assert "Unfinished calls" not in client.get("/hotline").text
    long = client.post("/hotline/drafts", data={"form_key": "y", "typed_at": "5", "notes": "x" * 70_000})
    assert long.status_code == 413
    assert client.post("/hotline/drafts", data={"notes": "x"}).status_code == 400
    for odd in ("-1", "x", "9" * 30):  # harmless
        assert client.post("/hotline/drafts", data={"form_key": "o", "typed_at": odd}).status_code == 200


def _multi(pairs: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


# -- Calls to return -------------------------------------------------------------------------------


def _promise(people: People, minutes: int = -5, notes: str = "") -> int:
    wanted = returning.Promise(
        "+8613935200001", now() + timedelta(minutes=minutes), people.retiree, notes=notes
    )
    return returning.promise(wanted, _staff(people), now())


def _call(call_id: int) -> ReturnCall:
    db.session.rollback()
    return db.session.get_one(ReturnCall, call_id)


def test_one_operator_makes_a_call(app: Flask, people: People) -> None:
    with app.app_context():
        first = _promise(people)
        assert _promise(people) == first  # a double click
        later = _promise(people, 30, "later")
        assert [call.id for call in returning.open_calls(db.session())] == [first, later]
        assert returning.due(db.session(), now()) == 1
        op, co = _staff(people), _staff(people, coordinator=True)
        assert returning.claim(first, op, now())
        assert returning.claim(first, op, now())  # said twice
        assert not returning.claim(first, co, now())
        assert not returning.settled(first, co, now())
        assert returning.due(db.session(), now()) == 0
        returning.release(first, co, now())
        assert _call(first).claimed_by_id == people.operator
        returning.release(first, _staff(people), now())
        assert returning.claim(first, _staff(people, coordinator=True), now())
        # Whoever went home with it doesn't keep it, and it counts again.
        assert returning.due(db.session(), now() + timedelta(minutes=21)) == 1
        assert returning.claim(first, _staff(people), now() + timedelta(minutes=21))
        assert returning.not_reached(first, _staff(people), now())
        assert not returning.not_reached(first, _staff(people), now())
        tries = returning.open_calls(db.session())
        assert len(tries) == 2
        again = next(call for call in tries if call.id != later)
        assert (again.retiree_id, again.phone, again.claimed_by_id) == (
            people.retiree,
            "+8613935200001",
            None,
        )
        assert timedelta(minutes=29) < again.due_at - now() < timedelta(minutes=31)
        assert returning.settled(again.id, _staff(people), now())
        assert [call.outcome for call in returning.ended(db.session())] == ["settled", "not_reached"]
        query = select(Event).where(Event.kind == "return_call").order_by(Event.id)
        steps = [event.params["step"] for event in db.session.scalars(query)]
        assert steps.count("added") == 3
        assert steps[-1] == "settled"


def test_of_two_who_claim_at_the_same_moment_one_makes_the_call(app: Flask, people: People) -> None:
    with app.app_context():
        call_id = _promise(people)
    won: list[bool] = []
    together = threading.Barrier(2)

    def claim(staff_id: int) -> None:
        with app.app_context():
            person = db.session.get_one(Staff, staff_id)
            together.wait()
            won.append(returning.claim(call_id, person, now()))

    both = [threading.Thread(target=claim, args=(who,)) for who in (people.operator, people.coordinator)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert sorted(won) == [False, True]


def test_a_call_saved_from_one_to_return_ends_it(app: Flask, people: People) -> None:
    with app.app_context():
        call_id, wanted = _promise(people), Wanted("medicine", "soon", None)
        returning.claim(call_id, _staff(people), now())
        call = Call("k", [wanted], people.retiree, read_back=True, return_call_id=call_id)
        request_id = intake.save(call, _staff(people), now())
        ended = _call(call_id)
        assert (ended.outcome, ended.request_id, ended.done_by_id) == ("reached", request_id, people.operator)
        kinds = list(db.session.scalars(select(Event.kind).where(Event.request_id == request_id)))
        assert {"opened", "read_back", "return_call"} <= set(kinds)
        # From a number that nobody knew: the new person's first call.
        unknown = returning.promise(
            returning.Promise("+8613935277777", now(), name="李老师的邻居"), _staff(people), now()
        )
        campus = db.session.get_one(HelpRequest, request_id).retiree.campus_id
        new = NewPerson("周桂英", Phone("+8613935277777", "mobile"), campus)
        lamp = Wanted("other", "routine", None, notes="灯坏了")
        intake.save(Call("n", [lamp], new_person=new, return_call_id=unknown), _staff(people), now())
        assert _call(unknown).outcome == "reached"
        # What a colleague holds stays theirs, and the call is saved all the same.
        held = _promise(people, notes="held")
        returning.claim(held, _staff(people, coordinator=True), now())
        save = Call("h", [Wanted("groceries", "soon", None)], people.retiree, return_call_id=held)
        assert intake.save(save, _staff(people), now())
        assert _call(held).done_at is None


def test_calls_to_return_on_their_page(app: Flask, people: People, client: FlaskClient) -> None:
    _log_in(client)
    path = "/hotline/calls"
    page = client.get(f"{path}?retiree={people.retiree}").text
    assert 'value="13935200001"' in page
    typed = {"phone": "12", "when": "at", "at": "25:00", "name": "老王", "notes": "问药"}
    refused = client.post(path, data=typed)
    assert refused.status_code == 422
    for kept in ("Some digits are missing", "Please give a time", "老王", "问药", 'value="12"'):
        assert kept in refused.text, kept
    assert client.post(path, data={"phone": "13935211111", "when": "never"}).status_code == 422
    for _ in range(2):
        good = typed | {"phone": "139 3521 1111", "at": "12:30"}
        assert client.post(path, data=good).status_code == 303
    local = app.config["ZONE"]
    with app.app_context():
        call = db.session.scalars(select(ReturnCall)).one()
        assert (call.phone, call.name, call.retiree_id) == ("+8613935211111", "老王", None)
        assert call.due_at.astimezone(local).strftime("%H:%M") == "12:30"
        assert now() < call.due_at <= now() + timedelta(days=1)
    page = client.get(path).text
    assert "老王" in page
    assert "I make this call" in page
    client.post(f"{path}/{call.id}/claim")
    assert f"/hotline/new?call={call.id}" in client.get(path).text
    opened = client.get(f"/hotline/new?call={call.id}").text
    assert f'name="return_call" value="{call.id}"' in opened
    assert 'value="13935211111"' in opened
    assert "calling you back" in opened
    _log_in(client, "co")
    late = client.post(f"{path}/{call.id}/claim", follow_redirects=True).text
    assert "赵敏 is making this call already" in late
    assert "赵敏 makes this call" in client.get(f"{path}/list").text
    assert client.post(f"{path}/{call.id}/settled", follow_redirects=True).status_code == 200
    _log_in(client)
    client.post(f"{path}/{call.id}/not-reached")
    assert 'class="count' not in client.get(f"{path}/due").text  # due again in half an hour
    assert "not reached" in client.get(path).text
    assert client.get(f"/hotline/new?call={call.id}").text.count("calling you back") == 0
    assert client.post(f"{path}/99999/claim", follow_redirects=True).status_code == 200


# -- The day, and the next shift ----------------------------------------------------------------------


def test_the_calls_of_a_day_and_how_they_ended(app: Flask, people: People, client: FlaskClient) -> None:
    with app.app_context():
        save_call(people, "a", items=[{"name": "阿司匹林"}])
        task_id = db.session.scalars(select(Task.id)).one()
        dispatching.look(task_id, now())
        with transaction() as tx:
            task, helper = tx.get_one(Task, task_id), volunteer(people, 0)
            responding.accept(tx, task, helper, now())
            progress.delivered(tx, task, helper, now())
            progress.all_well(tx, task, now(), "谢谢小李")
        save_call(people, "b", retiree=people.remote, category="groceries")
        start = now() - timedelta(hours=1)
        found = calls.since(db.session(), people.operator, start)
        assert [call.form_key for call, _ in found] == ["b", "a"]
        [ending] = found[1][1]
        assert (ending.task.id, ending.volunteer) == (task_id, "李伟")
        assert ending.word is not None
        assert (ending.word.kind, ending.word.params["said"]) == ("all_well", "谢谢小李")
        assert calls.since(db.session(), people.operator, now() + timedelta(hours=1)) == []
        assert calls.since(db.session(), people.coordinator, start) == []
    _log_in(client)
    page = client.get("/hotline/mine").text
    for shown in ("李伟", "Says all is well", "谢谢小李", f"/board/tasks/{task_id}"):
        assert shown in page, shown


def test_what_one_shift_leaves_to_the_next(app: Flask, people: People, client: FlaskClient) -> None:
    with app.app_context():
        save_call(people, "late", due_by=now() - timedelta(minutes=10))
        save_call(people, "soon", category="groceries", due_by=now() + timedelta(minutes=90))
        save_call(people, "later", category="other", due_by=now() + timedelta(hours=5), notes="x")
        save_call(people, "remote", retiree=people.remote)  # a coordinator has to see to it
        call_id = _promise(people)
        with transaction() as tx:
            lost = tx.scalars(select(Message).where(Message.kind == "received")).first()
            assert lost is not None
            lost.state = "undelivered"
        handed = handover.overview(db.session(), now())
        assert [task.request.form_key for task in handed.promised] == ["late", "soon"]
        assert [call.id for call in handed.calls] == [call_id]
        assert [item.reason for item in handed.unclaimed] == ["remote"]
        assert [(message.kind, who.name if who else "") for message, who in handed.lost] == [
            ("received", "王秀兰")
        ]
        assert not handed.more
        item_id = handed.unclaimed[0].id
        with transaction() as tx:
            item = tx.get_one(Attention, item_id)
            item.claimed_by_id, item.claimed_at = people.coordinator, now()
        assert handover.overview(db.session(), now()).unclaimed == []
    _log_in(client)
    assert client.post("/hotline/handover", data={"words": " "}).status_code == 422
    too_long = client.post("/hotline/handover", data={"words": "长" * 1001})
    assert too_long.status_code == 422
    assert "长" * 1001 in too_long.text
    for _ in range(2):
        assert client.post("/hotline/handover", data={"words": "电梯停运"}).status_code == 303
    page = client.get("/hotline/handover").text
    assert page.count("电梯停运") == 1
    assert "overdue by 10 min" in page
    with app.app_context():
        assert db.session.scalars(select(func.count(ShiftNote.id))).one() == 1


# -- Same as last time; searching ----------------------------------------------------------------------


def test_the_same_as_last_time_is_filled_in_by_a_link(
    app: Flask, people: People, client: FlaskClient
) -> None:
    eggs = {"name": "鸡蛋", "amount": "10个"}
    drug = {"name": "阿司匹林", "strength": "100mg", "amount": "2盒", "source": "card", "where": "校医院"}
    with app.app_context():
        save_call(people, "g0", category="groceries", items=[{"name": "米"}])
        with transaction() as tx:
            tx.scalars(select(Task)).one().state = "closed"
        save_call(people, "m", items=[drug], notes="只要蓝盒的")
        save_call(people, "g", category="groceries", items=[eggs])
        card = search.card(db.session(), people.retiree)
        assert card is not None
        assert [(t.category, t.items) for t in card.last_bought] == [
            ("groceries", [eggs]),
            ("medicine", [drug]),
        ]
        before = db.session.scalars(select(func.count(Event.id))).one()
    _log_in(client)
    page = client.get(f"/hotline/people/{people.retiree}").text
    assert "?again=medicine" in page
    assert 'value="阿司匹林"' not in page
    page = client.get(f"/hotline/people/{people.retiree}?again=medicine&again=nonsense").text
    for filled in (
        'value="阿司匹林"',
        'value="100mg"',
        'value="2盒"',
        'value="card" selected',
        ">只要蓝盒的<",
    ):
        assert filled in page, filled
    assert re.search(r'value="medicine" id="want-medicine"\s+checked', page)
    assert 'value="鸡蛋"' not in page
    with app.app_context():
        assert db.session.scalars(select(func.count(Event.id))).one() == before


def test_everything_is_found(app: Flask, people: People, client: FlaskClient) -> None:
    with app.app_context():
        save_call(people, "k", items=[{"name": "阿司匹林"}])
        task_id = db.session.scalars(select(Task.id)).one()
        inbound.receive(Incoming("SM1", "+8613635200000", "电梯坏了 100%_ok"), now())
        inbound.receive(Incoming("SM2", "+8613635200001", "old words"), now() - timedelta(days=31))
        find = finding.find
        found = find(db.session(), "王秀兰", now())
        assert [m.retiree.id for m in found.people] == [people.retiree]
        assert [task.id for task in found.tasks] == [task_id]
        assert [(x.message.kind, x.retiree.name if x.retiree else "") for x in found.messages] == [
            ("received", "王秀兰")
        ]
        for text in (f"#{task_id}", f"＃ {task_id}", str(task_id)):
            assert [task.id for task in find(db.session(), text, now()).tasks] == [task_id], text
        for words in ("电梯", "100%_OK"):
            [letter] = find(db.session(), words, now()).messages
            assert letter.volunteer is not None
            assert letter.volunteer.name == "李伟"
        for number in ("13635200000", "136 3520 0000", "+8613635200000", "1363520000"):
            assert "reply" in [x.message.kind for x in find(db.session(), number, now()).messages], number
        for nothing in ("", "old words", "100_%", "#x", "#0", "#99999999999", "\\", "没有的"):
            nobody = find(db.session(), nothing, now())
            assert [*nobody.people, *nobody.tasks, *nobody.messages] == [], nothing
    _log_in(client)
    page = client.get("/hotline/find?q=电梯").text
    assert "电梯坏了" in page
    assert "/board/tasks/" not in page[page.index("found-all") :]
    assert "Nothing found" in client.get("/hotline/find?q=没有的").text
    assert client.get("/hotline/find").status_code == 200


def test_the_desk_reads_no_large_table_from_end_to_end(app: Flask, people: People) -> None:
    with app.app_context():
        save_call(people, "k", items=[{"name": "阿司匹林"}])
        task_id = db.session.scalars(select(Task.id)).one()
        inbound.receive(Incoming("SM1", "+8613635200000", "电梯坏了"), now())
        with transaction() as tx:
            attention.raise_(tx, "stopped", now(), subject="phone:1")
        call_id = _promise(people)
        operator = _staff(people)
        if db.engine.dialect.name == "sqlite":
            pretend_to_be_large()
        with statements() as seen:
            for text in ("王秀兰", "#1", "13935200001", "电梯"):
                finding.find(db.session(), text, now())
            handover.overview(db.session(), now())
            calls.since(db.session(), people.operator, now() - timedelta(days=1))
            drafts.keep(_form(people), operator, now())
            drafts.others(db.session(), people.retiree, people.coordinator, now())
            returning.claim(call_id, _staff(people), now())
            search.card(db.session(), people.retiree)
        assert task_id
        found = {(table, said[:300]) for said, parameters in seen for table in full_scans((said, parameters))}
        assert found == set()
