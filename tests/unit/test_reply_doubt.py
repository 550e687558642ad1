"""What only a person can tell is asked back, and what anybody understands isn't: replies by the hundred.

Each table is parted by `|`. A reply that is understood must be known to its last word: a single one that
isn't may say that they can't.
"""

import pytest

from dispatcher.rules.replies import Stage, Thread
from tests.unit.reply_outcomes import ASKED, each, of_holder, of_offer, of_retiree, outcomes


@pytest.mark.parametrize(
    "body",
    each("""
31🙅|31🙅‍♀️|31🚫|31 but I'm in Beijing|31 but I have to pick up my kid|31 but my car broke|
31 would love to but I am travelling|31 但我在北京|31 但是人在北京|31 可是要接孩子|31 但是要看孩子|
31 下午有会|31 下午要去北京|31 weekends only|31 谢绝|31 谢谢，我搬家了|31 谢谢 我已调走|
31 谢谢邀请，我在北京|31 谢谢，另行安排吧|31 收到，我在西安|31 收到。在火车上|31 收到，腿刚做完手术|
31 知道了，我请假|31 好的，但是我在北京|31 thanks but I moved to Beijing|31 OK but I'm in Beijing|
31 ok, ask Li Wei|31 20分钟后要接孩子|31 30分钟后我要上火车|31 10分钟后有个会|31 刚做完手术|31 星期六可以|
31 礼拜天可以|31 星期一去|31 明儿去|31 明儿个去|31 明日可以|31 下月可以|31 下学期可以|31 寒假可以|
31 开学后可以|31 病好了可以去|31 过一阵子可以|31 等我回太原再去|31 等我出院再去|31 等我回来|
31 I can on Friday|31 yes but on Friday|31 coming back Friday|31 I'll be back on Monday|
31 can only on weekends|31 can only do Sunday|31 木有时间|31 莫有空|31 么有时间|31 无能力去|31 懒得去|
31 小王去|31 老李去|31 他去|31 小张替我去|31 小李能去|31 老张可以去|31 我室友有空|31 我请假，小李可以|
31 我请假，可以叫小李|31 学生去吧|31 安排学生去|31 其他人去|31 正去机场|31 正在去机场|31 去机场的路上|
31 在去北京的路上|31 正去北京|31 我去北京了|31 我来北京了|31 我去接孩子|31 去接孩子|31 on my way home|
31 on my way to Beijing|31 heading to class|31 leaving for Beijing|31 leaving town|31 I will be in Beijing|
31 I'll ask|31 I'll let you know|31 I'll try|31 I will see|31 I'll check|31 I doubt I can|
31 can barely walk|31 没空去|31 不能去|31 不太方便|31 不方便|31 有点事|31 有事|31 家里有事|31 在北京|
31 人在外地|31 出差了|31 回家了|31 在家带娃|31 腿疼|31 感冒|31 我不在|31 不在学校|31 不在太原|
31 我不是志愿者了|31 退出|31 退群|31 别找我|31 找别人|31 换人|31 叫小李去|31 小李去|31 让小王来|31 明天|
31 明天可以|31 周六行|31 下午三点以后行|31 晚上才有空|31 考虑下|31 看看|31 再说|31 等等看|31 也许|31 不确定|
31 可能去不了|31 要看情况|31 如果没人我去|31 没人的话我去|31 实在没人再找我|31 什么药|31 哪里|31 在哪|
31 多远|31 要带什么|31 多久|31 多少钱|31 急吗|31 谁啊|31 ？|31 啥|31 can't|31 cannot go|31 not today|31 no|
31 nope|31 maybe|31 if nobody else|31 I'm in class|31 at work|31 sick|31 sorry|31 sorry no|
31 don't think so|31 I don't know|31 what is it|31 where|31 who|31 how far|31 wrong number|31 stop|
31 not me|31 31?|31 我儿子去|31 我同学替我|31 发给别人吧|31 你们找别人吧|31 等会再说|31 我先问问领导|
31 领导不同意|31 车坏了|31 没车|31 堵在路上|31 走不了|31 起不来|31 喝酒了|31 没带手机|31 忘了|31 晚了|
31 来晚了吗|31 还需要吗|31 还要人吗|31 有人接了吗
"""),
)
def test_an_excuse_or_a_question_is_no_yes(body: str) -> None:
    assert of_offer(body) == [ASKED]


