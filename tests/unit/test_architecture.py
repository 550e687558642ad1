"""The shape holds: the rules are pure, dependencies point inward, jobs carry ids, GETs don't act."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

import tasks
from dispatcher import broker
from tasks import jobs

ROOT = Path(__file__).parents[2]

PURE_MAY_IMPORT = {
    "bisect", "collections", "dataclasses", "datetime", "enum", "functools", "heapq", "itertools", "math",
    "re", "typing", "unicodedata", "zoneinfo", "dispatcher.rules", "numpy", "opencc", "phonenumbers",
    "pypinyin",
}  # fmt: skip

MAY_NOT_IMPORT = {
    "dispatcher/rules": ["dispatcher.models", "dispatcher.services", "dispatcher.web", "tasks"],
    "dispatcher/models": ["dispatcher.services", "dispatcher.web", "dispatcher.sms", "tasks"],
    "dispatcher/sms": ["dispatcher.services", "dispatcher.models", "dispatcher.web", "tasks"],
    "dispatcher/services": ["dispatcher.web", "tasks", "celery"],
    "dispatcher/web": ["tasks", "celery"],
    "tasks": ["dispatcher.models", "dispatcher.rules", "dispatcher.web", "sqlalchemy"],
}


def _imports(folder: str) -> Iterator[tuple[str, str]]:
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files, folder
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                yield from ((file.name, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield file.name, node.module or ""
                yield from ((file.name, f"{node.module}.{alias.name}") for alias in node.names)


def _within(module: str, packages: set[str] | list[str]) -> bool:
    return any(module == p or module.startswith(p + ".") for p in packages)


@pytest.mark.parametrize("folder", ["dispatcher/rules", "dispatcher/simulation"])
def test_the_rules_and_their_simulation_import_nothing_but_what_is_pure(folder: str) -> None:
    pure = PURE_MAY_IMPORT | ({"dispatcher.simulation"} if folder.endswith("simulation") else set())
    outside = {(f, m) for f, m in _imports(folder) if not _within(m, pure)}
    assert not outside


def test_the_rules_know_nothing_of_numpys_lots() -> None:
    for file in (ROOT / "dispatcher/rules").glob("*.py"):
        assert "np.random" not in file.read_text(), file.name


@pytest.mark.parametrize("call", ["now", "utcnow", "today", "time", "random"])
def test_the_rules_read_no_clock_and_draw_no_lots(call: str) -> None:
    for file in (ROOT / "dispatcher/rules").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                receiver = ast.unparse(node.func.value)
                clock = receiver in {"datetime", "date", "time", "random"} and node.func.attr == call
                assert not clock, f"{file.name}: {ast.unparse(node)}"


@pytest.mark.parametrize("folder", MAY_NOT_IMPORT)
def test_dependencies_point_inward(folder: str) -> None:
    wrong = {(f, m) for f, m in _imports(folder) if _within(m, MAY_NOT_IMPORT[folder])}
    assert not wrong


@pytest.mark.parametrize("name", broker.ROUTES)
def test_jobs_take_ids_only(name: str) -> None:
    parameters = inspect.signature(getattr(jobs, name).run).parameters.values()
    assert all(p.annotation is int and p.name.endswith("_id") for p in parameters), name


def test_every_job_has_a_route_and_every_queue_a_worker() -> None:
    declared = {name for name in tasks.__all__ if name != "SCHEDULE"}
    assert declared == set(broker.ROUTES)
    assert set(broker.ROUTES.values()) == set(broker.QUEUES)
    table = (ROOT / "devtools/system.py").read_text() + (ROOT / "Procfile").read_text()
    for queue in broker.QUEUES:
        assert f'"-Q", "{queue}"' in table
        assert f"-Q {queue}" in table
    assert {entry["task"] for entry in tasks.SCHEDULE.values()} <= set(broker.ROUTES)
