"""Many people at once: one decision wins, nothing typed is lost, nothing is saved twice, no error page."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html import escape, unescape

import pytest
import requests
from flask import Flask
from sqlalchemy import func, select

from devtools.local import hidden_fields
from devtools.system import System
from dispatcher.database import transaction
from dispatcher.models import Campus, Event, HelpRequest, Retiree, Task
from dispatcher.services import accounts
from tests.conftest import PASSWORD
from tests.world import Browser, Helper, World

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(300)]

COORDINATORS, OPERATORS = 50, 20


@pytest.fixture(scope="session")
def staff(system: System, app: Flask) -> Callable[[str, int], list[Browser]]:
    """So many people of a role, each logged in with an account of their own."""
    made: dict[str, list[Browser]] = {}

    def people(role: str, number: int) -> list[Browser]:
        if role not in made:
            with app.app_context(), transaction() as tx:
                for n in range(number):
                    accounts.add(tx, f"{role}{n}", f"同事{n}", role, PASSWORD)
            with ThreadPoolExecutor(4) as doors:
                made[role] = list(
                    doors.map(lambda n: Browser(system.url, f"{role}{n}", PASSWORD), range(number))
                )
        return made[role]

    return people


@dataclass
class Posting:
    """A form ready to be sent by somebody."""

    by: Browser
    path: str
    typed: dict[str, str]

    def send(self) -> requests.Response:
        return requests.post(
            self.by.url + self.path,
            data=self.typed,
            cookies=self.by.session.cookies,
            allow_redirects=False,
            timeout=120,
        )


def _prepare(by: Browser, page: str, path: str, **typed: str) -> Posting:
    """Open the page, and fill in its form."""
    return Posting(by, path, hidden_fields(by.get(page).text) | typed)


def _all_at_once(postings: list[Posting]) -> list[requests.Response]:
    with ThreadPoolExecutor(len(postings)) as crowd:
        return list(crowd.map(Posting.send, postings))


def _edits(world: World, task: int, browsers: list[Browser], helpers: list[Helper]) -> list[Posting]:
    """Fifty edits of one task by fifty coordinators who all see the same page."""
    acts = ["assign"] * 15 + ["cancel"] * 8 + ["close"] * 7 + ["urgency"] * 6 + ["reopen"] * 4 + ["note"] * 10
    page = f"/board/tasks/{task}"
    with ThreadPoolExecutor(4) as desks:
        postings = list(
            desks.map(
                lambda n: _prepare(
                    browsers[n],
                    page,
                    f"{page}/{acts[n]}",
                    said=f"说法第{n}号",
                    volunteer_id=str(helpers[n % len(helpers)].id),
                    urgency="urgent",
                ),
                range(len(acts)),
            )
        )
    assert len({posting.typed["seen"] for posting in postings}) == 1, "all saw the same state"
    return postings[::2] + postings[1::2]


def _kept(posting: Posting, page: str, over: bool) -> bool:
    """Whether the answer still holds what was typed or chosen; of a task that is `over`, the words: there is
    nobody to choose any more."""
    act = posting.path.rpartition("/")[2]
    if over:
        return posting.typed["said"] in unescape(page)
    if act == "assign":
        return (
            re.search(rf'name="volunteer_id" value="{posting.typed["volunteer_id"]}" checked', page)
            is not None
        )
    if act == "urgency":
        return re.search(r'value="urgent"[^>]* checked', page) is not None
    return posting.typed["said"] in unescape(page)


@pytest.mark.parametrize("held", [False, True], ids=["open", "held"])
def test_fifty_edits_of_one_task_and_one_wins(
    world: World, staff: Callable[[str, int], list[Browser]], held: bool
) -> None:
    elder = world.retiree(kind="landline")
    helpers = [world.volunteer(f"志愿者{chr(0x4E00 + n)}", "near", windows=[]) for n in range(15)]
    holder = world.volunteer("先来的", "near", windows=[])
    task = world.call(elder, "other", also={"told_on_call": "1"})
    if held:
        assert world.act(task, "assign", volunteer_id=str(holder.id)).status_code == 200
        holder.phone.expect("王秀兰", "暗号")
    postings = _edits(world, task, staff("coordinator", COORDINATORS), helpers)

    answers = _all_at_once(postings)

    said = [
        (posting.path.rpartition("/")[2], answer.status_code)
        for posting, answer in zip(postings, answers, strict=True)
    ]
    assert {code for _, code in said} <= {303, 409, 422}, said
    decided = [act for act, code in said if code == 303 and act != "note"]
    assert len(decided) == 1, said
    assert [code for act, code in said if act == "note"] == [303] * 10
    assert all(code == 409 for act, code in said if code != 303 and act != "reopen"), said
    standing = world.standing(task)
    match decided[0]:
        case "assign":
            winner = next(
                p
                for p, a in zip(postings, answers, strict=True)
                if a.status_code == 303 and p.path.endswith("assign")
            )
            assert standing == [int(winner.typed["volunteer_id"])]
            next(h for h in helpers if h.id == standing[0]).phone.expect("王秀兰", "暗号")
        case "urgency":
            assert standing == ([holder.id] if held else [])
        case _:
            assert standing == []
    if held:
        holder.phone.expect("")  # released, cancelled, closed or changed: told once
    with world.reading() as session:
        lines = session.scalars(select(Event.params).where(Event.task_id == task, Event.kind == "note")).all()
    typed = {posting.typed["said"] for posting in postings if posting.path.endswith("note")}
    assert sorted(line["said"] for line in lines) == sorted(typed)
    lost = [
        (posting.path, posting.typed["said"])
        for posting, answer in zip(postings, answers, strict=True)
        if answer.status_code != 303 and not _kept(posting, answer.text, decided[0] in ("cancel", "close"))
    ]
    assert lost == [], f"after {decided[0]}, what they typed is gone"


@pytest.mark.parametrize("act", ["close", "cancel", "reopen"])
def test_words_for_a_task_that_has_moved_on_can_become_a_note(
    world: World, staff: Callable[[str, int], list[Browser]], act: str
) -> None:
    first, second, *_ = staff("coordinator", COORDINATORS)
    task = world.call(world.retiree(kind="landline"), "other", also={"told_on_call": "1"})
    page, words = f"/board/tasks/{task}", "邻居已经<送到>了"
    ends = _prepare(first, page, f"{page}/cancel", said="不用了")
    late = _prepare(second, page, f"{page}/{act}", said=words)
    assert ends.send().status_code == 303
    answer = late.send()
    assert answer.status_code == 409
    assert re.findall(r"<textarea[^>]*>(.*?)</textarea>", answer.text) == [escape(words)]


def _calls(operators: list[Browser], elder_id: int, **typed: str) -> list[Posting]:
    return [
        _prepare(
            by,
            f"/hotline/people/{elder_id}",
            "/hotline/requests",
            **({"want": "other", "other-notes": f"灯坏了，第{n}次说", "told_on_call": "1"} | typed),
        )
        for n, by in enumerate(operators)
    ]


def test_twenty_operators_with_the_same_retiree_make_one_task(
    world: World, staff: Callable[[str, int], list[Browser]]
) -> None:
    elder = world.retiree(kind="landline")
    postings = _calls(staff("operator", OPERATORS), elder.id)
    answers = _all_at_once(postings)
    assert sorted(answer.status_code for answer in answers) == [303] + [422] * (OPERATORS - 1)
    for posting, answer in zip(postings, answers, strict=True):
        if answer.status_code == 422:
            assert posting.typed["other-notes"] in answer.text
            assert "other-repeat" in answer.text
    assert _tasks_of(world, elder.id) == 1

    again = _all_at_once(_calls(staff("operator", OPERATORS), elder.id, **{"other-repeat": "new"}))
    assert {answer.status_code for answer in again} == {303}
    assert _tasks_of(world, elder.id) == 1 + OPERATORS
    same = _all_at_once(_calls(staff("operator", OPERATORS), elder.id, **{"other-repeat": "same"}))
    assert {answer.status_code for answer in same} == {303}
    assert _tasks_of(world, elder.id) == 1 + OPERATORS


def _tasks_of(world: World, retiree_id: int) -> int:
    with world.reading() as session:
        return int(session.scalar(select(func.count(Task.id)).where(Task.retiree_id == retiree_id)))


def _new_caller(world: World, by: Browser, name: str, n: int) -> Posting:
    """A call by somebody who isn't on the roster, with a number of their own."""
    home = world.campuses["home"]
    with world.reading() as session:
        code = session.get(Campus, home).code
    return _prepare(
        by,
        "/hotline/new",
        "/hotline/requests",
        want="other",
        told_on_call="1",
        new_name=name,
        new_phone=f"0351-70{home % 100:02}{n:03}",
        new_campus=code,
        new_address="1号楼",
        **{"other-notes": "想找人聊聊"},
    )