@pytest.mark.parametrize(
    "body",
    each("""
33🙅|33 送达失败|33 待签收|33 待送达|33 送达中|33 差点送到|33 快给老人了|33 等送到|33 等送完|33 等她签收|
33 等老人签收|33 么送到|33 partly delivered|33 快完成了|33 差不多完成|33 差不多送到|33 基本完成|33 下午送到|
33 晚上送到|33 今晚送达|33 今晚送到|33 今天送到|33 星期一送到|33 礼拜天送到|33 定于5点送达|33 能送到|
33 5点钟能送到|33 可以送到|33 应该能送到|33 肯定送到|33 尽量送到|33 必须送到|33 送到后回|33 送到告诉你们|
33 送到再回复|33 送完告诉你|33 完成后告诉你|33 to be delivered|33 should be done by 5|
33 can be delivered at 5|33 after delivered|33 约5点送达|33 中午送到|33 傍晚送到|33 想放门口|33 打算放门口|
33 可以放门口|33 放门口可以|33 给老人打电话了|33 给他打过电话，关机|33 给她留了条|33 给老人发了短信|
33 给老人买药去了|33 正给老人买|33 去给老人送|33 办完事就去|33 办好了，这就送过去|33 送完孩子就去|
33 等我送完孩子|33 先送完孩子|33 送完这家就去|33 交完水费就去|33 done shopping|
33 finished shopping, heading over|33 got it from pharmacy|33 done for today|33 I'm done with this|
33 放在我家了|33 放在我车上了|33 放到我宿舍了|33 放在药店了|33 药放在家里忘带了|33 放门口被拿走了|
33 left it at home|33 left it at my dorm|33 交给小李去送|33 交给同学代送|33 handed it to Li Wei|
33 药送到了，菜等下|33 药送到了，菜还在买|33 药送到了，菜下午送|33 药给了，菜还要买|
33 delivered medicine, groceries later|33 delivered but he was out|33 我到了|33 到小区了|32 要出发吗|
32 啥时候出发|32 何时出发|32 出发去北京了|32 出发前再说|32 等出发|32 等会出发|32 下午出发|32 晚上出发|
33 马上送到|33 快了|33 快到了|33 还在路上|33 在等老人|33 没人开门|33 没人接电话|33 打不通电话|33 敲门没人|
33 找不到|33 找不到门|33 门卫不让进|33 进不去|33 封楼了|33 药没买到|33 药店没有|33 买错了|33 少买一样|
33 只买到一样|33 缺货|33 换了牌子行吗|33 放门口行吗|33 给邻居行吗|33 给谁|33 老人不要|33 老人拒收|
33 老人不在|33 老人住院了|33 老人摔了|33 送错楼了|33 送错人了|33 明天送|33 下午送|33 晚上再送|33 5点送到|
33 等会送|33 一会送|33 正在送|33 准备送|33 才买好|33 刚买完|33 买完了|33 取到药|33 排队呢|33 付不了钱|
33 钱不够|33 多花了钱谁报|33 almost there|33 not yet|33 on my way|33 nobody home|33 wrong address|
33 can't find it|33 out of stock|33 partially|33 will do|33 later|33 tomorrow|33 trying|32 还没出发|
32 没走呢|32 出发不了|32 走不开|32 去不了|32 不去了|32 找别人|32 明天去|32 下午去|32 晚点去|32 地址在哪|
32 几号楼|32 找不到路|32 迷路了|32 送到了|32 已送到|32 车坏了|32 老人不接电话|32 要等多久|32 可以吗|32 ?|
32 not yet|32 can't|32 delivered
"""),
)
def test_what_is_still_to_be_done_has_not_been_done(body: str) -> None:
    assert of_holder(body) == [ASKED]


