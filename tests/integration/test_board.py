"""What a coordinator does on the board: claims, acts on several tasks at once, words sent once more."""

import re
import threading
from collections.abc import Callable
from datetime import datetime, time, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from dispatcher.database import db, transaction
from dispatcher.models import (
    Attention,
    Campus,
    DutyWindow,
    Event,
    Message,
    Retiree,
    RetireePhone,
    Staff,
    Task,
    Volunteer,
)
from dispatcher.rules.lifecycle import TaskState
from dispatcher.services import (
    accounts,
    attention,
    board,
    coordinating,
    cover,
    dispatching,
    messaging,
    paper,
    progress,
    resending,
    responding,
    roster,
    several,
)
from dispatcher.services import people as people_service
from dispatcher.services.coordinating import Edit, Refused
from dispatcher.services.intake import NEW_NEED
from dispatcher.simulation.cover import ENOUGH
from dispatcher.web.words import ATTENTION
from tests.integration.conftest import (
    PASSWORD,
    People,
    RecordingGateway,
    logged_in,
    now,
    receive,
    save_call,
    volunteer,
)


def _staff(staff_id: int) -> Staff:
    return db.session.get_one(Staff, staff_id)


def _colleague() -> int:
    with transaction() as tx:
        found = accounts.add(tx, "co2", "孙兰", "coordinator", PASSWORD)
        tx.flush()
        return found.id


def _raised(people: People) -> int:
    """Something on the list; its id."""
    save_call(people)
    task_id = db.session.scalars(select(Task.id).order_by(Task.id.desc())).first()
    with transaction() as tx:
        return attention.raise_(tx, "too_long", now(), tx.get_one(Task, task_id)).id


def _events(kind: str) -> list[Event]:
    db.session.rollback()
    return list(db.session.scalars(select(Event).where(Event.kind == kind).order_by(Event.id)))


def _claimer(attention_id: int) -> str:
    db.session.rollback()
    found = db.session.get_one(Attention, attention_id).claimed_by
    return found.name if found else ""


def test_one_sees_to_it_others_take_over_only_what_they_saw(app: Flask, people: People) -> None:
    with app.app_context():
        colleague, item = _colleague(), _raised(people)
        one, other = people.coordinator, colleague
        assert coordinating.see_to(item, _staff(one), None, now())
        assert coordinating.see_to(item, _staff(one), None, now()), "a second press"
        assert not coordinating.see_to(item, _staff(other), None, now()), "a colleague was quicker"
        assert not coordinating.let_go(item, _staff(other), now()), "not theirs to let go"
        assert _claimer(item) == "钱宁"
        assert coordinating.see_to(item, _staff(other), one, now())
        assert _claimer(item) == "孙兰"
        assert not coordinating.see_to(item, _staff(one), people.operator, now()), "not theirs"
        assert coordinating.let_go(item, _staff(other), now())
        assert not coordinating.let_go(item, _staff(other), now())
        assert (_claimer(item), db.session.get_one(Attention, item).claimed_at) == ("", None)
        assert [(e.kind, e.actor_name) for e in _events("seeing_to") + _events("let_go")] == [
            ("seeing_to", "钱宁"), ("seeing_to", "孙兰"), ("let_go", "孙兰"),
        ]  # fmt: skip
        assert db.session.get_one(Attention, item).resolved_at is None, "saying so settles nothing"
        assert coordinating.resolve(item, _staff(one), "", now())
        assert not coordinating.see_to(item, _staff(other), None, now()), "it is seen to"


def test_of_many_who_claim_at_once_one_does(app: Flask, people: People) -> None:
    with app.app_context():
        item = _raised(people)
        with transaction() as tx:
            people_at_desks = [
                accounts.add(tx, f"c{n}", f"员工{n}", "coordinator", PASSWORD) for n in range(6)
            ]
            tx.flush()
            ids = [person.id for person in people_at_desks]
    won: list[int] = []
    together = threading.Barrier(len(ids))

    def claim(staff_id: int) -> None:
        with app.app_context():
            person = _staff(staff_id)
            together.wait(20)
            if coordinating.see_to(item, person, None, now()):
                won.append(staff_id)
            db.session.remove()

    threads = [threading.Thread(target=claim, args=(staff_id,)) for staff_id in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    with app.app_context():
        assert won == [db.session.get_one(Attention, item).claimed_by_id]
        assert len(_events("seeing_to")) == 1


def _three(people: People) -> list[int]:
    for key in "abc":
        save_call(people, key, category="groceries", urgency="routine", repeat=NEW_NEED)
    found = list(db.session.scalars(select(Task.id).order_by(Task.id)))
    for task_id in found:
        dispatching.look(task_id, now())
    return found


def _states() -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(select(Task.state).order_by(Task.id)))


