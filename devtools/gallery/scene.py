"""An evening of the hotline, lived through by its people: something in every state that pages can show."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import requests
from playwright.sync_api import Page

from devtools import roster
from devtools.gallery.studio import Fill, Studio


@dataclass
class Scene:
    """What the pages of the gallery are about: volunteers' links by what they show, ids by a name."""

    links: dict[str, str] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)


def want(category: str, **fields: str) -> Fill:
    """What fills the operator's form with one wish; for a need that is open already, it is a new one."""

    def fill(page: Page) -> None:
        page.locator(f"input[name=want][value={category}]").check(force=True)
        again = page.locator(f"[name='{category}-repeat'][value=new]")
        if again.count():
            again.check(force=True)
        for name, value in fields.items():
            control = page.locator(f"[name='{category}-{name}']").first
            if control.evaluate("e => e.tagName") == "SELECT":
                control.select_option(value)
            else:
                control.fill(value)

    return fill


def evening(studio: Studio) -> Scene:
    """Live through it."""
    scene = Scene()
    operator = studio.page("operator", "zh", 1440)

    def call(name: str, retiree: str, fill: Fill) -> None:
        scene.ids[f"{name}-retiree"] = studio.call(operator, retiree, fill)
        link = operator.locator("a[href*='/board/tasks/']").first.get_attribute("href") or ""
        scene.ids[name] = int(link.rpartition("/")[2])

    def task(name: str, retiree: str, fill: Fill) -> list[str]:
        call(name, retiree, fill)
        return studio.offers(scene.ids[name])

    aspirin = want("medicine", name="阿司匹林", strength="100mg", amount="2盒")
    eggs = want("groceries", name="鸡蛋", amount="10个", due="today")

    over = task("over", "米文英", want("groceries", name="小米", amount="5斤"))
    for step in ("accept", "underway", "delivered"):
        studio.act(over[0], step, spent="28.00")
    scene.links["over"] = over[0]

    # In this order there is somebody to ask at any hour: who holds two tasks isn't asked.
    scene.links["offered"] = task(
        "offered", "卫兆麟", want("medicine", name="硝苯地平", amount="1盒", due="tomorrow")
    )[0]

    delivered = task("delivered", "李建国", eggs)[0]
    for step in ("accept", "underway", "delivered"):
        studio.act(delivered, step, spent="36.80")
    scene.links["delivered"] = delivered

    back = task("handed back", "高彩云", eggs)[0]
    studio.act(back, "accept")
    studio.act(back, "handback", reason="cant_make_it", said="车坏了")
    scene.links["handed back"] = back

    refused = task("urgent", "张玉梅", want("urgent", notes="洗手间漏水，地上很滑，一个人在家"))[0]
    studio.act(refused, "decline", reason="busy", said="两小时后可以")
    scene.links["declined"] = refused

    first, second, *_ = task("taken", "梁慧贞", want("urgent", notes="水管爆了"))
    studio.act(second, "accept")
    scene.links["taken"] = first

    yours = task("yours", "王秀兰", aspirin)[0]
    studio.act(yours, "accept")
    scene.links["yours"] = yours

    underway = task("underway", "周淑贤", aspirin)[0]
    for step in ("accept", "underway"):
        studio.act(underway, step)
    studio.act(underway, "later", seen="0")
    studio.act(underway, "problem", reason="not_well", said="头晕")
    scene.links["underway"] = underway

    call("remote", "姚炳文", want("other", notes="想找人帮忙在网上挂号"))
    _desk(studio, scene, operator)
    operator.context.close()
    _coordinators(studio, scene)
    _own_pages(studio, scene)
    time.sleep(1)
    return scene


def _desk(studio: Studio, scene: Scene, operator: Page) -> None:
    """What the desk keeps between calls."""
    for name, notes in (("李老师的女儿", "问能不能代取药"), ("", "打来两次，没说完就断了")):
        operator.goto("/hotline/calls")
        operator.fill("form.promise [name=phone]", "13935100009")
        operator.fill("form.promise [name=name]", name)
        operator.fill("form.promise [name=notes]", notes)
        operator.locator("form.promise button").click()
        operator.locator("[id^=call-]").first.wait_for()
    scene.ids["call"] = int((operator.locator("[id^=call-]").first.get_attribute("id") or "").split("-")[-1])
    operator.goto("/hotline/handover")
    operator.fill("form.tell textarea", "王秀兰老师明早要再打一次，她女儿上午在家。")
    operator.locator("form.tell button").click()
    operator.locator(".shift-notes li").first.wait_for()
    # A colleague is in the middle of a call, and this operator of another.
    colleague = studio.page("colleague", "zh", 1440)
    for page, retiree in ((colleague, "yours"), (operator, "delivered")):
        page.goto(f"/hotline/people/{scene.ids[f'{retiree}-retiree']}")
        want("groceries", name="牛奶", amount="2箱")(page)
        page.locator("#kept:not(:empty)").wait_for()
    colleague.goto("about:blank")
    colleague.context.close()
    operator.goto("/hotline")


def _coordinators(studio: Studio, scene: Scene) -> None:
    """One task is closed, and what somebody sees to is marked so."""
    page = studio.page("coordinator", "zh", 1440)
    page.goto(f"/board/tasks/{scene.ids['over']}")
    page.locator("#close > summary").click()
    page.locator("#close button").last.click()
    page.wait_for_load_state()
    page.context.close()


def _own_pages(studio: Studio, scene: Scene) -> None:
    """Volunteers who have asked for the link to their own page, at rest and not."""
    people = [person.phone for person in roster.build().volunteers if person.place_code == "wucheng"][:4]
    own, free, paused, stopped = (studio.own_page(phone) for phone in people)
    requests.post(f"{free}/free", data={"hours": "2"}, timeout=10).raise_for_status()
    requests.post(f"{paused}/pause", data={"until": "week"}, timeout=10).raise_for_status()
    studio.reply(people[3], "STOP")
    for words in ("路上堵车，晚一点", "到楼下了，没人应门"):
        studio.reply(people[0], words)
    studio.reply("+8615035100001", "您好，请问这是哪里？")
    scene.links |= {"own": own, "own free": free, "own paused": paused, "own stopped": stopped}
