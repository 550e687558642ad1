"""When the gateway refuses something of ours: over real HTTP, with real workers."""

from typing import Any

import pytest
import requests
from sqlalchemy import select

from dispatcher.models import Message, Offer, Stoppage
from tests.world import World, eventually

pytestmark = pytest.mark.scenario


def _control(world: World, **settings: Any) -> None:
    requests.post(f"{world.system.phones_url}/api/control", json=settings, timeout=10).raise_for_status()


def _stopped(world: World) -> list[str]:
    with world.reading() as session:
        return list(session.scalars(select(Stoppage.setting).where(Stoppage.stands)))


def _offers(world: World, task: int) -> list[tuple[int, str]]:
    with world.reading() as session:
        asked = select(Offer.volunteer_id, Offer.state).where(Offer.task_id == task)
        return [(row[0], row[1]) for row in session.execute(asked)]


def test_a_wrong_sender_keeps_everything_and_what_waited_leaves_once_it_is_mended(world: World) -> None:
    elder, helper = world.retiree(), world.volunteer("李伟")
    _control(world, reject_code=21606)
    try:
        task = world.call(elder)
        eventually(lambda: _stopped(world) == ["sender"], "the sender is refused")
        eventually(lambda: world.attention() == ["gateway_setting"], "one alarm")
        assert "HOTLINE_SMS_NUMBER" in world.board()
        answer = requests.get(f"{world.system.url}/readyz", timeout=10)
        assert (answer.status_code, answer.json()["gateway_refuses"]) == (503, ["sender"])
    finally:
        _control(world, reject_code=None)
    elder.phone.expect("记下了")
    helper.phone.expect("买药", "/o/")
    eventually(lambda: _stopped(world) == [], "it is over")
    assert world.attention() == []
    assert requests.get(f"{world.system.url}/readyz", timeout=10).json()["gateway_refuses"] == []
    eventually(lambda: _offers(world, task) == [(helper.id, "sent")], "one offer, and it has left")
    with world.reading() as session:
        tries = session.scalars(select(Message.attempts).where(Message.task_id == task))
        assert set(tries) == {1}
