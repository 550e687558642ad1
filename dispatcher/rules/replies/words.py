"""What the words of an SMS say beside its digits: yes, no, a question, trouble, done, on the way, thanks.

One table, read in its order. What a row finds is taken out before the next row is looked at: "no problem" is
a yes before "no" can be seen in it, and nothing of "not delivered" is left for "delivered". In Chinese 不 and
没 deny whatever they precede, unless a row above knows better. A word that no row knows is no signal: then
the digits stand.
"""

import re
from collections.abc import Iterable
from enum import StrEnum
from functools import cache

from dispatcher.rules.chinese import simplified


class Signal(StrEnum):
    """Something that words say."""

    YES = "yes"
    NO = "no"
    QUESTION = "question"
    TROUBLE = "trouble"
    DONE = "done"
    GOING = "going"
    PLEASED = "pleased"
    LATER = "later"
    SORRY = "sorry"
    WILL = "will"
    POLITE = "polite"


# A row: what it says, in Chinese, in English. Words are parted by spaces (in English by "|") and may be
# regular expressions; H is any Chinese character.
_TABLE: tuple[tuple[Signal, str, str], ...] = (
    (Signal.POLITE, "[你您]们?好 (早上|下午|晚上|中午)好 老师好",
     "good (morning|afternoon|evening|day)|hi|hello"),
    # What has a no in it and is none.
    (Signal.YES, "没有?(任何)?(问题|意见|困难|关系) 没(事|啥|毛病)(?!做) 不成问题 不是问题",
     "no (problems?|worries|worry|trouble|issues?|objections?|doubt)|not (a|any) problem|why not|can't wait"),
    (Signal.PLEASED, "没有?(少|缺|错|坏|破|漏|丢|落下) 不(错|差|缺) 错不了 没的?说 没得说 差不了",
     "not bad|no complaints?|nothing( is|'s)? (missing|wrong|broken)|never better|can't complain"),
    (Signal.SORRY, "不好意思 对不[起住] 抱歉 遗憾", r"sorry|apolog\w+|afraid|unfortunately"),
    (Signal.POLITE, "不[用必]?(客气|谢) 别客气 不敢当 没什么 哪里哪里",
    "no need to thank( me| us)?|not at all"),
    (Signal.POLITE,
     "不太?(远|急|着急|忙|累|堵|晚|迟|难|贵|久|怕|耽误|麻烦|要紧|碍事|介意|担心|辛苦) 不[仅光但论管]"
     " 不得不 不见不散"
     " 不(一会|到|出|超过)\\s*[\\d一二三四五六七八九十几半] 没[多几][远久步]"
     " 不[用要必]再?(打|担心|操心|着?急)"
     " 别(担心|急|着急) 用不了[多几半一] [耽误忘跑难]不了 差不多 了不起 大不了 说不定 时不时 忙完了?",
     "not (far|long|too far|busy|late)|no (rush|hurry|matter)"),
    (Signal.LATER, "不过 不然 不如", ""),
    (Signal.QUESTION,
     "[?？❓❔] (H)不\\1 可不可以 是否 吗 [什甚]么 啥 怎[么样] 为[何啥] 谁 哪 几[点号楼栋层门盒瓶] 几单元"
     " 多[少远久大](?!都)"
     " [好行对]么", "what|where|who|whose|which|why|how|when"),
    # Trouble that is told without a no.
    (Signal.TROUBLE,
     "[发打点按回拿送买给弄搞写记认走跑放]错 错[了的误] [写弄拿]反 弄?丢了?"
     " (打|弄|摔|压)?[碎坏破漏洒][了的]? 过期 变质"
     " 缺货 断货 售罄 卖[完光] 停售 关门 打烊 停业 少(了|一|两|三|几|\\s*\\d|给|送|药|拿|东西)"
     " 缺(了|一|两|少|东西|药)"
     " 差(了|一|两|几|钱) 多收 骗 投诉 [太来]晚了? 太慢 有问题 出(问题|事) 别人的",
     "wrong|mistake|missing|missed|broken"
     "|damaged|expired|spil(t|led)|lost|stuck|closed|sold out|out of stock|short of|too late|forgot(ten)?"
     "|problem|trouble"),
    (Signal.TROUBLE,
     "拒[收绝签] 另[找请] 换(个?人|别) [找请让叫派](别|其他|另) 别人 算了 取消 作废 退[货钱掉出单回] 反悔"
     " 在?外地 出差 生病"
     " 病了 发烧 住院 隔离 封[控锁了着] 加班 开会 上课 有急?事(?![找请打]) 抛锚 车坏 忙 摔[了倒跤] 晕 难受"
     " [疼痛救]",
     r"busy|ill|sick|away|abroad|out of town|cancel\w*|refus\w*|declin\w*|(someone|somebody|anyone) else"
     r"|instead|nobody"
     r"|no one|none|nothing|nowhere|another (person|volunteer)|hurt|fell|pain|pass"),
    (Signal.TROUBLE, "🆘 🚑", ""),
    # A no, with the few characters that it denies.
    (Signal.NO,
     "H不[了开上动到着成起及住下掉过来去出完]了?"
     " (没有?|还?未|无法|不(能|会|想|是|可以?|行|要|肯|愿意?|再|太)?)H{0,3} 没有? 不"
     " 别(?!人)H{0,2} 勿 来不及 无[人货药效] 忘[了记] [👎❌✖✗✘×]",

     "(can't|cannot|won't|don't|didn't|isn't|aren't|wasn't|haven't|hasn't|couldn't|not|never|no|nope|nah|unable|neither"
     "|without|yet to|fail(ed)?)( [a-z]+){0,2}"),
    (Signal.LATER, "但是? 可是 只是 就是 然而 还差 以后 之后 [后明]天 明早 下次 改天 晚上 晚些 下午 傍晚"
    " 小时后 分钟后 除了",
     r"but|however|except|only|later|tomorrow|tonight|next time|after|in a while|another time|in (?=\d)"),
    (Signal.DONE,
     "送(到|达|完|过去了|上门了|好了)了? 已经?[送放交给办] 放(在|到|门|家|桌|前台|保安|传达) 交[给到] 签收"
     " [办做弄搞][好完妥定]了?"
     " 完成 给[了到] 收下了",
     "delivered|dropped( off)?|done|finished|completed|handed (it |them )?(over|to)"
     "|left (it |them )?(at|by|with|outside)"),
    (Signal.GOING, "出发 动身 在?路上 快到 (马上|这就|正在?|现在|立刻|正要)[到去来过赶走] 已经?走 去了"
    " [赶过]过?去了?",
     "on (my|the) way|omw|leaving|left|heading|coming|en route|set(ting)? off"),
    (Signal.WILL, "我(马上|这就|现在|就|愿意)?[去来接] 马上 立刻 这就 没二话",
    "i('ll| will)|on it|will do|(happy|glad) to"),
    (Signal.YES, "好[的吧嘞] ^\\W*好\\W*$", ""),
    (Signal.PLEASED, "[收拿取]到了? [谢感]+[谢激]? 辛苦 满意 放心 很?棒 [很真挺都]?好(?![像久慢]) 都对"
    " 对的 齐了? 周到 及时 贴心 有劳"
     " 🙏 🌹 ❤ 😊 🙂 😄 👏 💐",
     r"thank(s| you)|thx|great|good|fine|well|perfect|received|got (it|them)|lovely|excellent"
     r"|appreciate\w*|grateful|nice"
     "|happy|bless( you)?"),
    (Signal.YES,
     "可以 能[去来行做办送接] 愿意 同意 我[行能送办] 接[了单受下] 行(?!李) 嗯 是的 ^\\W*[是对]\\W*$"
     " 对(?![方面着]) 知道了? 明白"
     " [去来][吧的!！]?$ 👍 👌 ✅ 🆗 💪 √ ✓ ✔",
     r"yes|yep|yeah|yup|ok|okay|sure|certainly|of course|i( can| am|'m)|can|accept\w*|agreed?"
     "|right|true"),
    (Signal.POLITE, "您?好 [你您]们? 老师 同志 师傅 小?伙子 姑娘 请 [啊呀呢吧哦噢喔哈啦哟了的] 非常"
    " [太很都也挺多再]"
     " 东西 药品? 菜 [一两]?[盒瓶袋]都?", "hi|hello|dear|please|all|very|much|so|many|you|is|it|the|and|to"
     "|everything|for|with"),
)  # fmt: skip

