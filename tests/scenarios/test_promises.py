"""One scenario a promise. Each fails on any SMS that nobody expected."""

import pytest
import requests

from devtools.local import hidden_fields
from tests.world import World, eventually

pytestmark = pytest.mark.scenario


def test_accept_by_sms_reply_and_report_by_sms(world: World) -> None:
    elder, helper = world.retiree(), world.volunteer("李伟")
    task, offer = world.offered(elder, helper)
    helper.phone.reply(f"{offer.code(1)} 我十分钟后到")
    details = helper.phone.expect("王秀兰", "暗号")
    elder.phone.expect("李伟")
    assert world.state(task) == "assigned"
    assert "我十分钟后到" in world.coordinator.get(f"/board/tasks/{task}").text

    helper.phone.reply(details.code(2))
    helper.phone.expect("已出发")
    assert world.state(task) == "underway"
    helper.phone.reply(details.code(3))
    helper.phone.expect("送到了")
    elder.phone.expect("送到")
    assert world.state(task) == "delivered"


def test_a_bare_1_accepts_the_only_offer(world: World) -> None:
    elder, helper = world.retiree(), world.volunteer("李伟")
    task = world.call(elder)
    elder.phone.expect("记下了")
    helper.phone.expect("买药")
    helper.phone.reply("1")
    helper.phone.expect("王秀兰")
    elder.phone.expect("李伟")
    assert world.state(task) == "assigned"


def test_two_offers_on_one_phone_are_never_confused(world: World) -> None:
    one, two = world.retiree("王秀兰"), world.retiree("张玉梅")
    helper = world.volunteer("李伟")
    first = world.call(one)
    one.phone.expect("记下了")
    offer_one = helper.phone.expect("买药")
    second = world.call(two, "urgent")
    two.phone.expect("记下了")
    offer_two = helper.phone.expect("急事")
    helper.phone.reply("1")
    helper.phone.expect("哪件事", offer_one.code(1), offer_two.code(1))
    assert (world.state(first), world.state(second)) == ("open", "open")
    helper.phone.reply(offer_two.code(1))
    helper.phone.expect("张玉梅")
    two.phone.expect("李伟")
    assert (world.state(first), world.state(second)) == ("open", "assigned")


def test_decline_asks_the_next_at_once_and_keeps_the_words(world: World) -> None:
    elder = world.retiree()
    people = [world.volunteer(name) for name in ("李伟", "赵强", "孙丽")]
    task = world.call(elder)
    elder.phone.expect("记下了")
    asked = eventually(lambda: len(world.asked()) == 2 and world.asked(), "a wave of two")
    offers = {h.id: h.phone.expect("买药") for h in asked}
    refuser = asked[0]
    answer = refuser.tap(offers[refuser.id], "decline", reason="busy", said="两小时后可以")
    assert answer.status_code == 200
    third = next(h for h in people if h not in asked)
    third.phone.expect("买药", patience_s=10)
    page = world.coordinator.get(f"/board/tasks/{task}").text
    assert "两小时后可以" in page
    # A no by SMS is understood too; now everybody has been asked, and one is still thinking.
    third.phone.reply(f"{third.phone.inbox()[0].code(0)} 在外地")
    eventually(lambda: world.events(task).count("declined") == 2, "the second no")
    assert "在外地" in world.coordinator.get(f"/board/tasks/{task}").text


def test_expiry_then_next_wave_then_neighbour_then_coordinator(world: World) -> None:
    elder = world.retiree()
    home, near = world.volunteer("李伟"), world.volunteer("赵强", "near")
    task = world.call(elder, "groceries")
    elder.phone.expect("记下了")
    home.phone.expect("生活用品")
    near.phone.expect("生活用品")
    world.wait_attention("nobody_left", task_id=task)
    assert world.state(task) == "open"
    assert world.events(task).count("wave") == 2
    assert world.events(task).count("expired") == 2
    # A late yes still wins.
    offer = home.phone.inbox()[0]
    home.tap(offer, "accept")
    home.phone.expect("王秀兰")
    elder.phone.expect("李伟")
    assert world.state(task) == "assigned"
    assert world.attention(task_id=task) == []


