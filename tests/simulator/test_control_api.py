"""JSON for scripts: phones, conversations, the feed of changes, labels and refusals."""

from __future__ import annotations

import json
import os
from urllib.parse import quote

import pytest
import requests

from tests.simulator.harness import FANG, HOTLINE, WEI, Harness, InThread, eventually


def test_a_conversation_has_both_sides_oldest_first(phones: Harness) -> None:
    sid = phones.send(body="请打开 https://example.org/t/a1?x=2。回复 1 接受，回复 0 拒绝。").sid
    phones.wait_for(sid, "delivered")
    phones.post(f"/api/phones/{WEI}/messages", {"body": "1"}, 201)
    asked, answered = phones.get(f"/api/phones/{WEI}/messages")
    assert (asked["direction"], answered["direction"]) == ("to_phone", "from_phone")
    assert asked["links"] == ["https://example.org/t/a1?x=2"]
    assert asked["reply_codes"] == ["1", "0"]
    assert (asked["to"], asked["from"], asked["number"]) == (WEI, HOTLINE, WEI)
    assert (answered["to"], answered["from"], answered["number"]) == (HOTLINE, WEI, WEI)
    assert asked["at"].endswith("Z")
    assert asked["seq"] < answered["seq"]


def test_phones_are_found_with_a_plus_written_either_way(phones: Harness) -> None:
    phones.send()
    for path in (WEI, quote(WEI), WEI[1:]):
        assert len(phones.get(f"/api/phones/{path}/messages")) == 1


def test_an_unknown_phone_has_no_messages_and_stays_unlisted(phones: Harness) -> None:
    assert phones.get(f"/api/phones/{FANG}/messages") == []
    assert phones.get("/api/phones") == []


def test_the_list_has_the_last_active_phone_first(phones: Harness) -> None:
    phones.send(WEI, "first")
    sid = phones.send(FANG, "second").sid
    phones.wait_for(sid, "delivered")
    phones.post(f"/api/phones/{FANG}", {"label": "方"})
    fang, wei = eventually(lambda: (found := phones.get("/api/phones"))[1]["unread"] == 1 and found)
    assert (fang["number"], fang["label"], fang["messages"], fang["unread"]) == (FANG, "方", 1, 1)
    assert fang["last_message"]["body"] == "second"
    assert wei["number"] == WEI
    assert not any(fang[name] for name in ("off", "unreachable", "landline", "opted_out"))
    assert phones.post(f"/api/phones/{FANG}", {"read": True})["unread"] == 0


def test_the_feed_gives_new_messages_in_order(phones: Harness) -> None:
    sids = [phones.send(number, "x").sid for number in (WEI, FANG, WEI)]
    whole = phones.get("/api/messages")
    assert [m["sid"] for m in whole["messages"]] == sids
    assert [m["seq"] for m in whole["messages"]] == [1, 2, 3]
    assert whole["last_seq"] == 3
    assert [m["sid"] for m in phones.get("/api/messages?since=2")["messages"]] == sids[2:]
    part = phones.get("/api/messages?since=0&limit=2")
    assert (len(part["messages"]), part["last_seq"], part["more"]) == (2, 2, True)


def test_the_feed_gives_changes_since_a_revision(phones: Harness) -> None:
    first = phones.send(WEI).sid
    eventually(lambda: len(phones.record(first)["callbacks"]) == 2)
    phones.send(FANG)
    revision = eventually(
        lambda: (
            (feed := phones.get("/api/messages"))
            and all(len(m["callbacks"]) == 2 for m in feed["messages"])
            and feed["rev"]
        )
    )
    assert phones.get(f"/api/messages?changed_since={revision}")["messages"] == []
    sid = phones.send(WEI, "new").sid
    phones.wait_for(sid, "delivered")
    changed = phones.get(f"/api/messages?changed_since={revision}")
    assert [m["sid"] for m in changed["messages"]] == [sid]
    assert changed["rev"] > revision