@pytest.mark.parametrize(
    "body",
    each("""
30mg|30 mg|30毫克|30毫升|30ml|30克|30g|30剂|30 IU|30贴膏药|30副中药|30升|30cm|30码|30步|30里地|30级台阶|
30趟|30遍|30#楼|30#楼302|30病房|30窗口|30多|30来块|不到30|差不多30|快30了|30到|30就到|30能到|30一会到|
30 mintues|30 到药店了|30 在排队|30 一会到|30 分钟|30 分钟到|30 块|30 元|30 楼|30 号|30 米|30 公里|30 点半|
30 点|30 岁|30 天|30 人|30 次|30 送到了|30 马上到|30 可以|30 好的|30 完成|30 done|30 ok|30 on my way|30 ？|
30 吗|30 是什么|30 什么意思|30 盒|30 mins|30 min|30 多分钟|30 分|30 秒|30 后|30 路车|30 路公交|30 厘米|
30 页|30 本|30 块钱|30 层|30 栋|30 单元|30 床|30 床位|30 病床|30 天的量|30 粒装|30 片|30 毫安|30 度|30 折|
30 %|30 倍|30 档|30 频道|30 题|30 班|30 届|30 级|30 队|30 组|30 区|30 幢
"""),
)
def test_what_counts_hands_nothing_back(body: str) -> None:
    assert of_holder(body) == [ASKED]


@pytest.mark.parametrize(
    "body",
    each("""
1 请来|1 小李快来|1 你们快来|1 你们来|1 可以再来|1 能再来|1 请送到家里|1 请送到门口|1 请放在门口|1 我去接|
1 收到药了，还有菜|1 收到药了，菜|1 收到两盒，还有一盒|药收到了，还有菜|收到药了，还有一袋|药很好，菜|
1 多给了|1 收到了，多了一盒|1 收到一盒|1 收到一瓶|1 刚收到一袋|收到了一盒|送到了一盒|1 没收到|1 还没|
1 还没到|1 没到|1 没来|1 少一盒|1 少了|1 多了|1 错了|1 不对|1 药不对|1 坏了|1 碎了|1 破了|1 过期了|
1 不是我的|1 送错了|1 没人来|1 电话没打|1 等了半天|1 太慢|1 太慢了|1 不满意|1 不好|1 不行|1 不是|1 什么|
1 谁|1 ？|1 几点来|1 什么时候来|1 快点|1 怎么还不来|1 再送一盒|1 还要一盒|1 还想要牛奶|1 再帮我买点米|
1 帮我打电话|1 请回电|1 打电话给我|1 头晕|1 我摔了|1 难受|1 疼|1 药怎么吃|1 一天几次|1 只收到一半|
1 只有药没有菜|1 菜没来|1 药收到了，没有菜|1 收到一半|1 邻居收的|1 收到空盒|1 钱没找|1 多收钱了|1 找错钱|
1 missing|1 wrong|1 broken|1 not received|1 where is it|1 when|1 call me|1 but no eggs|1 except milk|
1 too late|1 expired|1 not mine
"""),
)
def test_a_wish_or_a_part_ends_no_task(body: str) -> None:
    assert of_retiree(body) in ([ASKED], ["problem"])