def test_hand_back_asks_others_never_the_same_again(world: World) -> None:
    elder = world.retiree()
    first = world.volunteer("李伟")
    task = world.call(elder)
    elder.phone.expect("记下了")
    offer = first.phone.expect("买药")
    first.tap(offer, "accept")
    first.phone.expect("王秀兰")
    elder.phone.expect("李伟")
    second = world.volunteer("赵强")
    first.tap(offer, "handback", reason="not_well", said="发烧了")
    elder.phone.expect("李伟", "另外找人")
    second.phone.expect("买药")
    assert world.state(task) == "open"
    assert "发烧了" in world.coordinator.get(f"/board/tasks/{task}").text
    second.tap(second.phone.inbox()[0], "accept")
    second.phone.expect("王秀兰")
    elder.phone.expect("赵强")
    assert world.standing(task) == [second.id]


def test_retiree_says_2_and_a_coordinator_hears_it(world: World) -> None:
    elder, helper = world.retiree(), world.volunteer("李伟")
    task, offer = world.held(elder, helper)
    helper.tap(offer, "delivered")
    elder.phone.expect("送到")
    elder.phone.reply("2 药拿错了")
    elder.phone.expect("打电话")
    world.wait_attention("retiree_problem", task_id=task)
    assert "药拿错了" in world.board()
    assert world.state(task) == "delivered"


def test_landline_puts_call_them_on_the_list_with_the_words(world: World) -> None:
    elder, helper = world.retiree(kind="landline"), world.volunteer("李伟")
    task = world.call(elder)
    world.wait_attention("call_retiree", task_id=task)
    offer = helper.phone.expect("买药")
    helper.tap(offer, "accept")
    helper.phone.expect("王秀兰")
    board = world.board()
    assert "李伟" in board
    assert "暗号" in board
    item = world.coordinator.get(f"/board/tasks/{task}")
    assert item.status_code == 200


def test_told_on_the_call_needs_no_second_call(world: World) -> None:
    elder = world.retiree(kind="landline")
    task = world.call(elder, also={"told_on_call": "1"})
    world.wait_attention("nobody_left", task_id=task)
    assert world.attention(task_id=task) == ["nobody_left"]


def test_a_complaint_that_begins_with_1_closes_nothing(world: World) -> None:
    elder, helper = world.retiree(), world.volunteer("李伟")
    task, offer = world.held(elder, helper)
    helper.tap(offer, "delivered")
    elder.phone.expect("送到")
    elder.phone.reply("1 但是两盒拿错了")
    elder.phone.expect("收到了", "打电话")
    world.wait_attention("retiree_problem", task_id=task)
    assert world.state(task) == "delivered"
    elder.phone.reply("1")
    eventually(lambda: "all_well" in world.events(task), "heard")
    assert world.state(task) == "delivered", "a call was promised: only whoever makes it closes"


def test_a_complaint_after_closing_is_heard(world: World) -> None:
    elder, helper = world.retiree(), world.volunteer("李伟")
    task, offer = world.held(elder, helper)
    helper.tap(offer, "delivered")
    elder.phone.expect("送到")
    elder.phone.reply("1")
    world.wait_state(task, "closed")
    elder.phone.expect("谢谢您")
    elder.phone.reply("1 谢谢")  # thanked just now
    eventually(lambda: "late_reply" in world.events(task), "the second 1")
    assert world.attention(task_id=task) == []
    elder.phone.reply("2 没收到药")
    elder.phone.expect("打电话")
    world.wait_attention("retiree_problem", task_id=task)
    assert "没收到药" in world.board()


def test_a_repeated_call_brings_its_new_wishes_to_the_one_who_goes(world: World) -> None:
    elder, helper = world.retiree(), world.volunteer("李伟")
    task, offer = world.held(elder, helper)
    world.call(elder, also={"medicine-repeat": "same", "medicine-name": "胰岛素"})
    helper.phone.expect("有变化")
    assert "胰岛素" in helper.open(offer).text
    assert "阿司匹林" in helper.open(offer).text
    assert "repeat_call" in world.attention(task_id=task)