@pytest.mark.parametrize(
    ("act", "leaves", "states"),
    [
        (
            lambda edit: coordinating.cancel(edit, "雨停了"),
            "cancelled",
            ["cancelled", "assigned", "cancelled"],
        ),
        (lambda edit: coordinating.still_looking(edit), "still_looking", ["open", "assigned", "open"]),
    ],
)
def test_several_at_once_leave_alone_what_has_changed(
    app: Flask, people: People, act: Callable[[Edit], None], leaves: str, states: list[str]
) -> None:
    with app.app_context():
        tasks, started = _three(people), now()
        person = _staff(people.coordinator)
        seen = several.seen(db.session(), tasks)
        assert all(seen.values())
        # Meanwhile a colleague has given one of them to somebody.
        other = Edit(tasks[1], _staff(_colleague()), 2**31 - 1, now())
        coordinating.assign(other, people.volunteers[2])
        edits = several.edits(seen, person, now())
        expected = {tasks[0]: several.DONE, tasks[1]: several.CHANGED, tasks[2]: several.DONE}
        assert several.each(edits, act, leaves, started) == expected
        assert _states() == states
        before = len(_events(leaves))
        assert several.each(edits, act, leaves, started) == expected, "pressed twice"
        assert len(_events(leaves)) == before == 2


def test_what_is_over_or_never_was_is_said_so(app: Flask, people: People) -> None:
    with app.app_context():
        tasks, person = _three(people), _staff(people.coordinator)
        with transaction() as tx:
            progress.end(tx, tx.get_one(Task, tasks[0]), TaskState.CLOSED, now())
        seen = several.seen(db.session(), [*tasks, 9999])
        came = several.each(
            several.edits(seen, person, now()),
            lambda edit: coordinating.assign(edit, people.volunteers[0]), "assigned", now(),
        )  # fmt: skip
        assert [came[i] for i in (*tasks, 9999)] == ["over", "", "", "no_such_task"]
        assert _states() == ["closed", "assigned", "assigned"]


def test_the_retiree_hears_once_an_hour_that_nobody_forgot_them(app: Flask, people: People) -> None:
    with app.app_context():
        save_call(people)
        task_id = db.session.scalars(select(Task.id)).one()

        def tell(at_min: int) -> None:
            moment = now() + timedelta(minutes=at_min)
            coordinating.still_looking(Edit(task_id, _staff(people.coordinator), 2**31 - 1, moment))

        tell(0)
        for minutes in (0, 30, 59):
            with pytest.raises(Refused, match="told_lately"):
                tell(minutes)
        tell(61)
        told = db.session.scalars(select(Message).where(Message.kind == "still_looking")).all()
        assert [m.retiree_id for m in told] == [people.retiree] * 2

        # Who has only a landline is called, and the words to say are there.
        with transaction() as tx:
            for phone in tx.scalars(select(RetireePhone)):
                phone.kind = "landline"
        tell(130)
        call = db.session.scalars(select(Attention).where(Attention.reason == "call_retiree")).one()
        assert (call.params["kind"], call.resolved_at) == ("still_looking", None)
        assert len(db.session.scalars(select(Message).where(Message.kind == "still_looking")).all()) == 2

        # Somebody has accepted: it would no longer be true.
        edit = Edit(task_id, _staff(people.coordinator), 2**31 - 1, now() + timedelta(hours=5))
        coordinating.assign(edit, people.volunteers[0])
        with pytest.raises(Refused, match="not_looking"):
            tell(300)


def _lost(app: Flask, people: People, kind: str) -> int:
    """A message of this kind that the gateway couldn't deliver; its id."""
    gateway = RecordingGateway()
    for message_id in db.session.scalars(select(Message.id).where(Message.state == "queued")).all():
        messaging.send(message_id, gateway)
    lost = db.session.scalars(select(Message).where(Message.kind == kind).order_by(Message.id.desc())).first()
    assert lost is not None
    receive(lost.id, str(lost.gateway_id), "undelivered", {"ErrorCode": "30003"}, now())
    db.session.rollback()
    return lost.id


def _resendable(task_id: int) -> set[int]:
    db.session.rollback()
    task = db.session.get_one(Task, task_id)
    messages = db.session.scalars(
        select(Message).where(Message.task_id == task_id).order_by(Message.id)
    ).all()
    return resending.possible(db.session(), task, messages)


