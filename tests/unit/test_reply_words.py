"""Replies as people really write them: digits and words together, by tables and by generated texts."""

import random
import re

import pytest

from dispatcher.rules.replies import (
    ANSWERS,
    Intent,
    NotUnderstood,
    Several,
    Thread,
    Understood,
    calls_for_help,
    only_thanks,
    understand,
)
from tests.unit.reply_outcomes import (
    ASKED,
    CHECK,
    HELD,
    OFFER,
    OVER,
    each,
    of_holder,
    of_offer,
    of_retiree,
    outcomes,
)


@pytest.mark.parametrize(
    "body",
    [
        "31", "3 1", "3-1", "3.1", "3，1", "3️⃣1️⃣", "３１", "③①", "۳۱", "\u202a31\u202c", "「31」",
        "回复31", "31。", "#31",
        "31 没问题", "31 没事，我去", "31 不远，马上到", "31 No problem", "31 好的", "31好", "31ok",
        "31 半小时后到",
        "31 10分钟后到", "31 20到30分钟到", "31 14:30到", "31 不堵车的话20分钟", "31 不客气", "31 沒問題",
        "31 👍", "31 我在3号楼2单元501", "31 sure, 20 minutes", "31 not far, coming", "31 sorry, on my way",
        "31 我去，几号楼？",
        "31\n发自我的 iPhone 15", "31 Sent from my Galaxy S24", "31\n--\n李伟 13935100000",
        "31 我的电话13935100000",
        "31\n> 能去回31，不能回30", "「能去回31，不能回30」\n- - - - - -\n31",
        "31 【离退休工作处】能去回31，不能回30",
        "好的，31", "ok 31", "1 我去", "1!",
    ],
)  # fmt: skip
def test_a_yes_in_every_dress(body: str) -> None:
    assert of_offer(body) == ["accept"]


@pytest.mark.parametrize(
    "body",
    [
        "31 去不了，在外地", "31 来不了", "31 sorry can't", "31 走不开", "31 赶不上", "31 没空", "31 不行",
        "31 不用了",
        "31 今天不行", "31 有急事", "31 在开会", "31 生病了", "31 让别人去吧", "31 算了", "31 沒車", "31 no",
        "31 I'm away",
        "31 发错了", "31 按错了", "31？", "31 吗", "31是什么意思", "31 地址在哪", "31 几点",
        "31 where is it?", "31 我能去吗", "31 ❌",
        "31号楼", "31 号楼", "31分钟", "31 minutes", "31/30", "30 31", "不是30，是31", "3131", "31 41",
        "31 好的 5", "YES", "好的",
        "1 小时后", "药费31", "我住31", "be there in 31", "room 31", "第31", "13:31", "30 我去", "30 可以",
        "30 ok", "30？",
        "30 什么意思", "30 on my way",
    ],
)  # fmt: skip
def test_what_could_be_a_yes_or_a_no_is_asked_back(body: str) -> None:
    assert of_offer(body) == [ASKED]


