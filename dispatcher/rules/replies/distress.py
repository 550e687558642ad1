"""Whether a text sounds as if somebody is hurt, ill or in danger now.

Two tables. What only sounds like distress (a medicine's name, a box that fell, a no) is taken out first, with
as few words around it as will do; then one word of any kind of distress suffices. A person looks at what is
found, and nobody at what is missed: in doubt a word belongs to the second table and not to the first.
"""

import re
from functools import cache, lru_cache

from dispatcher.rules.replies.text import seen
from dispatcher.rules.replies.words import folded, pattern

# Words are parted by spaces (in English by "|"), as in :mod:`.words`; H is any Chinese character. In Chinese
# the other capitals stand for what `_CAPITALS` says; X is what may stand between two words of one clause.
_CLAUSE = "[^,，。;；!！?？\\n]"

_SOMEBODY = (
    "(?:我|你|您|他|她|人|老伴儿?|老头子?|老[太爷]H?|老婆子?|老公|爸|妈|爹|娘|爷|奶|姥|公|婆|母亲|父亲|丈夫"
    "|妻子|爱人|先生|儿子|女儿|儿媳|孙子|孙女|孩子|邻居|老师|师傅|大爷|大妈|大娘|叔|姨|同志|志愿者|保姆)"
)
_PLACES = "(?:屋|家|房|厕|卫生间|洗手间|浴|澡|厨|阳台|电梯|里[面头边]|楼道|地下室|车库|车里)"
_LIMBS = "(?:手|脚|腿|胳膊|臂|膀|腰|胯|髋|骨|脖|肋|膝|踝|背|头|脸|鼻|牙|眼|脑|屁股|尾椎)"
_THINGS = (
    "(?<![拿取买送拎提端搬骑背打接捡倒扔抱擦洗换够举挂收做喝吃踩])(?<![拿拎提端搬背抱举踩喝吃打][着完个])(?:药[盒瓶片水]?"
    "|(?:鸡|鸭)?蛋|瓶子?|罐子?|碗|盘子?|碟子?|杯子?|[茶暖水]?壶|手机|电话|眼镜|东西|[青蔬]菜|菜(?!市)|牛奶"
    "|酱?油|醋|大米|面粉|西瓜|水果|豆腐|血[压糖][计仪]|体温[计表]|包裹|快递|袋子?|盒子?|箱子?|遥控器?|假牙"
    "|助听器|灯|花盆|桶|垃圾|汤|粥|酒|钥匙|钱包|[医银社饭公门]H{0,2}卡|身份证|病历本?|本子|[单处]方?单|[猫狗]"
    "|电视机?|伞|拐杖|拐棍)"
)
_MEDICINES = (
    "(?:药|片|丸|膏|贴|胶囊|颗粒|冲剂|糖浆|口服液|合剂|喷[剂雾]|滴[眼丸剂液]|栓|散|粉|针剂|注射液|胰岛素"
    "|创可贴|纱布|绷带|碘伏|棉签|护[腰膝具]|疫苗|试纸|[计仪])"
)
_OVERDOSE = "(?!H{0,3}[吃服喝吞]H{0,2}[多错]|H{0,2}过量|H{0,2}中毒)"

_CAPITALS = {
    "S": _SOMEBODY, "P": _PLACES, "L": _LIMBS, "T": _THINGS, "M": _MEDICINES, "O": _OVERDOSE, "X": _CLAUSE
}  # fmt: skip