def test_twenty_new_callers_at_once(world: World, staff: Callable[[str, int], list[Browser]]) -> None:
    names = [f"新来电{chr(0x4E00 + n)}" for n in range(OPERATORS)]
    operators = staff("operator", OPERATORS)
    postings = [_new_caller(world, by, names[n], n) for n, by in enumerate(operators)]
    answers = _all_at_once(postings)
    assert [answer.status_code for answer in answers] == [303] * OPERATORS
    with world.reading() as session:
        found = session.scalars(select(Retiree).where(Retiree.name.in_(names))).all()
        assert sorted(person.name for person in found) == sorted(names)
        ids = [person.id for person in found]
    assert [_tasks_of(world, person_id) for person_id in ids] == [1] * OPERATORS


@pytest.mark.parametrize("new", [False, True], ids=["known", "new"])
def test_thirty_clicks_on_save_save_once(world: World, new: bool) -> None:
    if new:
        posting = _new_caller(world, world.operator, "王新来", 999)
    else:
        posting = _calls([world.operator], world.retiree(kind="landline").id)[0]
    answers = _all_at_once([posting] * 30)
    saved = {(answer.status_code, answer.headers.get("Location")) for answer in answers}
    assert saved == {(303, answers[0].headers.get("Location"))}
    with world.reading() as session:
        made = session.scalars(
            select(HelpRequest.id).where(HelpRequest.form_key == posting.typed["form_key"])
        ).all()
        assert len(made) == 1
        assert len(session.scalars(select(Task.id).where(Task.request_id == made[0])).all()) == 1
        assert len(session.scalars(select(Retiree.id).where(Retiree.name == "王新来")).all()) == int(new)