@pytest.mark.parametrize(
    "body",
    ["30", "3 0", "3O", "30 不好意思", "30 去不了", "30 在外地", "30 明天可以", "30 但两小时后可以",
    "30 谢谢", "30 sorry", "0 不行"],
)  # fmt: skip
def test_a_no(body: str) -> None:
    assert of_offer(body) == ["decline"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("30", "hand_back"), ("3 0", "hand_back"), ("3-0", "hand_back"), ("3\n0", "hand_back"), ("3️⃣0️⃣",
        "hand_back"),
        ("3O", "hand_back"), ("30 走不开了", "hand_back"), ("30 家里有急事", "hand_back"), ("0 去不了了",
        "hand_back"),
        ("30 送到了", ASKED), ("30 马上到", ASKED), ("30 好的", ASKED), ("30？", ASKED), ("30分钟后到",
        ASKED), ("药费30", ASKED),
        ("药费30元", ASKED), ("晚30", ASKED), ("33 30", ASKED), ("30 31", ASKED), ("0 33", ASKED), ("30 3",
        ASKED),
        ("33", "delivered"), ("33 已放门口", "delivered"), ("33 交给门卫了", "delivered"), ("33 药费30元",
        "delivered"),
        ("33 老人很高兴", "delivered"), ("33 done", "delivered"), ("3", "delivered"), ("33 放3号楼2单元501",
        "delivered"),
        ("3没送到", ASKED), ("33 没人在家", ASKED), ("33 敲门没人应", ASKED), ("33 药店没货", ASKED), (
        "33 not delivered", ASKED),
        ("33 nobody home", ASKED), ("33 缺一盒", ASKED), ("33 买不到", ASKED), ("33？", ASKED), ("33 送错了",
        ASKED),
        ("32", "underway"), ("32 出发了", "underway"), ("32 on my way", "underway"), ("32 堵车，晚10分钟",
        "underway"),
        ("2还没出发", ASKED), ("32 送到了", ASKED), ("32 找不到楼", ASKED), ("2小时后到", ASKED), (
        "2、3点到", ASKED),
    ],
)  # fmt: skip
def test_whoever_holds_a_task(body: str, said: str) -> None:
    assert of_holder(body) == [said]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("1", "all_well"), ("1 好的", "all_well"), ("1 药收到了，非常感谢", "all_well"), ("1 没有问题",
        "all_well"),
        ("1\n发自我的 iPhone", "all_well"), ("1 谢谢小李", "all_well"), ("1 小伙子真好", "all_well"), (
        "1 都对，辛苦了", "all_well"),
        ("1 一样没少", "all_well"), ("1 不错", "all_well"), ("1 👍", "all_well"), ("1 all good, thanks",
        "all_well"),
        ("1 没收到", "problem"), ("1 沒送來", "problem"), ("1 但是少了一盒", "problem"), ("1 药拿错了",
        "problem"),
        ("1 box is missing", "problem"), ("1 but it is broken", "problem"), ("1件没送到", "problem"), (
        "1支胰岛素没有", "problem"),
        ("1？", ASKED), ("1是什么意思", ASKED), ("1 收到，就是太贵", "problem"), ("1 王", ASKED), (
        "1 2盒都收到了", ASKED),
        ("2", "problem"), ("2 还没送到", "problem"), ("2 药不对", "problem"), ("2 都好", ASKED), ("2？",
        ASKED), ("2盒够吗", ASKED),
        ("还没送到", "problem"), ("药没收到", "problem"), ("怎么还没人来", "problem"), ("少了一盒",
        "problem"),
        ("I haven't received it", "problem"), ("收到了，谢谢你们", "all_well"), ("药都收到了", "all_well"),
        ("received everything, thank you", "all_well"), ("收到", ASKED), ("好的", ASKED), ("谢谢", ASKED), (
        "收到了吗", ASKED),
        ("1 2", ASKED), ("2 1", ASKED), ("12", ASKED),
    ],
)  # fmt: skip
def test_a_retiree_who_is_asked_whether_all_is_well(body: str, said: str) -> None:
    assert of_retiree(body) == [said]


@pytest.mark.parametrize(
    "body",
    each("""
31 婉拒|31 放弃|31 免了|31 爱莫能助|31 够呛|31 有困难|31 难|31 撤回|31 后悔了|31 typo|31 oops|31除外|31
感冒了|
31 太累了|31 年纪大了|31 我在医院|31 I'm unwell|31 在上班|31 考试|31 值班|31 回老家了|31 家里有客人|31 I'm
at work|
31 driving|31 unavailable|31 cant|31 I cant go|31 wont be able to|31 太远了|31 下次吧|31 改天吧|31 明天吧|31
下周|
31 tomorrow|31 考虑一下|31 让我想想|31 看情况|31 可能|31 我问问老伴|31 maybe|31 depends|31 换小王吧|31
让小王去吧|
31 远不远|31 急不急|31 有人去了吗|31 地址呢|31 请问|31 今天还是明天|31 can I go tomorrow|31 is it urgent|31
do I pay|
30 按错了，我能去|30 不是，我能去|30 发错了|不是30|不30|别30|30号樓|31路|31床
"""),
)
def test_doubt_another_day_and_slips_are_asked_back(body: str) -> None:
    assert of_offer(body) == [ASKED]


@pytest.mark.parametrize(
    "body",
    each("""
33 放门口可以吗|33 能不能放门口|33 交给谁|33 can I leave it at the door|33 马上送到|33 快送到了|33
预计3点送达|
33 保证送到|33 10分钟到|33 半小时后送到|33 明天送到|33 晚点送到|33 一会儿|33 正在送|33 半路|33 送到一半|
33 delivering now|33 will be delivered at 5|33 almost done|33 我去|33 买好了|33 在买药|33 取到药了|33
在门口等|
33 到楼下了|33 picked up|33 退了|33 带回来了|33 转给小王了|33 gave up|33 havent delivered|33 老人要去医院|32
cant go|
32 明天去|32 下午再去|32 is she home|30 按错了，我还在送|不是30|去不了就回30吗|30是退回吗|30 到了|3點到|2個|
33號樓|
30来分钟|30左右|30后到|30'|2站|3份|3家|2 more minutes|30 secs|30 bucks|33￥|0 in stock
"""),
)
def test_what_is_not_done_yet_is_not_recorded_as_done(body: str) -> None:
    assert of_holder(body) == [ASKED]


