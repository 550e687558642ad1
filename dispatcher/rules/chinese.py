"""Chinese as it is written in two ways: traditional characters in simplified ones."""

from functools import cache, lru_cache
from typing import Any


def simplified(text: str) -> str:
    """`text` in simplified characters, each by itself, so that the beginning of a name fits the name."""
    return "".join(_simplified(ch) if ch > "⺀" else ch for ch in text)


def warm() -> None:
    """Load the table of characters now, and not when somebody waits for it."""
    _simplified("東")


@lru_cache(maxsize=20_000)
def _simplified(character: str) -> str:
    return str(_converter().convert(character))


@cache
def _converter() -> Any:
    # Loaded when it is first needed: most processes never read Chinese.
    import opencc

    return opencc.OpenCC("t2s")
