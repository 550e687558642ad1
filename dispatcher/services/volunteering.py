"""A volunteer's page for a task: what may be seen at each step, and what its buttons do."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy.orm import Session

from dispatcher.database import db, transaction, use_case
from dispatcher.models import Task, Volunteer
from dispatcher.rules.codewords import code_word
from dispatcher.rules.lifecycle import WELCOME_OFFER, OfferState, TaskState
from dispatcher.services import dispatching, progress, responding, steps, tokens

DECLINE_REASONS = ("busy", "too_far", "not_well", "cant_do", "other")
HAND_BACK_REASONS = ("cant_make_it", "shop_shut", "not_well", "other")


class UnknownLink(LookupError):
    """A guess, an expired or a revoked link: nobody outside can tell which."""


@dataclass(frozen=True)
class Page:
    """What one volunteer may see of one task now. Empty fields are not to be seen (yet, any more).

    `stage`: "offered", "yours", "underway", "delivered", "declined", "handed_back", "taken", "over".
    """

    stage: str
    language: str
    hotline: str
    category: str = ""
    urgency: str = ""
    campus: str = ""
    area: str = ""
    due: datetime | None = None
    line_count: int = 0
    accept_open: bool = False
    name: str = ""
    address: str = ""
    phones: list[str] = field(default_factory=list)
    contact_name: str = ""
    contact_relation: str = ""
    contact_phone: str = ""
    items: list[dict[str, Any]] = field(default_factory=list)
    notes: str = ""
    visit_notes: str = ""
    health_notes: str = ""
    code_word: str = ""


def page(token: str, now: datetime, language: str | None = None) -> Page:
    """The page behind a link. Reads only.

    Raises:
        UnknownLink: there is no such link (any more).
    """
    task_id, volunteer_id = _link(db.session(), token, now)
    task = db.session.get_one(Task, task_id)
    volunteer = db.session.get_one(Volunteer, volunteer_id)
    language = language or volunteer.language
    stage = _stage(db.session(), task, volunteer)
    hotline = current_app.config["HOTLINE_PHONE"]
    if stage in ("taken", "over"):
        return Page(stage, language, hotline)
    retiree = task.retiree
    name = retiree.name + (retiree.title_zh if language == "zh" else "")
    if stage == "delivered":
        return Page(stage, language, hotline, task.category, name=name)
    before: dict[str, Any] = {
        "category": task.category,
        "urgency": "urgent" if task.category == "urgent" else task.urgency,
        "campus": task.campus.name(language),
        "area": retiree.area,
        "due": task.due_by,
        "line_count": len(task.items),
        "accept_open": task.state == TaskState.OPEN,
    }
    if stage not in ("yours", "underway"):
        return Page(stage, language, hotline, **before)
    return Page(
        stage,
        language,
        hotline,
        **before,
        name=name,
        address=retiree.address,
        phones=numbers_to_call(task),
        contact_name=retiree.contact_name,
        contact_relation=retiree.contact_relation,
        contact_phone=retiree.contact_phone,
        items=task.items,
        notes=" ".join(filter(None, (task.notes, task.request.notes))),
        visit_notes=retiree.visit_notes,
        health_notes=retiree.health_notes,
        code_word=code_word(task.code_word, retiree.language),
    )


@use_case
def answer(
    token: str,
    step: str,
    now: datetime,
    reason: str = "",
    said: str = "",
    spent_fen: int | None = None,
) -> None:
    """Do what a button of the page says. Pressed twice, it is done once.

    `step`: "accept", "decline", "underway", "delivered" or "handback".

    Raises:
        UnknownLink: there is no such link (any more).
    """
    with transaction() as tx:
        task_id, volunteer_id = _link(tx, token, now)
        task = dispatching.lock(tx, task_id)
        if task is None:
            raise LookupError("a link without its task")
        volunteer = tx.get_one(Volunteer, volunteer_id)
        steps.follow(tx, task)
        match step:
            case "accept":
                outcome = responding.accept(tx, task, volunteer, now, said)
            case "decline":
                outcome = responding.decline(tx, task, volunteer, reason, said, now)
            case "underway":
                outcome = progress.underway(tx, task, volunteer, now, said)
            case "delivered":
                outcome = progress.delivered(tx, task, volunteer, now, said, spent_fen)
            case "handback":
                outcome = progress.hand_back(tx, task, volunteer, reason, said, now)
            case _:
                raise ValueError(f"no such step: {step}")
        steps.answered(tx, task, step, "link", outcome)


def numbers_to_call(task: Task) -> list[str]:
    """Where the retiree can be reached now: the number given for calling back comes first."""
    known = [p.number for p in task.retiree.phones]
    given = [task.request.callback_phone] if task.request.callback_phone else []
    return list(dict.fromkeys(given + known))


def _link(session: Session, token: str, now: datetime) -> tuple[int, int]:
    """The ids of the task and the volunteer behind a link."""
    link = tokens.find(session, token, now)
    if link is None or link.task_id is None:
        raise UnknownLink
    return link.task_id, link.volunteer_id


def _stage(session: Session, task: Task, volunteer: Volunteer) -> str:
    state = TaskState(task.state)
    standing = responding.standing_assignment(session, task)
    if standing is not None and standing.volunteer_id == volunteer.id:
        return {
            TaskState.ASSIGNED: "yours",
            TaskState.UNDERWAY: "underway",
            TaskState.DELIVERED: "delivered",
        }.get(state, "over")
    if not task.is_open_ended:
        return "over"
    if any(a.volunteer_id == volunteer.id for a in task.assignments):
        return "handed_back" if state == TaskState.OPEN else "over"
    offer = responding.offer_of(task, volunteer)
    if offer is not None and offer.state == OfferState.DECLINED:
        return "declined"
    if state != TaskState.OPEN:
        return "taken"
    return "offered" if offer is not None and offer.state in WELCOME_OFFER else "over"
