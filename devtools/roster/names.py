"""Invented names that fit sex and generation."""

from random import Random

from devtools.roster.model import Sex

# Repetition is weight: the commonest surnames of Shanxi come up most, as in a real list.
_COMMON = (
    "王李张刘赵" * 6 + "郭杨武高马韩梁贾" * 3 + "任冯闫薛卫陈孙徐田范" * 2 + "郝段胡董杜史白侯温康"
    "曹宋吴周朱许程常牛申米吕邢原姚安崔魏姜苗裴景阎温孟祁"
)
# Surnames read otherwise than the same character elsewhere, and two-character ones: both trip up sorting,
# searching by sound and the cutting of a name into surname and given name.
_TRICKY = ("单", "曾", "仇", "任", "解", "盖", "区", "查", "翟", "乐", "欧阳", "上官", "司马")
_TRICKY_SHARE = 0.07

# Given names by sex, each list for those born up to the year.
_GIVEN: dict[Sex, tuple[tuple[int, str], ...]] = {
    "f": (
        (
            1945,
            "秀兰 桂英 玉兰 淑珍 秀英 桂兰 玉英 凤英 淑英 秀珍 "
            "玉珍 翠英 桂花 爱莲 素珍 月英 兰英 金莲 瑞兰 惠珍 "
            "慧贞 雅琴 静娴 婉如 佩兰 文娟 淑芳 淑贤 巧云 改兰 润香 玉梅 桂芝 秀芝 蕴华 毓秀 若兰 志英",
        ),
        (
            1956,
            "秀芳 玉梅 建华 爱华 春梅 淑琴 丽华 桂琴 凤兰 玉琴 "
            "爱珍 秀梅 美英 翠萍 惠芳 素芳 月娥 文英 国英 新华 "
            "秀云 玉莲 淑敏 瑞芳 慧敏 雅芬 亚男 金凤 彩云 春兰 变英 卫平 和平 建英 晓兰 巧玲 俊英 培兰",
        ),
        (
            1969,
            "丽萍 红梅 晓红 建萍 卫红 海燕 秀丽 春燕 爱萍 玉萍 "
            "丽娟 艳萍 晋萍 晓梅 素萍 文丽 俊梅 雪梅 志红 小玲 "
            "敏 萍 红 霞 琳 惠 莉 英 静 燕 跃红 晋芳 慧琴 亚萍 丽君 改玲 瑞琴 雁玲",
        ),
        (
            1989,
            "敏 静 丽 娟 艳 芳 婷 燕 娜 霞 慧 莉 洁 "
            "颖 晓燕 丽娜 海霞 雅静 晓静 志敏 文婷 俊芳 亚丽 春霞 瑞敏 晓琳",
        ),
        (9999, "雨欣 思琪 佳怡 梦瑶 欣怡 子涵 雅婷 晓雯 诗涵 佳琪 若曦 雨桐 静怡 思雨 可欣 嘉慧 悦 璐 婧 瑶"),
    ),
    "m": (
        (
            1945,
            "德福 永福 福生 万福 长有 德胜 宝山 玉山 文华 振华 "
            "守义 守仁 廷贵 耀宗 维汉 学礼 希贤 炳文 鸿儒 世昌 "
            "克俭 效忠 继先 根旺 存柱 贵生 润生 银锁 天佑 振国 其昌 怀德 树人 秉义 明德 光宗 庆元 兆麟",
        ),
        (
            1956,
            "建国 国庆 解放 建华 志强 卫国 保国 志刚 建平 建民 "
            "跃进 援朝 抗美 和平 新民 爱国 国强 文明 建军 志明 "
            "永胜 喜旺 俊杰 学文 克明 新生 家栋 培基 贵平 晋生 玉柱 双喜 拴柱 存生 立功 振东 怀明 明亮",
        ),
        (
            1969,
            "红卫 卫东 向东 永红 建军 志军 晓明 海龙 晋平 文平 "
            "立新 志勇 俊峰 卫平 国平 学军 跃文 春生 永强 小平 "
            "勇 军 伟 斌 毅 涛 刚 明 建忠 建新 晓东 文斌 秋生 爱民 宏伟 宏斌 拥军 瑞平",
        ),
        (
            1989,
            "伟 强 磊 军 勇 杰 涛 超 鹏 飞 斌 波 辉 刚 亮 晓东 志伟 海峰 建斌 俊 文杰 晓峰 瑞峰 凯 宇 国栋",
        ),
        (
            9999,
            "浩然 子轩 宇航 俊杰 博文 天宇 泽宇 一凡 家豪 志远 子豪 晨阳 嘉伟 文博 旭 皓 昊天 逸飞 鑫 思远",
        ),
    ),
}

# Retired foreign experts who stayed on a campus, and two volunteers from abroad.
FOREIGN_RETIREES: tuple[tuple[str, Sex], ...] = (
    ("Margaret Hill", "f"),
    ("Robert Ashworth", "m"),
    ("Elena Markova", "f"),
    ("Thomas Keller", "m"),
    ("Patricia O'Neill", "f"),
    ("Jean-Luc Fournier", "m"),
    ("Ruth Abrahamsen", "f"),
    ("Samuel Okafor", "m"),
    ("Dorothy Whitfield", "f"),
    ("Henrik Lindqvist", "m"),
)
FOREIGN_VOLUNTEERS: tuple[str, ...] = ("Daniel Mensah", "Anna Petrova")


def surname(rng: Random) -> str:
    """Draw a surname, now and then one of the tricky ones."""
    return rng.choice(_TRICKY) if rng.random() < _TRICKY_SHARE else rng.choice(_COMMON)


def given(rng: Random, sex: Sex, birth_year: int) -> str:
    """Draw a given name usual for someone of this sex born in this year."""
    words = next(text for until, text in _GIVEN[sex] if birth_year <= until)
    return rng.choice(words.split())


def surname_of(name: str) -> str:
    """Cut the surname off a Chinese full name."""
    return name[:2] if name[:2] in _TRICKY else name[:1]


class NameBook:
    """Hands out full names, each once, so that the only namesakes are those placed on purpose."""

    def __init__(self) -> None:
        self._used: set[str] = set()

    def take(self, name: str) -> str:
        """Use this very name, whether or not someone has it already."""
        self._used.add(name)
        return name

    def draw(self, rng: Random, sex: Sex, birth_year: int) -> str:
        """Draw a full name that nobody has yet."""
        while True:
            name = surname(rng) + given(rng, sex, birth_year)
            if name not in self._used:
                return self.take(name)
