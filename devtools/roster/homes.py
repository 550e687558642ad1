"""Invented homes: the area that may be told, the address behind it, and the area code of the landline."""

from dataclasses import dataclass
from random import Random

TAIYUAN = "351"


@dataclass(frozen=True)
class Home:
    """Where one household lives; at one place no two households share area and address."""

    area: str
    address: str
    area_code: str


ANCHOR_HOME = Home("东区", "3号楼2单元501", TAIYUAN)

# The areas of each served place with the number of their buildings.
_SERVED: dict[str, tuple[tuple[str, int], ...]] = {
    "yingze": (("东区", 9), ("西区", 6), ("北院", 3)),
    "wucheng": (("南院", 8), ("北院", 6), ("东区", 4)),
    "pingyang": (("家属院", 5), ("南区", 3)),
    "taiyuan-other": tuple(
        (f"{name}小区", 12)
        for name in (
            "漪汾苑",
            "汾河湾",
            "桃园里",
            "双塔家园",
            "龙潭新居",
            "并州苑",
            "长风里",
            "千峰里",
            "兴华苑",
            "晋祠路馨苑",
            "学府园",
            "建设里",
            "康乐里",
            "滨河家园",
            "南内环苑",
            "亲贤里",
        )
    ),
}

# Elsewhere: area and area code (none abroad, where only mobile numbers are used).
_ELSEWHERE: dict[str, tuple[tuple[str, str], ...]] = {
    "yuncheng": (("运城市盐湖区", "359"), ("永济市", "359")),
    "yangquan": (("阳泉市城区", "353"),),
    "jinzhong": (("平遥县", "354"), ("晋中市榆次区", "354")),
    "lvliang": (("吕梁市离石区", "358"),),
    "xinzhou": (("忻州市忻府区", "350"),),
    "datong": (("大同市平城区", "352"),),
    "other-provinces": (
        ("北京市海淀区", "10"),
        ("北京市朝阳区", "10"),
        ("北京市丰台区", "10"),
        ("上海市徐汇区", "21"),
        ("上海市闵行区", "21"),
        ("天津市南开区", "22"),
        ("西安市雁塔区", "29"),
        ("郑州市金水区", "371"),
        ("石家庄市裕华区", "311"),
        ("成都市武侯区", "28"),
        ("广州市天河区", "20"),
        ("深圳市南山区", "755"),
        ("青岛市市南区", "532"),
        ("杭州市西湖区", "571"),
        ("南京市鼓楼区", "25"),
        ("重庆市渝北区", "23"),
        ("大连市沙河口区", "411"),
        ("长沙市岳麓区", "731"),
        ("海口市美兰区", "898"),
        ("三亚市吉阳区", "898"),
    ),
    "us": (("加利福尼亚州尔湾市", ""), ("马萨诸塞州波士顿市", "")),
    "jp": (("东京都练马区", ""),),
    "au": (("墨尔本市", ""),),
}
_COMPOUNDS = ("和平里小区", "阳光花园", "怡景苑", "翠竹园", "金色家园", "锦绣苑", "安居苑", "春晓园")
_ABROAD_ADDRESSES = {
    "加利福尼亚州尔湾市": "101 Example Court, Irvine, CA",
    "马萨诸塞州波士顿市": "42 Sample Street, Apt 5, Boston, MA",
    "东京都练马区": "例町1丁目2番3号 201室",
    "墨尔本市": "15 Specimen Road, Melbourne VIC",
}


def _door(rng: Random, buildings: int) -> str:
    """Draw building, unit and door; the older blocks have six floors with two doors each."""
    building, unit = rng.randint(1, buildings), rng.randint(1, 4)
    return f"{building}号楼{unit}单元{rng.randint(1, 6)}0{rng.randint(1, 2)}"


class HomeBook:
    """Hands out homes, each once."""

    def __init__(self) -> None:
        # The anchor's door is kept for the anchor.
        self._used: set[tuple[str, str, str]] = {("yingze", ANCHOR_HOME.area, ANCHOR_HOME.address)}
        self._turn: dict[str, int] = {}

    def draw(self, rng: Random, place_code: str) -> Home:
        """Draw a home at the place."""
        while True:
            home = self._try(rng, place_code)
            mark = (place_code, home.area, home.address)
            if mark not in self._used:
                self._used.add(mark)
                return home

    def _try(self, rng: Random, place_code: str) -> Home:
        if place_code in _SERVED:
            areas = _SERVED[place_code]
            area, buildings = rng.choices(areas, weights=[count for _, count in areas])[0]
            return Home(area, _door(rng, buildings), TAIYUAN)
        # In turn rather than at random, so that the few at a small place really live in different towns.
        turn = self._turn[place_code] = self._turn.get(place_code, -1) + 1
        town, area_code = _ELSEWHERE[place_code][turn % len(_ELSEWHERE[place_code])]
        address = _ABROAD_ADDRESSES.get(town) or rng.choice(_COMPOUNDS) + _door(rng, 15)
        return Home(town, address, area_code)
