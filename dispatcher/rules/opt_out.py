"""Is an SMS a wish for no more SMS (STOP), or for SMS again (START)?

The words that gateways honour are ours too, for whoever sends one hears nothing any more whatever we think;
and those that people in China are taught by every notice (退订回T). A wish is nothing but such a word: a
sentence that merely contains one is an ordinary reply.
"""

import re
from enum import StrEnum

from dispatcher.rules.chinese import simplified
from dispatcher.rules.replies.text import plain


class Wish(StrEnum):
    """What a phone wants."""

    STOP = "STOP"
    START = "START"


_STOP = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"})
_START = frozenset({"start", "unstop"})
_VERB = "(?:退订|取消订阅|拒收|拒收短信)"
_LETTER = "(?:td|t|r)"
_REPLY = "(?:请)?(?:直接)?(?:回复|回覆|回|发送|发)"
_STOP_ZH = re.compile(
    rf"(?:我要|我想|我想要|我|申请|申請|请|要求)?{_VERB}(?:短信|简讯|信息)?(?:谢谢)?"
    rf"|(?:{_REPLY})?{_LETTER}"
    rf"|{_VERB}(?:{_REPLY})?{_LETTER}"
    rf"|(?:{_REPLY})?{_LETTER}{_VERB}"
    rf"|{_REPLY}{_VERB}"
)
_START_ZH = re.compile(
    "(?:我要|我想|我想要|申请|申請|请|回复)?(?:恢复|恢复订阅|恢复短信|恢复接收|恢复接收短信|重新订阅|订阅|取消退订)"
)
_TAIL = re.compile(r"(?:吧|了|谢谢|thanks|thankyou)+$")
_BESIDE = re.compile(r"[\W_]+")


def wish(body: str, gateway_says: str, has_stopped: bool) -> Wish | None:
    """What an SMS wishes, or None for an ordinary one.

    `gateway_says`: its own reading, "STOP", "START", "HELP" or "". `has_stopped`: whether this phone wants
    no SMS now.
    """
    if "?" in body or "？" in body:
        return Wish.STOP if gateway_says == Wish.STOP else None  # asked about, not wished
    word = _TAIL.sub("", _bare(body))
    if gateway_says == Wish.STOP or word in _STOP or _STOP_ZH.fullmatch(word):
        return Wish.STOP  # by the gateway's reading it sends nothing there any more, whatever we think
    if gateway_says == Wish.START and has_stopped:
        return Wish.START  # YES too: from anybody else that is an answer to what they were asked
    if word in _START or _START_ZH.fullmatch(word):
        return Wish.START
    return None


def _bare(body: str) -> str:
    """`body` without what phones and people put around a word: width, case, spaces, marks, a signature."""
    return _BESIDE.sub("", simplified(plain(body)).casefold())
