"""What a volunteer can say of a task besides yes and no: each once, and never what is no longer so."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from io import BytesIO
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_babel import force_locale
from PIL import Image
from sqlalchemy import select

from dispatcher.database import db, transaction
from dispatcher.models import (
    Assignment,
    Attention,
    Event,
    LinkToken,
    Message,
    ReceiptPhoto,
    Retiree,
    Staff,
    Task,
    Volunteer,
)
from dispatcher.services import (
    amending,
    attention,
    coordinating,
    dispatching,
    health,
    messaging,
    outbox,
    photos,
    progress,
    responding,
    sweeping,
    tokens,
    volunteering,
)
from dispatcher.services.responding import Answer
from dispatcher.web import wording
from tests.integration.conftest import People, RecordingGateway, logged_in, now, receive, save_call, volunteer

TOKEN = "task3token45"


def held(people: People, steps: int = 0, **wanted: Any) -> int:
    """A task that the first volunteer holds, and TOKEN opens, so many steps on; its id."""
    save_call(people, **wanted)
    task_id = db.session.scalars(select(Task.id).order_by(Task.id.desc())).first()
    assert task_id is not None
    dispatching.look(task_id, now())
    with transaction() as tx:
        task, helper = tx.get_one(Task, task_id), volunteer(people, 0)
        assert responding.accept(tx, task, helper, now()) is Answer.YOURS
        for step in (progress.underway, progress.delivered)[:steps]:
            step(tx, task, helper, now())
        tx.add(
            LinkToken(
                token_hash=tokens.digest(TOKEN), task_id=task_id, volunteer_id=helper.id, created_at=now(),
                expires_at=now() + timedelta(days=1),
            )
        )  # fmt: skip
    return task_id


def say(step: str, **said: Any) -> Answer:
    db.session.rollback()
    return volunteering.answer(TOKEN, step, said.pop("at", now()), **said)


def key() -> str:
    db.session.rollback()
    return volunteering.page(TOKEN, now()).undo


def task_now(task_id: int) -> Task:
    db.session.rollback()
    return db.session.get_one(Task, task_id, populate_existing=True)


def heard_by(task_id: int) -> datetime:
    """When somebody looks at it again."""
    at = task_now(task_id).look_again_at
    assert at is not None
    return at


def telling(kind: str = "delivered") -> list[Message]:
    db.session.rollback()
    return list(db.session.scalars(select(Message).where(Message.kind == kind).order_by(Message.id)))


def kinds(task_id: int) -> list[str]:
    return list(db.session.scalars(select(Event.kind).where(Event.task_id == task_id).order_by(Event.id)))


def standing(reason: str) -> list[Attention]:
    query = select(Attention).where(Attention.reason == reason, Attention.resolved_at.is_(None))
    return list(db.session.scalars(query))


@pytest.fixture
def minute(app: Flask) -> Flask:
    """The application as it is in life: a minute to take back."""
    app.config["UNDO"] = timedelta(seconds=60)
    return app


# -- Taking back ---------------------------------------------------------------------------------------


def test_delivered_too_early_is_taken_back_step_by_step_and_nobody_was_told(
    minute: Flask, people: People
) -> None:
    gateway = RecordingGateway()
    with minute.app_context():
        task_id = held(people, 2)
        (message,) = telling()
        assert message.not_before is not None
        said_at = task_now(task_id).delivered_at
        assert said_at is not None
        assert message.wake_at == message.not_before == said_at + timedelta(seconds=60)
        messaging.send(message.id, gateway)
        assert gateway.sent == []

        first = key()
        assert say("undo", undo=first) is Answer.NOTED
        assert task_now(task_id).state == "underway"
        assert task_now(task_id).delivered_at is None
        assert heard_by(task_id) > now()
        assert (telling()[0].state, telling()[0].error_code) == ("failed", "not_needed")
        # The same button pressed twice takes back one step, not two; one of no step takes back none.
        assert say("undo", undo=first) is Answer.NOTED
        assert say("undo", undo="delivered@2020-01-01T00:00:00+00:00") is Answer.OVER
        assert task_now(task_id).state == "underway"
        assert say("undo", undo=key()) is Answer.NOTED
        assert task_now(task_id).state == "assigned"
        assert key() == ""
        assert kinds(task_id)[-2:] == ["undone", "undone"]

        # And then it is done in earnest: one SMS, when the minute is over.
        say("delivered", spent_fen=3550)
        assert [m.state for m in telling()] == ["failed", "queued"]
        later = now() + timedelta(seconds=61)
        assert sweeping.sweep(later) >= 1
        with transaction() as tx:
            tx.get_one(Message, telling()[1].id).not_before = now()
        messaging.send(telling()[1].id, gateway)
        assert [body for _, body, _ in gateway.sent if "送到" in body]
        assert say("undo", undo=key()) is Answer.REFUSED, "they have been told"
        assert task_now(task_id).state == "delivered"


def test_the_minute_ends(minute: Flask, people: People) -> None:
    with minute.app_context():
        task_id = held(people, 1)
        assert say("undo", undo=key(), at=now() + timedelta(seconds=61)) is Answer.REFUSED
        assert task_now(task_id).state == "underway"
        minute.config["UNDO"] = timedelta()
        assert key() == ""
        say("delivered")
        assert telling()[0].not_before is None


def test_a_second_after_the_last_it_is_either_told_or_taken_back(minute: Flask, people: People) -> None:
    """The worker and the volunteer's thumb at the same moment: one of them wins, whole."""
    with minute.app_context():
        task_id = held(people, 2)
        undo, message_id = key(), telling()[0].id
        with transaction() as tx:
            tx.get_one(Message, message_id).not_before = now()
    gateway, start = RecordingGateway(), Barrier(2)

    def send() -> None:
        with minute.app_context():
            start.wait()
            messaging.send(message_id, gateway)

    def take_back() -> Answer:
        with minute.app_context():
            start.wait()
            return volunteering.answer(TOKEN, "undo", now(), undo=undo)

    with ThreadPoolExecutor(2) as threads:
        sent, taken = threads.submit(send), threads.submit(take_back)
        sent.result()
        outcome = taken.result()
    with minute.app_context():
        state, message = task_now(task_id).state, telling()[0]
        if outcome is Answer.NOTED:
            assert (state, message.state, gateway.sent) == ("underway", "failed", [])
        else:
            assert (outcome, state, message.state) == (Answer.REFUSED, "delivered", "sent")
            assert len(gateway.sent) == 1


