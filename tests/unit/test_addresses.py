"""Addresses: how much of one a map is told, and how a home is found."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.rules import addresses
from dispatcher.rules.addresses import building


@pytest.mark.parametrize(
    ("address", "short"),
    [
        ("3号楼2单元501", "3号楼"),
        ("和平里小区10号楼2单元201", "和平里小区10号楼"),
        ("翠竹园3号楼 乙单元 1层", "翠竹园3号楼"),
        ("12号楼1203室", "12号楼"),
        ("桃园二巷5号院", "桃园二巷5号院"),
        ("南门口胡同7号", "南门口胡同7号"),
        ("Building 5, unit 2, 301", "Building 5"),
        ("大东门街5号院3号楼2单元501", "大东门街5号院3号楼"),
        ("水西门街26号", "水西门街26号"),
        ("学府街三门诊家属院2号楼", "学府街三门诊家属院2号楼"),
        ("三门峡路5号", "三门峡路5号"),
        ("北门外5号院12号楼1单元301", "北门外5号院12号楼"),
        ("大南门街12号院一门201", "大南门街12号院"),
        ("12-3-501", "12"),
        ("12－3－501", "12"),
        ("翠竹园12-3-501", "翠竹园12"),
        ("3#楼2-501", "3#楼"),
        ("家属楼501", "家属楼"),
        ("11#-2-302", "11#"),
        ("12-3-501号", "12"),
        ("家属楼3单元501", "家属楼"),
        ("朝阳门外3号楼", "朝阳门外3号楼"),
        ("5号院北门3号楼2单元", "5号院北门3号楼"),
        ("2号楼东户", "2号楼"),
        ("8＃2-501", "8＃"),
        ("3号楼-2-501", "3号楼"),
        ("3号楼(2单元501)", "3号楼"),
        ("3号楼501号", "3号楼"),
        ("1栋A座1203", "1栋A座"),
        ("12幢2门3号", "12幢"),
        ("3号楼东门501", "3号楼"),
        ("3号楼5层501", "3号楼"),
        ("解放路26号501", "解放路26号"),
        ("解放路26号 501室", "解放路26号"),
        ("5号院3-501", "5号院3"),
        ("東區3號樓2單元501", "東區3號樓"),
        ("３号楼２单元５０１", "３号楼"),
        ("三号楼二单元五〇一", "三号楼"),
        ("二十三号楼一单元三层东户", "二十三号楼"),
        ("平房3排5号", "平房3排5号"),
        ("8号院南楼3单元12", "8号院南楼"),
        ("123 Main St, Apt 5B", "123 Main St"),
        ("Flat 3, 12 High Street", "12 High Street"),
        ("Building 5 Unit 2 Room 301", "Building 5"),
        ("Room 501, Building 3, 5 Xuefu Road", "Building 3, 5 Xuefu Road"),
        ("Building 5-2-301", "Building 5"),
        ("Bldg. 7, Entrance 2, 3rd floor, 301", "Bldg. 7"),
        ("123 Main St #5B", "123 Main St"),
        # However the numbers are parted.
        ("3 号 楼 2 单 元 501", "3 号 楼"), ("大东门街5号院3/2/501", "大东门街5号院3"), ("12/3/501", "12"),
        ("12.3.501", "12"), ("12 3 501", "12"), ("12_3_501", "12"), ("12、3、501", "12"), ("12,501", "12"),
        ("12号3-501", "12号"), ("十二-三-五〇一", "十二"), ("翠竹园A-2-501", "翠竹园A"),
        ("3号楼、2、501", "3号楼"), ("5号院 12 3 501", "5号院 12"),
        # Behind a house nothing stays.
        ("3号楼A501", "3号楼"), ("青年公寓3号楼B1204", "青年公寓3号楼"), ("3号楼负一层", "3号楼"),
        ("3号楼地下室2号", "3号楼"), ("3号楼东头一层", "3号楼"), ("3号楼顶层东", "3号楼"),
        ("3号楼西边那家", "3号楼"), ("12号楼内3单元", "12号楼"), ("A座1502", "A座"),
        ("2单元501 3号楼", "3号楼"), ("501室，3号楼", "3号楼"),
        ("501 3号楼", "3号楼"), ("三门诊家属院2号楼", "三门诊家属院2号楼"), ("二门5号楼", "5号楼"),
        ("五层楼南院3号楼", "五层楼南院3号楼"),
        # Houses with a name.
        ("院士楼东门201", "院士楼"), ("五层楼东单元201", "五层楼"), ("红楼2门3号", "红楼"),
        ("红楼3楼", "红楼"), ("红楼三层东户", "红楼"), ("青年公寓A201", "青年公寓"),
        ("教授楼左手201", "教授楼"),
        # The number in a street is no house of several, but it is the place.
        ("大东门街5-2号", "大东门街5-2号"), ("大东门街5-2号3单元501", "大东门街5-2号"),
        ("大东门街5-2", "大东门街5-2"), ("大东门街5-501", "大东门街5"), ("大东门街5-2-501", "大东门街5"),
        ("大东门街5号3楼", "大东门街5号"), ("许坦西街25号2楼201", "许坦西街25号"),
        ("大东门街5号院3楼2单元501", "大东门街5号院3楼"), ("大东门街5号院3号", "大东门街5号院3号"),
        ("大东门街甲5号附2号3单元", "大东门街甲5号附2号"), ("1234弄5号601", "1234弄5号"),
        ("学府街1号 师范大学 8号院", "学府街1号 师范大学 8号院"), ("坞城村501号", "坞城村501号"),
        ("三号路26号", "三号路26号"), ("建设路三号桥5号", "建设路三号桥5号"),
        ("鼓楼东大街5号", "鼓楼东大街5号"), ("钟楼街26号201", "钟楼街26号"),
        ("八一 五一路5号", "八一 五一路5号"), ("三座桥胡同5号", "三座桥胡同5号"),
        ("例町1丁目2番3号 201室", "例町1丁目2番3号"),
        ("太原市 030001 大东门街5号院3号楼", "太原市 030001 大东门街5号院3号楼"),
        # In Latin letters.
        ("East Campus 3-2-501", "East Campus 3"), ("East Campus 3 2 501", "East Campus 3"),
        ("East Campus, 3-2-501", "East Campus, 3"), ("East Campus 501", "East Campus"),
        ("Building 3 2-501", "Building 3"), ("Building 3/2/501", "Building 3"),
        ("Building 3 (2-501)", "Building 3"), ("Bldg.3 Ent.2 Rm.501", "Bldg.3"),
        ("Building 3, 2nd unit, 5F", "Building 3"), ("Building 3, second floor, left", "Building 3"),
        ("Building 3 East Campus", "Building 3 East Campus"), ("Block A1502", "Block A"),
        ("Building 3, Unit 2, 5 Xuefu Road", "Building 3, 5 Xuefu Road"),
        ("12 Main St., 4B", "12 Main St."), ("12 Main St 4B", "12 Main St"), ("12 Main St, B", "12 Main St"),
        ("12 Main St., 3rd fl.", "12 Main St."), ("Apt. 4B 12 Main St", "12 Main St"),
        ("12 Main St/4B", "12 Main St"), ("12 Main St, gate: 2580", "12 Main St"),
        ("12, Main Street", "12, Main Street"), ("45-12 Main St", "45-12 Main St"),
        ("Xuefu Road 5-2", "Xuefu Road 5-2"), ("Xuefu Road 26-501", "Xuefu Road 26"),
        ("42 Sample Street, Apt 5, Boston, MA 02139-4307", "42 Sample Street, Boston, MA 02139-4307"),
        ("2单元501", "2单元501"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_map_is_told_the_house_not_the_door(address: str, short: str) -> None:
    assert building(address) == short


@pytest.mark.parametrize(
    ("address", "short"),
    [
        ("水西门街26号门禁密码2580#", "水西门街26号"), ("水西门街26号，门口密码2580", "水西门街26号"),
        ("水西门街26号 密码锁1234", "水西门街26号"), ("水西门街26号，钥匙在花盆下", "水西门街26号"),
        ("水西门街26号，13935100001", "水西门街26号"), ("水西门街26号 电话13935100001", "水西门街26号"),
        ("水西门街26号（女儿电话 139 3510 0001）", "水西门街26号"), ("水西门街26号 701 0001", "水西门街26号"),
        ("水西门街26号,0351-7010001", "水西门街26号"), ("水西门街26号 2580#", "水西门街26号"),
        ("水西门街26号，钥匙在3号楼门卫", "水西门街26号"), ("水西门街26号，door code 2580", "水西门街26号"),
        ("3号楼门禁密码1234", "3号楼"), ("平房3排5号 电话7010001", "平房3排5号"),
        ("红楼，家里电话7010001", "红楼"),
        ("红楼*2580#", "红楼"), ("翠竹园大院 微信 wang2580", "翠竹园大院"),
        ("师大家属院敲门请用力", "师大家属院"),
        ("密码2580 水西门街26号", "水西门街26号"), ("钥匙在花盆下，水西门街26号", "水西门街26号"),
        ("电话：13935100001，水西门街26号", "水西门街26号"), ("13935100001 水西门街26号", "水西门街26号"),
        ("电话局宿舍3号楼", "电话局宿舍3号楼"),
        ("123 Main St gate code 4455", "123 Main St"), ("123 Main St, key under the mat", "123 Main St"),
        ("123 Main St, call 650-253-0000", "123 Main St"), ("123 Main St 6502530000", "123 Main St"),
        ("Building 3, ring twice", "Building 3"), ("Building 3 entrance code 1234", "Building 3"),
        ("Code 1234, 123 Main St", "123 Main St"), ("5 North Ring Road", "5 North Ring Road"),
        ("2单元501，密码1234", "2单元501"), ("密码1234", ""), ("电话13935100001", ""),
    ],
)  # fmt: skip
def test_a_map_is_told_no_code_no_key_and_no_phone(address: str, short: str) -> None:
    assert building(address) == short


@pytest.mark.parametrize(
    "typed",
    [
        "3号楼2单元501", "3-2-501", "3号楼501", "501 3号楼", "东区3号楼", "三号楼二单元", "3號樓2單元501室",
        "３号楼２单元", "3#楼2-501", "3 2 501", "501", "Building 3, unit 2", "东区",
    ],
)  # fmt: skip
def test_a_home_is_found_by_house_and_door(typed: str) -> None:
    keys = addresses.search_keys("东区", "3号楼2单元501")
    assert any(key.startswith(term) for term in addresses.search_terms(typed) for key in keys)
    assert not any(
        key.startswith(term)
        for term in addresses.search_terms(typed)
        for key in addresses.search_keys("西区", "31号楼21单元1502")
    )


@pytest.mark.parametrize(
    ("address", "typed"),
    [
        ("大东门街5号院3号楼2单元501", "大东门"), ("大东门街5号院3号楼2单元501", "大东门街"),
        ("太原市大东门街5号院3号楼", "大东门"), ("水西门街26号", "水西门"), ("水西门街26号", "水西门街26号"),
        ("学府街三门诊家属院2号楼", "三门诊"), ("学府街三门诊家属院2号楼", "三门"),
        ("学府街三门诊家属院2号楼", "三门诊家属院"), ("学府街三门诊家属院2号楼", "家属院2号楼"),
        ("学府街三门诊家属院2号楼", "学府街"), ("八一路五号", "八一"), ("八一路五号", "八一路5号"),
        ("3号楼东门501", "3号楼东门"), ("A座1502", "a1502"), ("A座1502", "a15"), ("A1502", "A座1502"),
        ("Building 3, Unit 2, 501", "Building 3"), ("Building 3, Unit 2, 501", "bldg 3 unit 2"),
        ("Building 3, Unit 2, 501", "3号楼"), ("12_3_501", "12-3-501"),
    ],
)  # fmt: skip
def test_a_home_is_found_by_part_of_its_address(address: str, typed: str) -> None:
    keys = addresses.search_keys("", address)
    assert any(key.startswith(term) for term in addresses.search_terms(typed) for key in keys)


@pytest.mark.parametrize(
    "typed", ["家属院", "小区", "号楼", "单元", "宿舍楼", "公寓", "大", "3", "12", "门", "Building"]
)
def test_words_of_half_of_all_addresses_find_nobody(typed: str) -> None:
    assert addresses.search_terms(typed) == []


def test_building_3_is_not_building_31() -> None:
    keys = addresses.search_keys("", "Building 31, unit 2, 501")
    assert not any(key.startswith(term) for term in addresses.search_terms("Building 3") for key in keys)


@pytest.mark.parametrize(
    ("typed", "home", "words"),
    [
        ("王秀兰 3号楼", "3号楼", "王秀兰"), ("3号楼2单元，王老师", "3号楼2单元", "王老师"),
        ("wang 3-2-501", "3-2-501", "wang"), ("东区 3号楼", "", "东区 3号楼"),
        ("Building 3 unit 2", "", "Building 3 unit 2"), ("王 秀 兰", "", "王 秀 兰"),
        ("3 2 501", "", "3 2 501"),
    ],
)  # fmt: skip
def test_a_name_beside_a_home(typed: str, home: str, words: str) -> None:
    assert addresses.apart(typed) == (home, words)


def test_one_home_however_it_is_written() -> None:
    for other in ("3-2-501", "三号楼二单元501室", "3 号楼 2 单元 501", "3號樓2單元501"):
        assert addresses.same_home("3号楼2单元501", other)
    assert not addresses.same_home("3号楼2单元501", "3号楼2单元502")
    assert not addresses.same_home("", "")


@settings(max_examples=200, deadline=None)
@given(
    st.text(max_size=90) | st.text("东区门院号楼单元室一二十百3501- #,Unit", max_size=90), st.integers(20, 60)
)
def test_no_address_breaks_anything(address: str, most: int) -> None:
    assert len(building(address)) <= 2 * len(address)
    assert re.search("[0-9]{7}", building(address)) is None
    assert len(addresses.shortened(address, most)) <= most
    addresses.search_keys(address[:20], address)
    addresses.search_terms(address)
