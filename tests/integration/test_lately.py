"""What is kept for a moment in a large scheme, and found anew each time in a small one."""

from types import SimpleNamespace

import pytest
from flask import Flask

from dispatcher.services import lately


def test_of_few_rows_nothing_is_kept(app: Flask) -> None:
    found = iter((1, 2))
    with app.app_context():
        assert [lately.known("n", lambda: (next(found), lately.MANY - 1)) for _ in range(2)] == [1, 2]


def test_of_very_many_it_is_kept_for_a_moment(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    found = iter((1, 2))
    seen = []
    with app.app_context():
        for moment in (0.0, lately.KEPT_S - 0.1, lately.KEPT_S + 0.1):
            monkeypatch.setattr(lately, "time", SimpleNamespace(monotonic=lambda at=moment: at))
            seen.append(lately.known("n", lambda: (next(found), lately.MANY)))
    assert seen == [1, 1, 2]


def test_each_thing_and_each_app_keeps_its_own(app: Flask) -> None:
    with app.app_context():
        assert lately.known("one", lambda: ("a", lately.MANY)) == "a"
        assert lately.known("other", lambda: ("b", lately.MANY)) == "b"
    with Flask("another").app_context():
        assert lately.known("one", lambda: ("c", lately.MANY)) == "c"
