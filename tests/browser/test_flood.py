"""However many texts come from strangers, whoever is in danger stands within the first screen."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select

from dispatcher.database import db, transaction
from dispatcher.models import Attention, HelpRequest, Retiree, Staff, Task
from dispatcher.rules.phones import Phone
from dispatcher.services import attention, history, inbound, loose_texts, roster, standing
from dispatcher.sms.gateway import Incoming
from tests.browser.conftest import Windows
from tests.databases import on
from tests.world import World, random_key

pytestmark = [pytest.mark.scenario, pytest.mark.browser, on("postgresql")]

TEXTS, STRANGERS, KNOWN = 1_000, 80, 30
_ids = count()


def _text(body: str, phone: str) -> None:
    inbound.receive(Incoming(f"SMflood{next(_ids)}", phone, body), datetime.now(UTC))


def _retiree(world: World, number: int, name: str) -> Retiree:
    with transaction() as tx:
        phone = Phone(f"+8613700{number:06}", "mobile")
        data = roster.RetireeData(name=name, campus_id=world.campuses["home"], phones=[phone], area="东区")
        return roster.add_retiree(tx, data)


def _task(retiree: Retiree, danger: bool) -> int:
    """A task that nobody is asked for; the id of it."""
    now = datetime.now(UTC)
    with transaction() as tx:
        call = HelpRequest(retiree_id=retiree.id, form_key=random_key(), created_at=now, life_danger=danger)
        task = Task(
            request=call, retiree_id=retiree.id, campus_id=retiree.campus_id, code_word="青松",
            category="urgent" if danger else "groceries", urgency="urgent" if danger else "soon",
            created_at=now, opened_at=now,
        )  # fmt: skip
        tx.add(task)
        tx.flush()
        history.record(tx, "opened", history.SYSTEM, now, task)
        if not danger:
            attention.raise_(tx, "too_long", now - timedelta(hours=1), task)
        return task.id


def _clear_the_boards() -> None:
    """End what other tests on the same system have left: a life in danger there would come first as well."""
    now = datetime.now(UTC)
    with transaction() as tx:
        for task in tx.scalars(select(Task).where(Task.is_open_ended)):
            task.state, task.ended_at = "closed", now
            history.record(tx, "closed", history.SYSTEM, now, task)
        for item in tx.scalars(select(Attention).where(Attention.resolved_at.is_(None))):
            attention.resolve(tx, item.id, now, history.SYSTEM, "closed")


@pytest.fixture
def flooded(world: World) -> Iterator[tuple[int, int]]:
    """A task in which a life is in danger and the item of a call for help, by their ids, in a flood."""
    with world.app.app_context():
        _clear_the_boards()
        for number in range(12):
            _task(_retiree(world, number, f"赵{chr(0x4E00 + number)}"), danger=False)
        danger = _task(_retiree(world, 100, "钱文"), danger=True)
        fallen = _retiree(world, 101, "孙玉梅").phones[0].number
        known = [_retiree(world, 200 + n, f"李{chr(0x5000 + n)}").phones[0].number for n in range(KNOWN)]
        for n in range(TEXTS // 2):
            _text(f"特价 {n % 7}", f"+861870000{n % STRANGERS:04}")
        _text("我摔倒了", fallen)
        for n, phone in enumerate(known):
            _text(f"请问 {n}", phone)
        for n in range(TEXTS // 2):
            _text(f"特价 {n % 7}", f"+861870000{n % STRANGERS:04}")
        item = db.session.scalars(
            select(Attention.id).where(Attention.reason == "call_for_help", Attention.resolved_at.is_(None))
        ).one()
        db.session.rollback()
    yield danger, item
    with world.app.app_context():
        person = db.session.scalars(select(Staff).where(Staff.username == "co")).one()
        query = select(Attention).where(Attention.resolved_at.is_(None), standing.is_text())
        while found := list(db.session.scalars(query.limit(loose_texts.MOST))):
            loose_texts.dismiss({one.id: one.message_id or 0 for one in found}, person, datetime.now(UTC))
            db.session.rollback()
        with transaction() as tx:
            ours = select(Task).join(Retiree).where(Task.campus_id == world.campuses["home"])
            for task in tx.scalars(ours):
                task.state, task.ended_at = "closed", datetime.now(UTC)
                attention.settle(tx, task, datetime.now(UTC), history.SYSTEM, "closed")
                history.record(tx, "closed", history.SYSTEM, datetime.now(UTC), task)


def _within_the_first_screen(page: Page, what: Locator) -> None:
    expect(what).to_be_visible()
    box, screen = what.bounding_box(), page.viewport_size
    assert box is not None
    assert screen is not None
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= screen["height"], (box, screen)
    assert box["x"] + box["width"] <= screen["width"] + 1, (box, screen)


def test_a_fall_and_a_life_in_danger_stand_within_the_first_screen(
    flooded: tuple[int, int], windows: Windows
) -> None:
    danger, item = flooded
    pages = [
        ("/board", 390), ("/board", 1440), ("/board?view=lanes&lane=needs", 390),
        ("/board?view=lanes", 1440), ("/board/wall", 1440), ("/hotline/handover", 390),
        ("/hotline/handover", 1440),
    ]  # fmt: skip
    for language in ("zh", "en"):
        for path, width in pages:
            page = windows.staff("co", language, width)
            page.goto(path)
            fall = page.locator(f"#need-{item}" if "handover" in path else f"#loose-{item}")
            life = page.locator(f"#task-{danger}").first
            for one, words in ((life, "钱文"), (fall, "我摔倒了")):
                expect(one.get_by_text(words)).to_be_visible()
                _within_the_first_screen(page, one)
            if "wall" not in path:
                strangers = page.get_by_text("特价")
                assert strangers.count() <= standing.STRANGERS * 3
            page.context.close()


def test_all_of_them_are_dismissed_page_by_page(flooded: tuple[int, int], windows: Windows) -> None:
    _danger, item = flooded
    page = windows.staff("co", "zh", 390)
    page.goto("/board")
    page.locator("#strangers a").click()
    expect(page.locator(".loose-list > li")).to_have_count(standing.PAGE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for box in page.locator(".loose-list .tick").all()[:3]:
        size = box.bounding_box()
        assert size is not None
        assert min(size["width"], size["height"]) >= 44
    page.locator(".loose-list input[type=checkbox]").first.check()
    page.get_by_role("button", name="勾选的").click()
    expect(page.locator("#notices")).to_contain_text("已移出 1 个")
    for left in (STRANGERS - 1 - standing.PAGE, 0):
        page.get_by_role("button", name="本页全部").click()
        expect(page.locator(".loose-views a").nth(1).locator(".count")).to_have_text(str(left))
    page.goto("/board/texts")
    expect(page.locator(f"#loose-{item}")).to_contain_text("我摔倒了")
    expect(page.locator(".loose-list > li")).to_have_count(KNOWN + 1)
