"""The office's pages and files: figures shown and taken away, texts, cards; who may see what."""

import csv
import io
import re
from datetime import datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient

from dispatcher.database import transaction
from dispatcher.models import Message, Retiree, Volunteer
from dispatcher.services import accounts, task_list
from dispatcher.sms import office_texts, texts
from dispatcher.web import exports
from dispatcher.web.charts import POLICY, STYLE
from dispatcher.web.figure_tables import ALL
from tests.integration.conftest import PASSWORD, People
from tests.integration.test_figures import MINUTE, NOON, Past

DAY = "period=from-to&from=2026-11-03&to=2026-11-03"


@pytest.fixture
def client(app: Flask, people: People) -> FlaskClient:
    """A coordinator who is logged in; the pages are in English."""
    return _logged_in(app, "co")


def _logged_in(app: Flask, username: str) -> FlaskClient:
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    client.post("/login", data={"username": username, "password": PASSWORD})
    client.post("/language", data={"language": "en"})
    return client


@pytest.fixture
def tasks(app: Flask, people: People) -> list[int]:
    """Three tasks of one day, the first with a volunteer; names and campuses that look like formulas."""
    with app.app_context(), transaction() as tx:
        past = Past(tx, people)
        tx.get_one(Retiree, people.retiree).name = '=HYPERLINK("http://evil","x")'
        tx.get_one(Volunteer, people.volunteers[0]).name = "+86"
        first = past.task(category="urgent", urgency="urgent", ended_at=NOON + 50 * MINUTE)
        past.held(first, timedelta(seconds=90))
        first.delivered_at = NOON + 40 * MINUTE
        for state in ("delivered", "undelivered", "queued"):
            tx.add(
                Message(direction="out", kind="coming", phone="+8613635200000", state=state, task_id=first.id,
                        created_at=NOON)
            )  # fmt: skip
        second = past.task(NOON + MINUTE, state="open")
        third = past.task(NOON + MINUTE, retiree=people.remote, remote=True, campus_id=3, state="cancelled",
                          ended_at=NOON + 2 * MINUTE)  # fmt: skip
        return [first.id, second.id, third.id]


def test_the_page_says_it_all_in_both_languages_and_every_picture_is_drawn(
    client: FlaskClient, tasks: list[int]
) -> None:
    page = client.get(f"/board/figures?{DAY}")
    assert page.status_code == 200
    said = page.get_data(as_text=True)
    assert "3 requests for help." in said
    assert "9 in 10 of those accepted waited no longer than: Urgent 2\xa0min (aim 4\xa0min)." in said
    assert "Of 3 tasks 1 were closed by the retiree&#39;s own word." in said
    assert " style=" not in said
    assert said.count("<img") == said.count('alt="') == len(ALL)
    for name in ALL:
        picture = client.get(f"/board/figures/{name}.svg?{DAY}")
        assert picture.mimetype == "image/svg+xml"
        assert picture.headers["Content-Security-Policy"] == POLICY
        drawn = ElementTree.fromstring(picture.data)
        tags = {element.tag.rpartition("}")[2] for element in drawn.iter()}
        assert "script" not in tags
        assert b"style=" not in picture.data
        assert STYLE.encode()[:40] in picture.data
    client.post("/language", data={"language": "zh"})
    said = client.get(f"/board/figures?{DAY}").get_data(as_text=True)
    assert "共 3 次求助。" in said
    assert "有人接的，十件有九件等了不超过：紧急 2\xa0分（目标 4\xa0分）。" in said
    assert "紧急".encode() in client.get(f"/board/figures/accepting.svg?{DAY}").data


def test_dates_that_are_none_are_answered_kindly_and_kept(client: FlaskClient) -> None:
    answer = client.get("/board/figures?period=from-to&from=2026-02-30&to=soon")
    assert answer.status_code == 422
    said = answer.get_data(as_text=True)
    assert said.count("Please give a date such as 2026-11-03.") == 2
    assert 'value="2026-02-30"' in said
    assert 'value="soon"' in said
    for wrong in ("from=2026-11-03&to=2026-11-01", "from=2020-01-01&to=2026-11-01"):
        assert client.get(f"/board/figures?period=from-to&{wrong}").status_code == 422
    assert client.get("/board/figures/hours.svg?period=from-to&from=x").status_code == 404
    assert client.get(f"/board/figures/nothing.svg?{DAY}").status_code == 404
    for period in ("today", "7d", "30d", "month", "odd"):
        assert client.get(f"/board/figures?period={period}").status_code == 200