@pytest.mark.parametrize(
    "body",
    each("""
31 没得问题|31 中|31 要得|31 成|31 妥|31 妥了|31 得嘞|31 好哒|31 好滴|31 很近|31 离得近|31 顺路|31 我在附近|
31 我就在楼下|31 楼下等我|31 没事做|
31 give me 20 minutes|31 我住隔壁，马上去|31 等我一下|31 没有课，能去|31 闲着呢|31 没什么事|31 必须的|
31 包在我身上|31 让我来|31 报名|31 算我一个|31 乐意效劳|31 不会迟到|31 不会晚|31 我去，不用派别人了|
31 别找别人了，我去|31 不用找别人，我去|31 不下雨了，可以去|31 去得了|31 来得及|31 来了|31 不嫌远|
31 没有不方便的|31 不会不去的|31 没吃饭也先去|31 冇問題|31 得閒|31 一定|31 当然|31 一定到|31 准时到|
31 没有异议|31 毫无问题|31 我有车|31 有车|31 我骑车|31 我有电动车|31 我正好在药店|31 我帮忙|31 no prob|
31 np|31 I don't mind|31 Happy to help|31 I am free|31 I'm nearby|31 I'm not far|31 I have nothing on|
31 no class today, I can go|31 I won't be late|31 right away|31 count me in|31 my pleasure|31 absolutely|
31 definitely|31 going|31 Roger|31 copy that|31 gladly|31 ready|31 alright|31 ya|代码31|短信31|❸❶|
31 没问题的|31 没事，我有空|31 可以的，我现在过去|31 行，我这就去|31 好，十分钟到|31 我去吧|31 我来|
31 我来吧|31 我能去|31 我可以|31 没问题 马上出发|31 好嘞|31 收到，马上|31 OK|31 ok!|31 可以 大概20分钟|
31 在路上了|31 我离得不远，马上到|31 我住得近，我去|31 可以，下班后去|31 好的老师|31 好的，谢谢|31 嗯嗯|
31 嗯，好|31 行行行|31 行|31 能去|31 能行|31 我接了|31 接了|31 接受|31 同意|31 愿意|31 我愿意去|31 yes|
31 Yes I can|31 yes, be there soon|31 sure thing|31 On my way!|31 I'll take it|31 I'll go|31 I will go now|
31 coming in 15 minutes|31 no worries, I'll do it|31 happy to|31 count on me|31 半小时内到|31 我下课就去|
31 五点后可以|31 等我10分钟|31 等我一会儿|31 没课|31 今天有空|31 现在有空|31 有时间|31 有时间，我去|
31 不忙，可以去|31 不忙|31 马上|31 立刻出发|31 这就过去|31 好的没问题|31 没有问题 李伟|
31 好的 李伟 13935112345|31 我是李伟，可以去|31 31号任务我接|31 我去31|31 可以31|31 31可以|31 31去|31 31行|
31 31✅|31 31👍|31 好的，我骑电动车过去|31 我开车去，十分钟到|31 稍等，马上到|31 不好意思刚看到，我去|
31 没吃饭，吃完就去
"""),
)
def test_a_yes_as_people_say_it(body: str) -> None:
    assert of_offer(body) == ["accept"]


@pytest.mark.parametrize(
    "body",
    each("""
30 在开会呢|30 刚做完手术|30 以后再说|30 木有时间
"""),
)
def test_a_no_as_people_say_it(body: str) -> None:
    assert of_offer(body) == ["decline"]


@pytest.mark.parametrize(
    "body",
    each("""
32 走了|32 我走了|32 刚走|32 上路了|32 出门了|32 刚出门|32 下楼了|32 我下楼了|32 上车了|32 已上车|
32 上公交了|32 到药店了|32 在药店排队|32 在买药|32 买菜呢|32 堵车|32 没堵车，快到了|32 往那边走|32 往那走呢|
32 正往过走|32 going now|32 otw|32 on way|32 started|32 left home|32 driving there|32 walking over|
32 at the pharmacy|32 picked it up|32 going over|32 出发了|32 已出发|32 马上出发|32 刚出发|32 在路上|
32 在路上了|32 路上|32 走着|32 这就走|32 快到了|32 马上到|32 到楼下了|32 到小区门口了|32 过去了|
32 已经在路上|32 骑车过去|32 坐公交去|32 10分钟到|32 预计20分钟|32 on the way|32 omw|32 leaving now|
32 almost there|32 heading over|32 5 min|32 coming|32 去了|32 正赶过去|32 正在赶来|32 买药去了|32 去药店了|
32 先去药店|32 取药去|32 堵车晚点
"""),
)
def test_on_the_way_as_people_say_it(body: str) -> None:
    assert of_holder(body) == ["underway"]


