"""The main job: from the call to "all well", with everybody told at each step."""

import re

import pytest

from tests.world import World, eventually

pytestmark = pytest.mark.scenario


def test_the_whole_story(world: World) -> None:
    """Call → offers → accepted by link → the other is told → on my way → delivered → 1 → closed."""
    elder = world.retiree()
    first, second = world.volunteer("李伟"), world.volunteer("赵强")

    task = world.call(elder, "medicine", also={"medicine-due": "tomorrow"})
    elder.phone.expect("王老师", "药品", "0351-7010000")
    offer = first.phone.expect("买药", "能去点", "/o/")
    other = second.phone.expect("买药", "能去点", "/o/")

    before = first.open(offer)
    assert before.status_code == 200
    for secret in ("王秀兰", "单元501", "高血压", "阿司匹林", elder.phone.number[-4:]):
        assert secret not in before.text, f"told before accepting: {secret}"
        assert secret not in offer.body

    assert first.tap(offer, "accept").status_code == 200
    world.wait_state(task, "assigned")
    assert world.standing(task) == [first.id]
    details = first.phone.expect("王秀兰", "3号楼2单元501", "暗号")
    second.phone.expect("已有别的志愿者")
    coming = elder.phone.expect("李伟", "暗号")
    word = re.search("「(.+?)」", coming.body)
    assert word
    assert word[1] in details.body

    after = first.open(offer).text
    for told in ("王秀兰", "单元501", "高血压", "阿司匹林", word[1]):
        assert told in after
    late = second.tap(other, "accept")
    assert late.status_code == 200
    assert "王秀兰" not in late.text

    first.tap(details, "underway")
    world.wait_state(task, "underway")
    first.tap(details, "delivered", said="放门口了", spent="35.50")
    world.wait_state(task, "delivered")
    elder.phone.expect("李伟", "送到", "回复1")
    elder.phone.reply("1 谢谢")
    elder.phone.expect("谢谢您")
    world.wait_state(task, "closed")

    assert world.standing(task) == []
    gone = first.open(details).text
    for secret in ("王秀兰", "单元501", "高血压", "阿司匹林"):
        assert secret not in gone, f"still told after closing: {secret}"
    assert world.events(task) == [
        "opened", "wave", "accepted", "too_late", "underway", "delivered", "all_well",
    ]  # fmt: skip
    assert world.attention(task_id=task) == []


def test_english_speakers_get_english(world: World) -> None:
    elder = world.retiree("Margaret Hill", language="en")
    helper = world.volunteer("Tom Reed", language="en")
    task = world.call(elder, "medicine")
    elder.phone.expect("Ms Hill", "medicine")
    offer = helper.phone.expect("medicine", "Yes:")
    assert "Can you help?" in helper.open(offer).text
    helper.phone.reply(offer.code(1))
    helper.phone.expect("Margaret Hill", "code word")
    elder.phone.expect("Tom Reed", "code word")
    eventually(lambda: world.state(task) == "assigned", "assigned")
