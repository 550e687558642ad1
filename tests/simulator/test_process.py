"""The simulator as a process: restart, orderly end, settings, and damage to its journal."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from devtools.local import free_port
from devtools.phones.config import ConfigError, Settings, from_environment
from devtools.phones.journal import Journal
from tests.simulator.harness import (
    ACCOUNT_SID,
    AUTH_TOKEN,
    FANG,
    WEI,
    Harness,
    InThread,
    WebhookReceiver,
    eventually,
    start_process,
)


def test_conversations_survive_a_restart(tmp_path: Path, receiver: WebhookReceiver) -> None:
    first = InThread(tmp_path, receiver)
    phones = Harness(first.url, receiver)
    phones.control(status_delay_s=0.05)
    sid = phones.send(body="留存 <b>").sid
    eventually(lambda: len(phones.record(sid)["callbacks"]) == 2)
    phones.post(f"/api/phones/{WEI}/messages", {"body": "STOP"}, 201)
    phones.post(f"/api/phones/{FANG}", {"off": True, "label": "方"})
    before = (phones.get("/api/messages"), phones.get("/api/phones"))
    first.stop()
    phones.close()

    second = InThread(tmp_path, receiver)
    phones = Harness(second.url, receiver)
    assert (phones.get("/api/messages"), phones.get("/api/phones")) == before
    assert phones.client.messages(sid).fetch().status == "delivered"
    assert phones.get(f"/api/phones/{WEI}")["opted_out"] is True
    second.stop()
    phones.close()


def test_messages_under_way_go_on_after_a_restart(tmp_path: Path, receiver: WebhookReceiver) -> None:
    first = InThread(tmp_path, receiver)
    phones = Harness(first.url, receiver)
    phones.control(status_delay_s=60)
    sid = phones.send().sid
    first.stop()
    phones.close()

    second = InThread(tmp_path, receiver)
    phones = Harness(second.url, receiver)
    eventually(lambda: len(phones.record(sid)["callbacks"]) == 2)
    assert receiver.statuses(sid) == ["sent", "delivered"]
    second.stop()
    phones.close()


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_the_process_ends_quickly_and_cleanly(
    tmp_path: Path, receiver: WebhookReceiver, ending: signal.Signals
) -> None:
    port = free_port()
    process = start_process(tmp_path, port, receiver.url + "/sms/inbound")
    phones = Harness(f"http://127.0.0.1:{port}", receiver)
    phones.send()
    process.send_signal(ending)
    assert process.wait(5) == 0
    phones.close()
    assert (tmp_path / "phones.jsonl").stat().st_size > 0


def test_without_an_account_it_does_not_start(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "devtools.phones", "--data", str(tmp_path)]
    done = subprocess.run(command, env={}, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 2
    assert "TWILIO_ACCOUNT_SID" in done.stderr


def test_settings_come_from_the_environment_and_the_command_line_wins(tmp_path: Path) -> None:
    env = {
        "PHONES_PORT": "8100",
        "DATA_DIR": "elsewhere",
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
    }
    assert from_environment(env, port=None, data_dir=None).port == 8100
    chosen = from_environment(env, port=8200, data_dir=str(tmp_path))
    assert (chosen.port, chosen.data_dir, chosen.inbound_url) == (8200, tmp_path, None)
    with pytest.raises(ConfigError, match="PHONES_PORT"):
        from_environment({**env, "PHONES_PORT": "x"}, port=None, data_dir=None)
    with pytest.raises(ConfigError, match="--data"):
        from_environment({}, port=1, data_dir=None)


def test_it_listens_on_loopback_only(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="loopback"):
        Settings(ACCOUNT_SID, AUTH_TOKEN, tmp_path, host="0.0.0.0")


def test_an_unfinished_last_line_of_the_journal_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    path.write_text('{"event":"a"}\nbroken\n{"event":"b"}\n{"event":"c', "utf-8")
    journal = Journal(path)
    assert [event["event"] for event in journal.replay()] == ["a", "b"]
    journal.append({"event": "d"})
    journal.close()
    assert [event["event"] for event in Journal(path).replay()] == ["a", "b", "d"]
