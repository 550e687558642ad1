"""What the words of an SMS say beside its digits, read by the table of :mod:`.vocabulary`.

A word that no row knows is no signal; :func:`unknown` tells of it.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache

from dispatcher.rules.chinese import simplified
from dispatcher.rules.replies.vocabulary import KEEPERS, TABLE
from dispatcher.rules.replies.vocabulary import Signal as Signal

HAS_COME = (
    "[收拿取]到(药|菜|东西)?了 (药品?|菜|东西|货|都|已经?|全)[^没不]{0,4}([收拿取送]到|到了|齐) 送到了"
    " 都好 都对"
    " 没有?问题 很好 满意",
    "all( is|'s)? (well|good|fine)|got (it|them|everything)|(has|have) (arrived|come)|everything arrived"
    "|(received|have) (it|them|everything)",
)
"""That what was sent for has come. "收到" alone acknowledges an SMS; with 了 or a thing it is the thing."""

HAS_NOT_COME = (
    "[没未]有?人?[收送拿取到来见给等] 少 缺 漏 差 错 坏 破 洒 碎 烂 臭 馊 霉 过期 不[对全齐] 不是我"
    " 没有?呢?\\W*$",
    r"not yet|nothing (came|has come|yet)|no (medicine|food|groceries)"
    r"|not? (yet )?(\w+ )?(received?|arrived?|come|here|delivered|got|get)|(hasn|haven|didn|wasn|isn)'?t"
    r"|missing|wrong|broken|damaged|expired|never|nobody|no one",
)
"""That it hasn't, or not as it should be."""

THANKS = (
    "[多谢感]*谢[谢激]?了? 感激 感恩 收到了? 好[的吧嘞]? 知道了? 晓得了? 明白了? 嗯 辛苦了? 麻烦[您你]?们?了"
    " 不客气 不用谢 [您你]们?"
    " 老师们? 各位 领导们? 组织 大家 同志们? 志愿者 小H同志们? 小H{1,2} 的? 帮助 关心 送药"
    " [啊呀呢吧哦噢喔哈啦哟了嘞] 非常 [太很都也] 🙏 🌹"
    " ❤ 😊 🙂 😄 👏 💐 👍 👌",
    "thank(s| you)|thx|cheers|received|ok|okay|got it|noted|a lot|very much|so much|for|all|your|the|help"
    "|great|good|fine",
)
"""What thanks or acknowledges, with the little words around it."""

_ANSWERS_NOTHING = (
    "[收谢好辛感激知晓明嗯麻烦客🙏🌹❤😊🙂😄👏💐👍👌]",
    "thank(s| you)|thx|cheers|received|ok|okay|got it|noted",
)

_GREETING = re.compile("[你您]们?好|(?:早上|下午|晚上|中午)好")

_SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁"
    "魏薛叶阎余潘杜戴夏钟汪田任姜范方"
    "石姚谭廖邹熊陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚欧阳"
)
_NAME = re.compile(rf"\s*(?:是|叫)?\s*[{_SURNAMES}][\u4e00-\u9fff]{{1,2}}\s*")


def pattern(chinese: str, english: str) -> re.Pattern[str]:
    """Two columns of a table of words as one expression."""
    parts = ["|".join(map(_written, chinese.split()))] if chinese else []
    parts += [rf"\b(?:{english})\b"] if english else []
    return re.compile("|".join(parts))


def _written(word: str) -> str:
    in_brackets = word.replace("(?<!H)", "(?<![\u4e00-\u9fff])").replace("慢H]", "慢\u4e00-\u9fff]")
    whole = in_brackets.replace("K", KEEPERS).replace("H", "[\u4e00-\u9fff]")
    return whole.replace("N", r"[\d一二两三四五六七八九十几半]")


def says(words: str, columns: tuple[str, str]) -> bool:
    """Whether one of these words is among `words`."""
    return _compiled(columns).search(folded(words)) is not None


def signals(words: str) -> frozenset[Signal]:
    """What `words` (see :func:`~dispatcher.rules.replies.text.plain`) say."""
    return _read(words)[0]


def is_only(words: str, wanted: Iterable[Signal]) -> bool:
    """Whether `words` say something of `wanted`, and nothing else that has a meaning."""
    found, left = _read(words)
    return bool(found) and found.issubset(wanted) and not re.search(r"\w", left)


def unknown(words: str) -> str:
    """What is left of `words` that the table doesn't know, other than a name as a signature."""
    left = "".join(ch if ch.isalnum() or _is_picture(ch) else " " for ch in _read(words)[1]).strip()
    return "" if _NAME.fullmatch(left) else left


def _is_picture(ch: str) -> bool:
    """An emoji or a sign, which may say anything, as no punctuation does."""
    return ch == "@" or unicodedata.category(ch) == "So"


def are_thanks(words: str) -> bool:
    """Whether `words` thank or acknowledge, and say nothing else."""
    text = _GREETING.sub(" ", folded(words))
    left = _compiled(THANKS).sub(" ", text)
    return not re.search(r"\w", left) and _compiled(_ANSWERS_NOTHING).search(text) is not None


def folded(words: str) -> str:
    """`words` as the tables have them: small letters, straight apostrophes, simplified characters."""
    return simplified(words).casefold().replace("’", "'")


_compiled = cache(lambda columns: pattern(*columns))


@cache
def _rows() -> tuple[tuple[Signal, re.Pattern[str]], ...]:
    return tuple((signal, pattern(chinese, english)) for signal, chinese, english in TABLE)


@lru_cache(maxsize=32)  # a reply is asked several things
def _read(words: str) -> tuple[frozenset[Signal], str]:
    """The signals, and what no row of the table takes in."""
    found = set()
    left = folded(words)
    for signal, row in _rows():
        left, times = row.subn(" ", left)
        if times:
            found.add(signal)
    return frozenset(found), left
