"""The benchmark's own parts: what is run, what is written of it, and the search for figures."""

import json
import random
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from devtools.benchmark import cases, markdown, plots, scale, tune
from devtools.benchmark.cases import Case, Plan, Results
from devtools.benchmark.joint import EXCHANGED, GREEDY, MATCHED, OPTIMUM, WAYS, compare
from devtools.benchmark.report import print_report
from devtools.benchmark.runs import mean_and_half_width, run
from devtools.benchmark.simulate import as_json
from dispatcher.rules.policy import plan_round
from dispatcher.rules.response import Curves
from dispatcher.rules.settings import DispatchSettings, with_overrides
from dispatcher.simulation.measures import METRICS
from dispatcher.simulation.world import ZONE, Scenario

SETTINGS = DispatchSettings()
BASE = Scenario(tasks_per_day=12, volunteers=25, days=2)
BUSY = replace(BASE, tasks_per_day=60)
SMALL = Plan((Case("base", BASE, ablation_seeds=2), Case("busy", BUSY)), (1, 2), 2, quick=True)


@cache
def results() -> Results:
    return Results(run(job) for job in SMALL.jobs(SETTINGS))


# -- What is run ----------------------------------------------------------------------------------


def test_the_full_set_has_every_case_that_is_promised() -> None:
    plan = cases.plan(quick=False)
    scenarios = [case.scenario for case in plan.cases]
    assert (len(plan.seeds), plan.days) == (10, 28)
    assert {s.tasks_per_day for s in scenarios} == {15, 30, 60}
    assert {s.fatigue for s in scenarios} == {"none", "assumed", "double"}
    assert {s.handback for s in scenarios} == {0.02, 0.05, 0.15}
    assert {s.volunteers for s in scenarios} == {120, 30}
    assert {s.surge for s in scenarios} == {0, 200}
    assert {s.burst for s in scenarios} == {0, 200}
    assert plan.base.policies[: len(cases.POLICIES)] == (
        "dispatcher", "sequential", "broadcast", "nearest_3", "random_3", "nearest_k_tuned",
        "nearest_k_paced", "oracle",
    )  # fmt: skip


def test_figures_are_sought_on_other_seeds_than_they_are_shown_on() -> None:
    shown = set(cases.plan(quick=False).seeds)
    assert not (set(tune.SEEDS) | set(tune.CHECK_SEEDS)) & shown
    assert not set(tune.SEEDS) & set(tune.CHECK_SEEDS)


def test_the_interval_of_a_mean() -> None:
    mean, half = mean_and_half_width([1.0, 2.0, 3.0])
    assert mean == 2.0
    assert half == pytest.approx(4.303 / np.sqrt(3), rel=1e-3)
    assert np.isnan(mean_and_half_width([1.0])[1])


# -- What is written of it ------------------------------------------------------------------------


def test_the_json_says_all_figures_of_every_rule() -> None:
    written = json.loads(json.dumps(as_json(SMALL, results(), SETTINGS), allow_nan=False))
    runs = {(entry["tasks_per_day"], entry["policy"]): entry for entry in written["runs"]}
    assert {policy for _, policy in runs} == {*cases.POLICIES, *cases.OWN}
    for entry in runs.values():
        assert entry["metrics"].keys() == set(METRICS)
        assert {"fatigue", "handback", "volunteers", "surge", "burst"} <= entry.keys()
    ours = runs[12, "dispatcher"]["metrics"]
    assert ours["cap_breaches"] == ours["lost"] == ours["double_assigned"] == [0.0, 0.0]
    assert runs[12, "oracle"]["metrics"]["alerts_per_accept"] == [None, None]  # asks nobody in vain
    assert written["settings"]["urgent"]["wave_max"] == SETTINGS.urgent.wave_max


