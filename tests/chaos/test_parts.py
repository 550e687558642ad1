"""The tools of a storm that could mislead it: plans, the clock, the reading of SMS, the figures."""

import subprocess
import sys
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from devtools.chaos.faults import FAULTS
from devtools.chaos.public import ALL_WELL, OFFER, YOURS, found
from devtools.chaos.report import recoveries
from devtools.chaos.run import spread
from devtools.chaos.skewed import step
from devtools.chaos.storms import STORMS, plan
from devtools.phones.bodies import reply_codes
from devtools.system import ROOT, System
from dispatcher.sms import texts


def test_every_fault_is_in_a_storm() -> None:
    assert {kind for storm in STORMS.values() for kind in storm.kinds} == set(FAULTS)


@pytest.mark.parametrize("name", STORMS)
def test_a_plan_keeps_within_its_time_and_its_lanes_do_not_overlap(name: str) -> None:
    planned = plan(STORMS[name], 5, 84, "postgresql")
    for lane in range(STORMS[name].lanes):
        own = [one for one in planned if one.lane == lane]
        assert own
        assert own[-1].at + own[-1].seconds <= 84.1
        assert all(one.at + one.seconds <= after.at + 0.02 for one, after in pairwise(own))


def test_what_breaks_when_follows_from_the_seed() -> None:
    storm = STORMS["database"]
    once, again = (plan(storm, 727, 120, "postgresql") for _ in range(2))
    assert once == again
    assert once != plan(storm, 728, 120, "postgresql")
    on_sqlite = {one.kind for one in plan(storm, 727, 120, "sqlite")}
    assert {one.kind for one in once} | on_sqlite == set(storm.kinds)
    assert "database-connections-cut" in {one.kind for one in once} - on_sqlite


def test_only_the_clock_of_the_process_named_is_put_off_while_it_runs(tmp_path: Path) -> None:
    (tmp_path / "ask.py").write_text(
        "from dispatcher.services.messaging import utcnow\n"
        "for _ in range(2): print(utcnow().isoformat(), flush=True); input()\n"
    )
    asked = {
        name: subprocess.Popen(
            [sys.executable, "-m", "devtools.chaos.skewed", name, "ask"],
            cwd=ROOT, env={"DATA_DIR": str(tmp_path), "PYTHONPATH": str(tmp_path)},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for name in ("web", "sms")
    }  # fmt: skip

    def ahead_s(name: str) -> float:
        output = asked[name].stdout
        assert output is not None
        return (datetime.fromisoformat(output.readline().strip()) - datetime.now(UTC)).total_seconds()

    assert max(abs(ahead_s(name)) for name in asked) < 60
    step(tmp_path, "web", 600)
    for process in asked.values():
        print(file=process.stdin, flush=True)
    assert abs(ahead_s("web") - 600) < 60
    assert abs(ahead_s("sms")) < 60
    for process in asked.values():
        process.communicate("\n")


def test_a_clock_may_be_put_off_before_its_process_starts(tmp_path: Path) -> None:
    step(tmp_path, "web", -30)
    (tmp_path / "ask.py").write_text("from dispatcher import clock\nprint(clock.utcnow().isoformat())")
    said = subprocess.run(
        [sys.executable, "-m", "devtools.chaos.skewed", "web", "ask"],
        cwd=ROOT, env={"DATA_DIR": str(tmp_path), "PYTHONPATH": str(tmp_path)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert -90 < (datetime.fromisoformat(said.stdout.strip()) - datetime.now(UTC)).total_seconds() < -29


@pytest.mark.parametrize("language", ["zh", "en"])
def test_people_read_what_the_product_writes(language: str) -> None:
    catalogue = texts.catalogue(language)["sms"]
    filled = dict.fromkeys(("mark", "campus", "area", "category", "due", "name", "address", "phone"), "x ")
    filled |= dict.fromkeys(("danger", "needs", "asked", "errand", "right", "wrong", "thanks", "what"), "x ")
    filled |= {"greeting": "g", "volunteer": "v", "ended": "e", "code": "c", "hotline": "h", "does": "d"}
    filled |= {"link": "http://127.0.0.1:8000/o/abcDEF234567", "yes": "31", "no": "30"}
    filled |= {"go": "32", "done": "33", "back": "30", "well": "1", "problem": "2"}

    def read(pattern: object, kind: str) -> dict[str, str] | None:
        return found(pattern, catalogue[kind].format(**filled))  # type: ignore[arg-type]

    assert read(OFFER, "offer") == {"link": filled["link"], "yes": "31", "no": "30"}
    assert read(YOURS, "assigned") == {"link": filled["link"], "go": "32", "done": "33", "back": "30"}
    by_hand = read(YOURS, "assigned_by_hand")
    assert by_hand == {"link": filled["link"], "go": "32", "done": "33", "back": "30"}
    assert read(ALL_WELL, "delivered") == {"well": "1", "problem": "2"}
    for kind, codes in (("offer", ["31", "30"]), ("assigned", ["32", "33", "30"]), ("delivered", ["1", "2"])):
        assert reply_codes(catalogue[kind].format(**filled)) == codes, "what the demo's phones suggest"
    for kind in ("taken", "coming", "received", "noted"):
        others = filled | {"categories": "x", "step": "y"}
        assert not any(
            found(pattern, catalogue[kind].format(**others)) for pattern in (OFFER, YOURS, ALL_WELL)
        )


def test_the_spread_says_how_often_it_never_came() -> None:
    assert spread([None]) == {"p50": None, "p95": None, "max": None, "n": 0, "not_seen": 1}
    assert spread([2.0, None, 4.0]) == {"p50": 3.0, "p95": 3.9, "max": 4.0, "n": 2, "not_seen": 1}


def test_copies_are_processes_of_their_own_names(tmp_path: Path) -> None:
    system = System(tmp_path, 1, 2, copies=2)
    system.stop()
    workers = ["dispatch", "dispatch-2", "sms", "sms-2", "beat", "beat-2"]
    assert system.supervisor.names == ["valkey", "phones", "web", *workers]


def test_recoveries_after_one_fault_are_told_apart_from_those_after_two() -> None:
    told = recoveries(
        [
            {"storm": "processes", "recoveries": {"beat-killed": [1.0, 3.0], "web-killed": [None]}},
            {"storm": "everything", "recoveries": {"beat-killed": [9.0]}},
            {"storm": "disk", "skipped": "not here"},
            {"storm": "broker", "stopped": "its process ended"},
        ]
    )
    lines = [line.split() for line in told.splitlines() if line]
    assert lines[1:4] == [
        ["beat-killed", "2.0", "2.9", "3.0", "2", "0"],
        ["web-killed", "–", "–", "–", "0", "1"],
        ["all", "of", "these", "2.0", "2.9", "3.0", "2", "1"],
    ]
    assert lines[5] == ["beat-killed", "9.0", "9.0", "9.0", "1", "0"]
