"""The policy's figures: what may be changed, what is refused, and that the documentation says them."""

from dataclasses import fields
from datetime import time
from pathlib import Path
from typing import Any

import pytest

from dispatcher.rules.availability import QuietHours
from dispatcher.rules.settings import (
    DispatchSettings,
    Learning,
    Pace,
    Price,
    check,
    parse_quiet_hours,
    with_overrides,
)

ROOT = Path(__file__).parents[2]
SETTINGS = DispatchSettings()


def test_settings_can_be_overridden_and_misspelt_ones_are_refused() -> None:
    changed = with_overrides(SETTINGS, {"daily_cap": 6, "soon": {"wave_max": 3, "rings_s": [0, 1, 2]}})
    assert (changed.daily_cap, changed.soon.wave_max, changed.soon.rings_s) == (6, 3, (0, 1, 2))
    assert changed.urgent == SETTINGS.urgent
    assert with_overrides(SETTINGS, {"price": {"load": 9.0}}).price.load == 9.0
    for wrong in ({"dayly_cap": 6}, {"quiet": 1}, {"soon": {"wafe": 3}}, {"price": {"laod": 1}}):
        with pytest.raises(ValueError, match="unknown dispatch setting"):
            with_overrides(SETTINGS, wrong)
    with pytest.raises(ValueError, match="not a value: price"):
        with_overrides(SETTINGS, {"price": 3})
    for wrong_hours in ("21:00", "21:00-07:00:30", "21:00+08:00-07:00", "25:00-07:00", "9-5", ""):
        with pytest.raises(ValueError):
            parse_quiet_hours(wrong_hours)
    assert parse_quiet_hours("off") is None
    assert parse_quiet_hours("22:30-06:00") == QuietHours(time(22, 30), time(6))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"urgent": {"coordinator_s": 0}}, "from 1 to .*: urgent.coordinator_s"),
        ({"soon": {"wave_max": 0}}, "from 1 to 100 is wanted: soon.wave_max"),
        ({"soon": {"wave_max": 1.5}}, "whole number is wanted: soon.wave_max"),
        ({"soon": {"target": 1.2}}, "from 0.001 to 1 is wanted: soon.target"),
        ({"soon": {"target": "0.5"}}, "number is wanted: soon.target"),
        ({"soon": {"enough": True}}, "number is wanted: soon.enough"),
        ({"routine": {"rings_s": [0, 60]}}, "three numbers are wanted: routine.rings_s"),
        ({"routine": {"rings_s": [0, 120, 60]}}, "0 and then later times are wanted: routine.rings_s"),
        ({"routine": {"rings_s": 60}}, "three numbers are wanted"),
        ({"learning": {"prior_accepts": 0}}, "wanted: learning.prior_accepts"),
        ({"learning": {"ring_logit": [-1, 0, 0]}}, "no further ring may weigh more"),
        ({"learning": {"enabled": "yes"}}, "true or false is wanted: learning.enabled"),
        ({"price": {"load": -1}}, "from 0 to 1000 is wanted: price.load"),
        ({"recheck_s": float("nan")}, "wanted: recheck_s"),
        ({"daily_cap": [3]}, "a number is wanted: daily_cap"),
    ],
)
def test_figures_that_no_rule_could_work_with_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check(with_overrides(SETTINGS, wrong))


def test_the_shipped_figures_pass_and_every_figure_is_looked_at() -> None:
    check(SETTINGS)
    groups = {"": DispatchSettings, "urgent": Pace, "learning": Learning, "price": Price}
    for group, kind in groups.items():
        for name in {f.name for f in fields(kind)} - {"quiet", "urgent", "soon", "routine", *groups}:
            wrong = {name: "much"}
            with pytest.raises(ValueError, match=name):
                check(with_overrides(SETTINGS, {group: wrong} if group else wrong))


def test_the_documentation_says_the_shipped_figures() -> None:
    told = {}
    for line in (ROOT / "docs/dispatching.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split("|")]
        if cells[0].startswith("`") and len(cells) in (4, 6):
            told[cells[0].strip("`")] = cells[2:-1]
    groups: dict[str, Any] = {"learning.": SETTINGS.learning, "price.": SETTINGS.price, "": SETTINGS}
    shipped = {
        prefix + f.name: [getattr(group, f.name)] for prefix, group in groups.items() for f in fields(group)
    }
    paces = [SETTINGS.urgent, SETTINGS.soon, SETTINGS.routine]
    shipped |= {f.name: [getattr(pace, f.name) for pace in paces] for f in fields(Pace)}
    for name in ("urgent", "soon", "routine", "learning", "price", "quiet"):
        del shipped[name]
    assert {name: told.get(name) for name in shipped} == {
        name: [
            ", ".join(f"{n:g}" for n in (value if isinstance(value, tuple) else (value,))) for value in values
        ]
        for name, values in shipped.items()
    }
