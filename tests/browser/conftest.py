"""Real Chromium in front of the running system."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page

from devtools.gallery.studio import CHROMIUM_ARGS, LOCALES
from tests.conftest import BROWSER, PASSWORD
from tests.world import World


def on(database: str) -> pytest.MarkDecorator:
    """A mark for tests of pages: they run on this database only. A page can't tell which is behind it, and
    what it asks for is tested on both elsewhere."""
    return pytest.mark.parametrize("database", [database], indirect=True, scope="session")


def log_in(page: Page, username: str) -> None:
    """Log in as somebody."""
    page.goto("/login")
    page.fill("[name=username]", username)
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url(lambda url: "/login" not in url)


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

    def __init__(self, chromium: Chromium, world: World) -> None:
        self._chromium, self._world = chromium, world
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
        """A window in which somebody has logged in."""
        page = self.open(language, width, dark)
        log_in(page, username)
        return page

    def close(self) -> None:
        for context in self._chromium.contexts:
            context.close()


@pytest.fixture
def windows(chromium: Chromium, world: World) -> Iterator[Windows]:
    made = Windows(chromium, world)
    yield made
    made.close()
    assert made.trouble == []