@pytest.mark.parametrize(
    "body",
    each("""
33 挂门上了|33 挂在门把手上|33 放快递柜了|33 保安代收|33 门卫代收了|33 家属收了|33 妥了|33 搁门口了|
33 撂门口了|33 搁那儿了|33 顺利|33 一切顺利|33 三盒药都交了|33 两袋都送到了|33 10分钟前送到了|33 垫付30.5元|
33 一共86|33 共3样|33 left at door|33 gave it to her daughter|33 mission accomplished|33 送到了|33 已送到|
33 已送达|33 送到家了|33 送到王老师家了|33 交给王老师了|33 亲手交给老人了|33 放门口了|33 挂门把手了|
33 给了保姆|33 老人收到了|33 老人已收|33 签收了|33 办好了|33 办完了|33 搞定|33 任务完成|33 完成了|
33 买好送到了|33 药送到了|33 菜和药都送到了|33 都送到了，一共86元|33 花了35块|33 药费35.5|33 垫了20|33 done|
33 delivered|33 Done!|33 all done|33 dropped off|33 given to her|33 gave it to the guard|
33 left with the guard|33 placed at the door|33 ok done|33 已完成|33 妥妥的|33 顺利送达|33 老人说谢谢|
33 老人很满意|33 东西给老人了|33 送达，老人在家|33 刚送到|33 刚刚送到|33 10分钟前送到的|33 送到啦|33 送到咯|
33 ✅|33 👌|33 交给她女儿了|33 他儿子收的|33 送上门了|33 送完了|33 送好了
"""),
)
def test_delivered_as_people_say_it(body: str) -> None:
    assert of_holder(body) == ["delivered"]


@pytest.mark.parametrize(
    "body",
    each("""
30 赶不过去|30 要接孩子|30 单位有事|30 个人原因|30 明天才行|30 晚上才行|30 去不了|30 去不了了|30 不好意思|
30 有急事|30 孩子病了|30 车坏了|30 临时开会|30 身体不舒服|30 家里来人了|30 退|30 退回|30 退单|30 交回|
30 还给你们|30 请另派人|30 找别人吧|30 没买到|30 买不到药|30 sorry|30 can't make it|30 emergency|30 sick|
30 give it back|30 please reassign|30 学校有事|30 导师找我|30 临时加班|30 下雨太大|30 太远了|
30 电动车没电了|30 在外地回不来|30 抱歉，突然有课|30 今天不行
"""),
)
def test_handed_back_as_people_say_it(body: str) -> None:
    assert of_holder(body) == ["hand_back"]