def test_what_was_lost_is_sent_again_with_codes_that_work(app: Flask, people: People) -> None:
    with app.app_context():
        save_call(people)
        task_id = db.session.scalars(select(Task.id)).one()
        dispatching.look(task_id, now())
        person = _staff(people.coordinator)
        coordinating.assign(Edit(task_id, person, 2**31 - 1, now()), people.volunteers[0])
        lost = _lost(app, people, "assigned_by_hand")
        standing = db.session.scalars(
            select(Attention).where(Attention.reason == "volunteer_unreachable")
        ).one()
        assert lost in _resendable(task_id)
        with transaction() as tx:  # the number on the roster was wrong
            volunteer(people, 0).phone = "+8613635200099"
            del tx
        assert resending.resend(lost, _staff(people.coordinator), now()) == task_id
        again = db.session.scalars(select(Message).order_by(Message.id.desc())).first()
        assert again is not None
        first = db.session.get_one(Message, lost)
        assert (again.kind, again.phone, again.state) == ("assigned_by_hand", "+8613635200099", "queued")
        assert again.params["address"] == first.params["address"]
        db.session.refresh(standing)
        assert standing.resolution == "resent"
        assert [e.params["message_id"] for e in _events("resent")] == [lost]
        assert _resendable(task_id) == set(), "the newer one is on its way"

        with pytest.raises(Refused, match="resent_lately"):
            resending.resend(lost, _staff(people.coordinator), now())
        later = now() + timedelta(minutes=2)
        with pytest.raises(Refused, match="not_resendable"):
            resending.resend(lost, _staff(people.coordinator), later)

        # The second is lost as well: on the list again, and it may be sent once more, but not at once.
        newer = _lost(app, people, "assigned_by_hand")
        assert db.session.scalars(
            select(Attention.id).where(
                Attention.reason == "volunteer_unreachable", Attention.resolved_at.is_(None)
            )
        ).one()
        with pytest.raises(Refused, match="resent_lately"):
            resending.resend(newer, _staff(people.coordinator), now())
        resending.resend(newer, _staff(people.coordinator), later)


def test_nothing_is_sent_again_that_is_no_longer_true(app: Flask, people: People) -> None:
    with app.app_context():
        save_call(people)
        task_id = db.session.scalars(select(Task.id)).one()
        dispatching.look(task_id, now())
        offer = _lost(app, people, "offer")
        received = _lost(app, people, "received")
        assert {offer, received} <= _resendable(task_id)
        edit = Edit(task_id, _staff(people.coordinator), 2**31 - 1, now())
        coordinating.assign(edit, people.volunteers[2])
        assert not {offer, received} & _resendable(task_id), "taken; and the retiree hears who is coming"
        coming = _lost(app, people, "coming")
        assert _resendable(task_id) == {coming}
        edit = Edit(task_id, _staff(people.coordinator), 2**31 - 1, now())
        coordinating.close(edit, "")
        assert _resendable(task_id) == set()
        for message_id in (coming, 9999):
            with pytest.raises(Refused):
                resending.resend(message_id, _staff(people.coordinator), now())
        assert db.session.get_one(Retiree, people.retiree)


def test_lanes_hold_each_task_once_and_what_needs_a_person_first(app: Flask, people: People) -> None:
    with app.app_context():
        tasks = _three(people)
        save_call(people, "far", retiree=people.remote)  # raises attention at once
        person = _staff(people.coordinator)
        coordinating.assign(Edit(tasks[0], person, 2**31 - 1, now()), people.volunteers[0])
        with transaction() as tx:
            attention.raise_(tx, "repeat_call", now(), tx.get_one(Task, tasks[1]))
            attention.raise_(tx, "stopped", now(), subject="phone:1")
        seen = board.overview(db.session(), board.Filter(), now(), by_lane=True)
        shown = {lane.name: [row.task.id for row in lane.rows] for lane in seen.lanes}
        assert list(shown) == list(board.LANES)
        assert sorted(shown["needs"]) == [tasks[1], tasks[2] + 1]
        assert (shown["held"], shown["looking"], shown["delivered"]) == ([tasks[0]], [tasks[2]], [])
        assert (seen.needs, seen.total, seen.rows, len(seen.loose)) == (3, 4, [], 1)
        only = board.overview(db.session(), board.Filter(state="assigned"), now(), by_lane=True)
        assert [lane.total for lane in only.lanes] == [0, 0, 1, 0]