def test_what_waits_for_its_minute_is_not_late(minute: Flask, people: People) -> None:
    with minute.app_context():
        held(people, 2)
        for message_id in db.session.scalars(select(Message.id).where(Message.not_before.is_(None))).all():
            messaging.send(message_id, RecordingGateway())
        assert health.check(now()).oldest_unsent_s is None
        late = health.check(now() + timedelta(seconds=90)).oldest_unsent_s
        assert late is not None
        assert 20 < late < 40


def test_whoever_must_go_again_says_it_once(minute: Flask, people: People) -> None:
    """A coordinator opens it again within the minute: what waited to be said is never said."""
    with minute.app_context():
        task_id = held(people, 2)
        coordinator = db.session.get_one(Staff, people.coordinator)
        coordinating.reopen_task(coordinating.Edit(task_id, coordinator, 2**31 - 1, now()), "不对")
        assert [message.error_code for message in telling()] == ["not_needed"]


@pytest.mark.parametrize("called", [False, True])
def test_a_call_that_was_to_be_made_is_spared_unless_it_was_made(
    minute: Flask, people: People, called: bool
) -> None:
    with minute.app_context():
        with transaction() as tx:
            for phone in tx.get_one(Retiree, people.retiree).phones:
                phone.kind = "landline"
        task_id = held(people, 2)
        (call,) = standing("call_retiree")
        assert call.params["kind"] == "delivered"
        if called:
            coordinator = db.session.get_one(Staff, people.coordinator)
            coordinating.resolve(call.id, coordinator, "called", now())
        outcome = say("undo", undo=key())
        assert (outcome, task_now(task_id).state) == (
            (Answer.REFUSED, "delivered") if called else (Answer.NOTED, "underway")
        )
        # Nobody has told them who is coming: that call, which "delivered" made needless, is to be made again.
        assert [c.params["kind"] for c in standing("call_retiree")] == ([] if called else ["coming"])
        if called:
            return
        (call,) = standing("call_retiree")
        assert call.params["words"]["volunteer"] == "李伟"
        assert call.params["words"]["code"] == outbox.spoken_code(task_now(task_id))
        # And so each time; but not once it was made.
        say("delivered")
        assert [c.params["kind"] for c in standing("call_retiree")] == ["delivered"]
        say("undo", undo=key())
        (call,) = standing("call_retiree")
        assert call.params["kind"] == "coming"
        coordinating.resolve(call.id, db.session.get_one(Staff, people.coordinator), "called", now())
        say("delivered")
        assert say("undo", undo=key()) is Answer.NOTED
        assert standing("call_retiree") == []


