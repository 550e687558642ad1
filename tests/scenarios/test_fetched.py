"""Replies that were sent while the web server was down."""

import pytest
from sqlalchemy import select

from dispatcher.models import Message
from tests.world import World, eventually

pytestmark = pytest.mark.scenario

WITHIN_S = 60.0
"""The list of incoming messages is read each half minute."""


def test_replies_sent_while_the_web_was_down_are_acted_on_once(world: World) -> None:
    """An "on my way", a yes, and a question."""
    helper = world.volunteer("李伟", capacity=3)
    waiting, calling, asking = (world.retiree() for _ in range(3))
    held = world.call(waiting)
    waiting.phone.expect("记下了")
    assert helper.tap(helper.phone.expect("买药", "/o/"), "accept").status_code == 200
    details = helper.phone.expect(waiting.name, "暗号")
    waiting.phone.expect(helper.name, "暗号")
    task, offer = world.offered(calling, helper)
    world.settle()
    world.system.stop_one("web")
    try:
        helper.phone.reply(details.code(2))
        helper.phone.reply(offer.code(1))
        asking.phone.reply("请问你们几点上班")
    finally:
        world.system.start_one("web")
        world.system.wait_ready(60)
    eventually(lambda: world.state(held) == "underway", "on my way", WITHIN_S)
    eventually(lambda: world.state(task) == "assigned", "yes", WITHIN_S)
    helper.phone.expect("已出发")
    helper.phone.expect(calling.name, "暗号")
    calling.phone.expect(helper.name, "暗号")
    asking.phone.expect("电话", patience_s=WITHIN_S)
    world.settle()
    with world.reading() as session:
        phones = [helper.phone.number, asking.phone.number]
        theirs = select(Message.body).where(Message.phone.in_(phones), Message.direction == "in")
        assert len(session.scalars(theirs).all()) == 3
    assert world.events(held).count("underway") == 1
    assert world.events(task).count("accepted") == 1
