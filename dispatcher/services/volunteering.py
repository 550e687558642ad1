"""A volunteer's page for a task: what may be seen at each step, and what its buttons do."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from dispatcher.database import db, transaction, use_case
from dispatcher.models import Event, Task, Volunteer
from dispatcher.rules.addresses import building
from dispatcher.rules.codewords import code_word
from dispatcher.rules.lifecycle import WELCOME_OFFER, OfferState, TaskState
from dispatcher.rules.settings import URGENT_HELP
from dispatcher.services import (
    amending,
    attention,
    dispatching,
    own_page,
    photos,
    progress,
    responding,
    steps,
    tokens,
)
from dispatcher.services.responding import Answer

DECLINE_REASONS = ("busy", "too_far", "not_well", "cant_do", "other")
HAND_BACK_REASONS = ("cant_make_it", "shop_shut", "not_well", "other")
UnknownLink = tokens.UnknownLink
_CHANGED = (
    select(Event)
    .where(
        Event.task_id == bindparam("task_id"),
        Event.kind.in_(("repeat_call", "urgency")),
        Event.at > bindparam("since"),
    )
    .order_by(Event.id)
)
_PAGE = {"sent": Answer.NOTED, "lately": Answer.REFUSED, "unreachable": Answer.UNREACHABLE}


@dataclass(frozen=True)
class Page:
    """What one volunteer may see of one task now. Empty fields are not to be seen (yet, any more).

    `stage`: "offered", "yours", "underway", "delivered", "declined", "handed_back", "taken", "over".
    `undo`: what a button carries that takes the last step back, possible until `undo_until`; empty when it
    isn't. `more_time_min`: minutes for which they have asked besides. `trouble`: what they said holds them
    up. `by_hand`: a coordinator gave it to them. `changes`: what has changed since it is theirs, and when,
    oldest first. `photos`: how many pictures of receipts they have sent. `account`: though it is over,
    receipts may be sent.
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
    building: str = ""
    phones: list[str] = field(default_factory=list)
    contact_name: str = ""
    contact_relation: str = ""
    contact_phone: str = ""
    items: list[dict[str, Any]] = field(default_factory=list)
    notes: str = ""
    changes: list[tuple[datetime, list[dict[str, Any]]]] = field(default_factory=list)
    visit_notes: str = ""
    health_notes: str = ""
    code_word: str = ""
    task_id: int = 0
    by_hand: bool = False
    undo: str = ""
    undo_until: datetime | None = None
    more_time_min: int = 0
    may_ask_time: bool = False
    trouble: str = ""
    spent_fen: int | None = None
    photos: int = 0
    account: bool = False

    @property
    def mark(self) -> str:
        """A value that changes when what is to be seen does, though not with the minute of grace."""
        return tokens.digest(repr(replace(self, undo="", undo_until=None, language="")))[:12]


def page(token: str, now: datetime, language: str | None = None, task_id: int | None = None) -> Page:
    """The page behind a link to a task, or of one of their tasks (`task_id`) behind a link to their own
    page. Reads only.

    Raises:
        UnknownLink: there is no such link (any more).
    """
    linked_id, volunteer_id = _link(db.session(), token, now, task_id)
    task = db.session.get_one(Task, linked_id)
    volunteer = db.session.get_one(Volunteer, volunteer_id)
    language = language or volunteer.language
    stage = _stage(db.session(), task, volunteer)
    hotline = current_app.config["HOTLINE_PHONE"]
    if stage == "over" and amending.may_account(db.session(), task, volunteer, now):
        return Page(
            stage, language, hotline, task.category, account=True, **_account(db.session(), task, volunteer)
        )
    if stage in ("taken", "over"):
        return Page(stage, language, hotline)
    retiree = task.retiree
    name = retiree.titled(language)
    said = _said(db.session(), task, volunteer, now)
    if stage == "delivered":
        return Page(stage, language, hotline, task.category, name=name, **said)
    before: dict[str, Any] = {
        "category": task.category,
        "urgency": task.shown_urgency,
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
        **said,
        name=name,
        address=retiree.address,
        building=building(retiree.address),
        phones=numbers_to_call(task),
        contact_name=retiree.contact_name,
        contact_relation=retiree.contact_relation,
        contact_phone=retiree.contact_phone,
        items=task.items,
        notes="\n".join(filter(None, (task.notes, task.request.notes))),
        changes=_changes(db.session(), task, volunteer),
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
    *,
    undo: str = "",
    seen_min: int = 0,
    picture: photos.Picture | None = None,
    task_id: int | None = None,
) -> Answer:
    """Do what a button of the page says, and what came of it. Pressed twice, it is done once.

    `step`: "accept", "decline", "underway", "delivered", "handback", "undo" (what, see
    :func:`amending.undo_key`), "later" (`seen_min`: see :func:`amending.more_time`), "problem" (`reason`: one
    of :data:`amending.TROUBLES`), "receipt" or "page" (their own, by SMS). `task_id`: as in :func:`page`.

    Raises:
        UnknownLink: there is no such link (any more).
    """
    with transaction() as tx:
        linked_id, volunteer_id = _link(tx, token, now, task_id)
        task = dispatching.lock(tx, linked_id)
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
            case "undo":
                outcome = amending.undo(tx, task, volunteer, undo, now)
            case "later":
                outcome = amending.more_time(tx, task, volunteer, seen_min, now)
            case "problem":
                outcome = amending.trouble(tx, task, volunteer, reason, said, now)
            case "receipt":
                outcome = amending.spent(tx, task, volunteer, spent_fen, now)
                if picture is not None and outcome is not Answer.OVER:
                    outcome = photos.keep(tx, task, volunteer, picture, now)
            case "page":
                outcome = _PAGE[own_page.send_link(tx, volunteer, now)]
            case _:
                raise ValueError(f"no such step: {step}")
        steps.answered(tx, task, step, "link", outcome)
        return outcome


