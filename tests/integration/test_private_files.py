"""Who on the machine can read what we keep: nobody but the user that the system runs as."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from devtools.local import free_port
from devtools.system import ROOT, System
from dispatcher import private

OPEN = 0o022
"""The umask that most users have."""


def flask(folder: Path, *words: str, umask: int = OPEN) -> subprocess.CompletedProcess[str]:
    env = {
        "SECRET_KEY": "integration tests only", "DATA_DIR": str(folder), "PATH": os.environ["PATH"],
        "REDIS_URL": "unix:///nowhere/there-is-no-broker.sock", "METRICS_TOKEN": "of the tests",
        "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics"),
    }  # fmt: skip
    return subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", *words], cwd=ROOT, env=env, umask=umask,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def open_to_others(folder: Path) -> list[str]:
    """What others can read or write, beginning with the folder itself."""
    return [
        f"{path.relative_to(folder)} {stat.S_IMODE(path.lstat().st_mode):o}"
        for path in (folder, *sorted(folder.rglob("*")))
        if not path.is_symlink() and path.lstat().st_mode & 0o066
    ]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder as `mkdir` makes it."""
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "metrics").mkdir()
    (folder / "metrics").chmod(0o755)
    return folder


def test_a_new_database_its_side_files_and_its_folder_are_private(data: Path) -> None:
    done = flask(data, "db", "upgrade")
    assert done.returncode == 0, done.stderr
    assert (data / "dispatcher.db").exists()
    assert open_to_others(data) == []
    # While it is open there are side files.
    program = (
        "import wsgi, os, sys; from dispatcher.database import db; ctx = wsgi.app.app_context(); ctx.push(); "
        "db.session.connection().exec_driver_sql('SELECT 1 FROM staff').all(); "
        "print(sorted(os.listdir(os.environ['DATA_DIR'])), "
        "[oct(os.stat(os.path.join(os.environ['DATA_DIR'], n)).st_mode & 0o66) "
        "for n in os.listdir(os.environ['DATA_DIR'])])"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, umask=OPEN, capture_output=True, text=True, check=True,
        env={"SECRET_KEY": "integration tests only", "DATA_DIR": str(data)},
    ).stdout  # fmt: skip
    assert "dispatcher.db-wal" in said
    assert "dispatcher.db-shm" in said
    assert said.count("'0o0'") == said.count("0o")


def test_what_an_earlier_version_left_open_is_closed_and_said_once(data: Path) -> None:
    assert flask(data, "db", "upgrade").returncode == 0
    data.chmod(0o755)
    for name in ("dispatcher.db", "dispatcher.db-wal", "dispatcher.db-shm"):
        (data / name).touch()
        (data / name).chmod(0o644)
    first, second = flask(data, "db", "current"), flask(data, "db", "current")
    assert first.returncode == second.returncode == 0
    assert "could read" in first.stderr
    assert "could read" not in second.stderr
    assert open_to_others(data) == []


def test_a_folder_that_is_meant_for_all_is_left_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for mode in (0o1777, 0o777):
        tmp_path.chmod(mode)
        private.tighten([tmp_path], "sqlite://")
        assert stat.S_IMODE(tmp_path.stat().st_mode) == mode
    assert caplog.text.count("please change that") == 2
    tmp_path.chmod(0o711)  # passed through by a server of another user; nothing can be listed
    private.tighten([tmp_path, tmp_path / "nowhere"], "no address")
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o711


def test_a_backup_is_whole_and_private(data: Path, tmp_path: Path) -> None:
    assert flask(data, "db", "upgrade").returncode == 0
    target = tmp_path / "backup.db"
    done = flask(data, "backup", str(target))
    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["backup.db"]
    restored = tmp_path / "restored"
    (restored / "metrics").mkdir(parents=True)
    target.rename(restored / "dispatcher.db")
    assert "head" in flask(restored, "db", "current").stdout
    again = flask(data, "backup", str(restored / "dispatcher.db"))
    assert again.returncode == 1
    assert "already" in again.stderr
    nowhere = flask(data, "backup", str(tmp_path / "nowhere" / "b.db"))
    assert nowhere.returncode == 1
    assert "Traceback" not in nowhere.stderr


@pytest.mark.scenario
def test_the_whole_system_keeps_its_files_to_itself(tmp_path: Path) -> None:
    before = os.umask(OPEN)
    try:
        data = tmp_path / "data"
        data.mkdir()
        data.chmod(0o755)
        system = System(data, free_port(), free_port(), {"METRICS_TOKEN": "of the tests"})
        system.prepare()
        with system:
            found = open_to_others(data)
        assert found == []
        assert open_to_others(data) == []
    finally:
        os.umask(before)