_ONLY_SOUNDS_LIKE_IT: dict[str, tuple[str, str]] = {
    "our own texts, quoted": (
        "有生命危险,已请人打120 有危险请?先打120 有生命危险，已请人打120 着火打119 有坏人打110 急事(?:请)?打"
        " 紧急求助",
        r"https?://\S+|they were asked to ring 120|a life is in danger|if anyone is in danger, ring 120|in"
        r" danger\? ring 120[^.\n]*|life in danger|finding someone to help|urgent help",
    ),
    "medicines, by what they are for": (
        "(?:治|管|防|抗|买|要|取|拿|配|带|代购"
        "|开(?!水))[^,，。;；!！?？\\n了得我他她着不错多倒死没快来救治管防抗买要取拿配带开]{0,8}?MO"
        " (?:心脏病|心绞痛|心[梗慌悸衰痛疼]|脑[梗血]H?|中风|过敏|眩晕|晕[车船]|头[晕昏疼痛]"
        "|[腰腿胃牙关节膝肩颈背]H?[疼痛]|止?[疼痛]|哮喘|气喘|骨折|[烫烧扭挫外创摔跌冻]伤|抽[搐筋]|出血|中暑"
        "|中毒|低血糖|高血压|偏瘫|癫痫|失眠)(?:的|用的?|类|常用|灵|宁|定|停|康){0,2}MO (?:速效)?救心丸?"
        " 心[痛疼]定 腰[痛疼]宁 痛风 急救[箱包药盒] 救护员 晕[车船] 红晕 烧伤科",
        r"(?:heart attack|heart|stroke|chest pain|pain|allerg\w+|burns?|bleeding|poison\w*|dizz\w+|seizure"
        r"|epilepsy|faint\w*|vomit\w*|sick\w*|fever|injur\w+|fracture) (?:medicines?|medications?|tablets?"
        r"|pills?|drugs?|cream|ointment|killers?|relief|plasters?|patch(?:es)?|clinic|ward|rehab\w*"
        r"|department|unit)|(?:medicines?|pills?|tablets?|cream) (?:for|against) (?:(?:my|his|her|the)"
        r" )?(?:\w+ )?(?:pain|burns?|bleeding|dizziness|allergies|fever|vomiting|stroke)|painkillers?"
        r"|first.aid|rat poison|police station",
    ),
    "departments, and what is past": (
        "(?:骨折|心脏病?|中风|脑[梗卒]H{0,2}|偏瘫|过敏|烧伤|外伤|创伤|呼吸|急救|中毒)H{0,2}(?:科|门诊|康复"
        "|病房|讲座|培训|知识|证书?|手册) (?:学|懂|会|受|参加)过?H{0,2}急救 救命之恩 救了[我他她]"
        " [谢感]谢?X{0,6}(?:相救|救助|求助|施救|抢救) 救[济灾] 补救 救星 救助站",
        "stroke of|(?:family|work) emergency|emergency (?:contact|number|kit)|by accident",
    ),
    "things that fell, broke or are gone": (
        "T(?:都|全|也|又|就|给|我|不小心|路上|在路上|被我?|让我?|刚才?|已经"
        "|是){0,3}?(?:[摔跌砸磕碰](?:[坏碎破烂裂掉没散洒扁]了?|了(?!一?[跤跌下]|[个一]?跟头|L))|倒(?:了|掉"
        "|下|在|地)|掉|丢了?|不见了?|找不[到着]) 车倒了? 把T[摔跌倒] [摔跌][坏碎破烂]了?(?:[一两三几半\\d]+"
        "|好几)?[个只瓶盒袋块台部]?T [摔跌][坏碎破烂]?了?(?:[一两三几半\\d]+|好几)[个只瓶盒袋块台部](?!跟头"
        "|大?跤|大?包|口子|洞) (?:煤气|液化气|燃气|天然气|气罐|胎|打火机|灶|[动行轮]车)(?:都|也|又|里|罐|灶"
        "|快){0,2}没气 (?:车|机器|机子|电梯|堵得|堵着|堵车|堵死)(?:子|辆|也|又|都|根本|完全){0,2}(?:动不了"
        "|走不动|动弹不) (?:链接|网页|系统|门铃|屏幕|按钮|按键|点了|手机|电话|电视机?|遥控器|助听器|灯"
        "|血[压糖][计仪])(?:都|也|又|按了|点了|怎么按){0,2}没(?:反应|动静)",
        "(?:box|boxes|bottles?|eggs?|medicine|phone|bags?|parcel|package|prices?|glass(?:es)?|snow|rain"
        "|leaves|night|it)(?: has| have| just)* (?:fell|fallen|slipped)|(?:fell|fallen) (?:asleep|behind"
        "|through|apart|short|in love)|slipped (?:my mind|it|the|a|them)|fire (?:station|door|engine|alarm"
        " test)",
    ),
    "a no, or a warning": (
        "(?:没有?|未|不会|(?<!特)别|[预以]防|以?免得?|(?<![不没])(?:当心|小心|注意))(?:再|怎么|太|被|让|得"
        "|别|不要|会)?(?:[摔跌绊](?:[倒着到伤坏跤了])?|滑倒|受伤|伤[着到]|[烫烧]伤?[着到]|着火|中毒"
        "|头?[晕疼痛]|流血|出血|[生]?命?危险|难受|不舒服|迷路|走[丢失]|触电|撞[到着上])了? 没有?人(?:受伤"
        "|摔) (?<!恐)怕(?:再|会)?[摔跌滑][倒跤着]? 不[疼痛晕]了? 不(?:头|胸|心)H?[疼痛晕闷慌] 不难受 不危险"
        " 不(?:用|需要?|必|要)(?:人|你|您)?(?:去|来)?救 没[失起]火 太早X{0,3}起不来 明早起不来 心疼(?:钱"
        "|[你您他她]|小|大家|志愿者) 痛快 疼爱 (?:[累热忙饿笑烦渴吵急]|[累热忙饿烦急贵]得要?)死 吓死"
        " 报警器(?!X{0,3}响) (?:钥匙|卡|手机)(?:被|给|又|也|落)?反?锁",
        r"(?:no|not|without|isn't|wasn't|aren't|never|didn't|don't have|no more)(?: any| in| in any| a|"
        r" been)* (?:pain|bleeding|hurt|injured|dizzy|ill|danger|emergency|fire|smoke|fall|fell|dying"
        r"|choking|lost)|(?:don't|doesn't|didn't|do not|does not|no longer|not) (?:need|want)(?: any| your)*"
        r" help|no help|don't smoke|(?:not|n't|stopped) (?:respond\w*|answer\w*) to (?:my |the |our"
        r" )*(?:calls?|texts?|door\w*|bell|phone|knock\w*|messages?)",
    ),
    "help that is offered or thanked for": (
        "煤气[费卡罐灶表] (?:换|灌|充|交|缴|买|送|装|订)X{0,3}(?:煤气|燃气|天然气|液化气)",
        r"(?:thanks?|thank you|grateful|appreciate)[\w ]{0,30} help|help(?:ing|ed)? (?:with|(?:me |him |her "
        r"|them |us |you |my \w+ )?(?:to )?(?:with|buy|fetch|bring|order|shop|collect|carry|pick(?! me| him|"
        r" her)|get(?! up| out| down| off| me| him| her| to| free| breath)))|(?:can|could|will|would|shall"
        r"|may|might|'ll|'d) help(?! me| us|!)|(?:happy|glad|love|like|want|try|trying|able|going|here|ready"
        r"|way|willing|coming) to help(?! me| us|!)|(?:great|big|of|your|the|much|more|volunteer) help",
    ),
}  # fmt: skip