@pytest.mark.parametrize("lost", ["before", "after"])
def test_a_call_in_place_of_a_lost_sms_stands_whatever_was_taken_back(
    minute: Flask, people: People, lost: str
) -> None:
    with minute.app_context():
        task_id = held(people, 1)
        coming = telling("coming")[0].id
        messaging.send(coming, RecordingGateway())

        def lose() -> None:
            receive(coming, f"SM{coming}", "undelivered", {"ErrorCode": "30005"}, now())

        if lost == "before":
            lose()
            assert len(standing("call_retiree")) == 1
        say("delivered")
        assert standing("call_retiree") == []
        assert say("undo", undo=key()) is Answer.NOTED
        if lost == "after":
            lose()
        (call,) = standing("call_retiree")
        assert (call.message_id, call.params["kind"]) == (coming, "coming")
        assert call.params["because"] == "undelivered"
        assert task_now(task_id).state == "underway"


def test_nobody_takes_back_what_another_has_said(minute: Flask, people: People) -> None:
    with minute.app_context():
        task_id = held(people, 1)
        step = key()
        with transaction() as tx:
            task, other = tx.get_one(Task, task_id), volunteer(people, 1)
            assert amending.undo(tx, task, other, step, now()) is Answer.OVER
            assert amending.trouble(tx, task, other, "not_home", "", now()) is Answer.OVER
            assert amending.more_time(tx, task, other, 0, now()) is Answer.OVER
            assert amending.spent(tx, task, other, 100, now()) is Answer.OVER
        assert task_now(task_id).state == "underway"


# -- More time, and trouble -----------------------------------------------------------------------------


def test_more_time_counts_once_and_moves_what_is_due(app: Flask, people: People) -> None:
    with app.app_context():
        due = now() + timedelta(hours=3)
        task_id = held(people, due_by=due)
        with transaction() as tx:
            task = tx.get_one(Task, task_id)
            task.look_again_at = None
            attention.raise_(tx, "overdue", now(), task)
        before = now()
        for _ in range(2):
            assert say("later", seen_min=0) is Answer.NOTED
        assert db.session.scalars(select(Assignment.more_time_min)).one() == 30
        assert timedelta(minutes=29) < heard_by(task_id) - before < timedelta(minutes=31)
        assert standing("overdue") == []
        (message,) = telling("later")
        assert message.retiree_id == people.retiree
        gateway = RecordingGateway()
        messaging.send(message.id, gateway)
        assert "30分钟" in gateway.sent[0][1]
        assert "李伟" in gateway.sent[0][1]

        # What follows keeps the time that was asked for.
        say("underway")
        assert task_now(task_id).look_again_at == due + timedelta(minutes=30)
        for seen in (30, 60, 90):
            say("later", seen_min=seen)
        assert say("later", seen_min=120) is Answer.REFUSED
        assert kinds(task_id).count("more_time") == 4
        # Who has arrived isn't late: what waits to say so is given up.
        say("delivered")
        messaging.send(telling("later")[-1].id, gateway)
        assert telling("later")[-1].error_code == "not_needed"


