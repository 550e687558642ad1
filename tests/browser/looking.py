"""What every page must be, in every state: usable by everybody, and no wider than its window."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def check(page: Page, name: str) -> None:
    """No WCAG violation that axe can find, and nothing wider than the window."""
    found = Axe().run(page)
    lines = [
        f"{v['id']}: {v['help']} {[n['target'] for n in v['nodes']][:3]}"
        for v in found.response["violations"]
    ]
    assert not lines, f"{name}: {lines}"
    assert_fits(page, name)


def assert_fits(page: Page, name: str) -> None:
    """Nobody has to scroll sideways."""
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wider <= 0, f"{name} is {wider} px wider than its window"
