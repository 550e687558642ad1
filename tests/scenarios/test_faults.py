"""When parts fail: nothing lost, nothing doubled, and the operator never waits for it."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from sqlalchemy import select

from devtools.local import hidden_fields
from dispatcher.database import transaction
from dispatcher.models import LinkToken, Message, Offer, Task
from dispatcher.services import tokens
from tests.world import Sms, World, eventually, now

pytestmark = pytest.mark.scenario


def _control(world: World, **settings: Any) -> None:
    requests.post(f"{world.system.phones_url}/api/control", json=settings, timeout=10).raise_for_status()


def test_200_accept_at_once_and_one_wins(world: World) -> None:
    elder = world.retiree()
    helpers = [world.volunteer(f"志愿者{n}", "near", windows=[]) for n in range(200)]
    task = world.call(elder)
    elder.phone.expect("记下了")
    links = []
    with world.app.app_context(), transaction() as tx:
        for number, helper in enumerate(helpers):
            tx.add(
                Offer(
                    task_id=task, volunteer_id=helper.id, wave=1, ring=0, chance=0.4, state="sent",
                    created_at=now(), expires_at=now(), why=[],
                )
            )  # fmt: skip
            token = f"testtoken{number:03}"
            tx.add(
                LinkToken(
                    token_hash=tokens.digest(token), task_id=task, volunteer_id=helper.id,
                    created_at=now(), expires_at=now().replace(year=2099),
                )
            )  # fmt: skip
            links.append(f"{world.system.url}/o/{token}")

    def accept(link: str) -> requests.Response:
        return requests.post(f"{link}/accept", timeout=60)

    with ThreadPoolExecutor(200) as crowd:
        answers = list(crowd.map(accept, links))

    assert [a.status_code for a in answers] == [200] * 200
    winners = [a for a in answers if "王秀兰" in a.text]
    assert len(winners) == 1
    assert len(world.standing(task)) == 1
    winner = next(h for h in helpers if h.id == world.standing(task)[0])
    assert answers.index(winners[0]) == helpers.index(winner)
    winner.phone.expect("王秀兰", "暗号", patience_s=30)
    elder.phone.expect(winner.name)
    for helper in helpers:
        if helper is not winner:
            helper.phone.expect("已有别的志愿者", patience_s=60)
    assert world.events(task).count("accepted") == 1


def test_a_get_of_every_link_changes_nothing(world: World) -> None:
    elder, helper = world.retiree(), world.volunteer("李伟")
    task, offer = world.offered(elder, helper)
    world.settle()
    eventually(lambda: _quiet(world, task), "all receipts in")
    # Those of an earlier test's two hundred may still be coming, too, or never come any more.
    eventually(lambda: _still(world), "nothing moves", patience_s=60)
    before = world.change_counter()
    for path in ("", "/accept", "/decline", "/underway", "/delivered", "/handback"):
        answer = requests.get(offer.link + path, timeout=10)
        assert answer.status_code == 200  # the address of a button shows its page
        assert "Set-Cookie" not in answer.headers
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "noindex" in answer.headers["X-Robots-Tag"]
    pairs = list(zip(before, world.change_counter(), strict=True))
    assert [row for then, now in pairs for row in now if row not in then] == []
    assert [row for then, now in pairs for row in then if row not in now] == []
    assert world.state(task) == "open"


def _still(world: World) -> bool:
    before = world.change_counter()
    time.sleep(1)
    return world.change_counter() == before


def _quiet(world: World, task: int) -> bool:
    with world.reading() as session:
        waiting = select(Message.id).where(
            Message.task_id == task, Message.state.in_(["queued", "sending", "sent"])
        )
        return session.scalars(waiting).first() is None


def test_a_guess_looks_like_an_expiry(world: World) -> None:
    elder, helper = world.retiree(), world.volunteer("李伟")
    world.call(elder)
    elder.phone.expect("记下了")
    offer = helper.phone.expect("买药")
    with world.app.app_context(), transaction() as tx:
        link = tx.scalars(
            select(LinkToken).where(LinkToken.token_hash == tokens.digest(offer.link[-12:]))
        ).one()
        link.expires_at = now()
    expired = helper.open(offer)
    guess = helper.open(Sms(f"{world.system.url}/o/abcdefghijkm", ""))
    assert expired.status_code == guess.status_code == 404
    assert expired.text == guess.text
    assert "0351" in guess.text
    for step in ("accept", "decline"):
        assert helper.tap(offer, step).text == expired.text


def test_a_double_click_on_save_saves_once(world: World) -> None:
    elder = world.retiree(kind="landline")
    page = world.operator.get(f"/hotline/people/{elder.id}").text
    form = hidden_fields(page) | {"want": "other", "other-notes": "灯坏了", "told_on_call": "1"}
    with ThreadPoolExecutor(4) as fingers:
        answers = list(fingers.map(lambda _: world.operator.post("/hotline/requests", form), range(4)))
    assert {a.status_code for a in answers} == {200}
    with world.reading() as session:
        assert len(session.scalars(select(Task).where(Task.retiree_id == elder.id)).all()) == 1


@pytest.mark.timeout(180)
def test_valkey_gone_the_save_is_quick_and_the_offers_follow(world: World) -> None:
    elder, helper = world.retiree(), world.volunteer("李伟")
    world.system.stop_one("valkey")
    try:
        started = time.monotonic()
        task = world.call(elder)
        # Two page loads and the save itself. A bound on what the promise says, not on the machine.
        assert time.monotonic() - started < 6
        assert requests.get(world.system.url + "/readyz", timeout=5).status_code == 503
        time.sleep(1)
        assert helper.phone.inbox() == []
    finally:
        world.system.start_one("valkey")
    helper.phone.expect("买药", patience_s=40)
    elder.phone.expect("记下了", patience_s=40)
    assert world.state(task) == "open"
    ready = f"{world.system.url}/readyz"
    eventually(lambda: requests.get(ready, timeout=5).status_code == 200, "ready again", 40)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("gateway_has_it", [True, False], ids=["accepted", "never-arrived"])
def test_a_worker_killed_between_claim_and_answer(world: World, gateway_has_it: bool) -> None:
    """-9 while the gateway is being called: sent once, whether or not the gateway had taken it."""
    elder = world.retiree()
    _control(world, **{"hang_next" if gateway_has_it else "drop_next": 1, "hang_s": 8, "callbacks_off": True})
    world.call(elder, "other")  # nobody to ask here: the only SMS is the retiree's
    eventually(lambda: _one_in(world, elder.id, "sending"), "a claimed message")
    time.sleep(0.5)
    os.kill(world.system.pid("sms"), signal.SIGKILL)
    _control(world, callbacks_off=False)
    elder.phone.expect("记下了", patience_s=60)
    eventually(lambda: not _one_in(world, elder.id, "sending", "unknown", "queued"), "settled", 60)
    assert elder.phone.unexpected() == []
    with world.reading() as session:
        sent = session.scalars(select(Message).where(Message.retiree_id == elder.id)).all()
    assert [m.state in ("sent", "delivered") for m in sent] == [True]


def _one_in(world: World, retiree_id: int, *states: str) -> bool:
    with world.reading() as session:
        query = select(Message.id).where(Message.retiree_id == retiree_id, Message.state.in_(states))
        return session.scalars(query).first() is not None


@pytest.mark.timeout(180)
def test_a_gateway_that_answers_too_late_is_asked_before_sending_again(world: World) -> None:
    elder = world.retiree()
    _control(world, hang_next=1, hang_s=12, callbacks_off=True)
    world.call(elder, "other")
    elder.phone.expect("记下了")
    eventually(lambda: _one_in(world, elder.id, "sent", "delivered"), "settled by asking", 60)
    assert elder.phone.unexpected() == []


def test_refusals_for_now_are_tried_again(world: World) -> None:
    elder = world.retiree()
    _control(world, fail_next={"n": 1, "status": 429, "code": 20429})
    world.call(elder, "other")
    elder.phone.expect("记下了", patience_s=30)


def test_callbacks_repeated_and_out_of_order_never_go_back(world: World) -> None:
    elder = world.retiree()
    _control(world, repeat_callbacks=3, reorder_callbacks=True)
    world.call(elder, "other")
    elder.phone.expect("记下了")
    eventually(lambda: _one_in(world, elder.id, "delivered"), "delivered")
    time.sleep(1.5)
    assert _one_in(world, elder.id, "delivered")


def test_the_same_inbound_sms_twice_counts_once(world: World) -> None:
    elder, helper = world.retiree(), world.volunteer("李伟")
    task, offer = world.offered(elder, helper)
    _control(world, inbound_repeat=3)
    helper.phone.reply(offer.code(1))
    helper.phone.expect("王秀兰")
    elder.phone.expect("李伟")
    assert world.events(task).count("accepted") == 1
