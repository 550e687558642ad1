"""The coordinators' board in a real browser: by keys, live without losing anything, several at once, on the
wall, by ear, on paper, for everybody."""

import itertools
import random
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from devtools.gallery.studio import log_in
from dispatcher.database import transaction
from dispatcher.models import Attention, Campus, Event, HelpRequest, Task
from dispatcher.services import attention, history
from tests.browser.conftest import Windows, logged_out_elsewhere
from tests.conftest import PASSWORD
from tests.databases import on
from tests.world import World, eventually, random_key

pytestmark = [pytest.mark.scenario, pytest.mark.browser, on("postgresql")]

SOON = 10_000


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Quiet:
    """Tasks of a campus where nobody is asked and nobody told: only the test changes them."""

    world: World
    code: str
    ids: list[int]

    def add(self, count: int, **values: object) -> list[int]:
        """More tasks; their ids."""
        with self.world.app.app_context(), transaction() as tx:
            made: list[Task] = []
            for _ in range(count):
                call = HelpRequest(
                    retiree_id=self.world.elders[0].id, form_key=random_key(), created_at=now()
                )
                given: dict[str, object] = {
                    "category": "groceries", "urgency": "routine", "code_word": "青松",
                    "created_at": now(), "opened_at": now() - timedelta(seconds=len(self.ids) + len(made)),
                }  # fmt: skip
                made.append(
                    Task(
                        request=call, retiree_id=self.world.elders[0].id,
                        campus_id=self.world.campuses["home"], **(given | values),
                    )
                )  # fmt: skip
            tx.add_all(made)
            tx.flush()
            ids = [task.id for task in made]
            tx.add_all(
                Event(
                    at=now(), kind="opened", actor="system", task_id=task.id, request_id=task.request_id,
                    params={},
                )
                for task in made
            )  # fmt: skip
        self.ids += ids
        return ids

    def needs(self, task_id: int, reason: str = "too_long") -> int:
        """The task needs a person; the id of the attention."""
        with self.world.app.app_context(), transaction() as tx:
            return attention.raise_(tx, reason, now(), tx.get_one(Task, task_id)).id

    def seen_to(self) -> None:
        with self.world.app.app_context(), transaction() as tx:
            tx.execute(
                update(Attention).where(Attention.task_id.in_(self.ids)).values(resolved_at=now())
            )  # fmt: skip


@pytest.fixture
def quiet(world: World) -> Quiet:
    world.retiree("王秀兰", language="zh")
    with world.reading() as session:
        code = session.get(Campus, world.campuses["home"]).code
    return Quiet(world, code, [])


def _board(windows: Windows, quiet: Quiet, tail: str = "", **look: object) -> Page:
    page = windows.staff("co", **look)  # type: ignore[arg-type]
    page.goto(f"/board?campus={quiet.code}{tail}")
    expect(page.locator("#live-state")).to_have_attribute("data-now", "live", timeout=SOON)
    return page


def _ticked(page: Page) -> list[str]:
    return page.evaluate("[...document.querySelectorAll('.tick input:checked')].map((box) => box.value)")


def test_all_of_it_by_keys(windows: Windows, quiet: Quiet) -> None:
    first, second, third, fourth = sorted(quiet.add(4), reverse=True)  # the last has waited longest
    page = _board(windows, quiet)
    focused = page.locator(":focus")
    page.keyboard.press("j")
    expect(focused).to_have_attribute("id", f"open-{first}")
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    expect(focused).to_have_attribute("id", f"open-{third}")
    page.keyboard.press("k")
    expect(focused).to_have_attribute("id", f"open-{second}")

    page.keyboard.press("Enter")
    expect(page.locator("#drawer #task-title")).to_be_focused(timeout=SOON)
    # Round in the drawer, either way: what it covers is never reached.
    page.keyboard.press("Shift+Tab")
    round_it = [page.evaluate("document.activeElement.outerHTML")]
    for key, count in (("Tab", 1), ("Shift+Tab", 60)):
        for _ in range(count):
            page.keyboard.press(key)
            assert page.evaluate("document.getElementById('drawer').contains(document.activeElement)")
            round_it.append(page.evaluate("document.activeElement.outerHTML"))
    assert round_it.count(round_it[0]) > 1
    page.locator("#note-said").focus()
    page.keyboard.type("jkx?")
    expect(page.locator("#note-said")).to_have_value("jkx?")
    assert _ticked(page) == []
    expect(page.locator("#keys")).not_to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.locator("#drawer")).not_to_be_visible()
    expect(focused).to_have_attribute("id", f"open-{second}")

    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(focused).to_have_attribute("id", f"open-{fourth}")
    page.keyboard.press("Shift+X")
    assert _ticked(page) == [str(second), str(third), str(fourth)]
    expect(page.locator("#several-count")).to_have_text("已选 3 个")
    page.keyboard.press("x")
    assert _ticked(page) == [str(second), str(third)]

    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).not_to_be_visible()
    expect(focused).to_have_attribute("id", f"open-{fourth}")

    page.locator("#tick-all").check()
    assert len(_ticked(page)) == 4
    page.locator("#select-none").click()
    assert _ticked(page) == []
    page.locator(f"#tick-{first}").click()
    page.locator(f"#tick-{third}").click(modifiers=["Shift"])
    assert _ticked(page) == [str(first), str(second), str(third)]


