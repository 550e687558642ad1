"""Tables as files: XLSX for Excel and WPS, CSV for everything else. Written row by row, never held whole.

What people have typed may begin like a formula. In a workbook such a cell is marked as text; in a CSV, where
nothing can be marked, it gets an apostrophe in front. So does what would begin a cell if the file were read
with another separator than the comma: many spreadsheets in Europe part cells at semicolons.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from tempfile import SpooledTemporaryFile
from typing import IO, Any, cast

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

Value = str | int | float | date | datetime | None
"""What a cell may hold. Moments are local and without a zone, for a spreadsheet knows none."""

MOST_ROWS = 1_000_000
"""Rows of one sheet; what goes beyond is continued on another. Excel ends at 1,048,576."""

# Some spreadsheets read the full-width and small ones as the others, and drop blanks and quotes before them.
_FORMULA = re.compile(
    r"(?:^|(?<=[;|\t\r\n]))"
    r"(?=[\s\x00-\x1f\u200b-\u200f\u2060\ufeff'\"‘’“”]*[=+@＝＋－＠﹢﹣﹦﹫−-])"
    r"|\A(?=[\t\r\n])"
)
_IN_MEMORY = 2_000_000
_CHUNK = 64 * 1024


class Sheet:
    """One table of a workbook. `columns`: pairs of a heading and a width in characters."""

    def __init__(
        self, title: str, columns: Sequence[tuple[str, int]], rows: Iterable[Sequence[Value]]
    ) -> None:
        self.title, self.columns, self.rows = title, columns, rows


def csv_lines(columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> Iterator[bytes]:
    """A CSV in UTF-8 with a byte order mark, by which Excel knows that it is UTF-8; in parts."""
    buffer = io.StringIO(newline="")
    buffer.write("\ufeff")
    write = csv.writer(buffer).writerow
    write([_plain(column) for column in columns])
    for row in rows:
        write([_plain(value) for value in row])
        if buffer.tell() > _CHUNK:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def _plain(value: Value) -> Any:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, str):
        return _FORMULA.sub("'", value)
    return "" if value is None else value


def workbook(sheets: Iterable[Sheet]) -> IO[bytes]:
    """A workbook as a file, opened at its beginning; on disk where it is large."""
    book = Workbook(write_only=True)
    for sheet in sheets:
        _write(book, sheet)
    file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - whoever sends it closes it
    book.save(file)
    file.seek(0)
    return cast(IO[bytes], file)


def _write(book: Any, sheet: Sheet) -> None:
    rows = iter(sheet.rows)
    number, more = 1, True
    while more:
        page = book.create_sheet(_title(sheet.title, number))
        page.freeze_panes = "A2"
        for column, (_heading, width) in enumerate(sheet.columns, start=1):
            page.column_dimensions[get_column_letter(column)].width = width
        page.append([_heading_cell(page, heading) for heading, _width in sheet.columns])
        left = MOST_ROWS
        more = False
        for row in rows:
            page.append([_cell(page, value) for value in row])
            left -= 1
            if not left:
                more = True
                break
        number += 1


def _title(title: str, number: int) -> str:
    """A name that a sheet may have."""
    bare = "".join(" " if ch in "[]:*?/\\" else ch for ch in title)[:28]
    return bare if number == 1 else f"{bare} {number}"


def _heading_cell(page: Any, text: str) -> Any:
    cell = _cell(page, text)
    cell.font = Font(bold=True)
    cell.alignment = Alignment(wrap_text=True, vertical="top")
    return cell


def _cell(page: Any, value: Value) -> Any:
    if isinstance(value, str):
        cell = WriteOnlyCell(page, value=ILLEGAL_CHARACTERS_RE.sub("", value))
        cell.data_type = "s"  # a text is never a formula or an error, whatever it begins with
        return cell
    cell = WriteOnlyCell(page, value=value)
    if isinstance(value, datetime):
        cell.number_format = "yyyy-mm-dd hh:mm"
    elif isinstance(value, date):
        cell.number_format = "yyyy-mm-dd"
    return cell
