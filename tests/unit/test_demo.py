"""`make demo` and `make demo-reset`: what they refuse, and that a reset takes nothing but a demo's data."""

from __future__ import annotations

import fcntl
import json
import socket
from pathlib import Path

import pytest

from devtools import demo
from devtools.system import System, SystemFailed, read_or_make_secrets


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "data"
    path.mkdir()
    monkeypatch.setenv("DATA_DIR", str(path))
    monkeypatch.delenv("BIND", raising=False)
    return path


def refusal(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    """Run the demo's program where it must refuse; return the one line that it says."""
    assert demo.main(argv if not argv else list(argv)) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    return lines[0]


def test_a_reset_removes_what_a_demo_made_and_nothing_else(
    data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("demo.lock", "dispatcher.db", "dispatcher.db-wal", "secret.json", "beat-schedule.db"):
        (data_dir / name).touch()
    for name in ("logs/web.log", "valkey/appendonlydir/appendonly.aof.manifest", "mine/logs/web.log"):
        (data_dir / name).parent.mkdir(parents=True, exist_ok=True)
        (data_dir / name).touch()
    (data_dir / "notes.txt").touch()
    assert demo.main(["reset"]) == 0
    assert sorted(str(path.relative_to(data_dir)) for path in data_dir.rglob("*") if path.is_file()) == [
        "mine/logs/web.log",
        "notes.txt",
    ]
    assert not (data_dir / "valkey").exists()
    assert "mine, notes.txt" in capsys.readouterr().out


def test_a_reset_does_not_touch_what_no_demo_made(data_dir: Path) -> None:
    (data_dir / "dispatcher.db").write_text("real")
    assert demo.main(["reset"]) == 0
    assert (data_dir / "dispatcher.db").read_text() == "real"


def test_a_demo_does_not_run_on_a_database_of_others(
    data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data_dir / "dispatcher.db").touch()
    assert "holds a database that no demo made" in refusal(capsys)
    assert not (data_dir / "demo.lock").exists()


@pytest.mark.parametrize("argv", [(), ("reset",)], ids=["demo", "reset"])
def test_only_one_demo_at_a_time_works_on_the_same_data(
    data_dir: Path, capsys: pytest.CaptureFixture[str], argv: tuple[str, ...]
) -> None:
    with open(data_dir / "demo.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "a demo is running on" in refusal(capsys, *argv)


@pytest.mark.parametrize("name", ["PORT", "PHONES_PORT"])
def test_a_busy_port_is_named_and_another_suggested(
    data_dir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with socket.socket() as taken, socket.socket() as free:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        free.bind(("127.0.0.1", 0))
        ports = {"PORT": str(free.getsockname()[1]), "PHONES_PORT": str(free.getsockname()[1])}
        ports[name] = str(taken.getsockname()[1])
        free.close()
        for variable, port in ports.items():
            monkeypatch.setenv(variable, port)
        line = refusal(capsys)
    assert f"port {ports[name]}" in line
    assert "is in use" in line
    assert f"make demo {name}=" in line


def test_a_port_that_is_no_number_is_refused(
    data_dir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", "eighty")
    assert "PORT must be a number" in refusal(capsys)


def test_the_banner_names_every_account(data_dir: Path) -> None:
    accounts = [{"role": "admin", "username": "li", "password": "s3cret"}]
    (data_dir / "demo-accounts.json").write_text(json.dumps(accounts))
    text = demo.banner(
        "http://127.0.0.1:8000", "http://127.0.0.1:8001", demo.read_accounts(data_dir), data_dir
    )
    assert "admin   li   s3cret" in text
    assert "http://127.0.0.1:8001/" in text


def test_secrets_are_made_once_and_kept_private(tmp_path: Path) -> None:
    path = tmp_path / "secret.json"
    made = read_or_make_secrets(path)
    assert read_or_make_secrets(path) == made
    assert path.stat().st_mode & 0o777 == 0o600
    assert made["TWILIO_ACCOUNT_SID"].startswith("AC")
    assert len(made["TWILIO_ACCOUNT_SID"]) == 34
    path.write_text("{")
    with pytest.raises(SystemFailed, match="is damaged"):
        read_or_make_secrets(path)


def test_a_socket_path_that_would_be_too_long_is_moved_and_cleaned_up(tmp_path: Path) -> None:
    near = System(tmp_path / "d", 8000, 8001)
    assert len(str(near.socket_path)) < 100
    far = System(tmp_path / ("x" * 100), 8000, 8001)
    assert len(str(far.socket_path)) < 100
    assert far.socket_path.parent.stat().st_mode & 0o777 == 0o700
    far.stop()
    near.stop()
    assert not far.socket_path.parent.exists()
