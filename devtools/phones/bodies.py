"""What can be read from the text of a message: segments, links, suggested replies, opt-out words."""

from __future__ import annotations

import re

# The provider's own default words; a message counts only when it consists of nothing else.
_KEYWORDS = {
    **dict.fromkeys(("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"), "STOP"),
    **dict.fromkeys(("START", "YES", "UNSTOP"), "START"),
    **dict.fromkeys(("HELP", "INFO"), "HELP"),
}

_GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM7_EXTENDED = frozenset("^{}\\[~]|€\f")

# ASCII only: Chinese text often follows a link without a space and must not become part of it.
_LINK = re.compile(r"https?://[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
_LINK_TAIL = ".,;:!?)'"

_ASKS_REPLY = re.compile(r"回复|回覆|答复|回(?=\d)|\breply\b|\btext back\b", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[。！？!?\n]|\.(?=\s|$)")
_QUOTED = re.compile(r"[“\"「『]\s*([^”\"」』]{1,12}?)\s*[”\"」』]")
_CODE = re.compile(r"(?<![A-Za-z0-9:/.\-#])([A-Z]{0,2}\d{1,4}|[A-Z])(?![A-Za-z0-9:/\-]|\.\d)")
_MEASURE = re.compile(r"\s*(?:分|米|号|栋|楼|层|岁|年|月|日|点|时|天|人|个|min|m\b|hour|day|year|km)")
MAX_SUGGESTIONS = 4


def segments(body: str) -> int:
    """How many SMS segments `body` takes; at least 1.

    Counted here and not with the product's library, so that the two check each other.
    """
    if all(char in _GSM7 or char in _GSM7_EXTENDED for char in body):
        units = len(body) + sum(char in _GSM7_EXTENDED for char in body)
        single, several = 160, 153
    else:
        units = len(body.encode("utf-16-be")) // 2
        single, several = 70, 67
    return 1 if units <= single else -(-units // several)


def links(body: str) -> list[str]:
    """The web addresses in `body`, in order, each exactly as it stands in the text."""
    return [match.group().rstrip(_LINK_TAIL) for match in _LINK.finditer(body)]


def reply_codes(body: str) -> list[str]:
    """Short answers that `body` asks for, in order and at most MAX_SUGGESTIONS, as a phone would suggest.

    Looks only at sentences that ask for a reply; quoted answers there win over bare codes.
    """
    text = _LINK.sub(" ", body)
    quoted: list[str] = []
    bare: list[str] = []
    for sentence in _SENTENCE_END.split(text):
        asks = _ASKS_REPLY.search(sentence)
        if asks is None:
            continue
        request = sentence[asks.end() :]
        quoted += _QUOTED.findall(request)
        bare += [
            match.group(1) for match in _CODE.finditer(request) if not _MEASURE.match(request, match.end())
        ]
    return list(dict.fromkeys(quoted or bare))[:MAX_SUGGESTIONS]


def opt_out_type(body: str) -> str | None:
    """The opt-out word ("STOP", "START", "HELP") that `body` stands for, None when it says more."""
    return _KEYWORDS.get(body.strip().upper())