HAS_COME = (
    "[收拿取]到了 (药品?|菜|东西|货|都|已经?|全)[^没不]{0,4}([收拿取送]到|到了|齐) 送到了 都好 都对"
    " 没有?问题 很好 满意",
    "all( is|'s)? (well|good|fine)|got (it|them|everything)|(has|have) (arrived|come)"
    "|(received|have) (it|them|everything)",
)
"""That what was sent for has come. "收到" alone acknowledges an SMS; with 了 or a thing it is the thing."""

HAS_NOT_COME = (
    "[没未]有?人?[收送拿取到来见给等] 少 缺 漏 差 错 坏 破 洒 碎 过期 不[对全齐] 不是我 没有\\W*$",
    r"not? (yet )?(\w+ )?(received?|arrived?|come|here|delivered|got|get)|(hasn|haven|didn|wasn|isn)'t"
    r"|missing|wrong|broken"
    "|damaged|expired|never|nobody|no one",
)
"""That it hasn't, or not as it should be."""


def pattern(chinese: str, english: str) -> re.Pattern[str]:
    """Two columns of a table of words as one expression."""
    parts = ["|".join(word.replace("H", "[\u4e00-\u9fff]") for word in chinese.split())] if chinese else []
    parts += [rf"\b(?:{english})\b"] if english else []
    return re.compile("|".join(parts))


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


def folded(words: str) -> str:
    """`words` as the tables have them: small letters, straight apostrophes, simplified characters."""
    return simplified(words).casefold().replace("’", "'")


_compiled = cache(lambda columns: pattern(*columns))


@cache
def _rows() -> tuple[tuple[Signal, re.Pattern[str]], ...]:
    return tuple((signal, pattern(chinese, english)) for signal, chinese, english in _TABLE)


def _read(words: str) -> tuple[frozenset[Signal], str]:
    """The signals, and what no row of the table takes in."""
    found = set()
    left = folded(words)
    for signal, row in _rows():
        left, times = row.subn(" ", left)
        if times:
            found.add(signal)
    return frozenset(found), left
