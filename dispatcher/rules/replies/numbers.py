"""Where in a text numbers stand that may be reply codes, and which numbers only count something.

People part digits as they like ("3 0", "3-0", "3️⃣0️⃣"), name several codes in one text ("81 91"), and write
numbers that aren't codes at all ("31号楼", "10分钟", "3:30", "药费30"). Digits with nothing but separators
between them form a group of numbers; which codes it names is decided by the sender's own codes.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dispatcher.rules.chinese import simplified
from dispatcher.rules.replies.words import Signal, is_only

LONGEST = 3
"""Digits of the longest code: a slot of two and an answer."""

_MOST_NUMBERS = 9
"""More numbers in a row than this are no codes."""

_MOST_LEADING = 60
"""More characters than this before a number are a sentence that it belongs to."""

_UNITS = (
    "号点楼分个单元块月日天年盒瓶片袋斤层室栋幢度件样种支"
    "包桶条颗粒箱罐位次秒岁毛角盆串把张本双只人户%刻钟份床℃剂贴副升步趟遍级克磅顿滴餐"
)
_UNIT = (
    rf"(?:小时|公[里斤]|钟头|毫[克升米]|厘米|里地|[{_UNITS}]|门(?![口卫把上边外])|家(?![里人中属])|路(?![上口])"
    r"|成(?![了功])|站(?!在)|排(?!队)|房(?!里)|间(?!隔)|钱|米(?!和)|两(?![盒瓶袋样件])|码(?!头)|窗口|病房|#)"
)
_WORDS_AFTER_A_CODE = (
    "单位|个人原因|成(?:$|[吧的!！。])|样样|步行|顿时|副食|级别|滴滴|遍地|"
    "楼[下上道里]|天[黑气冷热亮]|点(?:餐|菜|了|头|赞)|分头|位置|次日|条件|日用|月饼|年[纪货]|号码|单元门|件事|个人[去来]|只[能有要是好]"
    "|两[个人]都|人[在已]|本人|张(?:老师|师傅)|包(?:在|您|你)|样子|把[药菜东它]|米[面饭]|里面|公司|里边|户口|室[内外]|度过"
)
_COUNTS = re.compile(
    r"https?://\S+|[\w.+-]{1,64}@\w+\.\S+"
    # 3号楼2单元501, 12栋3层
    r"|(?<!\d)第?\s*\d+(?:号楼|号院|号|栋|幢|单元|弄|巷|座|层|楼)(?:\s*\d+(?:号楼|号院|号|栋|幢|单元|层|楼|室|户|座|门)?)*"
    r"|第\s*\d+"
    r"|(?:药费|费用|花费|一?共|总共|合计|共计|垫?付了?|[垫花]了?|不到|差不多|大约|大概|至少|超过|(?<!很)快(?=\s*\d+了)|cost|costs|paid|total)\s*\d+(?:\.\d+)?"
    r"|(?<!\d)\d{1,2}\s*点\s*\d{1,2}"
    r"|(?<!\d)\d+\s*(?:[来几多]\s*(?:分|个|天|小时|块)|多(?![谢亏])|几(?=\W|$)|左右|以?[内后](?![来再])|['’′\"″¥￥]|°)"
    r"|放在\s*\d+|(?<!\d)\d+(?:房间|邻居)"
    # 3:30, 2.5 hours, 3-4点, 10到15分钟, 1/2
    r"|(?<!\d)\d{1,2}\s*[:：]\s*\d{2}(?!\d)|(?<!\d)\d+⁄\d+"
    rf"|(?<!\d)\d{{1,2}}[.．]\d\s*(?:{_UNIT}|hours?|hrs?|h\b)"
    rf"|(?<!\d)(?P<low>\d{{1,2}})\s*(?:[-－~～—–、到至]|to)\s*(?P<high>\d{{1,2}})\s*(?:{_UNIT}|hours?|minutes?|mins?|days?)"
    rf"|(?<!\d)\d+\s*多?{_UNIT}"
    r"|(?<!\d)\d+\s*(?:hours?|hrs?|h|m[inuets]{4,7}|mins?|a\.?m|p\.?m|o['’]?\s?clock|days?|boxe?s?|bags?|pills?|bottles?|packs?|packets?"
    r"|items?|pcs|pieces?|tablets?|people|persons?|yuan|rmb|km|kg|th|st|nd|rd|floors?|blocks?|buildings?|metres?|meters?"
    r"|times?|weeks?|percent|mg|ml|g|iu|cm|mm|m|secs?|seconds?|stops?|shops?|more|of|away|late"
    r"|left(?! (?:it|them|at|by|with|home|the))|to go|bucks"
    r"|dollars|kuai|in stock"
    r"|jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)\b"
    r"|[¥￥$]\s*\d+(?:\.\d+)?",
    re.IGNORECASE,
)
# With a space behind a number, 楼下 or 天黑 is the beginning of a word and no unit.
_NO_UNIT = re.compile(rf"\d+\s+(?:{_WORDS_AFTER_A_CODE})")
_BEHIND = re.compile(r"[\W_]*(\d+)")
_GROUP = re.compile(r"\d+(?:[\W_]+\d+)*")
_LEADS = re.compile(
    r"(?:回复?|回信|选择?|按|发|答|填|输入?|代码|编码|短信|数字|编?号|码|任务|单|和|跟|与|及|还有|是|我|就|[:：=＝#＃]|\b(?:reply|press|code|answer|choose"
    r"|option|and|no|number|re|task|also|it's|its|is|my)\b|[\s\W_])*",
    re.IGNORECASE,
)
_LEADS_AT_END = re.compile(rf"(?:{_LEADS.pattern})$", re.IGNORECASE)
_REPLY = re.compile(r"(?:回复?|按|选)\s*$")
_AND = re.compile(r"\s*(?:[和跟与及]|\band\b)\s*$", re.IGNORECASE)
_DENIED = re.compile(r"(?:不|别|不是|不选|不要|\bnot|\bdon'?t)[\s\W_]*$", re.IGNORECASE)
_COURTESY = frozenset(
    {
        Signal.YES,
        Signal.WILL,
        Signal.NO,
        Signal.POLITE,
        Signal.PLEASED,
        Signal.SORRY,
        Signal.TROUBLE,
        Signal.GOING,
        Signal.DONE,
    }
)


@dataclass(frozen=True)
class Group:
    """Numbers with separators between them only. `counts`: it says how much, when or where, and is no code.
    `stands_apart`: nothing but a polite word or a "reply" leads to it, so it can be a code. `words`: what is
    said around a group that stands apart: up to the next one, and for the first one before it as well.
    `glued`: what is said behind it begins right at its last digit, as a unit would. `before_count`: the
    number that counts right behind it, with separators between them only."""

    numbers: tuple[str, ...]
    counts: bool
    stands_apart: bool
    words: str
    glued: bool
    before_count: str


def groups(text: str) -> list[Group]:
    """The numbers in a plain `text`, in their order."""
    found = sorted(_spans(simplified(text)))
    begins = [0, *(end for _, end, _ in found)]
    apart = [
        not counts and _stands_apart(text[before:start])
        for before, (start, _, counts) in zip(begins, found, strict=False)
    ]
    codes = [span for span, is_apart in zip(found, apart, strict=True) if is_apart]
    words = dict(zip(codes, _words_around(text, codes), strict=True))
    return [
        Group(
            tuple(re.findall(r"\d+", text[start:end])), counts, is_apart,
            words.get((start, end, counts), ""), text[end : end + 1].isalpha(), _count_behind(text, end),
        )
        for (start, end, counts), is_apart in zip(found, apart, strict=True)
    ]  # fmt: skip


def _count_behind(text: str, end: int) -> str:
    behind = _BEHIND.match(text, end)
    return behind[1] if behind else ""


def _words_around(text: str, codes: Sequence[tuple[int, int, bool]]) -> Iterator[str]:
    ends = [*(start for start, _, _ in codes[1:]), len(text)]
    for (start, end, _), until in zip(codes, ends, strict=False):
        first = start == codes[0][0] and _without_leads(text[:start])
        before = _REPLY.sub("", text[:start]) if first else ""
        behind = text[end:until]
        yield f"{before} {behind if until == len(text) else _AND.sub('', behind)}"


def _spans(text: str) -> Iterator[tuple[int, int, bool]]:
    """Beginning and end of what counts, and of the groups of other numbers between."""
    begins = 0
    for match in _COUNTS.finditer(text):
        low, high = match["low"], match["high"]
        if _NO_UNIT.match(text, match.start()) or (low and int(low) >= int(high)):
            continue
        yield from _plain_spans(text, begins, match.start())
        if any(ch.isdigit() for ch in match[0]):
            yield match.start(), match.end(), True
        begins = match.end()
    yield from _plain_spans(text, begins, len(text))


def _plain_spans(text: str, begins: int, ends: int) -> Iterator[tuple[int, int, bool]]:
    for match in _GROUP.finditer(text, begins, ends):
        # A long number is a telephone's, a date, a price: it is talk, and parts what stands around it.
        start = match.start()
        for number in re.finditer(r"\d+", match[0]):
            if len(number[0]) > LONGEST:
                if start < match.start() + number.start():
                    yield start, match.start() + number.start(), False
                yield match.start() + number.start(), match.start() + number.end(), True
                start = match.start() + number.end()
        if any(ch.isdigit() for ch in text[start : match.end()]):
            yield start, match.end(), False


def _stands_apart(before: str) -> bool:
    """Whether what leads to a number, from the number before it on, leaves it a code."""
    if len(before) > _MOST_LEADING:
        return False
    if _DENIED.search(before):
        return False
    words = _without_leads(before)
    return not words or is_only(before, _COURTESY) or is_only(words, _COURTESY)


def _without_leads(before: str) -> str:
    """What leads to a code, without the words that only say that one follows."""
    led = before
    while (shorter := _LEADS.sub("", led, count=1)) != led:
        led = shorter
    return _LEADS_AT_END.sub("", led).strip()


def joinings(numbers: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Every way to read neighbouring numbers as codes, with those that separators have parted put together.

    A digit is never parted from one beside it.
    """
    if not numbers:
        yield ()
    if not numbers or len(numbers) > _MOST_NUMBERS:
        return
    joined = ""
    for length, number in enumerate(numbers, start=1):
        joined += number
        if len(joined) > LONGEST:
            return
        for rest in joinings(numbers[length:]):
            yield (joined, *rest)