@pytest.mark.parametrize(
    "body",
    each("""
收到了？|药收到了?|都好？|all good?|等收到了再说|送到了给我打电话|请送到了告诉我|短信收到了，谢谢|收到了，
我在家等|
没问题，我等着|药收到了，菜呢|只收到了一盒|收到了一半|他说送到了|送到了邻居家|药收到了，打电话给我|
药收到了，吃了想吐|菜收到了，烂了|got it, eggs cracked|1 收到了，菜烂了|1 收到了，很脏|1 收到了，缺盐|
1 收到了，只有一盒|1 收到部分|1 收到药，菜呢|1 收到了，换了牌子|1 收到了，过敏|1 谢谢，帮我叫医生|1 收到了，
请回电|
1 thanks, call me|1 谢谢，再帮我买一盒|1 送到邻居家了|1 放门口了被人拿走了|1 希望收到|1 快收到了|1 短信收到|
1 收到了，一天吃几片|1 received, rotten|1 isnt right|1 thanks, he was rude
"""),
)
def test_a_task_ends_by_pleased_words_only(body: str) -> None:
    assert of_retiree(body) in ([ASKED], ["problem"])


@pytest.mark.parametrize(
    "body",
    each("""
1 感激不尽|1 一样不少|1 没碎|1 没想到这么快，谢谢|1 菜很新鲜|1 麻烦你们了|1 送来了|everything arrived, thanks|
回1|回复1|按1|1 已收到，谢谢|1 非常满意|1 东西都拿到了，谢谢小李|1 谢谢志愿者|1 收到 王秀兰|
1 药和菜都收到了，感谢学校|1 很及时，辛苦大家了|1 收到啦|1 好！|1 是的|1 没事，都好
"""),
)
def test_all_is_well_in_many_words(body: str) -> None:
    assert of_retiree(body) == ["all_well"]


@pytest.mark.parametrize(
    "body",
    each("""
好的我去31|I can go 31|31 没课，可以去|31 今天不上课|31 没二话|31 义不容辞|31 don't worry|31 won't be long|
31 我马上过去|31 六点前到|31 下班后去|31 骑车过去，很快|31 李伟|31 我是李伟|31 收到|31 接单|31 能|31 去
"""),
)
def test_a_yes_in_many_words(body: str) -> None:
    assert of_offer(body) == ["accept"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("已出发32", "underway"), ("我已出发，32", "underway"), ("已送达33", "delivered"),
        ("放门口了33", "delivered"), ("33 药送到了，药费30", "delivered"), ("33 东西都给老人了", "delivered"),
        ("退单30", "hand_back"), ("临时有事，30", "hand_back"),
    ],
)  # fmt: skip
def test_a_code_at_the_end(body: str, said: str) -> None:
    assert of_holder(body) == [said]


def test_plain_words_count_only_where_one_thing_can_be_meant() -> None:
    assert outcomes("还没送到", Thread(4, CHECK, 7), Thread(5, OFFER, 8)) == [ASKED]
    assert outcomes("收到了，谢谢") == [ASKED]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("81 91", ["accept", "accept"]), ("81，91", ["accept", "accept"]), ("81和91都可以", ["accept",
        "accept"]),
        ("81\n91", ["accept", "accept"]), ("80 91", ["decline", "accept"]), ("81 我去 90 去不了", ["accept",
        "decline"]),
        ("81 91 都去不了", [ASKED, ASKED]), ("81 91 80", [ASKED]), ("8191", [ASKED]), ("81 77", [ASKED]), (
        "1", [ASKED]),
    ],
)  # fmt: skip
def test_several_codes_in_one_text(body: str, said: list[str]) -> None:
    assert outcomes(body, Thread(9, OFFER, 1), Thread(8, OFFER, 2)) == said


def test_a_text_about_a_task_that_is_over_and_one_that_waits() -> None:
    meant = understand("31 41", [Thread(4, OVER, 8), Thread(3, OFFER, 7)])
    assert isinstance(meant, Several)
    accepted, late = meant.parts
    assert accepted == Understood(Intent.ACCEPT, 7, "")
    assert isinstance(late, NotUnderstood)
    assert (late.ref, late.answer) == (8, "1")


@pytest.mark.parametrize(
    ("body", "only"),
    [
        ("谢谢", True), ("收到，谢谢您！", True), ("好的", True), ("辛苦了🙏", True), ("thank you very much",
        True), ("", False),
        ("谢谢，几点来？", False), ("谢谢，不过少了一盒", False), ("1 谢谢", False), ("谢谢，我摔了", False),
        ("王秀兰", False), ("你好", False), ("我能去", False), ("可以", False), ("药，谢谢", False), (
        "不客气", True), ("谢谢大家", True),
        ("谢谢小李同志", True), ("辛苦各位了", True), ("谢谢您嘞", True), ("感恩", True),
        ("谢谢领导", True), ("谢谢老师们", True), ("您好！", False),
    ],
)  # fmt: skip
def test_thanks_and_nothing_else(body: str, only: bool) -> None:
    assert only_thanks(body) is only


