"""The office's own wording: single texts are overridden, and nothing in the file can stop an SMS."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher.sms import office_texts, samples, texts
from dispatcher.sms.office_texts import Problem

RECEIVED = "{greeting}，您要的{categories}记下了。热线{hotline}"


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = texts._catalogue
    monkeypatch.setattr(texts, "_signatures", {})
    yield
    texts.use(before)


def _said(kind: str = "received", language: str = "zh") -> str:
    return texts.render(kind, language, samples.usual(kind, language), samples.NOW, samples.ZONE)


def _write(path: Path, content: str) -> None:
    """Write it a moment later than before, however coarse the clock of the file system is."""
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(content, encoding="utf-8")
    stamp = max(path.stat().st_mtime_ns, before + 1_000_000)
    os.utime(path, ns=(stamp, stamp))


def test_single_texts_are_overridden_and_changes_are_seen_at_once(tmp_path: Path) -> None:
    path = tmp_path / "texts.toml"
    found = office_texts.follow(path)
    before, taken = _said(), _said("taken")
    assert not found.reading().there

    _write(path, f'[zh.sms]\nreceived = "{RECEIVED}"\n[zh.words]\nmedicine = "代买药"\n')
    assert _said() == "王老师，您要的药品、生活用品记下了。热线0351-7010000"
    assert "代买药这件事" in _said("taken")
    assert found.reading().changed == {("zh", "sms", "received"), ("zh", "words", "medicine")}
    assert _said(language="en").startswith("Ms Wang")

    _write(path, f'\ufeff[zh.sms]\nreceived = "{RECEIVED}！"\n')
    assert _said().endswith("0351-7010000！")
    assert _said("taken") == taken
    path.unlink()
    assert _said() == before


@pytest.mark.parametrize(
    ("content", "problems"),
    [
        ('[zh.sms]\nreceivd = "{greeting}"', [Problem("zh.sms.receivd", "unknown_entry")]),
        ('[zh.sms]\nreceived = "{greeting}好，{hotline}"',
         [Problem("zh.sms.received", "missing_names", "{categories}")]),
        ('[en.say]\nreceived = "{greeting} {categories} {hotline}"',
         [Problem("en.say.received", "unknown_names", "{hotline}")]),
        ('[zh.sms]\nreceived = "{greeting}{categories}{hotline"',
         [Problem("zh.sms.received", "braces", "expected '}' before end of string")]),
        ('[zh.sms]\nreceived = "{greeting.__class__}{categories}{hotline}"',
         [Problem("zh.sms.received", "braces", "greeting.__class__")]),
        ('[zh.sms]\nreceived = "{greeting:>9999999}{categories}{hotline}"',
         [Problem("zh.sms.received", "braces", "greeting")]),
        ('[zh.sms]\nreceived = "{}{categories}{hotline}"', [Problem("zh.sms.received", "braces", "")]),
        ("[zh.sms]\nreceived = 3", [Problem("zh.sms.received", "not_text")]),
        ('[zh.sms]\nreceived = " "', [Problem("zh.sms.received", "empty")]),
        ('[zh.words]\nmedicine = ""', [Problem("zh.words.medicine", "empty")]),
        ('[zh.words]\nsoon_mark = ""', []),
        (f'[zh.sms]\nreceived = "{{greeting}}{{categories}}{{hotline}}{"长" * 100}"',
         [Problem("zh.sms.received", "too_long", "3")]),
        (f'[zh.sms]\nreceived = "{"长" * 700}"', [Problem("zh.sms.received", "too_many_characters", "600")]),
        # It is part of texts that would get too long by it.
        (f'[zh.words]\nno_due_soon = "尽快"\nyour_medicine = "{"药" * 110}"',
         [Problem("zh.words.your_medicine", "too_long", "3")]),
        ('[zh.sms]\nchanged_volunteer = "{name}{errand}{what}{link}。"',
         [Problem("zh.sms.changed_volunteer", "link_touches")]),
        ('[zh.sms]\nreceived = "【急】{greeting}{categories}{hotline}"',
         [Problem("zh.sms.received", "signature")]),
        ('[de.sms]\nreceived = "ja"\n[zh.smses]\n', [Problem("de", "unknown_table"),
                                                     Problem("zh.smses", "unknown_table")]),
        ('zh = 1\n', [Problem("zh", "unknown_table")]),
        ('[zh]\nsms = "all"\n', [Problem("zh.sms", "unknown_table")]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_left_out_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: str, problems: list[Problem]
) -> None:
    before = _said()
    path = tmp_path / "texts.toml"
    path.write_text(content, encoding="utf-8")
    with caplog.at_level(logging.WARNING, "dispatcher.sms.office_texts"):
        found = office_texts.follow(path)
        assert _said() == before
        assert list(found.reading().problems) == problems
    assert len(caplog.records) == len(problems)  # once, not at every SMS


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"[zh.sms", "not_toml"), (b"\xff\xfe\x00", "not_toml"), (b"#" * 300_000, "unreadable")],
)
def test_a_file_that_cant_be_read_changes_nothing(tmp_path: Path, content: bytes, code: str) -> None:
    before = _said()
    path = tmp_path / "texts.toml"
    path.write_bytes(content)
    found = office_texts.follow(path)
    assert _said() == before
    assert [problem.code for problem in found.reading().problems] == [code]


def test_a_folder_in_its_place_changes_nothing(tmp_path: Path) -> None:
    found = office_texts.follow(tmp_path)
    assert _said()
    assert [problem.code for problem in found.reading().problems] == ["unreadable"]


def test_one_wrong_text_takes_no_other_with_it(tmp_path: Path) -> None:
    path = tmp_path / "texts.toml"
    path.write_text(f'[zh.sms]\ncoming = "?"\nreceived = "{RECEIVED}"\n', encoding="utf-8")
    found = office_texts.follow(path)
    assert "记下了。热线" in _said()
    assert "先问暗号" in _said("coming")
    assert found.reading().changed == {("zh", "sms", "received")}


def test_every_text_of_the_program_passes_its_own_check() -> None:
    for language in texts.LANGUAGES:
        tables = texts.built_in(language)
        for table, entries in tables.items():
            for name, text in entries.items():
                assert office_texts.check(language, table, name, text, tables) == [], name
