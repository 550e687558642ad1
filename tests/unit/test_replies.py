"""What replies mean, by tables."""

import pytest

from dispatcher.rules.replies import (
    FIRST_SLOT,
    LAST_SLOT,
    Intent,
    NotUnderstood,
    Stage,
    Thread,
    Unclear,
    Understood,
    slot,
    understand,
)

OFFER, HELD, CHECK, OVER = Stage.OFFERED, Stage.HELD, Stage.CHECK, Stage.OVER


@pytest.mark.parametrize(
    ("body", "threads", "intent", "ref", "text"),
    [
        ("31", [Thread(3, OFFER, 7)], Intent.ACCEPT, 7, ""),
        ("30", [Thread(3, OFFER, 7)], Intent.DECLINE, 7, ""),
        ("３１", [Thread(3, OFFER, 7)], Intent.ACCEPT, 7, ""),
        ("「31」", [Thread(3, OFFER, 7)], Intent.ACCEPT, 7, ""),
        (" 31好的，马上去", [Thread(3, OFFER, 7)], Intent.ACCEPT, 7, "好的，马上去"),
        ("30 但两小时后可以", [Thread(3, OFFER, 7)], Intent.DECLINE, 7, "但两小时后可以"),
        ("31 不过要晚点", [Thread(3, OFFER, 7)], Intent.ACCEPT, 7, "不过要晚点"),
        ("31, 10分钟后到", [Thread(3, OFFER, 7)], Intent.ACCEPT, 7, "10分钟后到"),
        ("30不行", [Thread(3, OFFER, 7)], Intent.DECLINE, 7, "不行"),
        ("30, but in 2 hours", [Thread(3, OFFER, 7)], Intent.DECLINE, 7, "but in 2 hours"),
        ("121", [Thread(12, OFFER, 7), Thread(2, OFFER, 8)], Intent.ACCEPT, 7, ""),
        ("21", [Thread(12, OFFER, 7), Thread(2, OFFER, 8)], Intent.ACCEPT, 8, ""),
        ("1", [Thread(3, OFFER, 7)], Intent.ACCEPT, 7, ""),
        ("1", [Thread(3, OFFER, 7), Thread(4, OVER, 8)], Intent.ACCEPT, 7, ""),
        ("0", [Thread(3, HELD, 7)], Intent.HAND_BACK, 7, ""),
        ("2", [Thread(3, HELD, 7)], Intent.UNDERWAY, 7, ""),
        ("33 放门口", [Thread(3, HELD, 7)], Intent.DELIVERED, 7, "放门口"),
        ("1", [Thread(3, CHECK, 7)], Intent.ALL_WELL, 7, ""),
        ("2 药拿错了", [Thread(3, CHECK, 7)], Intent.PROBLEM, 7, "药拿错了"),
        ("1 都好，谢谢你们！", [Thread(3, CHECK, 7)], Intent.ALL_WELL, 7, "都好，谢谢你们"),
        ("1 thank you very much", [Thread(3, CHECK, 7)], Intent.ALL_WELL, 7, "thank you very much"),
        ("32", [Thread(3, CHECK, 7), Thread(4, OFFER, 8)], Intent.PROBLEM, 7, ""),
        # A slot used again means its newest task only.
        ("31", [Thread(3, OFFER, 9), Thread(3, OVER, 7)], Intent.ACCEPT, 9, ""),
    ],
)
def test_understood(body: str, threads: list[Thread], intent: Intent, ref: int, text: str) -> None:
    assert understand(body, threads) == Understood(intent, ref, text)


@pytest.mark.parametrize(
    ("body", "threads", "why"),
    [
        ("", [Thread(3, OFFER, 7)], Unclear.NOT_UNDERSTOOD),
        ("好的", [Thread(3, OFFER, 7)], Unclear.NOT_UNDERSTOOD),
        ("yes", [Thread(3, OFFER, 7)], Unclear.NOT_UNDERSTOOD),
        ("31号楼在哪儿？", [Thread(3, OFFER, 7)], Unclear.NOT_UNDERSTOOD),
        ("1点到", [Thread(3, OFFER, 7)], Unclear.NOT_UNDERSTOOD),
        ("2盒够吗", [Thread(3, CHECK, 7)], Unclear.NOT_UNDERSTOOD),
        ("3 点到", [Thread(3, HELD, 7)], Unclear.NOT_UNDERSTOOD),
        ("3:30到", [Thread(3, HELD, 7)], Unclear.NOT_UNDERSTOOD),
        ("3pm", [Thread(3, HELD, 7)], Unclear.NOT_UNDERSTOOD),
        ("3 o'clock", [Thread(3, HELD, 7)], Unclear.NOT_UNDERSTOOD),
        ("3、4点到", [Thread(3, HELD, 7)], Unclear.NOT_UNDERSTOOD),
        ("3到4点", [Thread(3, HELD, 7)], Unclear.NOT_UNDERSTOOD),
        ("2.5小时", [Thread(3, HELD, 7)], Unclear.NOT_UNDERSTOOD),
        ("2 hours", [Thread(3, HELD, 7)], Unclear.NOT_UNDERSTOOD),
        ("1不行", [Thread(3, OFFER, 7)], Unclear.NOT_UNDERSTOOD),
        ("1支胰岛素够吗", [Thread(3, CHECK, 7)], Unclear.NOT_UNDERSTOOD),
        ("1 can't", [Thread(3, OFFER, 7)], Unclear.NOT_UNDERSTOOD),
        ("1:00以后可以", [Thread(3, OFFER, 7)], Unclear.NOT_UNDERSTOOD),
        ("13935102222", [Thread(3, OFFER, 7)], Unclear.NOT_UNDERSTOOD),
        ("3", [Thread(3, OFFER, 7)], Unclear.NOT_UNDERSTOOD),
        ("35", [Thread(3, OFFER, 7)], Unclear.NOT_UNDERSTOOD),
        ("1", [], Unclear.NOTHING_LIVE),
        ("41", [Thread(3, OFFER, 7)], Unclear.NOTHING_LIVE),
        ("31", [Thread(3, OVER, 7)], Unclear.NOTHING_LIVE),
        ("1", [Thread(3, OFFER, 7), Thread(4, OFFER, 8)], Unclear.AMBIGUOUS),
        ("1", [Thread(3, CHECK, 7), Thread(4, OFFER, 8)], Unclear.AMBIGUOUS),
    ],
)
def test_not_understood(body: str, threads: list[Thread], why: Unclear) -> None:
    meant = understand(body, threads)
    assert isinstance(meant, NotUnderstood)
    assert meant.why is why


def test_slots_stay_short_and_dont_repeat_soon() -> None:
    slots = [slot(n) for n in range(LAST_SLOT - FIRST_SLOT + 1)]
    assert len(set(slots)) == len(slots)
    assert (slots[0], slots[-1], slot(len(slots))) == (FIRST_SLOT, LAST_SLOT, FIRST_SLOT)
