"""Chinese surnames: those of two and more characters, and how surnames are read."""

import re

_IN_USE = (
    "欧阳 太史 端木 上官 司马 东方 独孤 南宫 万俟 闻人 夏侯 诸葛 尉迟 公羊 赫连 澹台 "
    "皇甫 宗政 濮阳 公冶 太叔 申屠 公孙 慕容 仲孙 钟离 长孙 宇文 司徒 鲜于 司空 闾丘 "
    "子车 亓官 司寇 巫马 公西 颛孙 壤驷 公良 漆雕 乐正 宰父 谷梁 拓跋 夹谷 轩辕 令狐 "
    "段干 百里 呼延 东郭 南门 羊舌 微生 公户 公玉 公仪 梁丘 公仲 公上 公门 公山 公坚 "
    "左丘 公伯 西门 公祖 第五 公乘 贯丘 公皙 南荣 东里 东宫 子书 子桑 即墨 达奚 纳兰 "
    "完颜 耶律 富察 那拉 贺楼 屈突 哥舒 斛律 贺拔 步六孤 侯莫陈 纥豆陵 仆固 豆卢 叱干 "
    "尔朱 乌孙 沮渠 秃发 库狄 相里 东野 北宫 士孙 叔孙 主父 毌丘 母丘 淳于 单于 西陵 "
    "钮祜禄 瓜尔佳 爱新觉罗 叶赫那拉 赫舍里 西林觉罗 舒穆禄 董鄂"
)
COMPOUND = tuple(sorted(_IN_USE.split(), key=lambda one: (-len(one), one)))
"""Surnames of several characters, simplified, the longest first."""

_ALSO_A_NAME = (
    "东方 宗政 钟离 夏侯 乐正 闻人 谷梁 梁丘 申屠 濮阳 单于 南门 东里 东野 子书 董鄂 公玉 公仪 士孙 尔朱 "
    "富察 即墨 第五 百里 左丘 南荣 相里 微生 那拉"
)
ALSO_A_NAME = frozenset(_ALSO_A_NAME.split())
"""Those that by themselves are as well a whole name of two characters: 东方 may be 东 with the name 方."""

_COMPOUND_READINGS = {
    "尉迟": "yu chi", "长孙": "zhang sun", "万俟": "mo qi", "澹台": "tan tai", "单于": "chan yu",
    "鲜于": "xian yu", "乐正": "yue zheng", "拓跋": "tuo ba", "宰父": "zai fu", "主父": "zhu fu",
    "亓官": "qi guan", "夏侯": "xia hou", "令狐": "ling hu", "毌丘": "guan qiu",
    "母丘": "mu qiu", "相里": "xiang li", "子车": "zi ju", "秃发": "tu fa", "那拉": "na la",
    "爱新觉罗": "ai xin jue luo", "叶赫那拉": "ye he na la", "公乘": "gong sheng",
    "百里": "bai li", "夹谷": "jia gu", "谷梁": "gu liang", "库狄": "she di", "仆固": "pu gu",
    "呼延": "hu yan", "濮阳": "pu yang", "颛孙": "zhuan sun", "东方": "dong fang", "南宫": "nan gong",
}  # fmt: skip
_READINGS = {
    "单": "shan", "曾": "zeng", "仇": "qiu", "任": "ren", "解": "xie", "盖": "ge", "区": "ou", "查": "zha",
    "朴": "piao", "尉": "wei", "乐": "yue", "覃": "qin", "缪": "miao", "员": "yun", "贠": "yun", "秘": "bi",
    "洗": "xian", "冼": "xian", "召": "shao", "种": "chong", "繁": "po", "折": "she", "黑": "he",
    "翟": "zhai", "燕": "yan", "华": "hua", "牟": "mu", "万": "wan", "尹": "yin", "葛": "ge", "宓": "mi",
    "郇": "xun", "郗": "xi", "祭": "zhai", "谌": "chen", "么": "yao", "幺": "yao", "应": "ying",
    "令": "ling", "那": "na", "能": "nai", "宁": "ning", "曲": "qu", "瞿": "qu", "莘": "shen", "沈": "shen",
    "石": "shi", "隗": "wei", "相": "xiang", "要": "yao", "殷": "yin", "乜": "nie", "薄": "bo", "卜": "bu",
    "车": "che", "都": "du", "费": "fei", "干": "gan", "会": "gui", "纪": "ji", "贾": "jia", "角": "jue",
    "阙": "que", "库": "she", "厍": "she", "六": "lu", "撒": "sa", "盛": "sheng", "宿": "su", "行": "xing",
    "叶": "ye", "占": "zhan", "仉": "zhang", "訾": "zi", "呙": "guo", "佴": "nai", "炅": "gui", "句": "gou",
    "勾": "gou", "逄": "pang", "强": "qiang", "粘": "nian", "柏": "bai", "谷": "gu", "夏": "xia",
    "哈": "ha", "洪": "hong", "重": "chong", "适": "kuo", "郝": "hao", "阚": "kan", "隽": "juan",
    "俞": "yu", "余": "yu", "於": "yu", "于": "yu", "郁": "yu", "尤": "you", "扎": "za", "南": "nan",
    "晟": "cheng", "邸": "di", "靳": "jin", "蒋": "jiang", "降": "jiang", "洛": "luo", "陆": "lu",
    "鲍": "bao", "褚": "chu", "晁": "chao", "佘": "she", "佟": "tong", "麻": "ma", "芈": "mi", "撖": "han",
    "俱": "ju", "蔚": "yu", "冯": "feng", "樊": "fan", "藏": "zang", "臧": "zang", "过": "guo", "戴": "dai",
    "娄": "lou", "祝": "zhu", "竺": "zhu", "凤": "feng", "长": "zhang", "戏": "xi", "颉": "xie",
}  # fmt: skip


def of_characters(name: str) -> str:
    """The surname at the beginning of `name`, which is simplified Chinese characters only."""
    for compound in COMPOUND:
        if name.startswith(compound) and (len(name) > len(compound) or compound not in ALSO_A_NAME):
            return compound
    return name[:1]


def reading(surname: str) -> tuple[str, ...]:
    """The syllables of a simplified `surname` where a dictionary wouldn't give them; else none.

    尉迟 is ("yu", "chi"), 单 is ("shan",).
    """
    whole = _COMPOUND_READINGS.get(surname) or _READINGS.get(surname, "")
    return tuple(re.findall(r"\S+", whole))
