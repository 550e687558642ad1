"""Odd requests by the thousand, on both databases: never a broken page, never half a save.

`CASES` says how many requests are made in all; the same ones every time.
"""

import os
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.databases import Home
from tests.fuzz.cases import Case, cases
from tests.fuzz.invariants import broken
from tests.fuzz.place import Place

CASES = int(os.environ.get("CASES", "2000"))
BATCH = 40
"""Requests to one copy of the place. Few enough that an example stays small."""

SHARE = {"sqlite": 0.75, "postgresql": 0.25}
"""SQLite is quicker; what PostgreSQL refuses beyond it is checked there by the invariants."""

MAY_BE_UNREADY = {"/readyz", "/board/forecast"}


@pytest.fixture(scope="session")
def place(database: Home) -> Place:
    return Place(database)


@pytest.mark.timeout(3600)
@pytest.mark.usefixtures("no_company")
def test_no_request_breaks_anything(database: Home, place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    examples = max(1, round(CASES * SHARE[database.name] / BATCH))
    answers: Counter[int] = Counter()
    problems: list[str] = []

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],  # a case says all by itself: nothing to shrink
    )
    @given(st.lists(cases(place.known), min_size=BATCH, max_size=BATCH))
    def ask(batch: list[Case]) -> None:
        with place:
            for case in batch:
                status, problem = _ask(place, case)
                answers[status] += 1
                if problem:
                    problems.append(f"{problem}: {status} {case}")

    ask()
    with capsys.disabled():
        said = ", ".join(f"{count} x {code}" for code, count in sorted(answers.items()))
        print(f"\n{answers.total()} odd requests on {database.name}: {said}")
    assert not problems, f"{len(problems)} problems\n" + "\n".join(problems[:20])
    assert answers.total() >= CASES * SHARE[database.name] - BATCH


def _ask(place: Place, case: Case) -> tuple[int, str]:
    """Make the request: the status of the answer, and what is wrong with it, if anything is."""
    before = place.counts()
    answer = place.clients[case.who].open(
        case.path,
        method=case.method,
        query_string=case.query,
        data=case.body,
        content_type=case.kind if case.body is not None else None,
        headers=list(case.headers),
    )
    answer.get_data()
    answer.close()
    status, after = answer.status_code, place.counts()
    if status >= 500 and not (status == 503 and case.path in MAY_BE_UNREADY):
        return status, "a broken page"
    if after != before and (status >= 400 or case.method != "POST"):
        return status, "refused, or only asked, but written"
    if after != before or place.is_turn():
        with place.engine.connect() as connection:
            if found := broken(connection):
                return status, f"not true any more: {found}"
    return status, ""
