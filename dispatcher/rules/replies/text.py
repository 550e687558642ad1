"""The text of an SMS made plain for reading: one kind of digits, no signature, no quotation.

Phones put all kinds of things around what somebody typed: keycaps, full-width digits, invisible marks of
direction, a line that praises the phone, the text that is answered. None of it is the sender's word.
"""

import re
import unicodedata

_KEYCAP = "\u20e3"
_UNSEEN_BETWEEN_DIGITS = re.compile(r"(?<=\d)\0+(?=\d)")  # it parts them, seen or not
_REPEATED = re.compile(r"([\W_])\1{3,}")  # more of one mark than three says no more than three
_UNSEEN = re.compile(r"\0+")
_ROUND_ZERO = re.compile(r"(?<=\d)(?:[oO](?![A-Za-z'’])|\s?[○◯⭕🅾●⚪〇])")
_SIGNATURE = re.compile(
    r"[\[(（]?(?:[发發来來]自我的|[发發]送自|[从從]我的\w{1,12}[发發]送"
    r"|(?:[从從]|[通透][过過]).{1,24}[发發]送|sent (?:from|via|with) |envoyé (?:de|depuis) |enviado desde "
    r"|get outlook for)[^\n]*"
    r"|(?<=\n)[^\w\n]{0,6}[发發来來]自[^\n]{1,30}",
    re.IGNORECASE,
)
_DASHES = re.compile(r"\n\s*(?:-{2,}|—+|_{2,})\s*\n.*", re.DOTALL)
# What mail and chat programs put above or before the text that is answered.
_QUOTED_BELOW = re.compile(
    r"^(?:[^\n]*-{2,}\s*(?:original message|原始(?:邮件|短信|信息)|原短信|原文)|on [^\n]{4,80} wrote:"
    r"|(?:原短信|原文|发件人|from)\s*[:：]).*",
    re.IGNORECASE | re.DOTALL | re.MULTILINE,
)
_QUOTED_LINE = re.compile(r"^[ \t]*[>|│][^\n]*$", re.MULTILINE)
# WeChat: 「…」, a line of dashes, then the answer. A text of ours begins with the office's name in 【】.
_QUOTED_ABOVE = re.compile(r"^\s*[「“\"『][^」”\"』]{6,300}[」”\"』]\s*\n[\s\-—–_─]{3,}\n")
_OURS = re.compile(r"【[^】\n]{1,20}】[^\n]{4,}")


def plain(body: str) -> str:
    """What the sender typed, in plain digits and letters, without what phones add; lines are kept."""
    text = seen(body)
    for added in (_QUOTED_ABOVE, _QUOTED_BELOW, _QUOTED_LINE, _OURS, _DASHES, _SIGNATURE):
        text = added.sub("\n", text)
    return _ROUND_ZERO.sub("0", text).strip()


def seen(body: str) -> str:
    """All that stands in a text, in plain digits and letters."""
    text = "".join(_plain(ch) if _is_visible(ch) else "\0" for ch in body)
    text = _UNSEEN.sub("", _UNSEEN_BETWEEN_DIGITS.sub(" ", text))
    return _REPEATED.sub(r"\1\1\1", text)


def _plain(ch: str) -> str:
    """Digits and letters of every shape as ours. Punctuation stays, for the words are kept as they are."""
    value = unicodedata.digit(ch, None)
    if value is not None:
        return str(value)
    return ch if unicodedata.category(ch)[0] == "P" else unicodedata.normalize("NFKC", ch)


def _is_visible(ch: str) -> bool:
    if ch == _KEYCAP or "\ufe00" <= ch <= "\ufe0f":
        return False
    category = unicodedata.category(ch)
    return category != "Cf" and (category != "Cc" or ch in "\n\t\r")
