"""Every page in every state, in both languages, light and dark, on a phone and at a desk: nothing that axe
can find is in anybody's way, and nothing is wider than its window, not even a very narrow one."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page

from devtools.gallery.scene import Scene, evening
from devtools.gallery.states import FACES, State, states
from devtools.gallery.studio import WIDTHS, Studio, running

# In one process of pytest, where the evening is lived through once.
pytestmark = [pytest.mark.scenario, pytest.mark.browser, pytest.mark.xdist_group("gallery")]

NARROWEST = 320
AXE = Axe().axe_script
ALL: dict[str, Any] = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
"""All rules, with the one of WCAG 2.2 that must be asked for."""

COLOURS: dict[str, Any] = {"resultTypes": ["violations"], "runOnly": ["color-contrast", "link-in-text-block"]}
"""The rules that depend on the theme; all others have looked at the same page before."""

UNDER_NOTHING = """document.querySelector("#several")?.style.setProperty("position", "static")"""
"""A bar that stays in the window covers what can be scrolled from under it; axe would count that as small."""

LOOK = """options => axe.run(options).then(({ violations }) =>
  violations.map(({ id, help, nodes }) => `${id}: ${help} ${nodes.slice(0, 3).map(one => one.target)}`))"""


@pytest.fixture(scope="module")
def gallery(chromium: Chromium, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Studio, Scene]]:
    with running(tmp_path_factory.mktemp("gallery")) as system:
        studio = Studio(system, chromium)
        yield studio, evening(studio)


@pytest.mark.timeout(300)  # many pages, and the first has the evening before it
@pytest.mark.parametrize(("language", "width"), [("zh", 390), ("en", 1440)])
@pytest.mark.parametrize("face", FACES)
def test_every_state_is_for_everybody(
    gallery: tuple[Studio, Scene], face: str, language: str, width: int
) -> None:
    studio, scene = gallery
    every = [state for state in states(studio, scene) if state.face == face]
    assert every
    trouble: list[str] = []
    for who in dict.fromkeys(state.who for state in every):
        page = studio.page(who, language, width)
        _listen(page, trouble)
        for state in (one for one in every if one.who == who):
            trouble += _trouble(page, state, language, width)
        page.context.close()
    assert not trouble, "\n".join(trouble)


def _listen(page: Page, trouble: list[str]) -> None:
    """Scripts that fail, and what the policy of the pages refuses."""
    page.on("pageerror", lambda error: trouble.append(f"script: {error}"))
    page.on("console", lambda line: trouble.append(line.text) if "Content Security" in line.text else None)


def _trouble(page: Page, state: State, language: str, width: int) -> Iterator[str]:
    page.set_viewport_size({"width": width, "height": WIDTHS[width]})
    page.emulate_media(color_scheme="light")
    state.open(page, language)
    page.evaluate(AXE)
    page.evaluate(UNDER_NOTHING)
    yield from _violations(page, state, "light", ALL)
    page.emulate_media(color_scheme="dark")
    yield from _violations(page, state, "dark", COLOURS)
    for narrow in (width, NARROWEST):
        page.set_viewport_size({"width": narrow, "height": WIDTHS[width]})
        wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wider > 0:
            yield f"{state.face} {state.name}, {language}: {wider} px wider than a window of {narrow}"


def _violations(page: Page, state: State, theme: str, options: dict[str, Any]) -> Iterator[str]:
    for found in page.evaluate(LOOK, options):
        yield f"{state.face} {state.name}, {theme}: {found}"