def test_several_at_once_and_what_has_changed_meanwhile(windows: Windows, quiet: Quiet) -> None:
    world = quiet.world
    ids = quiet.add(3)
    helper = world.volunteer("李伟", windows=[])
    page = _board(windows, quiet)
    for task_id in ids:
        page.locator(f"#tick-{task_id}").check()
    page.locator("#several button[value=notify]").click()
    listed = page.locator("#drawer .several-list li")
    expect(listed).to_have_count(3, timeout=SOON)
    world.act(ids[1], "assign", volunteer_id=helper.id)
    helper.phone.expect("王秀兰")
    world.elders[0].phone.expect("李伟")
    page.locator("#drawer form button").last.dblclick()
    result = page.locator("#several-result")
    expect(result).to_contain_text("已办 2 个任务", timeout=SOON)
    expect(result).to_contain_text("1 个任务没有办")
    expect(result).to_contain_text("现在并没有在找人")
    for _ in range(2):
        world.elders[0].phone.expect("没有忘")
    assert _ticked(page) == [], "what has been done is no longer marked"

    # Without scripts: a plain form, a page that asks, a page that says.
    plain = world.coordinator.get(f"/board/several?act=cancel&task_id={ids[0]}&task_id={ids[2]}")
    assert plain.text.count('name="seen"') == 2
    pairs = re.findall(r'name="seen" value="([\d:]+)"', plain.text)
    token = re.findall(r'name="csrf_token" value="([^"]+)"', plain.text)[0]
    form = {"csrf_token": token, "seen": pairs}
    assert world.coordinator.post("/board/several/cancel", form | {"said": " "}).status_code == 422
    for _ in range(2):
        answer = world.coordinator.post("/board/several/cancel", form | {"said": "雨停了"})
        assert "已办 2 个任务" in answer.text
        assert "没有办" not in answer.text
    for _ in range(2):
        world.elders[0].phone.expect("取消了")
    assert [world.state(task_id) for task_id in ids] == ["cancelled", "assigned", "cancelled"]
    world.act(ids[1], "close", said="好了")
    helper.phone.expect("已经办好")


def test_who_sees_to_it_is_shown_to_all(windows: Windows, quiet: Quiet) -> None:
    (task_id,) = quiet.add(1)
    item = quiet.needs(task_id)
    page = _board(windows, quiet)
    why = page.locator(f"#why-{item}")
    why.get_by_role("button", name="我来处理").click()
    expect(why).to_contain_text("钱宁在处理", timeout=SOON)
    expect(why.get_by_role("button", name="不处理了")).to_be_visible()
    expect(why.get_by_role("button", name="接手")).not_to_be_visible()
    page.locator(f"#open-{task_id}").click()
    need = page.locator(f"#need-{item}")
    expect(need).to_contain_text("钱宁在处理", timeout=SOON)
    page.locator("#note-said").fill("老人说")
    need.get_by_role("button", name="不处理了").click()
    expect(need.get_by_role("button", name="我来处理")).to_be_visible(timeout=SOON)
    expect(page.locator("#note-said")).to_have_value("老人说")
    expect(page.locator(f"#why-{item} .claimed")).to_have_count(0, timeout=SOON)


# So many changes a second, for so long.
RATE, FOR_S = 50, 60
WATCH = """(id) => {
  const top = () => document.getElementById(id)?.getBoundingClientRect().top ?? NaN;
  window.watched = { start: top(), most: 0, gone: 0, frames: 0, merges: 0 };
  const look = () => {
    const at = top();
    if (Number.isNaN(at)) watched.gone += 1;
    else watched.most = Math.max(watched.most, Math.abs(at - watched.start));
    watched.frames += 1;
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
  document.addEventListener("htmx:after:swap", () => { watched.merges += 1; });
}"""