def test_what_is_urgent_and_nobodys_is_pressing(app: Flask, people: People) -> None:
    with app.app_context():
        save_call(people, category="urgent", urgency="urgent")
        task_id = db.session.scalars(select(Task.id)).one()
        with transaction() as tx:
            item = attention.raise_(tx, "too_long", now(), tx.get_one(Task, task_id)).id

        def pressing() -> list[int]:
            return board.overview(db.session(), board.Filter(), now()).pressing

        assert pressing() == [item]
        assert coordinating.see_to(item, _staff(people.coordinator), None, now())
        assert pressing() == []


def test_every_reason_is_a_sentence_with_a_button_that_mends_it(app: Flask, people: People) -> None:
    with app.app_context():
        save_call(people)
        task_id = db.session.scalars(select(Task.id)).one()
        with transaction() as tx:
            task = tx.get_one(Task, task_id)
            items = {
                reason: attention.raise_(
                    tx, reason, now(), task, volunteer=volunteer(people, 0), subject=f"it:{reason}",
                    kind="assigned",
                ).id
                for reason in ATTENTION
            }  # fmt: skip
    client = logged_in(app, people.coordinator)
    for path in ("/board", "/board?view=lanes", f"/board/tasks/{task_id}"):
        page = client.get(path).text
        for reason, item in items.items():
            place = f'id="{"need" if "tasks" in path else "why"}-{item}"'
            assert place in page, (path, reason)
            whole = page[page.index(place) :][:6000]
            said = re.search(r'class="why-said">([^<]*)<', whole)
            assert said is not None, reason
            assert said[1].strip(), reason
            acts = whole[whole.index('class="why-act"') :]
            buttons = re.findall(r'class="button[^"]*"', acts[: acts.index("</div>")])
            assert len([b for b in buttons if "claim" not in b]) >= 1, (path, reason)
            assert any("claim" in b for b in buttons), (path, reason)


def test_it_is_thin_where_too_few_can_be_asked(app: Flask, people: People) -> None:
    zone = app.config["ZONE"]
    noon = datetime(2026, 11, 25, 12, 20, tzinfo=zone)  # a Wednesday
    with app.app_context():
        places = dict(db.session.execute(select(Campus.code, Campus.id)).all())
        assert cover.thin_from(db.session(), noon) == {places["home"]: noon, places["near"]: noon}
        # Six at home until ten in the evening; nearby is served by the same people only where it says so.
        with transaction() as tx:
            for n in range(ENOUGH):
                tx.add(
                    Volunteer(
                        name=f"志愿者{n}", phone=f"+86136352001{n:02}", campus_id=places["home"],
                        windows=[DutyWindow(weekday=2, start_min=0, end_min=22 * 60)],
                    )
                )  # fmt: skip
            for index in range(3):
                volunteer(people, index).active = False
        thin = cover.thin_from(db.session(), noon)
        assert thin[places["home"]] == datetime(2026, 11, 25, 22, tzinfo=zone)
        assert thin[places["near"]] == noon
        with transaction() as tx:  # one pauses until six
            first = tx.scalars(select(Volunteer).where(Volunteer.name == "志愿者0")).one()
            first.paused_until = datetime(2026, 11, 25, 18, tzinfo=zone)
        assert cover.thin_from(db.session(), noon)[places["home"]] == noon
        late = datetime(2026, 11, 25, 18, 5, tzinfo=zone)
        assert cover.thin_from(db.session(), late)[places["home"]].hour == 22
        strip = board.overview(db.session(), board.Filter(), noon).strips[0]
        assert strip.thin_at == noon