@pytest.mark.parametrize("due_in", [None, timedelta(minutes=-5)])
def test_no_later_word_puts_back_the_time_that_was_asked_for(
    minute: Flask, people: People, due_in: timedelta | None
) -> None:
    with minute.app_context():
        task_id = held(people)
        if due_in is not None:
            with transaction() as tx:
                tx.get_one(Task, task_id).due_by = now() + due_in
        for seen in (0, 30):
            say("later", seen_min=seen)
        granted = heard_by(task_id)
        say("underway")
        assert heard_by(task_id) >= granted
        say("delivered")
        say("undo", undo=key())
        assert heard_by(task_id) >= granted
        coordinator = db.session.get_one(Staff, people.coordinator)
        coordinating.change_urgency(coordinating.Edit(task_id, coordinator, 2**31 - 1, now()), "urgent")
        assert heard_by(task_id) > now() + timedelta(minutes=60)
        coordinating.change_urgency(coordinating.Edit(task_id, coordinator, 2**31 - 1, now()), "soon")
        say("undo", undo=key())
        assert task_now(task_id).state == "assigned"
        assert heard_by(task_id) >= granted


def test_trouble_is_on_the_board_once_with_its_words_until_it_is_mended(app: Flask, people: People) -> None:
    with app.app_context():
        task_id = held(people, 1)
        for _ in range(2):
            assert say("problem", reason="not_home", said="敲门没人应") is Answer.NOTED
        (item,) = standing("volunteer_problem")
        for language, words in (("zh", ("李伟", "敲门没人应")), ("en", ("李伟", "nobody is at home"))):
            with force_locale(language):
                text = wording.attention_text(item)
                assert all(word in text for word in words), text
        assert kinds(task_id).count("trouble") == 1
        assert volunteering.page(TOKEN, now()).trouble == "not_home"

        assert say("problem", reason="not_well") is Answer.NOTED
        assert len(standing("volunteer_problem")) == 1
        assert say("handback", reason="not_well") is Answer.NOTED
        assert standing("volunteer_problem") == []
        assert task_now(task_id).state == "open"


def test_the_board_shows_trouble_and_its_receipts_and_two_ways_to_mend_it(app: Flask, people: People) -> None:
    with app.app_context():
        task_id = held(people, 1)
        say("problem", reason="shop_shut", said="三家都关了")
        say("receipt", picture=photos.redrawn(BytesIO(picture())), spent_fen=1250)
    client = logged_in(app, people.coordinator)
    board = client.get("/board").text
    assert "三家都关了" in board
    page = client.get(f"/board/tasks/{task_id}").text
    assert "#assign" in page.split('id="needs"')[1].split("</section>")[0]
    assert f"/board/tasks/{task_id}/receipts/1" in page
    assert "¥12.50" in page


# -- Receipts -------------------------------------------------------------------------------------------


def picture(size: tuple[int, int] = (640, 480), kind: str = "JPEG", **options: Any) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, "orange").save(out, kind, **options)
    return out.getvalue()


def photographed() -> bytes:
    """As a phone held upright makes it: lying on its side, with place and words written into it."""
    lying = Image.new("RGB", (2000, 1000), "white")
    lying.paste("black", (0, 0, 1000, 1000))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it to the right
    exif[0x010F] = "PhoneMaker"
    exif.get_ifd(0x8825).update({1: "N", 2: (37.0, 52.0, 0.0), 3: "E", 4: (112.0, 33.0, 0.0)})
    out = BytesIO()
    lying.save(out, "JPEG", exif=exif, comment=b"SecretComment", quality=95)
    assert b"PhoneMaker" in out.getvalue()
    return out.getvalue()


def upload(client: FlaskClient, data: bytes | None, spent: str = "", step: str = "receipt") -> Any:
    parts = [b'Content-Disposition: form-data; name="spent"\r\n\r\n' + spent.encode()]
    if data is not None:
        head = b'Content-Disposition: form-data; name="photo"; filename="IMG 01.jpg"\r\n'
        parts.append(head + b"Content-Type: image/jpeg\r\n\r\n" + data)
    line = b"--boundary-of-the-test"
    body = b"".join(line + b"\r\n" + part + b"\r\n" for part in parts) + line + b"--\r\n"
    kind = "multipart/form-data; boundary=boundary-of-the-test"
    return client.post(f"/o/{TOKEN}/{step}", data=body, content_type=kind)


