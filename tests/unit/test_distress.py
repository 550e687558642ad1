"""Calls for help as people write them, and what only sounds like one."""

import pytest

from dispatcher.rules.replies import (
    Intent,
    NotUnderstood,
    Stage,
    Thread,
    Unclear,
    Understood,
    calls_for_help,
    only_thanks,
    understand,
)
from dispatcher.sms import samples, texts
from tests.unit.reply_outcomes import each

FELL = each("""
我摔倒了|【重要】我摔倒了起不来|谢谢，我摔了|滑了一跤|绊了一跤|绊倒了|栽倒了|倒下了|我倒在地上了|摔着了|摔着腰了|我摔啦|
我摔坏了|摔厕所了|摔到了|摔断腿|腿断了|从床上掉下来了|跌了一跤|摔了个跟头|摔了两个跟头|老人倒了|病倒了|奶奶摔了|
不小心摔倒了|买菜摔了|背着包摔了|厕所里面摔了|外面倒在地上|没人管我摔倒了|拿药摔了一跤|我摔斷腿了|跌低咗|
我倒厕所了|老头栽沟里了|失足掉下去了|腰闪了|she fell|I've fallen|I slipped|had a fall|on the floor
""")
CANNOT_MOVE = each("""
起不来床了|站不起来|爬不起来|动弹不得|动弹不了|动不了|早上疼得起不来|浑身没力气|坐车腿动不了|
I can't stand up|can't get up|cannot move my legs|I need help to get up
""")
ILL = each("""
胸口疼得厉害|喘不上氣|我头晕|天旋地转|眼前发黑|半边身子麻了|嘴歪了|说不了话|心跳得厉害|心里发慌|心脏病犯了|上不来气|
气喘得厉害|闷得慌|胸口压得慌|特别疼|特别难受|浑身发抖|浑身冒冷汗|手抖得厉害|血压200|高压210|低血糖了|血糖2.8|
高烧不退|发高烧40度|我很不舒服|吐血了|嘴唇发紫|老伴难活得不行|唔舒服|
can't breathe|pain in my chest|my chest is tight|stroke|dizzy|I feel very ill|blood pressure 210|vomiting
""")
UNCONSCIOUS = each("""
老伴晕过去了|叫不醒|没气了|没呼吸了|不省人事|口吐白沫|老头子叫不应|老伴没了知觉|吃了药没反应|恐怕是昏过去了|
my husband collapsed|he is not responding|seizure|she's not waking up
""")
WOUNDED = each("""
受伤了|烫着了|触电了|砸到脚了|被车撞了|撞车了|出车祸了|流鼻血不止|血止不住|头磕破了|夹住手了|恐怕摔断了|被狗咬了|
broke my hip|bleeding|hit by a car|my leg is broken
""")
CHOKING_AND_POISON = each("""
鱼刺卡住了|卡住喉咙|药吃多了|安眠药吃多了|买的药吃错了|降压药吃多了|吃错药了|吃了三十片安眠药|一氧化碳|多吃了两片降压药|喝了消毒液|老伴吞了电池|
I took too many pills|took the wrong pills|choking
""")
FIRE_AND_GAS = each("""
着火了|厨房冒烟|一股焦糊味|煤气漏了|闻到煤气味|煤气没关着火了|煤气中毒|烟雾报警器一直响|
smoke in my kitchen|fire!|I smell gas|there's a fire
""")
SHUT_IN_LOST_ROBBED = each("""
锁在屋里出不去|钥匙丢了锁在屋里出不去|电梯困住了|困电梯里了|被困了|stuck in the lift|家里进贼了|有人砸门|
有人撬锁|call the police|someone broke in|老伴走失了|老伴不见了|迷路了|找不到家了|I'm lost|my wife is missing
""")
CRIES = each("""
救命|救人|快来人|快来救人|救救老伴|谢谢快来救我|怎么还不救我|帮帮我|快来帮忙|救 命|打120|120|快叫救护车|🆘|🚑|
我要死了|活够了|不想活了|老伴快不行了|s.o.s|SOS|help|help I fell|help me get up|please help him|1help|
I'm dying|敲门没人应，里面有呻吟声|听见惨叫
""")


