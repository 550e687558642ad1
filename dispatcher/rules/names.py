"""Names: how people are addressed by them, and under which strings they are found.

Whatever is compared goes through :func:`normalise`; what is shown is never rewritten.
"""

import re
import unicodedata
from collections.abc import Sequence
from itertools import islice, product

from dispatcher.rules import chinese, surnames
from dispatcher.rules.chinese import simplified

_MAX_READINGS = 24
"""Readings kept for one name; three polyphonic characters can multiply beyond use."""

_POLYPHONIC = 4
"""So many characters of a name are tried in all their readings; the others in the likeliest."""

_DOTS = "·・•．‧.∙⋅･⸱ꞏᐧ。｡"
"""The middle dot between the parts of a name, in the shapes in which it is typed."""

_HAN = r"〇々\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_HAN_RUN = re.compile(f"[{_HAN}]+")
_BETWEEN_HAN = re.compile(rf"(?<=[{_HAN}])\s*[{re.escape(_DOTS)}]\s*(?=[{_HAN}])")

_PLAIN = {"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
"""Letters that aren't a letter with a mark."""

_WRITTEN_OUT = {"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"}
"""Letters that are as often written with two others as without their mark."""

_TITLES = (
    "老师 教授 副教授 讲师 先生 女士 小姐 太太 夫人 同志 阿姨 叔叔 伯伯 伯父 伯母 大伯 大叔 大爷 大妈 "
    "大娘 大婶 大姐 大哥 大嫂 大姨 大舅 婆婆 公公 阿婆 阿公 姑姑 姑妈 姨妈 舅舅 舅妈 婶婶 嫂子 姐姐 哥哥 "
    "妹妹 弟弟 老伯 老太爷 老人家 老奶奶 老爷爷 老大爷 老大娘 老婆婆 老师傅 老同志 老教授 老校长 老院长 "
    "研究员 副研究员 教员 主席 律师 奶奶 爷爷 姥姥 姥爷 外婆 外公 老太 老太太 老爷子 老先生 师傅 师母 师娘 "
    "老人 "
    "院士 博士 博导 导师 医生 大夫 护士 主任 副主任 院长 副院长 校长 副校长 书记 副书记 处长 副处长 科长 "
    "副科长 部长 局长 所长 馆长 厂长 站长 队长 班长 组长 系主任 会计 秘书 工程师 高工 总工 工 总 老 姨 "
    "叔 婶 伯 嫂 哥 姐 爷 奶 导 处 校 院 科 局 教练 头"
)
_TITLES_BEHIND = sorted(_TITLES.split(), key=len, reverse=True)
_TITLES_BEFORE = ("老", "小", "大", "阿")
_TITLES_IN_LATIN = (
    "mr mrs ms miss mx dr prof professor teacher madam sir auntie aunt uncle laoshi jiaoshou ayi shushu "
    "xiansheng nvshi nushi nyushi daifu yisheng shifu zhuren yuanzhang xiaozhang nainai yeye popo laolao "
    "dama daye dajie dage bobo tongzhi"
)
_LATIN_TITLES = frozenset(_TITLES_IN_LATIN.split())
_JOINED_TITLES = (
    "laoshi", "jiaoshou", "ayi", "shushu", "xiansheng", "daifu", "yisheng", "shifu", "zhuren",
    "nainai", "yeye", "popo", "laolao", "dama", "daye", "dajie", "dage",
)  # fmt: skip


_SAID_BEFORE = re.compile(r"(?:您好|你好|喂|请问|我是|我叫|我姓|这里是|这是|找)+[\W_]*(?=\w)")
_SAID_BEHIND = re.compile(
    r"(?<=\w)(?:[\W_]*(?:您好|你好|好|家里?|那里|那儿|府上|本人|来电|打来|电话|在吗|的|吗|啊|呀|呢"
    r"|女儿|儿子|女婿|儿媳|老伴|孙女|孙子|邻居|保姆|护工))+[\W_]*$"
)
"""What is said around a name on the phone."""

_BRACKETS = re.compile(r"[(（\[【〔]([^()（）\[\]【】〔〕]*)[)）\]】〕]")


def warm() -> None:
    """Load the dictionaries of readings and of traditional characters now, and not when somebody waits.

    At the top of this module they would lengthen the start of every process, also of those that never need
    them.
    """
    import pypinyin  # noqa: F401

    chinese.warm()


# -- How people are addressed ----------------------------------------------------------------------


def is_chinese(name: str) -> bool:
    """Whether there are Chinese characters in `name`."""
    return _HAN_RUN.search(name) is not None


def surname(name: str) -> str:
    """By what a person with a Chinese `name` is addressed, as written: the surname, 欧阳 of 欧阳修文; of
    parted names the first part, 买买提 of 买买提·艾山; the whole of a name without Chinese characters."""
    parts = _BETWEEN_HAN.split(name.strip())
    if len(parts) > 1:
        return parts[0].strip()
    characters = _HAN_RUN.search(name)
    if characters is None:
        return name.strip()
    # A space parts no more than the surname from the rest: 欧阳 修文.
    run = _HAN_RUN.match(re.sub(r"\s+", "", name[characters.start() :]))
    written = run[0] if run else characters[0]
    return written[: len(surnames.of_characters(simplified(written)))]


def surname_pinyin(name: str) -> str:
    """The surname of a Chinese `name` in pinyin, as a surname is read: 单 is Shan, 吕 is Lü."""
    family = surname(name)
    return ("".join(surnames.reading(simplified(family))) or _pinyin(family)).capitalize()


def romanised(name: str) -> str:
    """A Chinese `name` in pinyin, the surname first: 李伟 is Li Wei; any other as it is.

    Parts of a name stay apart, and what is written in Latin letters stays so: Anna 王 is Anna Wang.
    """
    if not is_chinese(name):
        return name
    parts = _BETWEEN_HAN.split(name.strip())
    if len(parts) > 1:
        return " ".join(_pinyin(part).capitalize() for part in parts)
    compact = re.sub(r"\s+", "", name)
    if _HAN_RUN.fullmatch(compact):
        given = _pinyin(compact[len(surname(compact)) :])
        return f"{surname_pinyin(compact)} {given.capitalize()}".strip()
    spaced = _HAN_RUN.sub(lambda run: f" {romanised(run[0])} ", name)
    return " ".join(spaced.split())


def _pinyin(characters: str) -> str:
    from pypinyin import lazy_pinyin

    return "".join(lazy_pinyin(characters, v_to_u=True))


# -- How they are found ----------------------------------------------------------------------------


def normalise(text: str) -> str:
    """`text` as search keys are kept: lower case, simplified, without marks on letters, and without spaces,
    dots, dashes and apostrophes."""
    kept = []
    for ch in unicodedata.normalize("NFKD", simplified(text.casefold())):
        if unicodedata.category(ch)[0] not in "ZPCM" and unicodedata.category(ch) not in ("Sm", "Sk"):
            kept.append("" if ch in "ʼʻʹ" else _PLAIN.get(ch, ch))
    return unicodedata.normalize("NFC", "".join(kept))


def search_keys(name: str) -> set[str]:
    """All keys of `name`: whole, by its parts and given name, each as written, in pinyin and as initials, the
    surname first and last; with and without what stands in brackets: 张伟 and 章伟 of 张(章)伟."""
    return {key for one in [name, *_without_brackets(name)] for key in _keys_of(one)}


def _without_brackets(name: str) -> list[str]:
    """`name` without what stands in brackets, and with it in the place of what stands before: another way to
    write a character, or another name."""
    noted = _BRACKETS.search(name)
    if noted is None:
        return []
    before, within, behind = name[: noted.start()].rstrip(), noted[1].strip(), name[noted.end() :].lstrip()
    found = [before + behind]
    if _HAN_RUN.fullmatch(within) and (len(within) == 1 or _HAN_RUN.match(behind)):
        found.append(before[: -len(within)] + within + behind)
    else:
        found.append(within)
    return [one for one in found if normalise(one)]


def _keys_of(name: str) -> set[str]:
    parts = [part for part in re.split(rf"[\s{re.escape(_DOTS)}]+", name) if normalise(part)]
    keys = {normalise(name)}
    if not is_chinese(name):
        return {key for key in keys | _latin_keys(parts) if key}
    compact = "".join(parts)
    if _HAN_RUN.fullmatch(compact):
        family = len(surname(name))
        keys |= _han_keys(compact, family if 0 < family < len(compact) else len(compact))
        if _BETWEEN_HAN.search(name):
            keys |= {key for part in parts for key in _han_keys(part, len(part))}
        return {key for key in keys if key}
    # Both kinds of letters: each by itself, and all of it in pinyin.
    for run in _HAN_RUN.findall(name):
        keys |= _han_keys(run, len(surname(run)))
    words = [re.sub(r"\s", "", romanised(word)) for word in _HAN_RUN.sub(r" \g<0> ", name).split()]
    latin = [word for word in _HAN_RUN.sub(" ", name).split() if normalise(word)]
    return {key for key in keys | _latin_keys(words) | _latin_keys(latin) if key}


def _latin_keys(words: Sequence[str]) -> set[str]:
    """Keys of a name in Latin letters: from each word on to the end, with the last word first, initials."""
    keys: set[str] = set()
    written_out = [
        "".join(_WRITTEN_OUT.get(ch, ch) for ch in unicodedata.normalize("NFC", w.casefold())) for w in words
    ]
    for spelled in {tuple(words), tuple(written_out)}:
        plain = [word for word in map(normalise, spelled) if word]
        keys |= {"".join(plain[i:]) for i in range(len(plain))} | set(plain)
        keys |= {"".join([plain[-1], *plain[:-1]]), "".join(word[0] for word in plain)} if plain else set()
    return keys


def _han_keys(characters: str, family: int) -> set[str]:
    """Keys of a name in Chinese characters, of which the first `family` are the surname."""
    plain = normalise(characters)
    keys = {plain}
    if family < len(plain):
        keys |= {plain[family:], plain[family:] + plain[:family]}
    for syllables in _readings(characters, family):
        first, given = "".join(syllables[:family]), "".join(syllables[family:])
        initials = "".join(one[0] for one in syllables)
        keys |= {first + given, initials}
        if given:
            short = initials[family:]
            keys |= {given, given + first, first + short, short + first, short + initials[:family]}
    return keys


def _readings(characters: str, family: int) -> list[tuple[str, ...]]:
    """Ways to read `characters`, a syllable each, the likeliest first."""
    from pypinyin import Style, pinyin

    plain = simplified(characters)
    as_surname = surnames.reading(plain[:family])
    found = [pinyin(written, style=Style.NORMAL, heteronym=True) for written in (characters, plain)]
    # In a word that is known, 尉迟, a character has one reading; whoever reads the name may know another.
    found.append([way for one in plain for way in pinyin(one, style=Style.NORMAL, heteronym=True)])
    options: list[list[str]] = []
    for index in range(len(characters)):
        readings = [as_surname[index]] if index < len(as_surname) else []
        for syllables in found:
            readings += syllables[index] if index < len(syllables) else []
        spelled = [way for one in dict.fromkeys(filter(None, readings)) for way in _spellings(one)]
        usable = list(dict.fromkeys(way for way in map(normalise, spelled) if way)) or [plain[index]]
        options.append(usable[: None if index < _POLYPHONIC else 1])
    ranked = sorted(
        product(*(list(enumerate(one)) for one in options)), key=lambda way: sum(rank for rank, _ in way)
    )
    return [tuple(syllable for _, syllable in way) for way in islice(ranked, _MAX_READINGS)]


def _spellings(syllable: str) -> list[str]:
    """A syllable in the ways that its ü is typed: lv, lyu, lu; lve, lyue, lue."""
    syllable = syllable.replace("ü", "v")
    if "v" not in syllable:
        return [syllable]
    return [syllable, syllable.replace("v", "u"), syllable.replace("v", "yu")]


def search_terms(text: str) -> list[str]:
    """The keys that begin like what was typed, were it a name; then those of the name in it: 王 of 王老师,
    老王 and Prof.王, 王秀兰 of 王秀兰老师, 王秀兰(退休) and 王老师(秀兰), wang of Ms Wang and wanglaoshi,
    wangxiulan of 王xiulan."""
    plain = simplified(unicodedata.normalize("NFKC", text)).strip()
    ways = [text]
    noted = _BRACKETS.search(plain)
    if noted is None:
        ways += _names_in(plain)
    else:
        outside = _names_in(f"{plain[: noted.start()]} {plain[noted.end() :]}".strip())
        ways += [*outside, *(one + noted[1] for one in outside), noted[1]]
    found = [
        normalise(text),
        *(normalise(romanised(way)) if _is_mixed(way) else normalise(way) for way in ways),
    ]
    return list(dict.fromkeys(key for key in found if key))


def _is_mixed(text: str) -> bool:
    return is_chinese(text) and re.search("[A-Za-z]", text) is not None


def _names_in(plain: str) -> list[str]:
    """`plain` by itself, then without what is said around a name, then without a title."""
    before = _SAID_BEFORE.match(plain)
    ways = [plain, plain[before.end() :] if before else plain]
    behind = _SAID_BEHIND.search(ways[-1])
    if behind and (behind.start() > 1 or not is_chinese(plain)):  # 王好 and 王家 are names
        ways.append(ways[-1][: behind.start()])
    if not set(ways).isdisjoint(_TITLES_BEHIND):
        return []
    return list(dict.fromkeys([*ways, *(one for way in ways for one in _without_title(way))]))


def _without_title(plain: str) -> list[str]:
    found = []
    words = re.findall(rf"[{_HAN}]+|[^\s.,，{_HAN}]+", plain)
    kept = [word for word in words if word.casefold() not in _LATIN_TITLES]
    if kept and len(kept) < len(words):
        plain = " ".join(kept)
        found.append(plain)
    if is_chinese(plain):
        bare = plain.strip()
        title = next((t for t in _TITLES_BEHIND if bare.endswith(t) and len(bare) > len(t)), None)
        if title:
            bare = bare[: -len(title)].rstrip()
            found.append(bare)
        if bare[:1] in _TITLES_BEFORE and 2 <= len(bare) <= 3:
            found.append(bare[1:])
        return found
    for title in _JOINED_TITLES:
        if len(words) == 1 and words[0].casefold().endswith(title) and len(words[0]) > len(title) + 1:
            found.append(words[0][: -len(title)])
    return found