def test_a_photo_is_kept_small_upright_and_bare(app: Flask, people: People) -> None:
    with app.app_context():
        task_id = held(people, 1)
    client, sent = app.test_client(), photographed()
    for _ in range(2):
        answer = upload(client, sent, "35.50")
        assert answer.status_code == 303
        assert "Set-Cookie" not in answer.headers
    with app.app_context():
        (kept,) = db.session.scalars(select(ReceiptPhoto)).all()
        jpeg = kept.jpeg
        assert (kept.width, kept.height) == (800, 1600)
        assert len(kept.jpeg) <= photos.KEPT_BYTES
        for secret in (b"PhoneMaker", b"SecretComment", b"Exif", b"GPS"):
            assert secret not in kept.jpeg
        again = Image.open(BytesIO(kept.jpeg))
        assert dict(again.getexif()) == {}
        # What lay on the left is on top now.
        grey = again.convert("L")
        assert [grey.getpixel((400, y)) < 60 for y in (100, 1500)] == [True, False]  # type: ignore[operator]
        assert task_now(task_id).spent_fen == 3550
        assert kinds(task_id).count("receipt") == 1

    for who in (people.operator, people.coordinator):
        answer = logged_in(app, who).get(f"/board/tasks/{task_id}/receipts/1")
        assert (answer.status_code, answer.content_type, answer.data) == (200, "image/jpeg", jpeg)
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert logged_in(app, people.operator).get(f"/board/tasks/{task_id}/receipts/2").status_code == 404
    assert client.get(f"/board/tasks/{task_id}/receipts/1").status_code == 302


def test_noise_from_a_large_camera_is_taken_here_and_only_here(app: Flask, people: People) -> None:
    noise = Image.effect_noise((2600, 2600), 90).convert("RGB")
    out = BytesIO()
    noise.save(out, "JPEG", quality=95)
    assert 2_000_000 < len(out.getvalue()) < photos.MOST_BYTES
    with app.app_context():
        held(people, 1)
    client = app.test_client()
    assert upload(client, out.getvalue(), step="delivered").status_code == 413
    assert upload(client, out.getvalue()).status_code == 303
    with app.app_context():
        (kept,) = db.session.scalars(select(ReceiptPhoto)).all()
        assert len(kept.jpeg) <= photos.KEPT_BYTES
        assert 800 < max(kept.width, kept.height) <= photos.LONGEST_SIDE


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_is_no_picture_is_refused_kindly_and_moves_nothing(
    app: Flask, people: People, language: str
) -> None:
    with app.app_context():
        task_id = held(people, 1)
        volunteers_language(people, language)
    client = app.test_client()
    bomb = picture((9000, 9000), "PNG")
    assert len(bomb) < 500_000, "tiny to send, 240 MB to decode"
    huge = picture((9000, 9000))
    strip, scans = picture((64000, 780)), picture((5200, 4000), progressive=True)
    for sent in (b"<svg onload=alert(1)>", b"\xff\xd8\xff\xe0 not really", picture()[:400], bomb, huge,
                 strip, scans, picture((4100, 3000), "WEBP"), picture(kind="GIF"),
                 picture(kind="TIFF"), b"x" * (photos.MOST_BYTES + 5)):  # fmt: skip
        answer = upload(client, sent, "12.00")
        assert answer.status_code == 422, sent[:20]
        assert 'aria-invalid="true"' in answer.text
        assert {"zh": "图片", "en": "picture"}[language] in answer.text
    assert upload(client, None).status_code == 422
    assert upload(client, b"x" * 33_000_000).status_code == 413
    with app.app_context():
        assert db.session.scalars(select(ReceiptPhoto.id)).all() == []
        assert task_now(task_id).spent_fen is None
    # Transparent, from a screenshot; and a WebP.
    clear = BytesIO()
    Image.new("RGBA", (50, 50), (0, 0, 0, 0)).save(clear, "PNG")
    for good in (clear.getvalue(), picture(kind="WEBP"), picture((5200, 4000)), picture((1600, 1200),
                 progressive=True)):  # fmt: skip
        assert upload(client, good).status_code == 303
    with app.app_context():
        first = photos.jpeg(db.session(), task_id, 1)
        assert first is not None
        assert Image.open(BytesIO(first)).getpixel((10, 10)) == (255, 255, 255)