@pytest.mark.parametrize(
    "body",
    [
        *FELL, *CANNOT_MOVE, *ILL, *UNCONSCIOUS, *WOUNDED, *CHOKING_AND_POISON, *FIRE_AND_GAS,
        *SHUT_IN_LOST_ROBBED, *CRIES,
    ],
)  # fmt: skip
def test_a_call_for_help(body: str) -> None:
    assert calls_for_help(body)
    assert not only_thanks(body)
    for code in ("2 ", "30", "41，"):
        assert calls_for_help(code + body) or body == "120", code  # which could be a price


WANTED = each("""
治心脏病的药|买过敏药|买头疼药|治腰疼的膏药|要止痛片|速效救心丸|救心丸一盒|心痛定一盒|买治心慌的药|过敏药没了|退烧药|
晕车药两盒|烫伤膏一支|跌打损伤膏|止血贴|抗过敏药|血压计|血压计坏了|血糖试纸3盒|测血压的|急救箱|帮忙买菜|帮我买点菜|
帮忙买药|煤气费|换煤气|煤气罐没气了|买农药|骨折康复科怎么走|骨折科|体温计|消毒水|伤湿止痛膏|
painkillers please|stroke medicine|pills for dizziness|first aid kit|help me get milk|need help with groceries
""")
THINGS = each("""
药摔坏了|鸡蛋摔了|瓶子倒了|杯子摔碎了|把鸡蛋摔了|我把药摔了|摔碎了两个鸡蛋|手机摔坏了|药不见了|碰到邻居了|家里停电了|钥匙不见了|钥匙锁屋里了|
电动车没气了|车坏了|车动不了|门铃没反应|链接没反应|火车|上火|eggs fell and broke|the box fell|box is missing
""")
SAID = each("""
1|好的|药收到了|我来帮忙|我去帮忙|不用救|没摔着|没摔着，放心|困了想睡|病好了|不疼了|头不晕了|没受伤|没有人受伤|小心摔倒|怕摔倒|
麻烦您了|腿脚不便麻烦您|累死了|贵得要命|心疼钱|出不去，帮买菜|来人了吗|怎么还没来人|什么时候来人|谢谢你们的帮助|学过急救|
33 敲门没人应|33 没人在家|33 药费120元|33 药费120|31 生病了|31 感冒了|30 孩子发烧了|31 我在医院|
33 老人要去医院|30 今天不行|手抖按错了|31 够呛|32 找不到楼|电梯坏了，爬楼送|还没送到|少了一盒|着急用|
I will help|I can help|happy to help|thanks for your help|stroke of luck|fell asleep|stuck in traffic|
I'm unwell|31 sorry, family emergency|can't walk that far|no pain|not hurt|lost my keys|
wrong pills|don't need help
""")


@pytest.mark.parametrize("body", [*WANTED, *THINGS, *SAID, ""])
def test_no_call_for_help(body: str) -> None:
    assert not calls_for_help(body)


@pytest.mark.parametrize("kind", sorted(texts.built_in("zh")["sms"]))
@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_a_text_of_ours_that_is_quoted_is_none(kind: str, language: str) -> None:
    for given in (samples.usual(kind, language), *samples.longest(kind, language)):
        assert not calls_for_help(texts.render(kind, language, given, samples.NOW, samples.ZONE))


@pytest.mark.parametrize(
    "body", ["1 我摔倒了", "1 我头晕，谢谢", "1 收到了，救命", "1 help", "收到了，谢谢，我摔倒了", "1"]
)
def test_all_is_well_is_never_said_with_a_call_for_help(body: str) -> None:
    meant = understand(body, [Thread(4, Stage.CHECK, 7)])
    well = isinstance(meant, Understood) and meant.intent is Intent.ALL_WELL
    assert well is not calls_for_help(body)
    late = NotUnderstood(Unclear.NOTHING_LIVE, body, 7, "1", "")
    assert late.says(Intent.ALL_WELL) is not calls_for_help(body)


def test_a_long_text_is_read_too() -> None:
    for word in ("好", "药", "困", "买", "老伴", "help "):
        assert not calls_for_help("今天天气" + word.replace("help ", "rice ") * 500)
        assert calls_for_help(word * 500 + "，我摔倒了")