_DISTRESS: dict[str, tuple[str, str]] = {
    "cries": (
        "救 🆘 🚑 🚨 (?<![没未候点会不有能])来人(?=[啊呀哪呐吧!！]|\\W*$) 快H{0,2}来(?:个|几个)?人(?![了吗])"
        " 帮帮(?:我|老|他|她|孩子|我们)(?!X{0,4}[买取拿带送问查看交]) 快点?(?:过|请|些)?来(?:人"
        "|个人)?帮(?!X{0,4}[买取拿带送]) 出(?:大|人命)?事了 (?<![得不])要命(?!的) 没命 人命 性命 紧急情况"
        " 情况(?:很|太|十分|万分)?紧急 十万火急 危险 危在 快[叫派]人 来个?人[帮救] 有没有人啊 奄奄一息 (?:打"
        "|叫|拨|喊|呼|找|联系|快)H{0,3}1[12][09](?!\\d|分|元|块|片|粒) ^\\W*1(?:20|10|19)\\W*$"
        " (?<!\\d)120(?=急救|快|来|车|救|[!！]) 报警器X{0,3}响 [叫喊](?:个|一下|[我他她]的?)?(?:医生|大夫)"
        " 快[找请](?:医生|大夫) 送H{0,3}去医院 快送医 送急 消防(?:车|队) 大声喊",
        r"help(?= ?!|\s+i\b|\s+i'm|\s*,|\s*\.|\s*$|\s+(?:now|please|quick\w*|fast|asap|my|urgent\w*|someone"
        r"|anyone|we|he|she|at once)\b)|help (?:me|us|him|her|them|my)|(?:need|want|get|send|call|call for"
        r"|calling for)s?(?: some| urgent| medical| immediate)* help|urgent help needed|urgent help(?=\W*$)"
        r"|please help|(?:some|any)(?:one|body) help|s\.? ?o\.? ?s|mayday|emergency|ambulance|paramedics?"
        r"|911|(?:call|ring|dial|phone)(?:ed)? (?:the )?(?:999|112|120|119|110|police|doctor|fire brigade)"
        r"|(?:need|call|get|fetch)s? (?:a|the|my) doctor|save (?:me|us|him|her|my)|rescue|come quick\w*|come"
        r" at once|hurry,? (?:please|he|she|my)|in danger|life.threatening",
    ),
    "fell": (
        "摔 跌(?:了|倒|到|伤|下|跤|落|进|坐|断|坏|低|亲|一) [滑绊栽掼跶仆卡磕](?:倒|到(?!账)"
        "|了?个?一?[大小]?(?:跤|下|跌|跟头)) 一跤 跟头 屁股?[墩蹲] 马趴 仰八叉 扑爬 绊(?:了|着|住|一)"
        " 栽(?:了(?!H{0,2}[花树菜])|下|进|在) 滑(?:下|进|坐|落) 踩空 失足 掉下[去来楼] 栽X{0,2}[沟坑地水]"
        " S倒(?=P|床|地|沟|门) (?<!不)倒(?:下|地|在(?:地|了|床|厕|路|家|门|楼|沙|浴|卫|厨|客|院|马|雪))"
        " [病累撞碰推]倒了? S(?:又|也|突然|忽然|刚才?|一下子?|自己|就){0,2}倒了(?!H) 瘫(?:倒|坐|在|了|软|痪)"
        " 从X{1,6}[掉滚坠](?:下|了|进) [掉滚](?:下|进|到|在)?(?:了)?(?:床|楼梯?|沟|水|坑|河|井|台阶|梯)"
        " S掉(?:下|进|水|沟)",
        "(?:have |has |'ve |just )*(?:fell|fallen)|(?:had|having|took|taken|taking) an? (?:\\w+ )?fall"
        "|(?:fall|falling) (?:down|over)|slipped|tripped|knocked (?:down|over)|lying on the (?:floor|ground)"
        "|on the floor|i'm down|(?:he|she|husband|wife|mother|father)(?:'s| is) down",
    ),
    "can't get up or move": (
        "起不[来了] 起唔到 [站爬坐蹲立]不(?:起|住|稳|直|来) 动不[了得] 动弹不 不[能会]动(?![手怒])"
        " 不动了(?=\\W*$) [迈挪]不[开动] 走不动 走不了[路道] 抬不起[来头手胳腿] 不听使唤 (?:手脚"
        "|腿脚|胳膊|[两一]?腿|手|脚|浑身|全身)X{0,3}(?:没劲|没力|无力|发软|没知觉|没感觉)",
        "(?:can(?:no|')?t|can not|cannot|couldn't|unable to|not able to|trouble|difficulty) (?:get up"
        "|stand(?:ing)?(?: up)?|move|moving|sit up|rise|walk(?! (?:that|so|there|to|it|the))|lift my|raise"
        " my|feel (?:my|his|her)|get out of (?:bed|the bath|bath|my chair|the chair|the room|my room|the"
        " house|my house|the lift|the elevator|here))|legs? gave way|(?:can(?:no|')?t|cannot) get off (?:the"
        "|my)|paraly[sz]ed|numb(?:ness)?",
    ),
    "breath and choking": (
        "(?:喘|透|呼吸|抖)X{0,3}(?:不|唔|困难|难受|急|停|弱|费劲|吃力) 喘(?:得|气|的|死|起来) 气喘 哮喘 气短"
        " 气急 上不来气? 接不上气 出不[来上]气 憋(?:[气得闷死坏]|$) 闷得 胸闷 胸口?X{0,3}(?:压|堵|憋|紧)"
        " 闷死 没了?气(?:了|儿|息)?(?=\\W*$|了|儿|息) 断气 [没无][有了]?(?:脉搏?|心跳) 瞳孔 一动不动"
        " 没[有了]?呼吸 噎 (?<!够)呛 (?:鱼刺|刺|骨头|核|馒头|年糕|汤圆|粽子|痰|假牙|肉|饭|药|食物|东西|喉咙?"
        "|嗓子?|气管|食道)X{0,3}(?:卡(?!号)|堵)(?:住|在|了|着|到) 卡X{0,3}(?:喉|嗓|气管|食道|脖子|住了?气)"
        " 窒息 掐 [吸喘换]不[上进]气 [嘴脸唇]X{0,2}(?:发?[紫青乌]|煞白|惨白|没血色) ^\\W*喘\\W*$",
        "(?:can(?:no|')?t|can not|cannot|couldn't|hard to|struggling to|unable to|trouble|difficulty|not"
        "|stopped|isn't) breath(?:e|ing)|short(?:ness)? of breath|out of breath|breathless|catch (?:my|his"
        "|her) breath|gasping|chok(?:ing|ed|es?)|suffocat\\w*|asthma attack|stuck in (?:my|his|her) throat",
    ),
    "heart, stroke, blood pressure and sugar": (
        "心(?:脏(?!药|科)|慌|梗|绞|悸|衰) 心口 心跳(?![计表]) 心率X{0,4}(?:快|慢|乱|高|低|1\\d\\d)"
        " 心里?X{0,2}(?:发?慌|发?堵|难受) 中风 卒中 偏瘫 脑(?:梗|溢|出血|卒|淤) 半身不遂 (?:嘴|口|脸|眼"
        "|面)X{0,2}(?:歪|斜) 歪嘴 流口水 口齿不清 说(?:话)?不(?:出|了|清|上来)话? 说话X{0,3}(?:不清|含糊"
        "|困难) 大舌头 舌头X{0,3}[不硬短] 失语 半[边拉]X{0,4}(?:麻|不|没|动|瘫|失) (?:手|脚|腿|胳膊|臂|嘴"
        "|舌头?|脸|身子?|身上|头皮?)[^,，。!！?？\\n麻]{0,3}麻(?![烦辣药将花油黄]) (?:血压|高压)(?:到|是|升"
        "|涨|飙|飚|高|有|都|了|又|已经|达|测|量|出来|,|，|:|：|\\s){0,6}(?:1[89]\\d|2\\d\\d)(?!\\d)"
        " 血压X{0,3}(?:飙|飚|[太很好特]高|高得|下不来|降不|[太很]低|测不|掉) 低血糖 血糖X{0,3}(?:低|[太很]高"
        "|高得|掉|爆表) 血糖(?:到|是|才|只有|有|降|升|了|只|已经|达|测|,|，|:|："
        "|\\s){0,5}(?:[0-3](?:\\.\\d)?|[2-9]\\d(?:\\.\\d)?)(?![\\d.])",
        r"heart attack|cardiac|stroke|chest (?:is |feels? |very )*(?:pains?|hurts?|hurting|tight\w*|pressure"
        r"|aches?|sore)|heart (?:is |keeps? |very )*(?:racing|pounding|hurts?|hurting|pains?|stopp\w+"
        r"|trouble|problems?|fluttering)|palpitations|angina|droop\w*|slurr\w+|(?:can(?:no|')?t|cannot)"
        r" (?:speak(?! now)|talk(?! now| right)|swallow|see anything|see(?=\W*$))|blood pressure (?:is |at "
        r"|of |now |over |above )*(?:1[89]\d|2\d\d|(?:very|too|really|so) (?:high|low))|(?:low|very low)"
        r" blood sugar|blood sugar (?:is |very |too |so |really )*(?:low|high)|hypoglyc\w+|hypo",
    ),
    "faint or unconscious": (
        "晕 [头发]昏 昏(?:倒|到|迷|过|了|沉|厥|睡|死|低) 天旋地转 眼前X{0,2}黑 两?眼X{0,2}发黑 天X{0,2}在?转"
        " [眼视]X{0,3}模糊 眼X{0,4}(?:看不(?:见|清)(?!X{0,3}[字屏短])|睁不开|肿|受?伤) 头重脚轻 迷糊了"
        " 犯迷糊 不省人事 休克 [没失无][去有了]?(?:知觉|意识) (?:知觉|意识|神志)X{0,3}(?:没|不清|模糊|丧失"
        "|消失) 人事不[知省醒] [叫喊唤推摇](?:都|也|了|他|她|半天|怎么|老伴|老人"
        "|好?几声){0,3}(?:不[醒应动答]|没[醒反]|不(?:出|起)来声?|不吭声|没应) 醒不[来了过] 没反应 没有反应"
        " 没动静 没有动静 不睁眼 翻白眼 白沫 抽[搐筋风抽] 抽过去 抽起来 癫痫 羊[癫角] 不出声了 SX{0,2}不动了",
        r"unconscious\w*|out cold|faint(?:ed|ing|s)?|passed out|passing out|pass out|black(?:ed|ing) out"
        r"|dizz\w+|collaps\w+|lightheaded|unresponsive|(?:not|n't|stopped) (?:respond\w*|reacting|moving"
        r"|waking|wake up|wake)|(?:won't|doesn't|can't|isn't|will not) (?:wake|respond|react"
        r"|move)(?:ing)?(?: up)?|no (?:pulse|response)|seizures?|convuls\w+|having a fit|had a fit|foaming"
        r"|coma|room is spinning|(?:everything|head)(?: is)? spinning",
    ),
    "pain and illness": (
        "(?:胸|心|肚|腹|胃|头|脑袋|腰|腿|背|胯|肋|肾|骨|浑身|全身|身上)X{0,3}[疼痛绞] [疼痛](?:得|死"
        "|的[厉受]|坏|哭|醒|[啊呀]) [剧绞刺好很太真别常][疼痛](?!快) S疼(?![爱你您他她]) 难受 难活"
        " [很太真特非好浑全突哪都]H{0,3}不舒服 (?:胸|心|头|肚|胃|身)H{0,3}不舒服(?!X*[^\\n]*[去来走接]不)"
        " (?<!身体)(?<!身子)不舒服(?![^\\n]*[去来走接做]不) 唔舒服 不得劲 (?:浑身|全身|身上|手|一直"
        "|直)X{0,3}(?:发抖|抖得|抖个|抖不|直抖|哆嗦|打颤|抽抽|冰凉) (?:浑身|全身)X{0,3}(?:抖|冒汗|出汗|是汗"
        "|发冷|发紫|发青|肿) 冷汗 胡话 滚烫 烧得 冻得 尿不出 [舌喉][头咙]X{0,2}肿 [饿渴]得?[晕昏] 打摆子"
        " 打寒战 高[烧热](?!不是|水) 烧X{0,3}(?:不退|糊涂|(?<!\\d)(?:39|4[0-2])(?:\\.\\d)?(?!\\d))"
        " (?<!\\d)(?:39|4[0-2])(?:\\.\\d)?度 体温X{0,3}(?<!\\d)(?:39|4[0-2]) 上吐下泻 [呕吐][吐个得] (?:一直"
        "|老是?|总|不停地?|想)吐 发抖 吐个?不[停止] 拉(?:得|到)(?:脱水|虚脱|站) 脱水 虚脱 过敏 中暑"
        " 冻[僵坏伤] 热射病 病危 病重 病得 犯病 发病 发作 病X{0,3}犯 犯了?(?:心|哮|病|羊) S(?:真|快|已经|都"
        "|可能|要|就要|怕是|感觉|觉得|恐怕|身体|看着|好像){0,3}不行了 快不行 要不行了"
        " [撑挺顶扛坚][持]?不(?:住|下去)了? 吃不消了",
        r"pains? in (?:my|his|her|the)|in (?:\w+ ){0,3}pain|(?:terrible|severe|awful|unbearable|bad|sharp"
        r"|much|sudden) (?:\w+ )?(?:pains?|headache|ache)|(?:head|stomach|belly|abdomen|back|hip|leg|arm)(?:"
        r" is| really| badly)* (?:hurts?|hurting|aches?|aching)|it hurts|hurts so|hurting|agony|(?:feel\w*"
        r"|am|i'm|is|he's|she's|be)(?: very| really| so| terribly| quite| extremely| seriously)+ (?:ill|sick"
        r"|bad|unwell|weak)|feel(?:s|ing)? (?:ill|sick|unwell|terrible|awful|faint|weak|bad)|vomit\w*"
        r"|throwing up|high (?:fever|temperature)|(?:fever|temperature)(?: is| of| at| over|:)* (?:39|4[0-2]"
        r"|10[2-6])|shaking (?:all over|badly|a lot)|shivering|sweating|cold sweat|allergic|anaphyla\w+|heat"
        r" ?stroke|labou?r pains?",
    ),
    "bleeding and wounds": (
        "[流出吐便咳尿拉淌冒喷呕](?:了|着|的)?(?:很多|好多|好些|不少|一滩|一地|许多|点|大?量?|满脸|满手|鼻"
        "|鲜|全是|都是|满)?血(?![压糖脂常管型检]) 血X{0,2}[喷涌]  血流 [好很]多血 [一满][地脸手头身]X{0,2}血"
        " 血X{0,3}(?:止不|不止|不停|停不|哗哗) 止不住X{0,2}血 流X{0,2}血 鼻血 大出血 [受负][了]?(?:重|轻)?伤"
        " 伤[着到得](?!您|你) [摔跌撞砸烫烧割划砍刺咬扎刮挤压夹磕扭碰抓]伤"
        " (?<!发)[烫烧砸扎割划砍切剁夹压轧碾咬蜇挤](?:到|着|了|破|断|坏)了?(?=\\W*$|X{0,2}L|S|一?下"
        "|X{0,2}口子|[啊呀啦]) 烫了 触电 漏电 电[着到击]了? 砸[到着伤中] [磕撞](?:破|着|到|伤|坏)了? 碰(?:破"
        "|伤|[着到]了?L) [磕碰撞]了(?:一下)?X{0,2}L 头破 被X{0,4}[撞咬砸蜇刺砍打捅轧刮蹭]了? 扎X{0,2}L"
        " 撞(?:车|了(?!$)|上|人|飞) 车祸 出了?车祸 交通事故 骨折 骨裂 脱臼 骨头X{0,2}[断碎裂] L子?X{0,2}断"
        " 断了?L [腰脚腿脖]子?[扭崴闪岔] [扭崴闪岔]X{0,2}(?:脚|腰|腿|脖|踝|气) 溺水 落水 淹[到死没了]"
        " 伤口X{0,3}[大深裂流化感]",
        r"bleed(?:ing|s)?|bled|(?:lots?|lot) of blood|blood (?:is pouring|everywhere|won't|all over|pouring"
        r"|from)|coughing blood|(?:got|get|is|are|am|i'm|he's|she's|been|was|badly|seriously) (?:badly "
        r"|seriously )?(?:hurt|injured|wounded)|hurt (?:my|him|her|them|our|badly)\w*|injured|wounded"
        r"|(?:broke|broken|breaking|fractured|sprained|twisted|dislocated|cut|burnt|burned|scalded|hit"
        r"|crushed) (?:my|his|her)\w*|broken (?:arm|leg|hip|wrist|ankle|bones?|ribs?|neck|back)|fractur\w+"
        r"|scald\w*|electrocut\w*|electric shock|hit by|run over|knocked down|(?:car|traffic|road|bike)"
        r" (?:crash|accident)|crashed|(?:had|in) an accident|(?:arm|leg|hip|wrist|ankle|bone|nose|finger|toe"
        r"|rib)s?(?: is| are)? (?:broken|bleeding)|turn\w* blue|(?:dog|snake) bit\w*|bitten by|drown\w*"
        r"|stabbed|burned myself|burnt",
    ),
    "poison and too much medicine": (
        "中毒 (?:[喝吃服]|打开)了?X{0,3}(?:农药|老鼠药|鼠药|敌敌畏|百草枯|洗洁精|洁厕|消毒液|84|漂白|清洁剂"
        "|酒精|毒) 农药 老鼠药 一氧化碳 吃了X{0,5}安眠药 误[食服喝吞] 吞了(?!吐) 当糖吃 [吃喝服用]错了?药?"
        " 药X{0,4}[吃服喝吞用][^,，。!！?？\\n不]{0,2}[多错]了? [吃服喝吞](?:了|得|下|太)?(?:太|很|好"
        "|过)?(?:多|量)X{0,4}(?:药|片|胶囊) 多[吃服喝]了X{0,5}(?:药|片|粒|颗|丸|倍|次) 吃?(?:一|整|半"
        "|大)+[瓶把盒](?:安眠)?药(?:都|全)?[吃吞] [吃吞](?:了|下)?(?:一|整|半|大)+[瓶把](?:安眠|降压"
        "|降糖)?药 过量 药X{0,3}重复吃 吃了(?:两|三|好几)[次遍]药 毒蘑菇 吃坏",
        r"overdos\w*|(?:took|taken|take|taking|swallowed|had)(?: far| way)* (?:too many|too much|the wrong"
        r"|wrong|all (?:my|the|his|her)|double)|wrong (?:pills?|tablets?|medicine) (?:taken|by mistake)"
        r"|poison\w*|too many (?:\w+ )?(?:pills|tablets)|twice (?:my|the|his|her) dose|swallow(?:ed|ing)"
        r"|drank (?:bleach|\w*cleaner|pesticide|detergent)",
    ),
    "fire, smoke and gas": (
        "着火 着了火 冒火 电线X{0,2}着 地震 失火 火灾 起火(?!锅) 大火 火烧(?!云) 火烛 烧起来 烧着了 (?:房子?"
        "|锅|被子?|沙发|窗帘|衣服|插座|电器|屋里?)X{0,2}着了 冒X{0,2}烟 浓烟 [好很]大的?烟 全是烟 都是烟"
        " 烟味 (?:烧焦|焦糊|焦|糊)味 爆炸 炸了 (?:煤气|燃气|天然气|液化气|沼气|瓦斯)X{0,5}(?:味|漏|泄|没关"
        "|忘|爆|炸|熏|响|着) 闻X{0,5}(?:煤气|燃气|焦|糊|烧) 漏气 漏煤气 煤气(?=\\W*$) ^\\W*火[!！]",
        r"on fire|fire(?=!|\s*$|\s+in\b|\s+at\b)|(?:there's|there is|is) (?:a )?fire|caught fire|house fire"
        r"|flames?|in flames|(?:smell\w*|leak\w*|lot)(?: of| like| some)* (?:gas|smoke|burning)|gas"
        r" (?:leak\w*|smell)|burning smell|something(?:'s| is) burning|smoke(?=!|\s*$| (?:in|from|everywhere"
        r"|coming|is|filling|alarm|all|out|under))|explo(?:sion|ded)|carbon monoxide",
    ),
    "shut in or stuck": (
        "困(?:在|住|电梯|于|X{0,2}P) 被困 (?:反?锁|关|堵)(?:在|到|进)?(?:了)?P [锁关]在(?:外|门外|楼) 反锁"
        " 门X{0,3}(?:坏|打不开|锁死|卡)X{0,4}出不 锁X{0,6}出不[来去] 出不[来去]X{0,3}锁"
        " 门X{0,6}打不开X{0,6}出不 PX{0,4}(?:门|锁)X{0,3}(?:打不开|坏了|锁死)X{0,4}(?:出不|里)"
        " 电梯X{0,5}(?:困|卡|掉|关[住在]|里X{0,4}(?:停|坏|不动|出不)) 夹[住在] 压[住在](?!箱) 埋[住在]"
        " 卡在(?:X{0,3})(?:里|中间|缝|门|洞|浴)",
        r"trapped|(?:lift|elevator) is stuck|stuck in (?:the |a |an |my |our )*(?:lift|elevator|bath\w*"
        r"|toilet|room|house|flat|apartment|kitchen|shower)|stuck (?:inside|under)|locked (?:in|out|inside"
        r"|up|myself|himself|herself|ourselves)(?! place)|shut in",
    ),
    "intruders and violence": (
        "(?:进|来|有|抓|遭|招|闹)了?X{0,2}(?:贼|小偷|强盗|歹徒|坏人) 小偷 (?:有|个|来|陌生"
        "|不认识的?)人X{0,4}(?:闯|撬|砸|踹|撞门|翻|爬|跟踪|尾随|打我|打人|要打|抢|威胁|拿刀|带刀|赖着|不肯走"
        "|不走) 陌生(?:人|男)X{0,5}(?:进|闯|屋|家) [砸踹撬]X{0,2}门 来了?个陌生 [他她]X{0,2}打我(?![的]?电话"
        "|手机) 入室 闯进 抢劫 抢我 抢了 被[抢偷] 打劫 人X{0,5}敲门X{0,3}不走 男的X{0,5}敲门X{0,3}不走 打架"
        " 打人 要打我 拿刀 持刀 杀(?:我|人|了) 绑架 报警 警察 家暴 威胁",
        r"intruders?|burglar\w*|(?:break|breaking|breaks|broke|broken) (?:in|into)(?! (?:half|two|pieces))"
        r"|robb\w+|mugged|thie(?:f|ves)|stranger (?:in|at|is)|some(?:one|body)(?: is|'s)? (?:in my|in the"
        r" house|trying|banging|breaking|kicking|following|outside my)|attack(?:ed|ing|s)? (?:me|us|him|her)"
        r"|being attacked|threaten\w*|with a knife|police",
    ),
    "lost": (
        "走[丢失迷] 迷[了]?路 迷失 找不[到着]X{0,2}(?:回家|家(?![门里]))  SX{0,3}(?:丢了|找不[到着]了|失踪"
        "|X{0,5}没回[来家]) 失踪 不见了 不认[得识]?回?家?的?路 (?:不知道|不晓得)X{0,3}(?:我|自己)X{0,2}在哪"
        " 回不[了去来]家 离家出走",
        r"(?:i'm|i am|we're|we are|got|is|he's|she's|are|getting) lost(?! (?:my|the|it|his|her|a))|wandered"
        r" (?:off|away)|(?:hasn't|has not|didn't|not) come (?:back|home)|(?:husband|wife|mother|father|mum"
        r"|mom|dad|mother|grandma|grandpa|he|she|child|son|daughter)(?: is|'s| has)?(?: gone| been| went)?"
        r" missing|(?:gone|went) missing|(?:don't|do not) know where (?:i am|we are)|can(?:no|')?t find my"
        r" (?:way|husband|wife|mother|father|home|house)",
    ),
    "death and despair": (
        "[不没]想活 不想?活了 活(?:够|腻) 活不(?:下|了|成|久) 不如死 活着没 死了算 想死 寻死 等死(?!我) 去死"
        " 轻生 自[杀尽残] 跳[楼河] 上吊 割腕 遗书 了断 一了百了 S(?:快|要|快要|都要|就要|会"
        "|已经){0,2}死(?!X*[心板机活记]) 快要?死 (?<!得)要死了 死人 人没了 咽气 (?:老伴|老人)没了 没救"
        " 不在了 去世 过世 临终",
        r"dying|(?:is|he's|she's|are) dead|dead (?:body|person)|suicid\w*|kill(?:ing)? (?:my|him|her)self"
        r"|end (?:it(?: all)?(?! at| by)|my life)|(?:want|wants|going|about|gonna)(?: to)? die|wanna die"
        r"|(?:don't|do not|doesn't) want to (?:live|be alive)|no reason to live|will die|i'll die|better off"
        r" dead|passed away",
    ),
    "what is heard from inside": (
        "呻[吟唤] 哼哼 惨叫 尖叫 哀嚎 哭喊 喊叫 [喊叫哭]声 (?:屋里|屋内|里[面头边]|门里|家里)X{0,4}(?:在喊"
        "|在哭|有人喊|有人哭|人喊|哼|砰|咚|求)",
        r"moan\w*|groan\w*|scream\w*|crying (?:inside|for|in)|shouting for|calling for",
    ),
}  # fmt: skip

