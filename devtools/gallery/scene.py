"""An evening of the hotline, lived through by its people: something in every state that pages can show."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from playwright.sync_api import Page

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
        before = studio.last()
        call(name, retiree, fill)
        return studio.offers(before)

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

    yours, *others = task("yours", "王秀兰", aspirin)
    studio.act(yours, "accept")
    scene.links |= {"yours": yours, "taken": (others or over)[0]}

    underway = task("underway", "周淑贤", aspirin)[0]
    for step in ("accept", "underway"):
        studio.act(underway, step)
    scene.links["underway"] = underway

    call("remote", "姚炳文", want("other", notes="想找人帮忙在网上挂号"))
    operator.context.close()
    time.sleep(1)
    return scene