def numbers_to_call(task: Task) -> list[str]:
    """Where the retiree can be reached now: the number given for calling back comes first."""
    known = [p.number for p in task.retiree.phones]
    given = [task.request.callback_phone] if task.request.callback_phone else []
    return list(dict.fromkeys(given + known))


def may_open(token: str, now: datetime, task_id: int | None = None) -> bool:
    """Whether there is such a link: asked before much is taken in."""
    try:
        _link(db.session(), token, now, task_id)
    except UnknownLink:
        return False
    finally:
        db.session.rollback()  # what follows may take a while
    return True


def _link(session: Session, token: str, now: datetime, task_id: int | None = None) -> tuple[int, int]:
    """The ids of the task and the volunteer behind a link.

    A link to a task opens that one; a link to their own page (with `task_id`) any that they were asked for
    or given.
    """
    if task_id is None:
        link = tokens.find(session, token, now)
        if link is None or link.task_id is None:
            raise UnknownLink
        return link.task_id, link.volunteer_id
    volunteer = own_page.owner(session, token, now)
    if not own_page.concerns(session, volunteer, task_id):
        raise UnknownLink
    return task_id, volunteer.id


def _said(session: Session, task: Task, volunteer: Volunteer, now: datetime) -> dict[str, Any]:
    """What whoever holds `task` has said of it besides, and what of it can be taken back."""
    standing = responding.standing_assignment(session, task)
    if standing is None or standing.volunteer_id != volunteer.id:
        return {}
    step = amending.last_step(task, standing)
    undo = step is not None and now <= amending.undo_until(step) and current_app.config["UNDO"]
    stuck = attention.found(session, task, "volunteer_problem")
    return {
        "task_id": task.id,
        "by_hand": standing.by_staff_id is not None,
        "undo": amending.undo_key(step) if step and undo else "",
        "undo_until": amending.undo_until(step) if step and undo else None,
        "more_time_min": standing.more_time_min,
        "may_ask_time": standing.more_time_min + amending.MORE_TIME_MIN <= amending.MOST_TIME_MIN,
        "trouble": stuck.params.get("what", "") if stuck is not None else "",
        **_account(session, task, volunteer),
    }


def _changes(
    session: Session, task: Task, volunteer: Volunteer
) -> list[tuple[datetime, list[dict[str, Any]]]]:
    """What calls and coordinators have changed about `task` since it is this volunteer's."""
    since = max(a.created_at for a in task.assignments if a.volunteer_id == volunteer.id)
    found = []
    for event in session.scalars(_CHANGED, {"task_id": task.id, "since": since}):
        changes = event.params.get("changes", [])
        if event.kind == "urgency" and task.category != URGENT_HELP:  # which is urgent whatever was ticked
            changes = [{"kind": "urgency", "urgency": event.params["after"]}]
        if changes:
            found.append((event.at, changes))
    return found


def _account(session: Session, task: Task, volunteer: Volunteer) -> dict[str, Any]:
    """What is known of the money that `volunteer`, who has it last, laid out."""
    return {"spent_fen": task.spent_fen, "photos": photos.count(session, task.id, volunteer.id)}


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
