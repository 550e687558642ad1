"""Under which strings a name is found: characters, pinyin in every reading, initials."""

from itertools import islice, product

_MAX_READINGS = 24
"""Readings kept for one name; three polyphonic characters can multiply beyond use."""

# Readings that characters have only as surnames, which the dictionary gives rarely or never.
_SURNAME_READINGS = {
    "单": "shan", "曾": "zeng", "仇": "qiu", "任": "ren", "解": "xie", "盖": "ge", "区": "ou",
    "查": "zha", "朴": "piao", "尉": "yu", "乐": "yue", "覃": "qin", "缪": "miao", "员": "yun",
    "秘": "bi", "洗": "xian", "冼": "xian", "召": "shao", "种": "chong", "繁": "po", "折": "she",
    "黑": "he", "翟": "zhai", "燕": "yan", "华": "hua", "牟": "mu", "万": "wan", "尹": "yin",
}  # fmt: skip
_DOUBLE_SURNAMES = ("欧阳", "上官", "司马", "诸葛", "皇甫", "尉迟", "令狐", "公孙", "慕容", "司徒")


def warm() -> None:
    """Load the dictionary of readings now, most of a second, and not when somebody waits for it.

    At the top of this module it would lengthen the start of every process, also of those that never need it.
    """
    import pypinyin  # noqa: F401


def surname(name: str) -> str:
    """The surname of a Chinese `name`."""
    return name[:2] if name.startswith(_DOUBLE_SURNAMES) else name[:1]


def surname_pinyin(name: str) -> str:
    """The surname of a Chinese `name` in pinyin, as a surname is read: 单 is Shan."""
    from pypinyin import lazy_pinyin

    family = surname(name)
    return (_SURNAME_READINGS.get(family) or "".join(lazy_pinyin(family))).capitalize()


def romanised(name: str) -> str:
    """A Chinese `name` in pinyin, the surname first: 李伟 is Li Wei; any other as it is."""
    if not any("一" <= ch <= "鿿" for ch in name):
        return name
    from pypinyin import lazy_pinyin

    given = "".join(lazy_pinyin(name[len(surname(name)) :]))
    return f"{surname_pinyin(name)} {given.capitalize()}".strip()


def normalise(text: str) -> str:
    """`text` as search keys are kept: lower case, no spaces, dots or apostrophes; ü is v."""
    kept = (ch for ch in text.casefold().replace("ü", "v") if ch not in " 　\t'’·.-")
    return "".join(kept)


def search_keys(name: str) -> set[str]:
    """All keys of `name`: whole and given name, each as written, in pinyin and as initials.

    A Latin name gives its words and their initials.
    """
    if name.isascii() or not any("一" <= ch <= "鿿" for ch in name):
        words = [word.casefold() for word in name.split()]
        keys = {normalise(name), *words, *(normalise("".join(words[i:])) for i in range(len(words)))}
        keys.add("".join(word[0] for word in words))
        return {key for key in keys if key}
    whole = normalise(name)
    keys = {whole}
    family = len(surname(name))
    if len(whole) > family:
        keys.add(whole[family:])
    for reading in _readings(whole):
        keys.add("".join(reading))
        keys.add("".join(syllable[0] for syllable in reading))
        if len(reading) > family:
            keys.add("".join(reading[family:]))
    return keys


def _readings(name: str) -> list[tuple[str, ...]]:
    """Every way to read `name`, the likely surname reading first."""
    from pypinyin import Style, pinyin

    options: list[list[str]] = []
    for index, syllables in enumerate(pinyin(name, style=Style.NORMAL, heteronym=True)):
        readings = [normalise(s) for s in syllables if s]
        if index == 0 and name[0] in _SURNAME_READINGS:
            readings.insert(0, _SURNAME_READINGS[name[0]])
        options.append(list(dict.fromkeys(readings)))
    return list(islice(product(*options), _MAX_READINGS))