@pytest.mark.parametrize(
    "body",
    each("""
1 一切都好|1 没啥问题|1 没什么问题|1 一样不差|1 收到咧|1 收到嘞|1 中|1 要得|1 药到了|1 东西到了|1 领到了|
1 取到了|1 全收到了|1 都收齐了|1 如数收到|1 收悉|1 妥收|1 米和油都收到了|1 老伴收到了|1 女儿收到了|
1 王老师收到了|1 谢谢孩子们|1 收到了 真快|1 来得真快|1 已经吃上了|1 麻烦你们啦|1 给你们添麻烦了|1 打扰了|
1 无误|1 核对无误|1 无问题|1 完好|1 完好无损|1 好着呢|1 好着哩|1 蛮好|1 可好了|1 好得很|1 好极了|
1 真是太好了|1 再好不过|1 样样都好|1 啥都好|1 啥都不缺|1 不缺啥|1 没啥说的|1 感恩|1 多亏你们|1 多亏了小李|
1 解了燃眉之急|1 已阅，收到药|1 好人一生平安|1 medicine received|1 I got the medicine|1 It came|1 thanks|
已收到，回1|1 好|1 都好|1 收到|1 收到了|1 已收到|1 药收到了|1 东西收到了|1 谢谢|1 谢谢你们|1 非常感谢|
1 太感谢了|1 谢谢小李|1 谢谢志愿者|1 没问题|1 很好|1 挺好|1 满意|1 非常满意|1 放心|1 放心吧|1 好了|1 可以|
1 可以了|1 行|1 对|1 对的|1 没错|1 是|1 是的|1 齐了|1 都齐了|1 数量对|1 收到 谢谢|1 收到了，谢谢|1 辛苦了|
1 麻烦你们了|1 志愿者很好|1 小伙子人真好|1 服务周到|1 点赞|1 👍|1 🙏|1 ok|1 OK thanks|1 all good|
1 thank you|1 got it|1 received|1 fine|1 great, thank you so much|1 everything is fine|1 东西都对|1 药对|
1 送来了|1 送到了|1 拿到了|1 刚收到|1 王秀兰|1 王秀兰收到
"""),
)
def test_all_is_well_as_people_say_it(body: str) -> None:
    assert of_retiree(body) == ["all_well"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("还没送到", "problem"), ("没收到", "problem"), ("没人来", "problem"), ("收到了", "all_well"),
        ("收到了，谢谢", "all_well"), ("药到了", "all_well"), ("东西都收到了谢谢", "all_well"),
        ("谢谢小李，收到了", "all_well"), ("没来", "problem"), ("怎么还没到", "problem"),
        ("少一盒", "problem"), ("药不对", "problem"), ("坏了", "problem"), ("送错了", "problem"),
        ("not here yet", "problem"), ("received, thank you", ASKED), ("got everything", "all_well"),
        ("好", ASKED), ("谢谢", ASKED), ("嗯", ASKED), ("你好", ASKED), ("几点", ASKED), ("等着呢", ASKED),
        ("正等着", ASKED), ("快到了吗", ASKED), ("好的收到了", "all_well"), ("已经收到", "all_well"),
        ("收到一盒", ASKED), ("没问题", "all_well"),
    ],
)  # fmt: skip
def test_plain_words_of_a_retiree(body: str, said: str) -> None:
    assert of_retiree(body) == [said]


@pytest.mark.parametrize("zero", ["○", "〇", "◯", "⭕", "⭕️", "🅾️", "●", " ○", "o", "O", "０", "⓪", "⓿"])
def test_a_round_zero_is_no_done(zero: str) -> None:
    assert of_holder(f"3{zero}") == ["hand_back"]


@pytest.mark.parametrize("sign", ["🙅", "🙅‍♀️", "🚫", "❌", "👎", "😡", "🦕", "♟"])
def test_a_sign_that_may_say_no_is_asked_about(sign: str) -> None:
    assert of_offer(f"31{sign}") == [ASKED]
    assert of_holder(f"33{sign}") == [ASKED]
    assert of_retiree(f"1{sign}") in ([ASKED], ["problem"])


@pytest.mark.parametrize("sign", ["👍", "👌", "✅", "🙏", "😊", "👍🏻", "🙋‍♂️", "❤️"])
def test_a_sign_that_says_yes_is_one(sign: str) -> None:
    assert of_offer(f"31{sign}") == ["accept"]
    assert of_retiree(f"1{sign}") == ["all_well"]


@pytest.mark.parametrize("body", ["2毫克", "2mg", "2顿", "2 mg"])
def test_a_dose_is_no_problem(body: str) -> None:
    assert of_retiree(body) == [ASKED]


@pytest.mark.parametrize("body", ["2 没问题", "2 没事", "2 没事了"])
def test_a_two_that_says_all_is_well_is_asked_about(body: str) -> None:
    assert of_retiree(body) == [ASKED]


def test_one_sentence_for_two_codes() -> None:
    two = (Thread(5, Stage.CHECK, 1), Thread(4, Stage.CHECK, 2))
    assert outcomes("41和51都收到了", *two) == ["all_well", "all_well"]


@pytest.mark.parametrize(
    "below",
    [
        "Sent from Yahoo Mail on Android", "从 Windows 版邮件发送", "通过我的 vivo 手机发送",
        "Envoyé de mon iPhone",
        "——\n王秀兰\n13935100001", "--\n李伟", "发自我的华为",
    ],
)  # fmt: skip
def test_what_stands_below_is_the_phones(below: str) -> None:
    assert of_offer(f"31\n{below}") == ["accept"]
    assert of_holder(f"30\n{below}") == ["hand_back"]