def test_volunteers_are_found_and_told_apart(app: Flask, people: People) -> None:
    with app.app_context():
        save_call(people)
        task_id = db.session.scalars(select(Task.id)).one()
        dispatching.look(task_id, now())
        with transaction() as tx:
            task = tx.get_one(Task, task_id)
            responding.decline(tx, task, volunteer(people, 0), "busy", "在上课", now())
            responding.accept(tx, task, volunteer(people, 1), now())
            for n in range(60):
                data = roster.VolunteerData(f"人{n:02}", f"+86136352002{n:02}", task.campus_id)
                roster.add_volunteer(tx, data)

        def found(**wanted: object) -> people_service.Listing:
            return people_service.listing(db.session(), people_service.Wanted(**wanted), now())  # type: ignore[arg-type]

        every = found()
        assert (every.total, every.pages, len(every.members)) == (63, 2, people_service.PAGE)
        assert len(found(page=2).members) == 13
        assert found(page=99).page == 2
        assert (every.sums.all, every.sums.duty, every.sums.holding) == (63, 3, 1)
        (one,) = found(search="李伟").members
        assert (one.today, one.week, one.last and one.last.state, one.held) == (1, 1, "declined", [])
        assert [m.volunteer.name for m in found(search="0000 2").members] == ["孙丽"]
        assert found(search="%").total == 0, "what is typed is meant as it stands"
        (holder,) = found(which="holding").members
        assert [t.id for t in holder.held] == [task_id]
        assert found(which="duty", campus="near").total == 1
        assert {m.volunteer.id for m in found(which="duty").members} == set(people.volunteers)

        with transaction() as tx:
            tx.scalars(select(Volunteer).where(Volunteer.name == "人07")).one().active = False
        assert found().total == 62
        assert [m.volunteer.name for m in found(which="inactive").members] == ["人07"]
        assert [m.volunteer.name for m in found(search="人07").members] == ["人07"]

        person = _staff(people.coordinator)
        today = now().astimezone(app.config["ZONE"]).date()
        for day in (today, today + timedelta(days=400), None):
            with pytest.raises(Refused, match="no_such_moment"):
                people_service.pause(people.volunteers[0], "date", day, person, now())
        with transaction() as tx:
            tx.get_one(Volunteer, people.volunteers[0]).free_until = now() + timedelta(hours=2)
        for _ in range(2):
            people_service.pause(people.volunteers[0], "week", None, _staff(people.coordinator), now())
        paused = db.session.get_one(Volunteer, people.volunteers[0], populate_existing=True)
        ends = datetime.combine(today + timedelta(days=7), time(), app.config["ZONE"])
        assert (paused.paused_until, paused.free_until) == (ends, None), "as by their own page"
        assert [m.volunteer.name for m in found(which="paused").members] == ["李伟"]
        assert found(which="duty").total == found().sums.duty == 2
        strips = board.overview(db.session(), board.Filter(), now()).strips
        assert [strip.on_duty for strip in strips] == [1, 1], "one number, on the board as in the list"
        for _ in range(2):
            people_service.resume(people.volunteers[0], _staff(people.coordinator), now())
        assert found(which="paused").total == 0
        assert [e.kind for e in _events("paused") + _events("resumed")] == ["paused", "resumed"]

        with transaction() as tx:
            progress.delivered(
                tx, tx.get_one(Task, task_id), volunteer(people, 1), now() + timedelta(hours=2)
            )
        seen = people_service.person(db.session(), people.volunteers[1], now())
        assert seen is not None
        assert (seen.brought, [o.task_id for o in seen.offers]) == (1, [task_id])
        assert timedelta(hours=1, minutes=59) < seen.helped < timedelta(hours=2, minutes=1)
        assert seen.weekly_min == 7 * 1440
        assert people_service.person(db.session(), 9999, now()) is None


def test_on_paper_stands_all_that_is_needed(app: Flask, people: People) -> None:
    with app.app_context():
        tasks = _three(people)
        person = _staff(people.coordinator)
        coordinating.assign(Edit(tasks[0], person, 2**31 - 1, now()), people.volunteers[0])
        coordinating.cancel(Edit(tasks[2], person, 2**31 - 1, now()), "不用了")
        with transaction() as tx:
            volunteer(people, 2).stopped_at = now()
            del tx
        sheets = paper.paper(db.session(), "", now())
        assert {s.task.id: s.holder and s.holder.name for s in sheets.sheets} == {
            tasks[0]: "李伟", tasks[1]: None,
        }  # fmt: skip
        assert [(c.code, len(v)) for c, v in sheets.people] == [("home", 2), ("near", 1)]
        assert [(c.code, len(s)) for c, s in sheets.duty] == [("home", 2)], "who wants no SMS has no duty"
        shift = sheets.duty[0][1][0]
        assert shift.end - shift.start == paper.AHEAD
        assert [s.name for s in sheets.staff] == ["钱宁"]
        until = now() + timedelta(hours=2)
        with transaction() as tx:
            helper = volunteer(people, 0)
            helper.windows, helper.free_until = [], until
            del tx
        free = [s for _, found in paper.paper(db.session(), "", now()).duty for s in found]
        assert [s.end for s in free if s.volunteer.name == "李伟"] == [until], "free now, without a window"
        near = paper.paper(db.session(), "near", now())
        assert (near.sheets, [c.code for c, _ in near.people]) == ([], ["near"])
