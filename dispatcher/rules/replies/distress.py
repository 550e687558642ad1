"""Whether a text sounds as if somebody is hurt, ill or in danger now."""

from dispatcher.rules.replies.text import seen
from dispatcher.rules.replies.words import folded, pattern

_HELP = pattern(
    "救命 救救?我 急救 救护 [摔跌滑]倒 [摔跌](了|伤|下|跤) 起不来 [站爬]不起 动不了 不能动"
    " 晕(倒|了|过|厉害|得) 头晕 昏(倒|迷|过)"
    " (胸|心|肚子|腹|头|腰|腿)[^,，。!！?？\\n]{0,3}[疼痛闷绞] [疼痛][得死] 心(脏|慌|梗|口) 中风"
    " 脑(梗|溢|出血) 偏瘫 抽[搐筋]"
    " (喘|透|呼吸)[^,，。!！?？\\n]{0,3}(不|困难|难受) 气短 憋[气得] 噎 呛 [流出吐便]血 骨折 [烫烧]伤 煤气"
    " 中毒 着火 失火 火灾 起火 冒烟"
    " (?<!\\d)120(?!\\d) 不想活 活不下 自杀 走丢 找不[到着]家 危险 快?来人(?![了吗]) 有人[闯撬] 难受"
    " 不行了 呼救 求[救助] 🆘 🚑 🚨",
    "i(?:'ve| have)? (?:just )?(?:fell|fallen)|i can't (?:breathe|move|get up)|fell (?:down|over)|help me"
    "|need help|please help"
    "|emergency|ambulance|chest (?:pain|hurts)|heart attack|stroke|bleeding|unconscious|faint(?:ed|ing)?"
    "|dizzy|choking|on fire"
    r"|gas leak|suicide|poison\w*|sos|fire(?=!)|help(?=!|\s+i\b|\s*,|\s*$)",
)
_NO_HELP = pattern(
    "没有?[摔跌晕疼痛] 没有?危险 不[疼痛晕]了? 不难受 [谢感]谢?[^,，。!！?？\\n]{0,6}(求助|急救|救) 救了我",
    r"(?:thanks?|thank you)[\w ]{0,12} help",
)  # fmt: skip


def calls_for_help(body: str) -> bool:
    """Whether `body` sounds like a call for help. Rather once too often: a person looks at it."""
    return _HELP.search(_NO_HELP.sub(" ", folded(seen(body)))) is not None