def test_guessing_links_locks_out_nobody_else(world: World) -> None:
    elder, helper = world.retiree(), world.volunteer("李伟")
    world.call(elder)
    elder.phone.expect("记下了")
    offer = helper.phone.expect("买药")
    answers = {requests.get(f"{world.system.url}/o/guess{n}", timeout=10).status_code for n in range(150)}
    assert answers == {404, 429}
    assert helper.open(offer).status_code == 200


def test_undeliverable_sms_puts_call_them_on_the_list(world: World) -> None:
    elder = world.retiree()
    elder.phone.configure(off=True)
    task = world.call(elder)
    world.wait_attention("call_retiree", task_id=task)
    elder.phone.seen |= {sms.sid for sms in elder.phone.inbox()}


def test_undeliverable_offer_asks_the_next_one(world: World) -> None:
    elder = world.retiree()
    silent = world.volunteer("李伟")
    silent.phone.configure(landline=True)
    task = world.call(elder)
    elder.phone.expect("记下了")
    world.wait_attention("volunteer_unreachable", volunteer_id=silent.id)
    other = world.volunteer("赵强")
    other.phone.expect("买药")
    assert world.state(task) == "open"


def test_repeated_call_is_linked_and_raises_the_urgency(world: World) -> None:
    elder, helper = world.retiree(), world.volunteer("李伟")
    task = world.call(elder)
    elder.phone.expect("记下了")
    helper.phone.expect("买药")
    unsaid = world.call(elder, expect=422, also={"medicine-notes": "更难受了"})
    assert unsaid == task
    again = world.call(
        elder, also={"medicine-repeat": "same", "medicine-urgency": "urgent", "medicine-notes": "更难受了"}
    )
    assert again == task
    with world.reading() as session:
        from dispatcher.models import Task

        assert session.get(Task, task).urgency == "urgent"
    assert "repeat_call" in world.attention(task_id=task)
    assert "更难受了" in world.coordinator.get(f"/board/tasks/{task}").text
    new = world.call(elder, also={"medicine-repeat": "new"})
    elder.phone.expect("记下了")
    helper.phone.expect("买药")
    assert new != task


def test_a_reply_nobody_can_read_gets_one_answer_and_is_kept(world: World) -> None:
    helper = world.volunteer("李伟")
    helper.phone.reply("请问你们是谁？")
    helper.phone.expect("收到了", "办公室")
    world.wait_attention("unclear_reply", volunteer_id=helper.id)
    helper.phone.reply("喂？")
    eventually(lambda: "喂？" in world.board(), "both kept")
    assert "请问你们是谁" in world.board()
    assert world.attention(volunteer_id=helper.id) == ["unclear_reply"], "in one item"


def test_a_reply_that_names_nothing_live_gets_one_answer(world: World) -> None:
    helper = world.volunteer("李伟")
    helper.phone.reply("91")
    helper.phone.expect("收到了", "办公室")
    helper.phone.reply("91")
    eventually(lambda: "2 条短信" in world.board(), "both counted")
    assert world.attention(volunteer_id=helper.id) == ["unclear_reply"], "in one item"


def test_stop_and_start_are_honoured_and_shown(world: World) -> None:
    helper = world.volunteer("李伟")
    helper.phone.reply("STOP")
    world.wait_attention("stopped", volunteer_id=helper.id)
    assert "已退订" in world.coordinator.get("/board/volunteers").text
    elder = world.retiree()
    task = world.call(elder)
    elder.phone.expect("记下了")
    world.wait_attention("nobody_left", task_id=task)
    helper.phone.reply("START")
    helper.phone.expect("买药", patience_s=20)