def _changes(quiet: Quiet, opened: int, movable: list[int]) -> list[Callable[[int], None]]:
    """What may happen on a board, each a transaction of its own."""
    extra: list[int] = []
    urgency = itertools.cycle(["urgent", "soon", "routine"])

    def note(n: int) -> None:
        with transaction() as tx:
            task = tx.get_one(Task, opened)
            line = Event(
                at=now(), kind="note", actor="system", task_id=task.id, request_id=task.request_id,
                params={"said": f"第{n}次"},
            )  # fmt: skip
            tx.add(line)

    def pressing(_n: int) -> None:
        with transaction() as tx:
            tx.get_one(Task, random.choice(movable)).urgency = next(urgency)

    def wish(n: int) -> None:
        with transaction() as tx:
            tx.get_one(Task, random.choice(movable)).waiting = {"code": "answers", "asked": n}

    def needs(_n: int) -> None:
        with transaction() as tx:
            task = tx.get_one(Task, random.choice(movable))
            if attention.stands(tx, task, "too_long"):
                attention.settle(tx, task, now(), history.SYSTEM, "superseded", ("too_long",))
            else:
                attention.raise_(tx, "too_long", now(), task)

    def come_and_go(_n: int) -> None:
        if len(extra) < 5:
            extra.extend(quiet.add(1))
        else:
            with transaction() as tx:
                tx.get_one(Task, extra.pop(0)).state = "closed"

    return [note, pressing, wish, needs, come_and_go]


@pytest.mark.timeout(400)
def test_a_minute_of_fifty_changes_a_second_and_nothing_is_lost(windows: Windows, quiet: Quiet) -> None:
    """Half-typed words, marks, scroll, focus and the open drawer: all as it was, and everything is shown."""
    ids = quiet.add(40)[::-1]  # as they stand on the board
    opened, pointed, movable = ids[20], ids[21], [*ids[3:8], *ids[30:35]]
    ticked = [str(ids[n]) for n in (1, 19, 38)]
    page = _board(windows, quiet)
    for task_id in ticked:
        page.locator(f"#tick-{task_id}").check()
    page.locator(f"#open-{opened}").click()
    note = page.locator("#note-said")
    expect(note).to_be_visible(timeout=SOON)
    page.locator(f"#task-{pointed}").evaluate("(row) => row.scrollIntoView({ block: 'center' })")
    box = page.locator(f"#task-{pointed} .cell-state").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    note.focus()
    page.keyboard.type("老人说门铃坏了，")
    page.evaluate(WATCH, f"task-{pointed}")

    # Another coordinator thinks in columns.
    lanes = _board(windows, quiet, "&view=lanes")
    # A low window: cards above may leave the lane, and a page can't be scrolled beyond its top.
    lanes.set_viewport_size({"width": 1440, "height": 420})
    looking = lanes.locator("#lane-looking .card").nth(8)
    beside = str(looking.get_attribute("data-task"))
    lanes.locator(f"#tick-{beside}").check()
    looking.evaluate("(card) => card.scrollIntoView({ block: 'center' })")
    box = looking.bounding_box()
    assert box is not None
    lanes.mouse.move(box["x"] + 5, box["y"] + 5)
    lanes.evaluate(WATCH, f"task-{beside}")
    movable = [task_id for task_id in movable if task_id != int(beside)]

    changes = _changes(quiet, opened, movable)
    trouble: list[Exception] = []

    def write() -> None:
        try:
            with quiet.world.app.app_context():
                began = time.monotonic()
                for n in range(RATE * FOR_S):
                    time.sleep(max(0.0, began + n / RATE - time.monotonic()))
                    changes[n % len(changes)](n)
                changes[0](RATE * FOR_S)
        except Exception as error:  # noqa: BLE001 (told by the test itself)
            trouble.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    written = "老人说门铃坏了，"
    while writer.is_alive():
        if len(written) < 60:
            note.press("End")
            page.keyboard.type("慢")
            written += "慢"
        page.wait_for_timeout(500)
    writer.join()
    assert trouble == []

    expect(page.locator("#history")).to_contain_text(f"第{RATE * FOR_S}次", timeout=30_000)
    expect(note).to_have_value(written)
    expect(note).to_be_focused()
    assert sorted(_ticked(page)) == sorted(ticked)
    expect(page.locator("#several-count")).to_have_text("已选 3 个")
    assert _ticked(lanes) == [beside]
    for shown in (page, lanes):
        seen = shown.evaluate("window.watched")
        assert seen["merges"] > 10, seen
        assert seen["gone"] == 0, seen
        assert seen["most"] <= 2, seen


