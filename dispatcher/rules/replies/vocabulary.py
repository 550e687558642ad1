"""The words that people use in a reply, and what each says: yes, no, a question, trouble, done, on the way.

The table is read in its order. What a row finds is taken out before the next row is looked at: "no problem"
is a yes before "no" can be seen in it, and nothing of "not delivered" is left for "delivered". In Chinese 不
and 没 deny whatever they precede, unless a row above knows better. So what has a no in it and is none comes
first, then what says no, then what says yes, then what says nothing.
"""

from enum import StrEnum


class Signal(StrEnum):
    """Something that words say."""

    YES = "yes"
    WILL = "will"
    NO = "no"
    SORRY = "sorry"
    QUESTION = "question"
    UNSURE = "unsure"
    MISTAKE = "mistake"
    TROUBLE = "trouble"
    NOT_YET = "not_yet"
    GOING = "going"
    DONE = "done"
    TIME = "time"
    LATER = "later"
    ANOTHER_DAY = "another_day"
    PLEASED = "pleased"
    POLITE = "polite"
    PLACE = "place"
    AMOUNT = "amount"
    GOT = "got"


KEEPERS = "(?:保安|门卫|家属|本人|老人|H?老师|老伴|女儿|儿子|阿姨|保姆|前台|物业)"
"""Who takes in what is brought: the retiree, the family, the gate."""

