"""Chinese as it is written in two ways: traditional characters in simplified ones."""

from functools import cache
from typing import Any


@cache
def _converter() -> Any:
    # Loaded when it is first needed: most processes never read Chinese.
    from opencc import OpenCC

    return OpenCC("t2s")


def simplified(text: str) -> str:
    """`text` with simplified characters in place of traditional ones."""
    return text if text.isascii() else str(_converter().convert(text))
