"""Whom a coordinator may choose from who assigns by hand."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy.orm import Session

from dispatcher.models import Task, Volunteer
from dispatcher.rules import names, phones, policy
from dispatcher.rules.crowd import Candidate, Crowd
from dispatcher.services import candidates, learning

log = logging.getLogger(__name__)

LAST_DIGITS = 4
TO_CHOOSE_FROM = 400
"""So many volunteers are offered, the nearest campuses first."""


@dataclass(frozen=True)
class Ranked:
    """A volunteer whom a coordinator may choose: why they would be asked, and why they aren't.

    `mark`: what tells them from others of the same name and campus: the note on their role, else the last
    digits of their phone. Empty where nobody else is called so.
    """

    volunteer: Volunteer
    why: list[dict[str, Any]]
    bars: tuple[str, ...]
    mark: str = ""


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
    marks = told_apart([volunteer for _, volunteer in people])
    found = []
    for one in assessed:
        candidate, volunteer = people[one.choice.row]
        why = [reason.as_dict() for reason in policy.why(one.choice, candidate)]
        found.append(Ranked(volunteer, why, one.bars, marks.get(volunteer.id, "")))
    return found


def told_apart(people: Sequence[Volunteer]) -> dict[int, str]:
    """What tells those of `people` apart who have one name and campus, by their ids."""
    alike: dict[tuple[str, int], list[Volunteer]] = {}
    for volunteer in people:
        alike.setdefault((names.normalise(volunteer.name), volunteer.campus_id), []).append(volunteer)
    marks: dict[int, str] = {}
    for group in alike.values():
        if len(group) > 1:
            notes = {v.id: v.role_note.strip() for v in group}
            ends = {v.id: f"…{v.phone[-LAST_DIGITS:]}" for v in group}
            whole = {v.id: phones.spoken(v.phone) for v in group}
            ways = (notes, ends, whole)
            marks |= next(way for way in ways if way is whole or len({*way.values()} - {""}) == len(group))
    return marks
