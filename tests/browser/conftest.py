"""Real Chromium in front of the running system."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page

from devtools.gallery.studio import BROWSER, CHROMIUM_ARGS, LOCALES, Logins
from devtools.system import System
from tests.conftest import PASSWORD
from tests.world import World


def logged_out_elsewhere(page: Page) -> Page:
    """Another tab, in which the person of `page` has just logged out."""
    other = page.context.new_page()
    other.goto("/hotline/mine")
    other.locator("form[action='/logout'] button").click()
    other.wait_for_url(lambda url: "/login" in url)
    return other


def kill_browser(folder: Path) -> None:
    """Kill the browser whose profile is in `folder`, as the machine's power would."""
    ours = [p for p in psutil.process_iter() if f"--user-data-dir={folder}" in " ".join(_command(p))]
    assert ours
    for process in ours:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


class Windows:
    """Browser windows of one test; a script error or a refused script or style fails the test."""

    def __init__(self, chromium: Chromium, world: World, logins: Logins) -> None:
        self._chromium, self._world, self._logins = chromium, world, logins
        self.trouble: list[str] = []

    def open(self, language: str = "zh", width: int = 1440, dark: bool = False, touch: bool = False) -> Page:
        """An empty window."""
        context = self._chromium.new_context(
            locale=LOCALES[language],
            viewport={"width": width, "height": 844 if width < 600 else 900},
            color_scheme="dark" if dark else "light",
            has_touch=touch,
            is_mobile=touch,
            base_url=self._world.system.url,
        )
        page = context.new_page()
        self._listen(page)
        return page

    @contextmanager
    def of_their_own(self, folder: Path) -> Iterator[Page]:
        """A browser of its own, its profile in `folder`, that may be killed meanwhile."""
        context = self._chromium.browser_type.launch_persistent_context(
            folder, executable_path=BROWSER, args=CHROMIUM_ARGS, locale=LOCALES["zh"],
            viewport={"width": 1440, "height": 900}, base_url=self._world.system.url,
        )  # fmt: skip
        self._listen(context.pages[0])
        yield context.pages[0]
        with suppress(PlaywrightError):  # killed
            context.close()

    def _listen(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.trouble.append(str(error)))
        page.on(
            "console",
            lambda line: (
                self.trouble.append(line.text)
                if "Content Security Policy" in line.text or "Content-Security-Policy" in line.text
                else None
            ),
        )

    def staff(self, username: str, language: str = "zh", width: int = 1440, dark: bool = False) -> Page:
        """An empty window in which somebody has logged in."""
        page = self.open(language, width, dark)
        self._logins.enter(page, username, PASSWORD)
        return page

    def close(self) -> None:
        for context in self._chromium.contexts:
            context.close()


@pytest.fixture(scope="session")
def logins(system: System) -> Logins:
    return Logins()


@pytest.fixture
def windows(chromium: Chromium, world: World, logins: Logins) -> Iterator[Windows]:
    made = Windows(chromium, world, logins)
    yield made
    made.close()
    assert made.trouble == []