# A row: what it says, in Chinese, in English. Words are parted by spaces (in English by "|") and may be
# regular expressions; H is any Chinese character, N a number, K somebody who takes things in for them.
TABLE: tuple[tuple[Signal, str, str], ...] = (
    (Signal.POLITE,
     "[你您]们?好 (早上|下午|晚上|中午)好 老师好",
     "good (morning|afternoon|evening|day)|hi|hello"),
    (Signal.MISTAKE,
     "[发打点按回]错了? 手滑 误触 ^\\W*不是(?!问题|我)",
     "typo|oops|by mistake|wrong (number|text|code|button)"),
    # Somebody else does it, or is asked to; when is it to be done.
    (Signal.UNSURE,
     "([他她]们?|小(?![区时心伙])[^我\\W]{1,2}|老(?![师人伴])[^我\\W]{1,2}|室友|同学|学生|朋友|同事|其他人|别人|孩子)"
     "(也|都|才|就|能|会|可以|要|替我|帮我|有){0,2}([去来行送接]|可以|空|时间|方便)(?!了|到|完|过|得|来|送|的)"
     r" [替代]我 [,，]\W*(药|菜|东西)\W*$ 请H?[来派打叫帮买] 请[送放](?!心) 快来 再[来送派买] [你您]们来"
     " [放挂交]H{1,3}可以"
     " (要|什么时候|啥时候|何时|几点)[^，,]{0,3}(出发|去|走) 出发吗",
     "done (for (today|the day)|with)"),
    # What has a no or a question in it and is none.
    (Signal.NO,
     "[木莫冇](?!问题)有?(时间|空|办法|车)? (?<![什甚怎这那多要])么(有|送|收|去|来)H{0,2} 无能力 懒得",
     ""),
    (Signal.YES,
     "没得(问题|说) 冇问题 没有?什么事 没事[做干] 没有?不方便的? 不会不[去来]的? 毫?无(问题|异议) 没有?异议"
     " 没有?课"
     " (别|不用)(找|派|叫|安排)(别人|人)了? 不会(迟到|晚)的? 不嫌(远|累|麻烦) 没吃饭也?先?(?=去|，|,)"
     " 吃完(饭)?(?=就?[去来]) 不下雨了? [刚才]看[到见](短信|消息)? 回复?晚了"
     " [去来走]得[了及开]",
     "right away|straight away|no prob|np|i don't mind|i won't be late|(i have |i've )?nothing on"
     "|no class(es)?|i'm not far|(happy|glad|pleased) to( help)?"),
    (Signal.PLEASED,
     "没有?(什么|啥)(问题|不好|不满意|可?说)的? (样样|啥|什么|一切)都?(好|顺利|有) [啥什么]*都?不缺啥? 不少"
     " 没有?损坏"
     " 一样不[差少缺] 再好不过 不能再好 [勿不用必别]+(念|惦记|挂念|记挂|担心) 核?对?无误 帮了(我们?)?大忙"
     " 完好(无损)?",
     "nothing( is|'s)? (missing|wrong|broken)"),
    (Signal.WILL,
     "我?来?帮忙 我?就?正?好?[在住](在|我家)?(附近|楼[下上]|隔壁|旁边|边上|校内|小区)(住)? 楼[下上]等我?"
     " 等我(一下|一会儿?|N+分钟)?"
     " 我?(骑车|骑电动车|骑自行车|打车|开车|坐车|走路|步行)(过?[去来])? 我?有(电动|自行)?车 ^\\W*来了"
     " 让我[去来] 我?(下课|下班|忙完)(以?后)?就?[去来到] 我?坐公交(车)?(过?[去来])?",
     ""),
    (Signal.NOT_YET,
     "[在到]?(药店|超市|菜市?场)?(排队|[买取拿配][药菜])[了呢中]? [在到](药店|超市|菜市?场)了?"
     " [不没]?堵车了?(的话)?",
     "at the (pharmacy|shop|store|market)|picked (it|them) up|picked up"),
    (Signal.GOING,
     "我?(刚刚?|已经?)?(走|出门|下楼|上车|上路|出校)了 刚(走|出门|下楼|上车) 已(上车|出门|下楼)"
     " 上(公交|地铁|车)了? 走着 ^\\W*去了 先?去(药店|超市|菜市?场)了? 买(药|菜|东西)去了?"
     " 到(楼下|小区|校?门口)+了"
     " 正?往(那边?|这边|过|[你您]们?那)走呢? ^\\W*走起",
     "(driving|walking|cycling|biking|riding|heading|going) (there|over|now)|otw|on way|left home|started"),
    (Signal.YES,
     "没有?(任何|其他|别的)?(问题|意见|困难|关系) (一点|什么)?问题都?也?没有"
     " 没(事|啥|毛病|说的|得说)(?!做)",
     ""),
    (Signal.YES, "不成问题 不是问题 没的说 没二话 义不容辞 没课 不[上加][班课] 不上课 没别的事 说走就走", ""),
    (Signal.YES,
     "",
     "no (problems?|worries|worry|trouble|issues?|objections?|doubt)|not (a|any) problem|why not"),
    (Signal.PLEASED,
     "没有?(少|缺|错|坏|破|漏|丢|落下|碎) 不(错|差|缺) 一样(不|没)少 错不了 差不了 感激不尽 没想到 没话说",
     ""),
    (Signal.PLEASED,
     "不知道?怎么感谢",
     "not bad|no complaints?|can't (complain|thank)"),
    (Signal.SORRY, "不好意思 对不[起住] 抱歉 遗憾", r"sorry|apolog\w+|afraid|unfortunately"),
    (Signal.POLITE,
     "不[用必]?(客气|谢) 别客气 不敢当 没什么 哪里哪里",
     "no need to (thank|call)( me| us)?|not at all"),
    (Signal.QUESTION, "(H)不\\1 可不可以", ""),
    (Signal.POLITE,
     "(离得?)?不太?(远|急|着急|忙|累|堵|晚|迟|难|贵|久|怕|耽误|麻烦|要紧|碍事|介意|担心|辛苦) 不[仅光但论管]",
     ""),
    (Signal.POLITE,
     "不得不 不见不散 不(一会|到|出|超过)\\s*N 没[多几][远久步] 不[用要必]再?(打|操心|着?急|下楼|付)",
     ""),
    (Signal.POLITE,
     "没[收要]钱 没打扰 别(急|着急) 用不了[多几半一] [耽误忘跑难]不了 差不多(?!到|送|完|办|交|给|放|好)"
     " 了不起 大不了"
     " 时不时",
     ""),
    (Signal.POLITE,
     "忙完了?",
     "not (far|long|too far|busy|late)|no (rush|hurry|matter)|(don't|not to) worry|won't be long"),
    (Signal.LATER, "(?<![赶走熬比说])不过 不然 不如", ""),
    (Signal.QUESTION,
     "[?？❓❔] 是否 吗 [什甚]么 啥 怎[么样] 为[何啥] 谁 哪 何时 几(号楼|号院|单元|[点号楼栋层门盒瓶片])"
     " 请问 还是",
     ""),
    (Signal.QUESTION,
     "多[少远久大](?!都) [好行对]么 (药|菜|东西|地址|人|钱|门牌|电话|[我你您]们?)呢\\W*$ 男的女的",
     "what|where|who|whose|which|why|how|when"),
    (Signal.QUESTION,
     "",
     "(can|could|shall|should|may|must) (i|we)"
     "|(is|are|do|does|did|was|has) (i|you|we|she|he|it|there|they)"),
    (Signal.UNSURE,
     "考虑 想想 想一想 看情况 看看再 可能 也许 大概吧 待定 说不定 不一定 不确定 问问 商量 [二任只]?选一个?"
     " 任选",
     ""),
    (Signal.UNSURE,
     "只能?[去来接做]一个 希望 如果 要是 就行 (下午|晚上|晚点|待会儿?|等会儿?|回头)再?[去来]",
     "maybe|perhaps|possibly|depends|think about|let me (think|see)|if"),
    # Trouble that is told without a no.
    (Signal.TROUBLE,
     "[发打点按回拿送买给弄搞写记认走跑放]错 错[了的误] [写弄拿]反 弄?丢了?"
     " (打|弄|摔|压)?[碎坏破漏洒][了的]?",
     ""),
    (Signal.TROUBLE,
     "过期 变质 [缺断]货 售罄 卖[完光] 停售 关门 打烊 停业 少H? 缺H? 短(了|一) 差(了|一|两|几|钱) 多收 骗"
     " 投诉",
     ""),
    (Signal.TROUBLE,
     "[太来]晚了? 太慢 有问题 出(问题|事) 别人[的拿]? 烂 臭 馊 蔫 霉 湿 脏 有虫 [压扁]扁 空[盒袋] 太?贵"
     " 隔壁 邻居",
     ""),
    (Signal.TROUBLE,
     "只[有收送]到?了? 痒 吐 拉肚子 过敏 不一样 被人",
     "wrong|mistake|missing|missed|broken|damaged|expired|spil(t|led)"),
    (Signal.TROUBLE,
     "",
     "lost|stuck|closed|sold out|out of stock|short of|too (late|far)|forgot(ten)?|problem|trouble|rotten"
     "|cracked"),
    (Signal.TROUBLE,
     "",
     r"sour|leak\w*|rude|bad|overcharged|incomplete|un\w{4,}|im?possible|different|expensive|gave up|help"),
    (Signal.TROUBLE,
     "拒[收绝签]? 另[找请] 换(个?人|别|H{1,3}[去吧]) [找请让叫派]H{1,3}(去|来|接|送)"
     " [找请让叫派](别|其他|另) 安排(别|其他) 算了",
     ""),
    (Signal.TROUBLE,
     "取消 作废 退[货钱掉出单回了] 反悔 后悔 撤[回销] 收回 婉拒 放弃 弃权 免了 作罢 爱莫能助 无能为力 够呛"
     " ^\\W*退\\W*$ 交回 另派 来人了"
     " 有困难 太?难(?!道)",
     ""),
    (Signal.TROUBLE,
     "除外 以外 带回 拿回 还给 放回 转[给单] 太远 有点远 在?外地 出差 生病 病了 感冒 发烧 阳了 骨折 住院"
     " 医院 太累",
     ""),
    (Signal.TROUBLE,
     "年纪大 睡了 隔离 封[控锁了着] 加班 开会 上[课班] 有课 考试 值班 带(孙子|孩子) 放假 回老家 高铁 离校"
     " 有?客人 有急?事(?![找请打]) 急事 手术 输液 体检 失败 [😡😠🤬😢😭😱🤒🤕🤢💔]",
     ""),
    (Signal.TROUBLE,
     "抛锚 车坏 忙 摔[了倒跤] 晕 难受 [疼痛救] 🆘 🚑",
     "busy|ill|sick|away|abroad|out of town|at work|in class|driving"),
    (Signal.TROUBLE,
     "",
     r"in a meeting|vacation|covid|cancel\w*|refus\w*|declin\w*|(someone|somebody|anyone) else|instead"
     r"|quit"),
    (Signal.TROUBLE,
     "",
     "nobody|no one|none|nothing|nowhere|another (person|volunteer)|hurt|fell|pain|pass|withdraw|ignore"
     "|undo|stop"),
    # A no, with the few characters that it denies.
    (Signal.NO,
     "H不[了开上动到着成起及住下掉过来去出完]了?"
     " (没有?|还?未|无法|不(能|会|想|是|可以?|行|要|肯|愿意?|再|太)?)H{0,3}",
     ""),
    (Signal.NO, "没有? 不 别(?!人)H{0,2} 勿 来不及 无[人货药效] 忘[了记] [👎❌✖✗✘×🙅🚫⛔]", ""),
    (Signal.NO, "",
     "(can'?t|cannot|won'?t|don'?t|didn'?t|isn'?t|aren'?t|wasn'?t|haven'?t|hasn'?t|couldn'?t|not|never|no"
     "|nope|nah|unable|neither|without|yet to|fail(ed)?)( [a-z]+){0,2}"),
    (Signal.ANOTHER_DAY,
     "[明后][天日儿]个? 晚上(?!好) 下午(?!好) 傍晚 [今当]晚 中午(?!好) 明[早晚] 下个?[次回周月]"
     " 下个?(星期|礼拜|学期) 改[天日] 过([几两]天|一?阵子?)"
     " (周|星期|礼拜)[一二三四五六日天末] [寒暑]假",
     "tomorrow|tonight|this (afternoon|evening)|next (time|week|month|term)|another (time|day)|weekends?"
     "|(mon|tues|wednes|thurs|fri|satur|sun)days?"),
    (Signal.NOT_YET,
     "(马上|快|即将|将|会|要|正在?|准备|争取|保证|一定|尽快|预计|待会儿?|等会儿?|等下|一会儿?|差不多|差点|基本)"
     "[^,，。!！]{0,5}([送办放交给]|完成|签收)H{0,2}"
     # Without 了 at its end, what is possible, meant or for later today has not been done.
     " (能|可以|应该|肯定|尽量|必须|定于|等|待|先|想|打算|[中下上]午|晚上|今[天晚]|傍晚|N+点钟?半?|约|估计)"
     "[^了，,。\\W]{0,8}?([送放交给办挂搁]|签收|完成)[^了的过，,。\\W]{0,5}(?=\\W|$)"
     " (晚点|稍后|[后内])再?能?[送放到]H{0,2}",
     ""),
    (Signal.NOT_YET,
     "[送取买排敲等](药|菜|队|门)?[中着] 半路 一半 等?H{0,2}(收|拿|取)到了?(再|就)"
     " (马上|快|等)H{0,2}(收|拿|取)到 [送配派](药|菜|达|货)?中",
     ""),
    (Signal.NOT_YET,
     "",
     r"(will|'ll|going to)( be)? (deliver\w*|done|there)|almost|nearly|half|soon|once|delivering|about to"),
    (Signal.DONE,
     "放(?=\\s*N) (都|全部?)[送交给放](到|完|好|出)?了"
     " N+(分钟|小时|个?钟头)前(就|已经?)?[送放交](到|达|完|好)?了",
     ""),
    (Signal.TIME,
     "要?[晚迟]?到?(再?过|还要|大?约|大概|预计|估计)?(N+\\s*[-~～到至]\\s*)?N+个?半?(小时|分钟?|刻钟?|钟头|点半?)(左右|多)?([以之]?[后内前])?(就?能?到达?|出发|过去|赶到)?"
     " \\d{1,2}[:：]\\d{2}",
     ""),
    (Signal.TIME,
     "可?能?要?[晚迟早][点些]到? (就|能|准时|一会儿?)到 ^\\W*到\\W*$ 下班后?",
     r"(in |about )?\d+ ?(minutes?|mins?|m|hours?|hrs?|h)( late)?|at \d+(:\d\d)?"),
    (Signal.POLITE,
     "N+(号楼|号院|号|栋|幢|单元|层|楼|室)(N+(单元|层|楼|室|户|号)?)*",
     ""),
    (Signal.POLITE,
     "(药费|费用|花费|一?共|总共|合计|共计|垫?付|垫|花)了?\\s*\\d+(\\.\\d+)?[元块样件]? \\d+(\\.\\d+)?[元块]",
     r"(cost|paid|total) ?\d+(\.\d+)?( yuan| rmb)?"),
    (Signal.AMOUNT, "N+[盒瓶袋样件包份][药菜]?", ""),
    (Signal.LATER,
     "但是? 可是 只是 就是 然而 还差 [以之]后 晚[些点] 除了 一会儿? 稍[后等] 待会",
     ""),
    (Signal.LATER, "", r"but|however|except|only|later|after|in a while|in (?=\d)"),
    (Signal.DONE,
     "(已经?)?送(到|达|完|过去了|上门了|好了|来了)了?(H?老师)?(家里?|家?门口|手[里上])? 买好了?(?=送)"
     " [放挂搁撂摆](在|到)?(门[上口边外]|门把手?上?|那儿|家里?|桌上?|快递柜|前台|保安|门卫室?|传达室?)"
     "[里上]?了?"
     " 已经?[送放交给办]",
     ""),
    (Signal.DONE,
     "[他她]?K(已经?|都)?代?签?收[下到走]?[了的]?"
     " (亲手)?[交给][给到了]?[他她]?K(手[里上])?了?"
     " [交给][给到了]?[他她](手[里上])?了?",
     ""),
    (Signal.DONE,
     "交到 ^\\W*到了 签收 [办做弄搞][好完妥定]了? 完成 给[了到] 收下了",
     "delivered|dropped( off)?|done|finished|completed|mission accomplished"
     "|(gave (it|them)|given) to (the )?(her|him|them|guard)( (daughter|son|wife|husband))?"),
    (Signal.DONE,
     "",
     "handed (it |them )?(over|to (her|him|them|the guard))|everything arrived"
     "|(left|placed|put) (it |them )?((at|by|with|outside) )?(the |her |his )?"
     "(doors?|gate|guard|front desk|outside)"),
    (Signal.GOING,
     "已?出发了? 动身 在?路上 快到 (马上|这就|正在?|现在|立刻|正要)[到去来过赶走] 已经?走"
     " [赶过]过?[去来]了?",
     "on (my|the) way|omw|leaving|left|heading|coming|en route|set(ting)? off|going"),
    (Signal.WILL,
     "我(马上|这就|现在|就|愿意)?[去来接] 马上 立刻 这就",
     "give me|i('ll| will)( (go|come|take it|do it|be there))?|on it|will do|(happy|glad) to"),
    (Signal.YES,
     "好[的吧嘞哒滴] ^\\W*[好中成妥]了?\\W*$ 妥妥 要得 得嘞 妥了 必须的 报名 算我一个 包在我身上 乐意效劳"
     " 当然 闲着呢?"
     " 得[闲空] 很近 离?得近 顺路 一定(?=\\W|$) 一定到",
     "(i'm |i am )(free|nearby|near|close|ready|in)|count (me in|on me)|sure thing|my pleasure|absolutely"
     "|definitely|roger"
     "|copy( that)?|gladly|ready|alright|ya"),
    (Signal.GOT, "(已经?)?[拿领取]到(药|菜|东西)?[了咧嘞]?", "got (it|them|everything|all)"),
    (Signal.PLEASED,
     "(药|菜|东西|货)(都|也|全|已经?)*到[了齐]+ 收[悉齐]了? 妥收 如数收到 已阅 好(着[呢哩]|得很|极了)"
     " [蛮可]好 来得(真|很)?快 正常"
     " (给[你您]们)?添麻烦了? 打扰了? 顺利 感恩 多亏了?(小H{1,2}|大家)? 解了燃眉之急 好人一生平安 已经吃上",
     "(medicine|food|groceries|everything|parcel|it|they) (received|came|arrived|is here|are here)"
     "|i got (the |my )?(medicine|food|groceries|parcel)"),
    (Signal.PLEASED,
     "(已经?)?收到(药|菜|东西)?[了咧嘞]? 说?多?[谢感]+[谢激]? 辛苦 满意 高兴 放心 很?棒 人?[很真挺都太]好"
     " 服务好"
     " (?<!H)好(?![像久慢H]) 新鲜",
     ""),
    (Signal.PLEASED,
     "都?对[的了]? (都|全)对 齐[了全]? 周到 及时 贴心 有劳 麻烦[你您]?们?[了啦] 点赞 祝H{0,4}"
     " [🙏🌹❤😊🙂😄👏💐😁😃😀😆😉☺🥰🤗😘🎉🌸🌺🌷🌻💕💖✨🙇🤝💯⭐🌟]",
     ""),
    (Signal.PLEASED,
     "",
     r"thank(s| you)|thx|cheers|great|good|fine|well|perfect|received|lovely|excellent"),
    (Signal.PLEASED, "", r"appreciate\w*|grateful|nice|happy|bless( you)?"),
    (Signal.YES,
     "可以 能[去来行做办送接]? 愿意 同意 我[行能送办] 接[了单受下] ^\\W*接\\W*$ 行(?!李) 嗯 是的"
     " ^\\W*[是对]\\W*$"
     " 知道了? 晓得了? 明白",
     ""),
    (Signal.YES,
     "[去来][吧的!！]?$ 走得开 有[空时][间]? [👍👌✅🆗💪√✓✔✌🙋🫡]",
     "yes|yep|yeah|yup|ok|okay|sure|certainly|of course"),
    (Signal.YES, "", r"i can( go| do it)?|can|accept\w*|agreed?|right|true"),
    (Signal.POLITE,
     "您?好 [你您我]们? 老师 同志 师傅 小?伙子 姑娘 孩子们 志愿者 学校 请 [啊呀呢吧哦噢喔哈啦哟咯嘞了的] 非常"
     " 亲手 服务 态度 数量 在家里? \\d{7,}"
     " (真|很|好|挺|这么)快 [太很都也全挺] 已经? 刚刚? 现在 今天 正好 刚好 这么 真是 [和跟与及]"
     " [♀♂🚴🏃🚶🛵🚗💨]"
     " (电话|手机)号?码?是?[:：]?\\s*\\d{7,}",
     ""),
    (Signal.POLITE,
     "东西 药品? 菜 米 油 面粉? 鸡蛋 牛奶 水果 家里 门口 老人家? 小H{1,2} 大家 帮助 关心 回复 临时",
     ""),
    (Signal.POLITE,
     "",
     "dear|please|today|now|there|be there|i'?m|i|all|very|much|so|many|a lot|you|is|it|the|and|to"
     "|everything|for|with|your|help|mr|ms"),
    (Signal.PLACE, "在 住 就 到", ""),
)  # fmt: skip