def test_the_wall_shows_what_needs_a_person_and_says_when_it_is_old(windows: Windows, quiet: Quiet) -> None:
    (task_id,) = quiet.add(1, category="urgent", urgency="urgent")
    wall = windows.staff("co", "en", 1920)
    wall.goto(f"/board/wall?campus={quiet.code}")
    expect(wall.locator("#live-state")).to_have_attribute("data-now", "live", timeout=SOON)
    assert wall.locator(f"#task-{task_id}").count() == 0
    quiet.needs(task_id)
    item = wall.locator(f"#task-{task_id}")
    expect(item).to_contain_text("Nobody has accepted in good time", timeout=SOON)
    expect(wall).to_have_title(re.compile(r"^\("), timeout=SOON)
    size = item.locator(".wall-why").evaluate("(words) => parseFloat(getComputedStyle(words).fontSize)")
    assert size >= 1920 / 75, "to be read from four metres"
    assert wall.locator("button, input, select").count() == 0
    expect(wall.locator("#clock")).to_have_text(re.compile(r"^\d\d:\d\d$"))
    quiet.seen_to()
    expect(item).to_have_count(0, timeout=SOON)

    wall.route(re.compile(r"/board/(stream|rows)\?"), lambda route: route.abort())
    wall.reload()
    expect(wall.locator("#live-state")).to_have_text(
        re.compile(r"Reconnecting… This is as of \d\d:\d\d\."), timeout=SOON
    )


COUNT_TONES = """
  window.tones = 0;
  const create = AudioContext.prototype.createOscillator;
  AudioContext.prototype.createOscillator = function () {
    window.tones += 1;
    return create.call(this);
  };
"""


def test_a_sound_only_where_asked_for_and_only_for_news(windows: Windows, quiet: Quiet) -> None:
    first, second, third = quiet.add(3, category="urgent", urgency="urgent")
    page = windows.staff("co")
    page.add_init_script(COUNT_TONES)
    page.goto(f"/board?campus={quiet.code}")
    expect(page.locator("#live-state")).to_have_attribute("data-now", "live", timeout=SOON)
    button, sign = page.locator("#sound"), page.locator("#alarm")
    expect(button).to_have_attribute("aria-pressed", "false")
    quiet.needs(first)
    expect(sign).to_be_visible(timeout=SOON)
    expect(page).to_have_title(re.compile(r"^\(1\) "), timeout=SOON)
    assert page.evaluate("tones") == 0, "off until somebody wants it"

    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(button).to_have_text("声音已开")
    expect(sign).not_to_be_visible()
    heard = eventually(lambda: page.evaluate("tones"), "the sound, so that they know it")
    page.evaluate("localStorage.removeItem('board-sound-at')")
    quiet.needs(second)
    expect(sign).to_be_visible(timeout=SOON)
    assert page.evaluate("tones") == 2 * heard
    quiet.needs(third)
    expect(page.locator(f"#task-{third}.needs")).to_be_visible(timeout=SOON)
    assert page.evaluate("tones") == 2 * heard, "not again within twenty seconds"

    page.evaluate("localStorage.removeItem('board-sound-at')")
    page.reload()
    expect(page.locator("#live-state")).to_have_attribute("data-now", "live", timeout=SOON)
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(sign).not_to_be_visible()
    assert page.evaluate("tones") == 0, "what has been seen is no news"


def _with_half_a_note(windows: Windows, quiet: Quiet) -> tuple[int, Page]:
    """A board beside which a note about a new task, whose id it is, isn't sent yet."""
    (task_id,) = quiet.add(1)
    page = _board(windows, quiet)
    page.locator(f"#open-{task_id}").click()
    page.locator("#note-said").fill("门铃坏了")
    return task_id, page


