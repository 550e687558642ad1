"""Whether a text sounds as if somebody is hurt, ill or in danger now."""

from dispatcher.rules.replies.text import seen
from dispatcher.rules.replies.words import folded, pattern

_HELP = pattern(
    "救命(?!之恩) 救救?我 急救车 救护 [摔跌滑]倒 [摔跌](了|伤|下|跤) 起不来 [站爬]不起 动不了 不能动"
    " 晕(倒|了|过|厉害|得) 我[头很]?晕"
    " 头[晕昏] 昏(倒|迷|过) (胸|心|肚子|腹|头|腰|腿)[^,，。!！?？\\n]{0,3}[疼痛闷绞] [疼痛][得死]"
    " 心(脏病|脏不|慌|梗|口) 中风 偏瘫"
    " 脑(梗|溢|出血) 半身不遂 抽[搐筋] (喘|透|呼吸)[^,，。!！?？\\n]{0,3}(不|困难|难受) 气短 憋[气得] 噎"
    " 呛 [流出吐便]血 血流 骨折"
    " [烫烧]伤了? 煤气 农药 [吃喝]错(了)?药 中毒 过敏 着火 失火 火灾 起火 冒烟 (?<!\\d)120(?!\\d)"
    " [不没]想活 想死 活不下 快死了? 自杀"
    " 走丢 不见了 找不[到着]家 危险 快?来人(?![了吗]) 有人[闯撬] 难受"
    " (我|他|她|老伴|人)[^,，。]{0,2}不行了 没反应 叫不醒 没动静 说不出话"
    " 困在 送H{0,3}去医院 叫(医生|大夫) 呼救 求救 🆘 🚑 🚨",
    "(?:have |has |'ve |just )*(?:fell|fallen)(?! asleep)|can(?:no|')?t (?:breathe|move|get up)"
    "|not breathing|passed out|help me|need help"
    "|please help|emergency|ambulance|911|need a doctor|chest (?:pain|hurts)|heart attack|stroke|bleeding"
    "|unconscious|faint(?:ed|ing)?"
    r"|dizzy|choking|on fire|(?:smell|gas) (?:leak|gas)|overdose|suicide|want to die|poison\w*|sos"
    r"|fire(?=!|\s*$)|help(?=!|\s+i\b|\s*,|\s*$)",
)
_NO_HELP = pattern(
    "没有?[摔跌晕疼痛] 没有?(危险|难受) 不[疼痛晕]了? 不难受 [谢感]谢?[^,，。!！?？\\n]{0,6}(求助|急救|救)"
    " 救了我 学过急救 [车电机][^,，。]{0,2}动不了"
    " (买|要|取|用|贴|拿)[^,，。!！?？\\n]{0,4}[疼痛][^,，。]{0,2}[药贴膏片]"
    " [头腰腿心胃]?[疼痛脏]病?[药贴膏片] 煤气[费卡罐灶表] [烫烧]伤[药膏] 急救[箱包]",
    r"(?:thanks?|thank you)[\w ]{0,30} help|help (?:with|me (?:buy|get|to|carry|with))"
    r"|(?:can|to|great|big|happy to) help|need help (?:with|to)"
    "|fell asleep",
)


def calls_for_help(body: str) -> bool:
    """Whether `body` sounds like a call for help. Rather once too often: a person looks at it."""
    return _HELP.search(_NO_HELP.sub(" ", folded(seen(body)))) is not None
