"""Whoever looks after the running system sees each step of a call, in every process, under one id."""

import json
import subprocess
import sys
from typing import Any

import pytest
import requests
from sqlalchemy import select

from dispatcher.models import HelpRequest, Task
from tests.conftest import METRICS_TOKEN
from tests.world import World, eventually

pytestmark = pytest.mark.scenario

STEPS = {
    "web": {"saved", "receipt", "ended", "answered"},
    "dispatch": {"looked"},
    "sms": {"claimed", "sent"},
}


def _id_of(world: World, task_id: int) -> str:
    with world.reading() as session:
        query = select(HelpRequest.correlation_id).join(Task, Task.request_id == HelpRequest.id)
        return str(session.scalars(query.where(Task.id == task_id)).one())


def _lines(world: World, process: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in world.system.log(process).splitlines()]


def _steps(world: World, correlation: str) -> dict[str, set[str]]:
    """What each process logged under this id."""
    return {
        process: {
            line["message"]
            for line in _lines(world, process)
            if line["correlation"] == correlation and line["logger"] == "dispatcher.services.steps"
        }
        for process in STEPS
    }


def _figure(world: World, name: str) -> float:
    """The sum of a figure over all its labels."""
    answer = requests.get(
        f"{world.system.url}/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}, timeout=10
    )
    assert answer.status_code == 200, answer.text
    found = [line for line in answer.text.splitlines() if line.startswith((name + "{", name + " "))]
    return sum(float(line.rpartition(" ")[2]) for line in found)


def test_every_process_logs_a_call_under_its_id(world: World) -> None:
    elder, helper = world.retiree(), world.volunteer("李伟")
    counted = ("dispatcher_acceptance_seconds_count", "dispatcher_first_offer_seconds_count")
    before = {name: _figure(world, name) for name in counted}
    task, offer = world.held(elder, helper)
    correlation = _id_of(world, task)
    eventually(lambda: _steps(world, correlation) == STEPS, f"{STEPS} under {correlation}")
    for name in counted:
        eventually(lambda: _figure(world, name) == before[name] + 1, name)  # noqa: B023
    assert _figure(world, "dispatcher_worker_up") == 2
    assert requests.get(f"{world.system.url}/metrics", timeout=10).status_code == 401
    token = offer.link.rpartition("/")[2]
    private = (elder.name, helper.name, elder.phone.number, helper.phone.number, token, "阿司匹林", "高血压")
    for process in (*STEPS, "beat"):
        assert {line["process"] for line in _lines(world, process)} <= {process}
        for text in private:
            assert text not in world.system.log(process), f"{text} in the log of {process}"


@pytest.mark.timeout(180)
def test_a_call_whose_wake_ups_were_lost_keeps_its_id(world: World) -> None:
    elder, helper = world.retiree(), world.volunteer("李伟")
    world.system.stop_one("valkey")
    try:
        task = world.call(elder)
    finally:
        world.system.start_one("valkey")
    offer = helper.phone.expect("买药", patience_s=40)
    elder.phone.expect("记下了", patience_s=40)
    helper.tap(offer, "accept")
    helper.phone.expect(elder.name)
    elder.phone.expect(helper.name)
    correlation = _id_of(world, task)
    assert correlation
    eventually(lambda: _steps(world, correlation) == STEPS, f"{STEPS} under {correlation}")


def test_a_machine_without_a_web_server_shows_its_figures_too(world: World) -> None:
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "metrics", "serve", "--port", "0"]
    with subprocess.Popen(command, env=world.system.env, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().strip()
            assert requests.get(address, timeout=10).status_code == 401
            headers = {"Authorization": f"Bearer {METRICS_TOKEN}"}
            shown = requests.get(address, headers=headers, timeout=10).text
        finally:
            server.terminate()
    assert 'dispatcher_round_seconds_count{round="tick"}' in shown
    assert "dispatcher_database_up" not in shown, "what the database says is the web server's to show"