def test_a_note_outlives_another_login(windows: Windows, quiet: Quiet) -> None:
    """A long shift, a new login in another tab: what is half typed in this one is saved all the same."""
    _, page = _with_half_a_note(windows, quiet)
    note, problem = page.locator("#note-said"), page.locator("#task-problem")
    press = page.locator("#drawer form[action$='/note'] button")
    other = logged_out_elsewhere(page)
    press.click()
    expect(problem).to_contain_text("重新登录", timeout=SOON)
    log_in(other, "co", PASSWORD)
    saved = page.locator("#history", has_text="门铃坏了")
    press.click()
    # Unless the page has noticed by itself meanwhile, its tokens are renewed only now.
    expect(saved.or_(problem.filter(has_text="再试一次"))).to_be_visible(timeout=SOON)
    if problem.is_visible():
        expect(note).to_have_value("门铃坏了")
        press.click()
    expect(saved).to_be_visible(timeout=SOON)


def test_a_page_that_hears_of_the_logging_out_keeps_what_is_typed(windows: Windows, quiet: Quiet) -> None:
    """As when a session ends by itself; where nothing was entered, there is the page to log in."""
    task_id, page = _with_half_a_note(windows, quiet)
    note, problem = page.locator("#note-said"), page.locator("#task-problem")
    state = page.locator("#live-state")
    other = logged_out_elsewhere(page)
    quiet.needs(task_id)  # the page is told that something has changed, and asks what
    expect(state).to_have_attribute("data-now", "out", timeout=SOON)
    expect(state).to_contain_text("退出登录")
    expect(problem).to_contain_text("重新登录")
    expect(note).to_have_value("门铃坏了")
    log_in(other, "co", PASSWORD)
    quiet.seen_to()
    expect(state).to_have_attribute("data-now", re.compile("live|polling"), timeout=SOON)
    expect(problem).to_be_hidden()
    expect(note).to_have_value("门铃坏了")
    page.locator("#drawer form[action$='/note'] button").click()
    expect(page.locator("#history")).to_contain_text("门铃坏了", timeout=SOON)

    logged_out_elsewhere(page)
    quiet.needs(task_id)
    page.wait_for_url(re.compile("/login"), timeout=SOON)


def test_on_paper_it_is_black_on_white_and_each_page_says_when(windows: Windows, quiet: Quiet) -> None:
    quiet.add(30)
    helper = quiet.world.volunteer("李伟")
    page = windows.staff("co", dark=True)
    page.goto(f"/board/paper?campus={quiet.code}")
    expect(page.locator("[data-print]")).to_be_visible()
    page.emulate_media(media="print")
    sheet = page.locator("main")
    expect(sheet).to_contain_text("3号楼2单元501")
    expect(sheet).to_contain_text(helper.name)
    for hidden in (".topbar", "[data-print]"):
        expect(page.locator(hidden)).not_to_be_visible()
    heads = page.locator(".running")
    expect(heads).to_have_count(4)
    for n in range(4):
        expect(heads.nth(n)).to_contain_text("内部资料")
        expect(heads.nth(n)).to_contain_text(re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d 打印"))
    style = page.evaluate(
        "() => { const of = (e) => getComputedStyle(document.querySelector(e));"
        " return [of('body').color, of('body').backgroundColor, of('.paper-table thead').display]; }"
    )
    assert style == ["rgb(0, 0, 0)", "rgb(255, 255, 255)", "table-header-group"]
    assert page.pdf(format="A4").count(b"/Type /Page\n") >= 4


def test_a_button_in_a_row_is_pressed_for_who_has_logged_in_anew(windows: Windows, quiet: Quiet) -> None:
    (task_id,) = quiet.add(1)
    quiet.needs(task_id)
    page = _board(windows, quiet)
    other = logged_out_elsewhere(page)
    log_in(other, "co", PASSWORD)
    row = page.locator(f"#task-{task_id}")
    row.get_by_role("button", name="我来处理").click()
    expect(row).to_contain_text("钱宁在处理", timeout=SOON)


def test_ticks_outlive_the_login(windows: Windows, quiet: Quiet) -> None:
    """Also where no task is open beside the board: its stream says when its person is known again."""
    (task_id,) = quiet.add(1)
    page = _board(windows, quiet)
    page.locator(f"#tick-{task_id}").check()
    state = page.locator("#live-state")
    other = logged_out_elsewhere(page)
    page.locator(f"#open-{task_id}").click()
    expect(state).to_have_attribute("data-now", "out", timeout=SOON)
    log_in(other, "co", PASSWORD)
    expect(state).to_have_attribute("data-now", re.compile("live|polling"), timeout=SOON)
    assert _ticked(page) == [str(task_id)]
    page.locator(f"#open-{task_id}").click()
    expect(page.locator("#drawer #task-title")).to_be_focused(timeout=SOON)
