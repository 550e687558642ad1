"""The whole system, started once for all scenarios as `make demo` starts it, and a world a test."""

import os
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest
import requests
from flask import Flask
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import sync_playwright
from werkzeug.security import check_password_hash, generate_password_hash

from devtools.gallery.studio import BROWSER, CHROMIUM_ARGS
from devtools.local import free_port
from devtools.system import System
from dispatcher import create_app
from dispatcher.database import db, transaction
from dispatcher.services import accounts, messaging, receipts
from tests.databases import Home, opened
from tests.world import Browser, World

# Shorter than life, so that a test needn't wait half an hour for an offer to expire. Medicine (soon)
# keeps its offers for minutes: most stories are about something else than expiry.
SETTINGS = """
live_cap = 5
daily_cap = 50
recheck_s = 1
[routine]
wave_max = 1
target = 0.5
look_ahead_s = 1.5
pause_s = 1.5
patience_s = 0
expiry_s = 2.5
rings_s = [0, 1.5, 3]
coordinator_s = 30
[soon]
wave_max = 2
target = 0.9
look_ahead_s = 60
pause_s = 60
patience_s = 0
expiry_s = 90
"""
PASSWORD = "correct horse battery"
METRICS_TOKEN = "for the figures of the scenarios"


@pytest.fixture(scope="session", autouse=True)
def _hashed_once() -> Iterator[None]:
    """One password is hashed once here: that is slow on purpose, and nearly all tests have staff."""
    with pytest.MonkeyPatch.context() as patch:
        for function in (generate_password_hash, check_password_hash):
            patch.setattr(f"dispatcher.services.accounts.{function.__name__}", cache(function))
        yield


@pytest.fixture
def no_company(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test does itself, it does alone: there is nobody to wait for."""
    for together in (messaging._claim, messaging._record, receipts.take_in):
        monkeypatch.setattr(together, "_linger_s", 0.0)


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Home]]:
    """Homes for databases by name, each opened when it is first asked for."""
    with ExitStack() as open_homes:

        @cache
        def home(name: str) -> Home:
            server = os.environ.get("TEST_DATABASE_URL", "")
            return open_homes.enter_context(opened(name, tmp_path_factory.mktemp(name), server))

        yield home


@pytest.hookimpl(wrapper=True)  # marked before pytest-xdist reads the marks, and sorted when all is done
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None]:
    """With several processes of pytest: which tests run in the same one, and what comes first.

    All that need the running system on a database stay together, for it is started once; of the others,
    those of a module on a database, so that whichever process is free takes some of them.
    """
    for item in items:
        chosen = _database(item)
        if chosen is not None and item.get_closest_marker("xdist_group") is None:
            whole = "system" in getattr(item, "fixturenames", ())
            item.add_marker(pytest.mark.xdist_group(chosen if whole else f"{item.path.stem}-{chosen}"))
    yield
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    """The long ones come first, or one process would be left with them at the end: before all the gallery
    (a scenario without a database of its own), which never waits. Of the others two would wait at once."""
    if item.get_closest_marker("scenario") is None:
        return 2
    return 0 if _database(item) is None else 1


def _database(item: pytest.Item) -> str | None:
    """The name of the database on which the test is to run, if it is to run on one of several."""
    callspec = getattr(item, "callspec", None)
    return None if callspec is None else callspec.params.get("database")


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, homes: Callable[[str], Home]) -> Home:
    """Each home for databases in turn: whatever uses it is tested on all of them."""
    return homes(request.param)


@pytest.fixture(scope="session")
def system(database: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    data_dir: Path = tmp_path_factory.mktemp("system")
    settings = data_dir / "dispatch.toml"
    settings.write_text(SETTINGS)
    running = System(
        data_dir,
        free_port(),
        free_port(),
        {
            "DATABASE_URL": database.create(),
            "QUIET_HOURS": "off",
            "UNDO_S": "0",
            "DISPATCH_SETTINGS": str(settings),
            "LOGIN_RATE": "1000 per minute",
            "LOG_FORMAT": "json",
            "METRICS_TOKEN": METRICS_TOKEN,
        },
        verbose=True,
    )
    running.prepare()
    running.start()
    try:
        running.wait_ready(60)
        yield running
    finally:
        running.stop()
        shutil.rmtree(data_dir)


@pytest.fixture(scope="session")
def app(system: System) -> Iterator[Flask]:
    """The product in this process too, on the same database: to set up people and to look inside."""
    with pytest.MonkeyPatch.context() as patch:
        # Only meanwhile: other systems that tests start would take over its addresses.
        for name, value in system.env.items():
            patch.setenv(name, value)
        app = create_app()
    with app.app_context(), transaction() as tx:
        accounts.add(tx, "op", "赵敏", "operator", PASSWORD)
        accounts.add(tx, "co", "钱宁", "coordinator", PASSWORD)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture(scope="session")
def operator(system: System, app: Flask) -> Browser:
    return Browser(system.url, "op", PASSWORD)


@pytest.fixture(scope="session")
def coordinator(system: System, app: Flask) -> Browser:
    return Browser(system.url, "co", PASSWORD)


@pytest.fixture
def world(system: System, app: Flask, operator: Browser, coordinator: Browser) -> Iterator[World]:
    """A test's own people; fails the test on any SMS to them that it didn't expect."""
    requests.post(f"{system.phones_url}/api/reset", json={}, timeout=10).raise_for_status()
    made = World(system, app, operator, coordinator)
    yield made
    made.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """One real Chromium for all tests; Playwright can be started only once in a process."""
    if BROWSER is None:
        pytest.skip("no Chromium: name one in BROWSER, or install it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=CHROMIUM_ARGS)
        yield browser
        browser.close()
