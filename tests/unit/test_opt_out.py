"""Which SMS are a wish for no more SMS, or for SMS again."""

import pytest

from dispatcher.rules.opt_out import Wish, wish


@pytest.mark.parametrize(
    "body",
    [
        "STOP",
        "stop",
        " Stop. ",
        "STOP!",
        "ＳＴＯＰ",
        "STOPALL",
        "stop all",
        "UNSUBSCRIBE",
        "Cancel",
        "CANCEL",
        "end",
        "QUIT",
        "Revoke",
        "OPTOUT",
        "opt-out",
        "opt out",
        "退订",
        "退訂",
        "“退订”",
        "「退訂」",
        "退订。",
        "退 订",
        "【退订】",
        "退订！！",
        "取消订阅",
        "取消訂閱",
        "拒收",
        "拒收短信",
        "TD",
        "td",
        "ＴＤ",
        "T",
        "t",
        "Ｔ",
        "回T",
        "回复T",
        "回覆TD",
        "请回复T",
        "回td",
        "TD退订",
        "退订 T",
        "退订回T",
        "退订请回复TD",
        "回复TD退订",
        "回T退订",
        "R",
        "拒收请回复R",
        "拒收回复R",
        "我要退订",
        "退订短信，谢谢",
        "请取消订阅",
        "退订\n发自我的 iPhone",
        "TD\n\n发自我的华为手机",
        "Stop\nSent from my iPhone",
        "退订 发自我的iPhone",
        "T\n—— 来自小米手机",
    ],
)
def test_no_more_sms(body: str) -> None:
    assert wish(body, "", has_stopped=False) is Wish.STOP


@pytest.mark.parametrize(
    "body",
    [
        "START",
        "start",
        "Unstop",
        "恢复",
        "恢復",
        "恢复订阅",
        "恢復訂閱",
        "订阅",
        "訂閱",
        "重新订阅",
        "恢复短信",
        "取消退订",
        "“恢复”。",
        "恢复\n发自我的 iPhone",
    ],
)
def test_sms_again(body: str) -> None:
    assert wish(body, "", has_stopped=False) is Wish.START


@pytest.mark.parametrize(
    "body",
    [
        "请不要取消",
        "不要退订",
        "别退订我",
        "怎么退订？",
        "取消",
        "取消吧",
        "订阅了吗",
        "stop the car please",
        "Please stop",
        "the end of the road",
        "I quit smoking",
        "31",
        "1",
        "0",
        "T1",
        "T恤",
        "R2",
        "TD 31",
        "收到",
        "yes",
        "YES",
        "Y",
        "no",
        "",
        "。",
        "发自我的 iPhone",
        "恢复得怎么样",
        "身体恢复了",
        "不用取消订阅的药",
        "我不退订",
        "cancel 31",
    ],
)
def test_a_sentence_that_merely_contains_such_a_word_is_an_ordinary_reply(body: str) -> None:
    assert wish(body, "", has_stopped=False) is None
    assert wish(body, "", has_stopped=True) is None


@pytest.mark.parametrize(("has_stopped", "found"), [(True, Wish.START), (False, None)])
def test_yes_is_start_only_from_somebody_who_had_stopped(has_stopped: bool, found: Wish | None) -> None:
    assert wish("YES", "START", has_stopped) is found
    assert wish("YES", "", has_stopped) is None


def test_what_the_gateway_has_read_counts() -> None:
    assert wish("whatever it was", "STOP", has_stopped=False) is Wish.STOP
    assert wish("HELP", "HELP", has_stopped=False) is None