def in_scans_of_one_colour(jpeg: bytes) -> bytes:
    """The same as if each colour followed the other: the header of its first scan speaks of one alone."""
    whole = b"\xff\xda\x00\x0c\x03"
    assert jpeg.count(whole) == 1
    start = jpeg.index(whole)
    return jpeg[:start] + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + jpeg[start + 14 :]


def test_what_must_be_gathered_whole_is_held_to_the_limit_of_what_is_held() -> None:
    plain = picture((5200, 4000))
    assert photos.redrawn(BytesIO(plain)).width == 1600
    for sent in (in_scans_of_one_colour(plain), picture((5200, 4000), progressive=True)):
        with pytest.raises(photos.BadPicture, match="too_many_pixels"):
            photos.redrawn(BytesIO(sent))


def test_a_picture_that_waits_too_long_for_its_turn_may_come_again(
    app: Flask, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photos, "PATIENCE_S", 0.01)
    with app.app_context():
        task_id = held(people, 2)
    client = app.test_client()
    with photos._one_at_a_time:
        answer = upload(client, picture(), "12.00")
        assert answer.status_code == 503
        assert "稍后再试" in answer.text
        assert 'value="12.00"' in answer.text, "what was typed is kept"
        assert upload(client, None, "11.00").status_code == 303, "an amount alone waits for nobody"
    with app.app_context():
        assert photos.count(db.session(), task_id, people.volunteers[0]) == 0
    assert upload(client, picture(), "12.00").status_code == 303
    with app.app_context():
        assert task_now(task_id).spent_fen == 1200
        assert photos.count(db.session(), task_id, people.volunteers[0]) == 1


def volunteers_language(people: People, language: str) -> None:
    with transaction() as tx:
        tx.get_one(Volunteer, people.volunteers[0]).language = language


def test_six_are_enough_and_money_is_put_right_until_it_is_closed(app: Flask, people: People) -> None:
    with app.app_context():
        task_id = held(people, 2)
    client = app.test_client()
    for side in range(6):
        assert upload(client, picture((100 + side, 100))).status_code == 303
    assert upload(client, picture((99, 99))).status_code == 409
    assert upload(client, picture((100, 100))).status_code == 303, "one of the six again"
    for amount, fen in (("36.80", 3680), ("35", 3500), ("35", 3500), ("", 3500)):
        upload(client, picture((100, 100)), amount)
        with app.app_context():
            assert task_now(task_id).spent_fen == fen
    assert upload(client, None, "many").status_code == 422
    assert upload(client, picture((101, 100)), "三十五").status_code == 422, (
        "the picture is kept all the same"
    )
    with app.app_context():
        assert kinds(task_id).count("spent") == 2
        with transaction() as tx:
            progress.all_well(tx, tx.get_one(Task, task_id), now())
    assert upload(client, None, "40").status_code == 303
    with app.app_context():
        assert task_now(task_id).spent_fen == 3500, "what was said stands once it is closed"


def test_the_next_volunteer_accounts_for_their_own_money(app: Flask, people: People) -> None:
    with app.app_context():
        task_id = held(people, 1)
    client = app.test_client()
    for side in range(6):
        assert upload(client, picture((100 + side, 100)), "36.80").status_code == 303
    with app.app_context():
        say("handback", reason="not_well")
        assert task_now(task_id).spent_fen is None
        spent = select(Event.params).where(Event.task_id == task_id, Event.kind == "spent")
        assert [params["spent_fen"] for params in db.session.scalars(spent)] == [3680]
        with transaction() as tx:
            task, other = tx.get_one(Task, task_id), volunteer(people, 1)
            assert responding.accept(tx, task, other, now()) is Answer.YOURS
            tx.scalars(select(LinkToken).where(LinkToken.token_hash == tokens.digest(TOKEN))).one(
            ).volunteer_id = other.id  # fmt: skip
        db.session.rollback()
        page = volunteering.page(TOKEN, now())
        assert (page.stage, page.spent_fen, page.photos) == ("yours", None, 0)
    assert "36.80" not in client.get(f"/o/{TOKEN}").text
    assert upload(client, picture((300, 100))).status_code == 303
    with app.app_context():
        assert volunteering.page(TOKEN, now()).photos == 1
        counts = [photos.count(db.session(), task_id, who) for who in people.volunteers]
        assert counts == [6, 1, 0]
        assert photos.jpeg(db.session(), task_id, 7) is not None, "staff see all"