_SPACES = re.compile(r"(?<=[\u4e00-\u9fff])[ \t\u3000]+(?=[\u4e00-\u9fff])")
_LETTERS = re.compile(r"(?<=[a-z])(?=[\u4e00-\u9fff\d])|(?<=[\u4e00-\u9fff\d])(?=[a-z])")


@cache
def _compiled() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What only sounds like distress, and what is distress."""
    return _expression(_ONLY_SOUNDS_LIKE_IT), _expression(_DISTRESS)


def _expression(table: dict[str, tuple[str, str]]) -> re.Pattern[str]:
    chinese = " ".join(columns[0] for columns in table.values())
    english = "|".join(columns[1] for columns in table.values())
    for capital, meaning in _CAPITALS.items():
        chinese = chinese.replace(capital, meaning)
    return pattern(chinese, english)


@lru_cache(maxsize=32)  # of one text it is asked by whoever reads it, shows it and answers it
def calls_for_help(body: str) -> bool:
    """Whether `body` sounds like a call for help. Rather once too often: a person looks at it."""
    sounds_like_it, distress = _compiled()
    text = _LETTERS.sub(" ", folded(seen(body)))
    return any(
        distress.search(sounds_like_it.sub(",", read)) is not None
        for read in (text, _SPACES.sub("", text))
    )  # fmt: skip