def test_a_remote_retiree_goes_to_the_coordinator(world: World) -> None:
    elder = world.retiree(campus="away")
    world.volunteer("李伟")
    task = world.call(elder, "groceries")
    elder.phone.expect("工作人员会打电话")
    assert world.attention(task_id=task) == ["remote"]
    answer = world.act(task, "close", said="女儿网上买了")
    assert answer.status_code == 200
    assert world.state(task) == "closed"
    assert world.attention(task_id=task) == []


def test_cancel_tells_everybody(world: World) -> None:
    elder = world.retiree()
    first, second = world.volunteer("李伟"), world.volunteer("赵强")
    task = world.call(elder)
    elder.phone.expect("记下了")
    offer = first.phone.expect("买药")
    second.phone.expect("买药")
    assert world.act(task, "cancel", said="").status_code == 422
    assert world.act(task, "cancel", said="老人自己买到了").status_code == 200
    first.phone.expect("取消了")
    second.phone.expect("取消了")
    elder.phone.expect("取消了")
    assert world.state(task) == "cancelled"
    first.tap(offer, "accept")
    assert world.standing(task) == []


def test_cancel_tells_the_one_who_goes(world: World) -> None:
    elder, helper = world.retiree(), world.volunteer("李伟")
    task, _offer = world.held(elder, helper)
    world.act(task, "cancel", said="住院了")
    helper.phone.expect("取消了", "不用去了")
    elder.phone.expect("取消了")


def test_manual_assign_and_reassign(world: World) -> None:
    elder = world.retiree()
    first, second = world.volunteer("李伟"), world.volunteer("赵强", "near", windows=[])
    task = world.call(elder)
    elder.phone.expect("记下了")
    first.phone.expect("买药")
    assert world.act(task, "assign", volunteer_id=str(second.id)).status_code == 200
    second.phone.expect("王秀兰", "暗号")
    first.phone.expect("已有别的志愿者")
    elder.phone.expect("赵强")
    assert world.standing(task) == [second.id]
    assert world.act(task, "assign", volunteer_id=str(first.id)).status_code == 200
    first.phone.expect("王秀兰")
    second.phone.expect("改由别人去")
    elder.phone.expect("李伟")
    assert world.standing(task) == [first.id]


def test_one_persons_edit_never_overwrites_anothers(world: World) -> None:
    elder, helper = world.retiree(), world.volunteer("李伟")
    task, offer = world.offered(elder, helper)
    stale = hidden_fields(world.coordinator.get(f"/board/tasks/{task}").text)
    helper.tap(offer, "accept")
    helper.phone.expect("王秀兰")
    elder.phone.expect("李伟")
    answer = world.coordinator.post(f"/board/tasks/{task}/cancel", stale | {"said": "没人接，取消吧"})
    assert answer.status_code == 409
    assert "没人接，取消吧" in answer.text
    assert world.state(task) == "assigned"


def test_a_new_caller_is_taken_in_at_once(world: World) -> None:
    phone = world.handset("+8613935299001", "新来的")
    with world.reading() as session:
        from dispatcher.models import Campus

        code = session.get(Campus, world.campuses["home"]).code
    typed = {
        "want": "other", "other-notes": "灯坏了", "new_name": "周文华", "new_phone": "139 3529-9001",
        "new_campus": code, "new_address": "5号楼101",
    }  # fmt: skip
    answer = world.operator.submit("/hotline/new", "/hotline/requests", **typed)
    assert answer.status_code == 200
    phone.expect("记下了")
    again = world.operator.submit("/hotline/new", "/hotline/requests", **(typed | {"new_name": "周文涛"}))
    assert again.status_code == 422
    assert "周文华" in again.text
    assert "周文华" in world.operator.get("/hotline/matches?q=zhouwenh").text
    assert "周文华" in world.operator.get("/hotline/matches?q=%2B86 139 3529 9001").text


def test_unsigned_webhooks_are_refused(world: World) -> None:
    url = world.system.url
    for path in ("/sms/inbound", "/sms/status?m=1"):
        answer = requests.post(
            url + path, data={"MessageSid": "SM1", "From": "+8613900000000", "Body": "1"}, timeout=10
        )
        assert answer.status_code == 403
