"""Tables as files: no cell of a CSV is a formula, whichever separator a spreadsheet takes it apart by."""

import csv
import io
import re

import pytest

from dispatcher.web import exports

STARTS = "=+-@＝＋－＠"
"""What begins a formula, also as some spreadsheets read it."""


def _read(cells: list[str], separator: str) -> list[list[str]]:
    text = b"".join(exports.csv_lines(["name"], [cells])).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize(
    "cell",
    [
        "{}1+1", "a;{}1+1", "a; {}1+1", "a\t{}1+1", "a|{}1+1", "a\n{}1+1", "a\r\n{}1+1", " {}1+1",
        '"{}1+1"', '"a";"{}1+1"', "\u3000{}1+1", "\u200b{}1+1", "a;\u00a0'\"{}1+1", "a;b;{}1;{}2",
        "\t{}1+1", "a,{}1+1;{}1",
    ],
)  # fmt: skip
def test_no_cell_is_a_formula_whatever_parts_them(cell: str, start: str, separator: str) -> None:
    typed = cell.replace("{}", start)
    for rows in (_read([typed], separator), _read(["x", typed], separator)):
        for value in (value for row in rows for value in row):
            bare = re.sub('^[\\s\u200b"]+', "", value)
            assert not bare.startswith(tuple(STARTS)), value


@pytest.mark.parametrize("cell", ["3号楼2单元501", "a-b", "1 + 1 = 2", "13935102222", "x;y", "王；李", ""])
def test_what_is_no_formula_stays_as_it_is(cell: str) -> None:
    assert _read(["x", cell], ",")[1] == ["x", cell]


def test_numbers_stay_numbers() -> None:
    text = b"".join(exports.csv_lines(["n"], [[-3, 2.5]])).decode("utf-8-sig")
    assert text.splitlines()[1] == "-3,2.5"
