"""Code words a volunteer says at the door: easy to hear, hard to mistake, the same in both
languages."""

CODE_WORDS: dict[str, str] = {
    "青松": "pine", "红枣": "date", "白鹤": "crane", "金桂": "cassia", "春雨": "rain",
    "石桥": "bridge", "梅花": "plum", "竹林": "bamboo", "莲子": "lotus", "喜鹊": "magpie",
    "燕子": "swallow", "银杏": "ginkgo", "茶壶": "teapot", "棉花": "cotton", "葡萄": "grape",
    "石榴": "garnet", "麦田": "wheat", "月亮": "moon", "帆船": "sail", "灯塔": "beacon",
    "雪山": "snow", "海棠": "apple", "核桃": "walnut", "蜜蜂": "bee", "彩虹": "rainbow",
    "风筝": "kite", "铃铛": "bell", "小鹿": "deer", "翠竹": "reed", "向日葵": "sunflower",
    "杏花": "apricot", "柿子": "persimmon", "鲤鱼": "carp", "白杨": "poplar", "老槐": "acacia",
    "蒲公英": "dandelion", "百合": "lily", "珍珠": "pearl", "锦鸡": "pheasant", "云杉": "spruce",
}  # fmt: skip


def code_word(word: str, language: str) -> str:
    """The code word kept as `word` (Chinese), as it is said in `language` ("zh" or "en")."""
    return CODE_WORDS.get(word, word) if language == "en" else word
