"""Writing messages into the outbox, inside the transaction that gives cause to them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from dispatcher.database import wake
from dispatcher.models import HelpRequest, Message, Offer, ReplyCode, Retiree, Task, Volunteer
from dispatcher.rules.codewords import code_word
from dispatcher.rules.lifecycle import MessageState
from dispatcher.services import attention

GRACE = timedelta(seconds=2)
"""How long the wake-up gets before the tick sends a message itself."""

CAN_WAIT = ("offer", "received", "received_remote")
"""Kinds that go out by the hundred in a rush. Others answer somebody, or somebody counts on them."""

WAITS: ColumnElement[bool] = and_(Message.kind.in_(CAN_WAIT), ~Task.is_urgent)
"""Whether a message beside its task goes after all those that can't wait."""


def to_volunteer(
    tx: Session,
    kind: str,
    volunteer: Volunteer,
    now: datetime,
    task: Task | None = None,
    offer: Offer | None = None,
    **params: Any,
) -> Message:
    """An SMS to a volunteer, in their language."""
    if task is not None:
        params = task_params(task) | params
    return _queue(
        tx, kind, volunteer.phone, volunteer.language, params, now, task,
        offer_id=offer.id if offer else None,
        volunteer_id=volunteer.id,
    )  # fmt: skip


def to_retiree(tx: Session, kind: str, task: Task, now: datetime, **params: Any) -> None:
    """Tell the retiree of `task`: by SMS, or by a call of the coordinator where SMS can't go."""
    params = retiree_params(task.retiree) | task_params(task) | params
    _tell(tx, kind, task.retiree, task, None, params, now)


def request_received(tx: Session, request: HelpRequest, tasks: list[Task], now: datetime) -> None:
    """Tell the retiree that the whole request has arrived: one SMS, however many tasks."""
    remote = all(task.remote for task in tasks)
    params = retiree_params(request.retiree) | {"categories": [task.category for task in tasks]}
    kind = "received_remote" if remote else "received"
    _tell(tx, kind, request.retiree, tasks[0], request, params, now)


def to_phone(tx: Session, kind: str, phone: str, language: str, now: datetime, **params: Any) -> Message:
    """An SMS to a number that may be nobody's we know."""
    return _queue(tx, kind, phone, language, params, now)


def help_codes(
    tx: Session, pairs: Sequence[tuple[Task, Volunteer]], now: datetime
) -> dict[tuple[str, int], ReplyCode]:
    """The numbers by which volunteers answer about tasks, by their phone and the task's id."""
    wanted = [(volunteer.phone, task.id, volunteer.id) for task, volunteer in pairs]
    return _codes(tx, "help", wanted, now)


def _codes(
    tx: Session, purpose: str, wanted: Sequence[tuple[str, int, int | None]], now: datetime
) -> dict[tuple[str, int], ReplyCode]:
    """The codes of (phone, task, volunteer): those they have, or the phone's next numbers."""
    phones = {phone for phone, _, _ in wanted}
    known = select(ReplyCode).where(
        ReplyCode.phone.in_(phones),
        ReplyCode.task_id.in_({task_id for _, task_id, _ in wanted}),
        ReplyCode.purpose == purpose,
    )
    codes = {(code.phone, code.task_id): code for code in tx.scalars(known)}
    last = select(ReplyCode.phone, func.max(ReplyCode.number).label("last")).where(
        ReplyCode.phone.in_(phones)
    )
    numbers = {row.phone: row.last for row in tx.execute(last.group_by(ReplyCode.phone))}
    for phone, task_id, volunteer_id in wanted:
        if (phone, task_id) in codes:
            continue
        numbers[phone] = numbers.get(phone, -1) + 1
        codes[phone, task_id] = ReplyCode(
            phone=phone, number=numbers[phone], purpose=purpose, task_id=task_id,
            volunteer_id=volunteer_id, created_at=now,
        )  # fmt: skip
        tx.add(codes[phone, task_id])
    return codes


def task_params(task: Task) -> dict[str, Any]:
    """What any text about `task` may need, and nothing that isn't to be told before accepting."""
    campus = task.campus
    return {
        "category": task.category,
        "campus": {"zh": campus.name_zh, "en": campus.name_en},
        "urgency": "urgent" if task.category == "urgent" else task.urgency,
        "due_at": task.due_by.isoformat() if task.due_by else None,
    }


def retiree_params(retiree: Retiree) -> dict[str, Any]:
    """How to address `retiree`, and the number to call."""
    return {
        "retiree": {"name": retiree.name, "title": retiree.title_zh, "sex": retiree.sex},
        "hotline": current_app.config["HOTLINE_PHONE"],
    }


def call_words(task: Task) -> dict[str, Any]:
    """The parameters of what to say when somebody calls the retiree about `task`."""
    names = [a.volunteer.name for a in task.assignments]
    return (
        retiree_params(task.retiree)
        | task_params(task)
        | {"volunteer": names[-1] if names else "", "code": spoken_code(task)}
    )


def spoken_code(task: Task) -> dict[str, str]:
    """The visit code word of `task` in both languages."""
    return {lang: code_word(task.code_word, lang) for lang in ("zh", "en")}


def _tell(
    tx: Session, kind: str, retiree: Retiree, task: Task, request: HelpRequest | None,
    params: dict[str, Any], now: datetime,
) -> None:  # fmt: skip
    if request is not None and request.told_on_call:
        return
    if retiree.mobile is None:
        # New words are a new item: "called them" on the old one mustn't tick off these.
        attention.superseded(tx, task, now)
        attention.raise_(tx, "call_retiree", now, task, retiree, kind=kind, words=params, because="landline")
        return
    if kind == "delivered":
        code = _codes(tx, "check", [(retiree.mobile, task.id, None)], now)[retiree.mobile, task.id]
        tx.flush()
        params |= {"well": f"{code.slot}1", "problem": f"{code.slot}2"}
        if not _others_waiting(tx, retiree.mobile, code):
            # A bare digit is enough, and easier, while nothing else waits on this phone.
            params |= {"well": "1", "problem": "2"}
    _queue(
        tx, kind, retiree.mobile, retiree.language, params, now, task, retiree_id=retiree.id,
    )  # fmt: skip


def _others_waiting(tx: Session, phone: str, code: ReplyCode) -> bool:
    """Whether another task on this phone may still wait for an answer."""
    return bool(
        tx.scalar(
            select(func.count())
            .select_from(ReplyCode)
            .join(Task, Task.id == ReplyCode.task_id)
            .where(
                ReplyCode.phone == phone,
                ReplyCode.id != code.id,
                Task.ended_at.is_(None),
            )
        )
    )


def _queue(
    tx: Session,
    kind: str,
    phone: str,
    language: str,
    params: dict[str, Any],
    now: datetime,
    task: Task | None = None,
    **about: int | None,
) -> Message:
    message = Message(
        direction="out",
        kind=kind,
        params=params,
        language=language,
        phone=phone,
        state=MessageState.QUEUED,
        created_at=now,
        wake_at=now + GRACE,
        task_id=task.id if task else None,
        **about,
    )
    tx.add(message)
    wake(tx, "send", message, can_wait=task is not None and kind in CAN_WAIT and not task.is_urgent)
    return message