def test_the_tasks_as_csv(client: FlaskClient, tasks: list[int]) -> None:
    answer = client.get(f"/board/figures/tasks.csv?{DAY}")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="tasks-2026-11-03-2026-11-03.csv"'
    assert answer.data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert rows[0] == [
        "Task number", "Campus", "Kind of help", "Hurry", "Opened", "Accepted", "Delivered", "Ended",
        "Minutes to accept", "Minutes to deliver", "How it ended", "SMS sent",
    ]  # fmt: skip
    assert rows[1] == [
        str(tasks[0]), "Yingze campus", "Urgent help", "Urgent", "2026-11-03 12:00", "2026-11-03 12:01",
        "2026-11-03 12:40", "2026-11-03 12:50", "1.5", "40.0", "Closed by the retiree's word", "2",
    ]  # fmt: skip
    assert [row[0] for row in rows[1:]] == [str(task_id) for task_id in tasks]
    assert rows[3][10] == "Cancelled"
    assert "HYPERLINK" not in answer.get_data(as_text=True)

    client.post("/language", data={"language": "zh"})
    assert client.get(f"/board/figures/tasks.csv?{DAY}").data.decode("utf-8-sig").startswith("编号,校区")
    hours = client.get(f"/board/figures/hours.csv?{DAY}").data.decode("utf-8-sig").splitlines()
    assert hours[13] == "12:00–13:00,3"


def test_the_workbook_has_all_tables_and_real_dates_and_numbers(
    client: FlaskClient, tasks: list[int]
) -> None:
    answer = client.get(f"/board/figures/export.xlsx?{DAY}", buffered=True)
    assert "filename=figures-2026-11-03-2026-11-03.xlsx" in answer.headers["Content-Disposition"]
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    assert len(book.sheetnames) == len(ALL) + 1
    page = book["Tasks"]
    assert page.freeze_panes == "A2"
    assert page.column_dimensions["E"].width == 18
    first = [cell.value for cell in page[2]]
    assert first[0] == tasks[0]
    assert first[4] == datetime(2026, 11, 3, 12, 0)
    assert page["E2"].number_format == "yyyy-mm-dd hh:mm"
    assert first[8:10] == [1.5, 40]
    assert page["F3"].value is None
    hours = book["Requests by hour of the day"]
    assert [hours["A14"].value, hours["B14"].value] == ["12:00–13:00", 3]
    # The same figures as the CSV has.
    rows = list(
        csv.reader(io.StringIO(client.get(f"/board/figures/endings.csv?{DAY}").data.decode("utf-8-sig")))
    )
    sheet = book["How tasks were settled"]
    assert [[str(value) for value in row] for row in sheet.iter_rows(values_only=True)] == rows


