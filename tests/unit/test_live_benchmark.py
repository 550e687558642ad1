"""The arithmetic of the measurements on the live system."""

import json
import math
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devtools.benchmark.live import cpu, saves, throughput
from devtools.benchmark.live.__main__ import write
from devtools.benchmark.live.figures import Check, Spread, quantile, ratio

some = st.lists(st.floats(0, 1e6), min_size=1)


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, 50), (0.95, 95), (0.99, 99), (0.991, 100), (1.0, 100), (0.0, 1)]
)
def test_a_quantile_is_the_nearest_rank(share: float, expected: float) -> None:
    assert quantile([float(n) for n in range(1, 101)], share) == expected


@given(some)
def test_a_spread_is_in_order_and_made_of_its_values(values: list[float]) -> None:
    spread = Spread.of(values)
    assert spread.n == len(values)
    assert spread.p50 <= spread.p95 <= spread.p99 <= spread.most == max(values)
    assert {spread.p50, spread.p95, spread.p99} <= set(values)
    assert 2 * sum(value <= spread.p50 for value in values) >= len(values)


@given(some)
def test_the_order_of_the_values_is_of_no_account(values: list[float]) -> None:
    assert Spread.of(values) == Spread.of(reversed(values))


def test_nothing_has_no_quantiles() -> None:
    with pytest.raises(ValueError, match="nothing"):
        Spread.of([])


@pytest.mark.parametrize("yardstick", [0.0, -1.0])
def test_a_yardstick_has_a_length(yardstick: float) -> None:
    assert ratio(3, 2) == 1.5
    with pytest.raises(ValueError, match="yardstick"):
        ratio(1, yardstick)


@pytest.mark.parametrize(
    ("value", "most", "least", "met"),
    [(4, 4, None, True), (4.01, 4, None, False), (0.7, None, 0.7, True), (0.69, None, 0.7, False),
     (math.nan, 4, None, False), (math.nan, None, 0.7, False), (math.inf, 15, None, False)],
)  # fmt: skip
def test_a_verdict(value: float, most: float | None, least: float | None, met: bool) -> None:
    check = Check("a figure", value, "s", most, least)
    assert check.met is met
    assert ("MISSED" in check.line()) is not met
    assert json.loads(json.dumps(check.record(), allow_nan=False))["met"] is met


def test_each_part_judges_each_of_its_records() -> None:
    found = saves.checks(
        [{"at_once": 2, "setting": saves.ALONE, "ratio_p50": 3.0},
         {"at_once": 100, "setting": saves.ALL, "ratio_p50": 5.0}]
    )  # fmt: skip
    assert [check.met for check in found] == [True, False]
    found = throughput.checks([{"callbacks": "off", "share": 0.8}, {"callbacks": "on", "share": 0.2}])
    assert [check.met for check in found] == [True, False]


def test_a_part_measured_anew_leaves_the_others(tmp_path: Path) -> None:
    out = tmp_path / "build/bench.json"
    write(out, "sqlite", "saves", [{"n": 1}], [Check("a", 1, most=2)])
    write(out, "postgresql", "saves", [{"n": 2}], [])
    write(out, "sqlite", "board", [{"n": 3}], [])
    write(out, "sqlite", "saves", [{"n": 4}], [])
    live = json.loads(out.read_text())["live"]
    assert live["sqlite"]["saves"]["records"] == [{"n": 4}]
    assert live["postgresql"]["saves"]["records"] == [{"n": 2}]
    assert live["sqlite"]["board"]["records"] == [{"n": 3}]


def test_work_costs_cpu_seconds() -> None:
    before = cpu.used_s(os.getpid())
    sum(n * n for n in range(2_000_000))
    assert cpu.used_s(os.getpid()) > before