def test_the_report_names_every_rule_and_what_must_never_happen(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(SMALL, results())
    said = capsys.readouterr().out
    assert all(policy in said for policy in (*cases.POLICIES, *cases.OWN))
    assert "tasks lost, by any rule" in said
    assert "QUICK SET" in said


def test_a_document_gets_its_figures_between_the_marks(tmp_path: Path) -> None:
    path = tmp_path / "benchmark.md"
    path.write_text(f"before\n{markdown.BEGIN}\nold figures\n{markdown.END}\nafter\n")
    for _ in range(2):
        markdown.write(SMALL, results(), SETTINGS, path)
    text = path.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old figures" not in text
    assert text.count("### The base case") == 1
    assert markdown.fingerprint(SETTINGS) in text
    path.write_text("no marks")
    with pytest.raises(ValueError, match="no place"):
        markdown.write(SMALL, results(), SETTINGS, path)


def test_the_published_figures_are_those_of_the_rules_as_they_are() -> None:
    """If this fails, what the rules do has changed: run `make simulate PUBLISH=1`, and read what it says."""
    assert f"rules `{markdown.fingerprint(SETTINGS)}`" in markdown.DOCUMENT.read_text()


def test_the_pictures_are_drawn_and_are_the_same_for_the_same_figures(tmp_path: Path) -> None:
    for folder in ("one", "other"):
        written = plots.draw(SMALL, results(), tmp_path / folder)
        assert [path.suffix for path in written] == [".svg"] * 3
    for path in written:
        assert (tmp_path / "one" / path.name).read_bytes() == path.read_bytes()


# -- The search for figures -----------------------------------------------------------------------


def trial(alerts: float, slowness: float) -> tune.Trial:
    return tune.Trial(SETTINGS, {"alerts_per_accept": alerts}, slowness, slowness)


def test_the_front_has_those_that_none_beats_in_both() -> None:
    found = tune.front([trial(4, 0.7), trial(5, 0.6), trial(5, 0.65), trial(4, 0.8), trial(6, 0.6)])
    assert [tune.place(t) for t in found] == [(4, 0.7), (5, 0.6)]


def test_a_move_stays_within_the_bounds_and_changes_only_what_is_searched() -> None:
    lots = random.Random(1)
    settings = SETTINGS
    for _ in range(200):
        settings = tune.moved(settings, lots)
    assert tune.differences(SETTINGS, settings)
    for name, (low, high, _) in tune.STEPS.items():
        value = tune.figure(settings, name)
        assert low <= value <= high
        assert isinstance(value, int) or not name.endswith(("wave_max", "daily_cap"))
    assert (settings.quiet, settings.live_cap) == (SETTINGS.quiet, SETTINGS.live_cap)
    assert settings.urgent.rings_s == SETTINGS.urgent.rings_s


def test_more_generous_figures_ask_sooner_and_aim_higher() -> None:
    more = tune.generous(SETTINGS, 2.0)
    assert more.soon.pause_s == SETTINGS.soon.pause_s / 2
    assert SETTINGS.soon.target < more.soon.target < 1
    assert more.urgent == SETTINGS.urgent
    same = tune.generous(SETTINGS, 1.0)
    assert same.routine.target == pytest.approx(SETTINGS.routine.target)


def test_the_score_makes_missing_the_mark_dear() -> None:
    rival = dict.fromkeys(METRICS, 1.0)
    by = tune.Yardsticks((1,), rival, {}, rival)
    good = dict.fromkeys(METRICS, 0.4) | {"urgent_within_120s": 0.95}
    assert by.score(good) == pytest.approx(by.slowness(good)) == pytest.approx(0.4)
    for name, worse in (
        ("alerts_per_accept", 1.5), ("coordinator_share", 1.1), ("gini_load_per_duty_hour", 1.2),
        ("urgent_within_120s", 0.8),
    ):  # fmt: skip
        assert by.score(good | {name: worse}) > by.score(good) + 0.2


def test_a_search_judges_its_best_on_other_seeds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The score is how far a figure is from a mark; on the other seeds the mark is elsewhere."""

    def evaluate(
        _pool: object, settings: DispatchSettings, _policy: str, seeds: tune.Seeds, *_keep: object
    ) -> tune.Figures:
        mark = 300.0 if seeds == tune.SEEDS else 200.0
        return dict.fromkeys(METRICS, 1.0 + abs(settings.soon.pause_s - mark)) | {"urgent_within_120s": 1.0}

    monkeypatch.setattr(tune, "evaluate", evaluate)
    with ProcessPoolExecutor(1) as pool:
        search = tune.Search(pool, with_overrides(SETTINGS, {"soon": {"pause_s": 100.0}}))
    for pause_s in (290.0, 280.0, 150.0, 240.0, 400.0, 410.0, 420.0):
        search.attempt(with_overrides(SETTINGS, {"soon": {"pause_s": pause_s}}))
    search.judge()
    assert search.best.settings.soon.pause_s == 290.0
    assert search.judged[0].settings.soon.pause_s == 240.0
    assert len(search.judged) == tune.FINALISTS + 1
    tune.print_report(search)
    said = capsys.readouterr().out
    assert "at the start" in said
    assert "soon.pause_s: 100 -> 240" in said
    written = json.loads(json.dumps(tune.as_json(search), allow_nan=False))
    assert written["judged"][0]["settings"]["soon"]["pause_s"] == 240.0


# -- Deciding many tasks --------------------------------------------------------------------------


def test_no_way_of_deciding_together_beats_the_optimum() -> None:
    tasks, people = scale.surge(1, 40, 30)
    found = compare(tasks, people, scale.NOON, ZONE, SETTINGS)
    assert found.keys() == set(WAYS)
    worth = [found[way].worth for way in (GREEDY, EXCHANGED, MATCHED, OPTIMUM)]
    assert worth == pytest.approx(sorted(worth), rel=1e-9)
    assert found[GREEDY].asked == found[MATCHED].asked


def test_a_large_round_asks_nobody_twice_and_serves_what_it_can() -> None:
    tasks, people = scale.town(3_000, 600)
    plans = plan_round(tasks, people, scale.NOON, SETTINGS, ZONE, Curves())
    calm = [c.volunteer_id for t, p in zip(tasks, plans, strict=True) if t.urgency != "urgent" for c in p.ask]
    assert len(calm) == len(set(calm)) > 100
