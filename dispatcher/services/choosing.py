"""Whom a coordinator may choose from who assigns by hand."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy.orm import Session

from dispatcher.models import Task, Volunteer
from dispatcher.rules import policy
from dispatcher.rules.crowd import Candidate, Crowd
from dispatcher.services import candidates, learning

log = logging.getLogger(__name__)

TO_CHOOSE_FROM = 400
"""So many volunteers are offered, the nearest campuses first."""


@dataclass(frozen=True)
class Ranked:
    """A volunteer whom a coordinator may choose: why they would be asked, and why they aren't."""

    volunteer: Volunteer
    why: list[dict[str, Any]]
    bars: tuple[str, ...]


def ranked(session: Session, task: Task, now: datetime) -> list[Ranked]:
    """Whom a coordinator may choose from, best first, with why; unranked, for a task that can't be assessed:
    it needs somebody all the more."""
    people = candidates.everybody(session, task, now, TO_CHOOSE_FROM)
    try:
        return _assessed(session, task, people, now)
    except (LookupError, TypeError, ValueError) as error:
        log.warning("task %s can't be assessed: %s", task.id, type(error).__name__)
        return [Ranked(volunteer, [], ()) for _candidate, volunteer in people]


def _assessed(
    session: Session, task: Task, people: Sequence[tuple[Candidate, Volunteer]], now: datetime
) -> list[Ranked]:
    assessed = policy.assess(
        candidates.task_view(task, now), Crowd.of(candidate for candidate, _ in people), now,
        current_app.config["DISPATCH"], current_app.config["ZONE"], learning.curves(session),
    )  # fmt: skip
    found = []
    for one in assessed:
        candidate, volunteer = people[one.choice.row]
        why = [reason.as_dict() for reason in policy.why(one.choice, candidate)]
        found.append(Ranked(volunteer, why, one.bars))
    return found