def test_a_receipt_may_come_after_the_retirees_word(app: Flask, people: People) -> None:
    with app.app_context():
        task_id = held(people, 2)
        with transaction() as tx:
            progress.all_well(tx, tx.get_one(Task, task_id), now())
    client = app.test_client()
    page = client.get(f"/o/{TOKEN}").text
    assert f'action="/o/{TOKEN}/receipt"' in page
    assert "王秀兰" not in page
    for amount in ("12.50", "99"):
        assert upload(client, picture(), amount).status_code == 303
    with app.app_context():
        assert task_now(task_id).spent_fen == 1250
        assert photos.count(db.session(), task_id, people.volunteers[0]) == 1
        with transaction() as tx:
            task = tx.get_one(Task, task_id)
            standing = task.assignments[-1]
            standing.ended_at = now() - timedelta(days=8)
    assert "/receipt" not in client.get(f"/o/{TOKEN}").text
    upload(client, picture((90, 90)))
    with app.app_context():
        assert photos.count(db.session(), task_id, people.volunteers[0]) == 1


# -- The page over HTTP ---------------------------------------------------------------------------------


def test_the_stage_is_tiny_changes_with_the_page_and_acts_never(app: Flask, people: People) -> None:
    with app.app_context():
        task_id = held(people)
    client = app.test_client()
    first = client.get(f"/o/{TOKEN}/stage")
    assert first.json is not None
    assert first.json["stage"] == "yours"
    assert len(first.data) < 100
    assert (first.headers["Cache-Control"], "Set-Cookie" in first.headers) == ("no-store", False)
    assert client.get(f"/o/{TOKEN}/stage").json == first.json
    assert f'data-mark="{first.json["mark"]}"' in client.get(f"/o/{TOKEN}").text
    client.post(f"/o/{TOKEN}/later", data={"seen": "0"})
    assert client.get(f"/o/{TOKEN}/stage").json != first.json
    assert client.get("/o/abcdefghijkm/stage").status_code == 404
    for step in ("underway", "undo", "receipt"):
        answer = client.get(f"/o/{TOKEN}/{step}?lang=en")
        assert (answer.status_code, answer.headers["Location"]) == (302, f"/o/{TOKEN}?lang=en")
    with app.app_context():
        assert task_now(task_id).state == "assigned"


def test_odd_forms_are_answered_kindly(app: Flask, people: People) -> None:
    with app.app_context():
        task_id = held(people, 1)
    client = app.test_client()
    cases: list[tuple[str, dict[str, str], int]] = [
        ("problem", {}, 422),
        ("problem", {"reason": "other", "said": " "}, 422),
        ("problem", {"reason": "bored"}, 422),
        ("undo", {"undo": "delivered@yesterday"}, 303),
        ("later", {"seen": "x"}, 303),
        ("later", {}, 303),
        ("undo", {}, 303),
    ]
    for step, form, code in cases:
        answer = client.post(f"/o/{TOKEN}/{step}", data=form)
        assert answer.status_code == code, (step, form)
    answer = client.post(f"/o/{TOKEN}/problem", data={"reason": "other", "said": ""})
    assert 'id="trouble-said-error"' in answer.text
    answer = client.post(f"/o/{TOKEN}/problem", data={"reason": "bored", "said": "门铃坏了"})
    assert "门铃坏了" in answer.text
    with app.app_context():
        assert task_now(task_id).state == "underway"
        assert standing("volunteer_problem") == []