def test_names_are_for_administrators_who_ask_and_never_become_formulas(
    app: Flask, client: FlaskClient, tasks: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    for path in ("tasks.csv", "export.xlsx"):
        assert client.get(f"/board/figures/{path}?{DAY}&names=1").status_code == 403
    assert "names of retirees" not in client.get(f"/board/figures?{DAY}").get_data(as_text=True)
    with app.app_context(), transaction() as tx:
        accounts.add(tx, "ad", "周宁", "administrator", PASSWORD)
    boss = _logged_in(app, "ad")
    assert "names of retirees" in boss.get(f"/board/figures?{DAY}").get_data(as_text=True)
    with caplog.at_level("WARNING", "dispatcher.web.figures"):
        data = boss.get(f"/board/figures/export.xlsx?{DAY}&names=1", buffered=True).data
    assert "HYPERLINK" not in caplog.text
    assert "with names" in caplog.text
    page = openpyxl.load_workbook(io.BytesIO(data))["Tasks"]
    assert (page["M2"].value, page["M2"].data_type) == ('=HYPERLINK("http://evil","x")', "s")
    assert (page["N2"].value, page["N2"].data_type) == ("+86", "s")
    rows = list(
        csv.reader(io.StringIO(boss.get(f"/board/figures/tasks.csv?{DAY}&names=1").data.decode("utf-8-sig")))
    )
    assert rows[1][12:] == ['\'=HYPERLINK("http://evil","x")', "'+86"]


def test_the_list_is_read_page_by_page_with_none_lost_or_twice(
    app: Flask, client: FlaskClient, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        with transaction() as tx:
            past = Past(tx, people)
            wanted = [past.task(NOON + (n // 3) * MINUTE).id for n in range(11)]
        monkeypatch.setattr(task_list, "PAGE", 2)
        monkeypatch.setattr(task_list, "_PAGE", task_list._PAGE.limit(2))
        rows = client.get(f"/board/figures/tasks.csv?{DAY}").data.decode("utf-8-sig").splitlines()
        assert [int(row.split(",")[0]) for row in rows[1:]] == wanted


def test_operators_see_no_figures_and_no_texts(app: Flask, people: People) -> None:
    operator = _logged_in(app, "op")
    for path in ("/board/figures", "/board/figures/hours.svg", "/board/figures/tasks.csv",
                 "/board/figures/export.xlsx", "/office/texts"):  # fmt: skip
        assert operator.get(path).status_code == 403, path
    for path in ("/design", "/hotline/card", f"/hotline/people/{people.retiree}/card"):
        assert operator.get(path).status_code == 200, path
    nobody = app.test_client()
    for path in ("/board/figures", "/design", "/hotline/card", "/office/texts"):
        assert nobody.get(path).status_code == 302, path


def test_texts_are_shown_tried_and_never_written(
    app: Flask, client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "texts.toml"
    path.write_text(
        '[zh.sms]\nreceived = "{greeting}，{categories}记下了。{hotline}"\ncoming = "来了"\n',
        encoding="utf-8",
    )
    monkeypatch.setattr(texts, "_catalogue", texts._catalogue)
    app.extensions["office_texts"] = office_texts.follow(path)
    said = client.get("/office/texts").get_data(as_text=True)
    assert str(path) in said
    assert "王老师，药品、生活用品记下了。0351-7010000" in said
    assert "1 thing in the file is not used" in said
    assert "zh.sms.coming" in said
    for kind in texts.built_in("zh")["sms"]:
        assert f'id="kind-{kind}"' in said

    def tried(entry: str, text: str, code: int) -> str:
        form = {"entry": entry, "language": "zh", "text": text}
        answer = client.post("/office/texts/try", data=form)
        assert answer.status_code == code
        part = client.post("/office/texts/try", data=form, headers={"HX-Request": "true"})
        assert "<html" not in part.get_data(as_text=True)
        return answer.get_data(as_text=True)

    good = tried("sms.taken", "{campus}的{category}有人去了，\n谢谢“您”。", 200)
    assert "迎泽校区的买药有人去了，\n谢谢“您”。" in good
    assert "taken = &#34;{campus}的{category}有人去了，\\n谢谢“您”。&#34;" in good
    bad = tried("sms.taken", "<b>{campus}</b>", 422)
    assert "These must not be missing:" in bad
    assert "&lt;b&gt;{campus}" in bad
    assert "costs too many SMS" in tried("sms.taken", "{campus}{category}" + "长" * 150, 422)
    assert (
        client.post("/office/texts/try", data={"entry": "sms.nothing", "language": "zh"}).status_code == 422
    )
    assert client.post("/office/texts/try", data={}).status_code == 422
    assert "来了" in path.read_text("utf-8")


def test_cards_have_the_number_and_speak_the_language_of_whoever_gets_them(
    app: Flask, client: FlaskClient, people: People
) -> None:
    said = client.get("/hotline/card?size=four").get_data(as_text=True)
    assert said.count("0351 701 0000</p>") == 4
    assert said.count("有人敲门，先问暗号。") == 4
    with app.app_context(), transaction() as tx:
        tx.get_one(Retiree, people.remote).language = "en"
    mine = client.get(f"/hotline/people/{people.retiree}/card").get_data(as_text=True)
    assert re.search(r'class="card-for">王秀兰老师<', mine)
    theirs = client.get(f"/hotline/people/{people.remote}/card").get_data(as_text=True)
    assert re.search(r'class="card-for">Li Jianguo<', theirs)
    assert "Ask for the code word." in theirs
    without = client.get(f"/hotline/people/{people.retiree}/card?name=0&lang=en").get_data(as_text=True)
    assert re.search(r'class="card-for">Hotline for retired staff<', without)
    assert "3号楼" not in mine  # no address, no notes
    assert client.get("/hotline/people/99999/card").status_code == 404
    assert f"/hotline/people/{people.retiree}/card" in client.get(f"/hotline/people/{people.retiree}").text


def test_the_page_of_parts_shows_every_state(client: FlaskClient) -> None:
    said = client.get("/design").get_data(as_text=True)
    for word in (
        "Looking for someone",
        "Delivered, not confirmed",
        "no answer",
        "being looked up",
        "--needs-ink",
    ):
        assert word in said
    assert " style=" not in said


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "＝", "＋", "－", "＠", "\t=", "\r=", "\n="])
def test_nothing_in_a_csv_is_read_as_a_formula(begin: str) -> None:
    said = b"".join(exports.csv_lines(["谁"], [[f"{begin}1+1"]])).decode("utf-8-sig")
    kept = f"'{begin}" if len(begin) == 1 else f"'{begin[0]}'{begin[1]}"  # another separator may part them
    assert list(csv.reader(io.StringIO(said, newline=""))) == [["谁"], [f"{kept}1+1"]]


def test_what_has_nothing_to_show_has_no_axes(client: FlaskClient) -> None:
    said = client.get(f"/board/figures?{DAY}").get_data(as_text=True)
    assert "No request for help came in this period." in said
    assert "<figure>" not in said


def test_the_busiest_hours_are_those_in_which_something_came(client: FlaskClient, tasks: list[int]) -> None:
    said = client.get(f"/board/figures?{DAY}").get_data(as_text=True)
    assert "from 12 to 13 o&#39;clock" in said
    assert "<figure>" in said
