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
    WILL = "will"
    NO = "no"
    SORRY = "sorry"
    QUESTION = "question"
    UNSURE = "unsure"
    MISTAKE = "mistake"
    TROUBLE = "trouble"
    NOT_YET = "not_yet"
    GOING = "going"
    DONE = "done"
    TIME = "time"
    LATER = "later"
    ANOTHER_DAY = "another_day"
    PLEASED = "pleased"
    POLITE = "polite"
    PLACE = "place"


# A row: what it says, in Chinese, in English. Words are parted by spaces (in English by "|") and may be
# regular expressions; H is any Chinese character, N a number.
_TABLE: tuple[tuple[Signal, str, str], ...] = (
    (Signal.POLITE,
     "[你您]们?好 (早上|下午|晚上|中午)好 老师好",
     "good (morning|afternoon|evening|day)|hi|hello"),
    (Signal.MISTAKE,
     "[发打点按回]错了? 手滑 误触 ^\\W*不是(?!问题|我)",
     "typo|oops|by mistake|wrong (number|text|code|button)"),
    # What has a no or a question in it and is none.
    (Signal.YES,
     "没有?(任何|其他|别的)?(问题|意见|困难|关系) (一点|什么)?问题都?也?没有"
     " 没(事|啥|毛病|说的|得说)(?!做)",
     ""),
    (Signal.YES, "不成问题 不是问题 没的说 没二话 义不容辞 没课 不[上加][班课] 不上课 没别的事 说走就走", ""),
    (Signal.YES,
     "",
     "no (problems?|worries|worry|trouble|issues?|objections?|doubt)|not (a|any) problem|why not"),
    (Signal.PLEASED,
     "没有?(少|缺|错|坏|破|漏|丢|落下|碎) 不(错|差|缺) 一样(不|没)少 错不了 差不了 感激不尽 没想到 没话说",
     ""),
    (Signal.PLEASED,
     "不知道?怎么感谢",
     "not bad|no complaints?|nothing( is|'s)? (missing|wrong|broken)|can't (complain|thank)"),
    (Signal.SORRY, "不好意思 对不[起住] 抱歉 遗憾", r"sorry|apolog\w+|afraid|unfortunately"),
    (Signal.POLITE,
     "不[用必]?(客气|谢) 别客气 不敢当 没什么 哪里哪里",
     "no need to (thank|call)( me| us)?|not at all"),
    (Signal.QUESTION, "(H)不\\1 可不可以", ""),
    (Signal.POLITE,
     "不太?(远|急|着急|忙|累|堵|晚|迟|难|贵|久|怕|耽误|麻烦|要紧|碍事|介意|担心|辛苦) 不[仅光但论管]",
     ""),
    (Signal.POLITE,
     "不得不 不见不散 不(一会|到|出|超过)\\s*N 没[多几][远久步] 不[用要必]再?(打|担心|操心|着?急|下楼|付)",
     ""),
    (Signal.POLITE,
     "没[收要]钱 没打扰 别(担心|急|着急) 用不了[多几半一] [耽误忘跑难]不了 差不多(?!到) 了不起 大不了"
     " 时不时",
     ""),
    (Signal.POLITE,
     "忙完了?",
     "not (far|long|too far|busy|late)|no (rush|hurry|matter)|(don't|not to) worry|won't be long"),
    (Signal.LATER, "不过 不然 不如", ""),
    (Signal.QUESTION,
     "[?？❓❔] 是否 吗 [什甚]么 啥 怎[么样] 为[何啥] 谁 哪 何时 几[点号楼栋层门盒瓶片] 几单元 请问 还是",
     ""),
    (Signal.QUESTION,
     "多[少远久大](?!都) [好行对]么 (?<![的好])呢\\W*$ 男的女的",
     "what|where|who|whose|which|why|how|when"),
    (Signal.QUESTION,
     "",
     "(can|could|shall|should|may|must) (i|we)"
     "|(is|are|do|does|did|was|has) (i|you|we|she|he|it|there|they)"),
    (Signal.UNSURE,
     "考虑 想想 想一想 看情况 看看再 可能 也许 大概吧 待定 说不定 不一定 不确定 问问 商量 [二任只]?选一个?"
     " 任选",
     ""),
    (Signal.UNSURE,
     "只能?[去来接做]一个 希望 如果 要是 就行 (下午|晚上|晚点|待会儿?|等会儿?|回头)再?[去来]",
     "maybe|perhaps|possibly|depends|think about|let me (think|see)|if"),
    # Trouble that is told without a no.
    (Signal.TROUBLE,
     "[发打点按回拿送买给弄搞写记认走跑放]错 错[了的误] [写弄拿]反 弄?丢了?"
     " (打|弄|摔|压)?[碎坏破漏洒][了的]?",
     ""),
    (Signal.TROUBLE,
     "过期 变质 [缺断]货 售罄 卖[完光] 停售 关门 打烊 停业 少H? 缺H? 短(了|一) 差(了|一|两|几|钱) 多收 骗"
     " 投诉",
     ""),
    (Signal.TROUBLE,
     "[太来]晚了? 太慢 有问题 出(问题|事) 别人[的拿]? 烂 臭 馊 蔫 霉 湿 脏 有虫 [压扁]扁 空[盒袋] 太?贵"
     " 隔壁 邻居",
     ""),
    (Signal.TROUBLE,
     "只[有收送]到?了? 痒 吐 拉肚子 过敏 不一样 被人",
     "wrong|mistake|missing|missed|broken|damaged|expired|spil(t|led)"),
    (Signal.TROUBLE,
     "",
     "lost|stuck|closed|sold out|out of stock|short of|too (late|far)|forgot(ten)?|problem|trouble|rotten"
     "|cracked"),
    (Signal.TROUBLE,
     "",
     r"sour|leak\w*|rude|bad|overcharged|incomplete|un\w{4,}|im?possible|different|expensive|gave up|help"),
    (Signal.TROUBLE,
     "拒[收绝签]? 另[找请] 换(个?人|别|H{1,3}[去吧]) [找请让叫派]H{1,3}(去|来|接|送)"
     " [找请让叫派](别|其他|另) 安排(别|其他) 算了",
     ""),
    (Signal.TROUBLE,
     "取消 作废 退[货钱掉出单回了] 反悔 后悔 撤[回销] 收回 婉拒 放弃 弃权 免了 作罢 爱莫能助 无能为力 够呛"
     " 有困难 太?难(?!道)",
     ""),
    (Signal.TROUBLE,
     "除外 以外 带回 拿回 还给 放回 转[给单] 太远 有点远 在?外地 出差 生病 病了 感冒 发烧 阳了 骨折 住院"
     " 医院 太累",
     ""),
    (Signal.TROUBLE,
     "年纪大 睡了 隔离 封[控锁了着] 加班 开会 上[课班] 有课 考试 值班 带(孙子|孩子) 放假 回老家 高铁 离校"
     " 有?客人 有急?事(?![找请打])",
     ""),
    (Signal.TROUBLE,
     "抛锚 车坏 忙 摔[了倒跤] 晕 难受 [疼痛救] 🆘 🚑",
     "busy|ill|sick|away|abroad|out of town|at work|in class|driving"),
    (Signal.TROUBLE,
     "",
     r"in a meeting|vacation|covid|cancel\w*|refus\w*|declin\w*|(someone|somebody|anyone) else|instead"
     r"|quit"),
    (Signal.TROUBLE,
     "",
     "nobody|no one|none|nothing|nowhere|another (person|volunteer)|hurt|fell|pain|pass|withdraw|ignore"
     "|undo|stop"),
    # A no, with the few characters that it denies.
    (Signal.NO,
     "H不[了开上动到着成起及住下掉过来去出完]了?"
     " (没有?|还?未|无法|不(能|会|想|是|可以?|行|要|肯|愿意?|再|太)?)H{0,3}",
     ""),
    (Signal.NO, "没有? 不 别(?!人)H{0,2} 勿 来不及 无[人货药效] 忘[了记] [👎❌✖✗✘×]", ""),
    (Signal.NO, "",
     "(can'?t|cannot|won'?t|don'?t|didn'?t|isn'?t|aren'?t|wasn'?t|haven'?t|hasn'?t|couldn'?t|not|never|no"
     "|nope|nah|unable|neither|without|yet to|fail(ed)?)( [a-z]+){0,2}"),
    (Signal.ANOTHER_DAY,
     "[明后]天 明[早晚] 下[次周] 改[天日] 过[几两]天 周[一二三四五六日末]",
     "tomorrow|next (time|week)|another (time|day)"),
    (Signal.NOT_YET,
     "(马上|快|即将|将|会|要|正在?|准备|争取|保证|一定|尽快|预计|待会儿?|等会儿?|等下|一会儿?|差不多)[^,，。!！]{0,5}[送办放交]H{0,2}"
     " (晚点|稍后|[后内前])再?能?[送放到]H{0,2}",
     ""),
    (Signal.NOT_YET,
     "[送取买排敲等](药|菜|队|门)?[中着] 半路 一半 等?H{0,2}(收|拿|取)到了?(再|就)"
     " (马上|快|等)H{0,2}(收|拿|取)到 送药中",
     ""),
    (Signal.NOT_YET,
     "",
     r"(will|'ll|going to)( be)? (deliver\w*|done|there)|almost|nearly|half|soon|once|delivering|about to"),
    (Signal.DONE, "放(?=\\s*N)", ""),
    (Signal.TIME,
     "(再?过|还要|大?约|大概)?N+个?半?(小时|分钟?|刻钟?|钟头|点半?)(左右|多)?(以?[后内]|之[后内])?(就?能?到达?|出发|过去|赶到)?"
     " \\d{1,2}[:：]\\d{2}",
     ""),
    (Signal.TIME,
     "(晚|早)点?到 就到 能到 下班后?",
     r"(in |about )?\d+ ?(minutes?|mins?|m|hours?|hrs?|h)( late)?|at \d+(:\d\d)?"),
    (Signal.POLITE,
     "N+(号楼|号院|号|栋|幢|单元|层|楼|室)(N+(单元|层|楼|室|户|号)?)*"
     " (药费|费用|花费|共|付|垫|花)?了?\\s*\\d+(\\.\\d+)?[元块]",
     ""),
    (Signal.POLITE,
     "(药费|费用|花费|共|付|垫|花)了?\\s*\\d+(\\.\\d+)?",
     r"(cost|paid|total) ?\d+(\.\d+)?( yuan| rmb)?"),
    (Signal.LATER,
     "但是? 可是 只是 就是 然而 还差 [以之]后 晚上 晚[些点] 下午 傍晚 除了 一会儿? 稍[后等] 待会",
     ""),
    (Signal.LATER, "", r"but|however|except|only|later|tonight|after|in a while|in (?=\d)"),
    (Signal.DONE,
     "(已经?)?送(到|达|完|过去了|上门了|好了|来了)了?(家里|门口)? 已经?[送放交给办]"
     " 放(在|到|门|家|桌|前台|保安|传达)(口|里|卫室)?了?",
     ""),
    (Signal.DONE,
     "交[给到] ^\\W*到了 给(老人|老师|[他她]|本人|家属) 签收 [办做弄搞][好完妥定]了? 完成 给[了到] 收下了",
     "delivered|dropped( off)?|done|finished|completed"),
    (Signal.DONE,
     "",
     "handed (it |them )?(over|to)|left (it |them )?(at|by|with|outside)|everything arrived"),
    (Signal.GOING,
     "已?出发了? 动身 在?路上 快到 (马上|这就|正在?|现在|立刻|正要)[到去来过赶走] 已经?走"
     " [赶过]过?[去来]了?",
     ""),
    (Signal.GOING, "", "on (my|the) way|omw|leaving|left|heading|coming|en route|set(ting)? off"),
    (Signal.WILL,
     "我(马上|这就|现在|就|愿意)?[去来接] 马上 立刻 这就",
     "i('ll| will)|on it|will do|(happy|glad) to"),
    (Signal.YES, "好[的吧嘞] ^\\W*好\\W*$", ""),
    (Signal.PLEASED,
     "(已经?)?[收拿]到(药|菜|东西)?了? [谢感]+[谢激]? 辛苦 满意 高兴 放心 很?棒 [很真挺都太]好 服务好"
     " (?<!H)好(?![像久慢H]) 新鲜",
     ""),
    (Signal.PLEASED,
     "都?对[的了]? (都|全)对 齐[了全]? 周到 及时 贴心 有劳 麻烦[你您]?们?了 点赞 祝H{0,4} 🙏 🌹 ❤ 😊 🙂 😄"
     " 👏 💐",
     ""),
    (Signal.PLEASED,
     "",
     r"thank(s| you)|thx|cheers|great|good|fine|well|perfect|received|got (it|them)|lovely|excellent"),
    (Signal.PLEASED, "", r"appreciate\w*|grateful|nice|happy|bless( you)?"),
    (Signal.YES,
     "可以 能[去来行做办送接]? 愿意 同意 我[行能送办] 接[了单受下]? 行(?!李) 嗯 是的 ^\\W*[是对]\\W*$"
     " 知道了? 晓得了? 明白",
     ""),
    (Signal.YES,
     "[去来][吧的!！]?$ 走得开 有[空时][间]? 👍 👌 ✅ 🆗 💪 √ ✓ ✔",
     "yes|yep|yeah|yup|ok|okay|sure|certainly|of course"),
    (Signal.YES, "", r"i can( go| do it)?|can|accept\w*|agreed?|right|true"),
    (Signal.POLITE,
     "您?好 [你您我]们? 老师 同志 师傅 小?伙子 姑娘 志愿者 学校 请 [啊呀呢吧哦噢喔哈啦哟了的] 非常"
     " [太很都也挺多再] 已经? 刚刚? 现在 这么 很?快 [和跟与及] 还有"
     " (电话|手机)号?码?是?[:：]?\\s*\\d{7,}",
     ""),
    (Signal.POLITE,
     "东西 药品? 菜 [一两]?[盒瓶袋]都? 家里 门口 老人家? 小H{1,2} 大家 帮助 关心 回复 临时",
     ""),
    (Signal.POLITE,
     "",
     "dear|please|all|very|much|so|many|a lot|you|is|it|the|and|to|everything|for|with|your|help|mr|ms"),
    (Signal.PLACE, "在 住 就 到", ""),
)  # fmt: skip

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
    " 没有\\W*$",
    r"not? (yet )?(\w+ )?(received?|arrived?|come|here|delivered|got|get)|(hasn|haven|didn|wasn|isn)'?t"
    r"|missing|wrong|broken|damaged|expired|never|nobody|no one",
)
"""That it hasn't, or not as it should be."""

THANKS = (
    "[多谢感]*谢[谢激]?了? 感激 收到了? 好[的吧嘞]? 知道了? 晓得了? 明白了? 嗯 辛苦了? 麻烦[您你]?们?了"
    " 不客气 不用谢 [您你]们?"
    " 老师 大家 同志们? 志愿者 小H{1,2} 的? 帮助 关心 送药 [啊呀呢吧哦噢喔哈啦哟了] 非常 [太很都也] 🙏 🌹"
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
    return in_brackets.replace("H", "[\u4e00-\u9fff]").replace("N", r"[\d一二两三四五六七八九十几半]")


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


def say_more(words: str) -> bool:
    """Whether something is left of `words` that the table doesn't know, other than a name as a signature."""
    left = re.sub(r"[\W_]+", " ", _read(words)[1]).strip()
    return bool(left) and not _NAME.fullmatch(left)


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