GENERATED = 20_000
SEPARATORS = [
    " ", "  ", "\n", "-", ".", "，", ",", "、", "/", "。", ":", "：", "·", "…", "\u200b", "\u00a0", "\u3000",
    "(", "👍", "+", "_",
    "\ufe0f\u20e3", "！", "~",
]  # fmt: skip
TAILS = [
    "", "好的", "没问题", "我去", "马上到", "去不了", "走不开", "没人在家", "送到了", "还没送到", "谢谢",
    "收到了", "不行", "？", "什么意思",
    "10分钟后到", "3号楼", "2盒", "药费30元", "半小时", "ok", "no problem", "can't", "done", "sorry",
    "发自我的 iPhone 15", "但是", "王秀兰",
    "30", "31", "33", "1", "0", "2", "120", "41", "40", "42", "和", "电话13935100000", "3:30", "第2", "x",
    "共", "都好",
]  # fmt: skip
NEGATIVE = {Intent.HAND_BACK, Intent.DECLINE, Intent.PROBLEM}


def some_threads(dice: random.Random) -> list[Thread]:
    slots = dice.sample([2, 3, 4, 12, 21, 30, 33, 99], dice.randint(1, 3))
    return [Thread(number, dice.choice([OFFER, HELD, CHECK, OVER]), ref) for ref, number in enumerate(slots)]


def parted(digits: str, dice: random.Random) -> str:
    """`digits` with a separator between two of them, somewhere."""
    at = dice.randrange(1, len(digits))
    return digits[:at] + dice.choice(SEPARATORS) + digits[at:]


def acts(body: str, threads: list[Thread]) -> dict[int, Intent]:
    meant = understand(body, threads)
    parts = meant.parts if isinstance(meant, Several) else (meant,)
    return {part.ref: part.intent for part in parts if isinstance(part, Understood)}


def test_what_begins_by_a_no_is_never_recorded_as_its_contrary() -> None:
    dice = random.Random(8121)
    tried = 0
    while tried < GENERATED:
        threads = some_threads(dice)
        live = [thread for thread in threads if thread.stage is not OVER]
        if not live:
            continue
        named = dice.choice(live)
        answer = next(a for a, intent in ANSWERS[named.stage].items() if intent in NEGATIVE)
        bare = len(live) == 1 and dice.random() < 0.4
        code = answer if bare else f"{named.slot}{answer}"
        if not bare and dice.random() < 0.5:
            code = parted(code, dice)
        tail = "".join(dice.choice(SEPARATORS) + dice.choice(TAILS) for _ in range(dice.randint(0, 4)))
        body = dice.choice(["", "", " ", "回复", "您好，", "「"]) + code + tail
        tried += 1
        done = acts(body, threads).get(named.ref)
        assert done is None or done is ANSWERS[named.stage][answer], (body, threads, done)


def test_a_separator_never_turns_one_code_into_another() -> None:
    dice = random.Random(8121)
    for _ in range(GENERATED):
        threads = some_threads(dice)
        named = dice.choice(threads)
        code = f"{named.slot}{dice.choice('0123')}"
        tail = dice.choice([tail for tail in TAILS[:26] if tail != "还没送到"])  # which says enough by itself
        tail = f" {tail}" if tail else ""
        whole, in_parts = acts(code + tail, threads), acts(parted(code, dice) + tail, threads)
        assert in_parts.items() <= whole.items(), (code, tail, threads, whole, in_parts)


def test_no_text_is_too_odd_to_be_read() -> None:
    dice = random.Random(8121)
    odd = [
        *SEPARATORS,
        *TAILS,
        "\x00",
        "½",
        "🏳️‍🌈",
        "㊙",
        "𝟑𝟏",
        "ﷺ",
        "\u202e",
        "３",
        "零",
        "【",
        "】",
        "> ",
        "--\n",
    ]
    for _ in range(GENERATED // 10):
        body = "".join(dice.choice(odd) for _ in range(dice.randint(0, 30)))
        understand(body, some_threads(dice))
        assert isinstance(calls_for_help(body), bool)
        assert isinstance(only_thanks(body), bool)


def test_the_senders_words_are_kept_as_they_were() -> None:
    meant = understand("好的，31 十分钟后到！", [Thread(3, OFFER, 7)])
    assert isinstance(meant, Understood)
    assert re.sub(r"[\s，]", "", meant.text) == "好的十分钟后到"