def test_reset_forgets_everything_but_keeps_counting_revisions(phones: Harness) -> None:
    phones.send()
    phones.control(hang_next=3)
    before = phones.get("/api/messages")["rev"]
    phones.post("/api/reset", {})
    feed = phones.get("/api/messages")
    assert (feed["messages"], feed["last_seq"]) == ([], 0)
    assert feed["rev"] > before
    assert phones.get("/api/phones") == []
    assert phones.get("/api/control")["hang_next"] == 0


def test_labels_are_read_again_when_the_file_changes(phones: Harness, running: InThread) -> None:
    path = running.server.simulator.settings.data_dir / "phone-labels.json"
    phones.send(FANG)
    try:
        path.write_text(json.dumps({WEI: {"label": "李伟 · 志愿者"}, "nonsense": {"label": "x"}}), "utf-8")
        listed = phones.get("/api/phones")
        assert [(p["number"], p["label"]) for p in listed] == [(FANG, ""), (WEI, "李伟 · 志愿者")]
        path.write_text(json.dumps({WEI: {"label": "新名字"}}), "utf-8")
        os.utime(path, (1, 1))
        assert phones.get(f"/api/phones/{WEI}")["label"] == "新名字"
    finally:
        path.unlink()
    assert phones.get(f"/api/phones/{WEI}")["label"] == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"api_latency_s": -1},
        {"api_latency_s": "1"},
        {"fail_rate": 1.5},
        {"fail_next": True},
        {"fail_next": {"m": 1}},
        {"callbacks_off": 1},
        {"landline_policy": "maybe"},
        {"callback_statuses": ["read"]},
        {"no_such_control": 1},
    ],
)
def test_controls_that_do_not_fit_are_refused_and_change_nothing(
    phones: Harness, changes: dict[str, object]
) -> None:
    before = phones.get("/api/control")
    assert phones.post("/api/control", {**changes, "hang_next": 9}, 400)["error"]
    assert phones.get("/api/control") == before


def test_null_takes_a_control_back(phones: Harness) -> None:
    phones.control(rate_limit_per_s=5, api_latency_s=1)
    assert phones.control(rate_limit_per_s=None, api_latency_s=None)["rate_limit_per_s"] is None
    assert phones.get("/api/control")["api_latency_s"] == 0
    phones.post(f"/api/phones/{WEI}", {"hang_next": 1})
    assert phones.post(f"/api/phones/{WEI}", {"hang_next": None})["controls"] == {}


@pytest.mark.parametrize(
    "changes", [{"off": "yes"}, {"label": 5}, {"label": "x" * 61}, {"jitter_s": 1}, {"colour": "red"}]
)
def test_switches_that_do_not_fit_are_refused(phones: Harness, changes: dict[str, object]) -> None:
    phones.post(f"/api/phones/{WEI}", changes, 400)


def test_an_impossible_phone_is_not_found(phones: Harness) -> None:
    assert phones.session.get(f"{phones.url}/api/phones/abc/messages", timeout=5).status_code == 404


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8001", "127.0.0.1.evil.example", "10.0.0.1"])
def test_foreign_host_names_are_refused(phones: Harness, host: str) -> None:
    for path in ("/api/phones", "/"):
        response = requests.get(phones.url + path, headers={"Host": host}, timeout=5)
        assert response.status_code == 403


@pytest.mark.parametrize("host", ["localhost", "localhost:8001", "127.0.0.1:8001", "[::1]:8001"])
def test_loopback_host_names_are_served(phones: Harness, host: str) -> None:
    assert requests.get(phones.url + "/api/phones", headers={"Host": host}, timeout=5).status_code == 200


def test_posts_that_are_not_json_are_refused(phones: Harness) -> None:
    for path in ("/api/reset", "/api/control", f"/api/phones/{WEI}/messages"):
        response = requests.post(phones.url + path, data={"body": "1"}, timeout=5)
        assert response.status_code == 415
    assert requests.post(phones.url + "/api/control", json=[1], timeout=5).status_code == 400
