"""Writing messages into the outbox, inside the transaction that gives cause to them, all at its end."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from flask import current_app
from sqlalchemy import ColumnElement, Table, and_, bindparam, func, insert, or_, select
from sqlalchemy.orm import Session

from dispatcher.database import wake, write_last
from dispatcher.models import HelpRequest, Message, ReplyCode, Retiree, Task, Volunteer
from dispatcher.rules.codewords import code_word
from dispatcher.rules.lifecycle import NOT_NEEDED, MessageState
from dispatcher.rules.replies import slot
from dispatcher.services import attention, steps
from dispatcher.services.states import move_these

GRACE = timedelta(seconds=2)
"""How long the wake-up gets before the tick sends a message itself."""

CAN_WAIT = ("offer", "received", "received_urgent", "received_remote")
"""Kinds that go out by the hundred in a rush. Others answer somebody, or somebody counts on them."""

WAITS: ColumnElement[bool] = and_(Message.kind.in_(CAN_WAIT), ~Task.is_urgent)
"""Whether a message beside its task goes after all those that can't wait."""


# The table, not the model: the ORM would leave out what is None, and part those that differ in it.
_INSERT = insert(cast(Table, Message.__table__)).returning(
    Message.id, Message.kind, Message.task_id, Message.not_before
)  # fmt: skip

_OF_PHONES = ReplyCode.phone.in_(bindparam("phones", expanding=True))
_CODES = select(ReplyCode.phone, ReplyCode.task_id, ReplyCode.number).where(
    _OF_PHONES,
    ReplyCode.task_id.in_(bindparam("task_ids", expanding=True)),
    ReplyCode.purpose == bindparam("purpose"),
)
_LAST_CODES = (
    select(ReplyCode.phone, func.max(ReplyCode.number).label("last"))
    .where(_OF_PHONES)
    .group_by(ReplyCode.phone)
)
_NEW_CODES = insert(ReplyCode)
_SINCE = (
    select(Message)
    .where(
        Message.task_id == bindparam("task_id"),
        Message.kind == bindparam("kind"),
        Message.created_at >= bindparam("since"),
    )
    .order_by(Message.id)
)
_OTHERS_WAITING = (
    select(ReplyCode.id)
    .join(Task, Task.id == ReplyCode.task_id)
    .where(
        ReplyCode.phone == bindparam("phone"),
        or_(ReplyCode.task_id != bindparam("task_id"), ReplyCode.purpose != "check"),
        Task.ended_at.is_(None),
    )
    .limit(1)
)


def to_volunteer(
    tx: Session,
    kind: str,
    volunteer: Volunteer,
    now: datetime,
    task: Task | None = None,
    offer_id: int | None = None,
    **params: Any,
) -> None:
    """An SMS to a volunteer, in their language."""
    if task is not None:
        params = task_params(task) | params
    _queue(
        tx, kind, volunteer.phone, volunteer.language, params, now, task,
        offer_id=offer_id, volunteer_id=volunteer.id,
    )  # fmt: skip


def to_retiree(
    tx: Session, kind: str, task: Task, now: datetime, not_before: datetime | None = None, **params: Any
) -> None:
    """Tell the retiree of `task`: by SMS, or by a call of the coordinator where SMS can't go.

    `not_before`: so long the SMS waits, for what it says may yet be taken back.
    """
    params = retiree_params(task.retiree) | task_params(task) | params
    _tell(tx, kind, task.retiree, task, None, params, now, not_before)


def spare(tx: Session, task: Task, kind: str, now: datetime) -> bool:
    """End what waits to be sent of this kind since `task` was delivered, for it isn't so any more; whether
    none of it has left."""
    telling = list(tx.scalars(_SINCE, {"task_id": task.id, "kind": kind, "since": task.delivered_at}))
    return len(give_up(tx, telling, now)) == len(telling)


def give_up(tx: Session, messages: Sequence[Message], now: datetime) -> list[Message]:
    """End those of `messages` that haven't left, as not needed, and return them. The database decides whether
    this or the worker that sends is first."""
    spared = move_these(
        tx, messages, MessageState.FAILED, {MessageState.QUEUED},
        error_code=NOT_NEEDED, ended_at=now, wake_at=None,
    )  # fmt: skip
    for message in spared:
        steps.ended(tx, message, "given_up", NOT_NEEDED)
    return spared


def request_received(tx: Session, request: HelpRequest, tasks: list[Task], now: datetime) -> None:
    """Tell the retiree that the whole request has arrived: one SMS, however many tasks."""
    remote = all(task.remote for task in tasks)
    params = retiree_params(request.retiree) | {"categories": [task.category for task in tasks]}
    urgent = any(task.is_urgent for task in tasks)
    kind = "received_remote" if remote else "received_urgent" if urgent else "received"
    _tell(tx, kind, request.retiree, tasks[0], request, params, now)


def to_phone(tx: Session, kind: str, phone: str, language: str, now: datetime, **params: Any) -> None:
    """An SMS to a number that may be nobody's we know."""
    _queue(tx, kind, phone, language, params, now)


def help_slots(
    tx: Session, pairs: Sequence[tuple[Task, Volunteer]], now: datetime
) -> dict[tuple[str, int], int]:
    """The numbers by which volunteers answer about tasks, by their phone and the task's id."""
    wanted = [(volunteer.phone, task.id, volunteer.id) for task, volunteer in pairs]
    return _slots(tx, "help", wanted, now)


def _slots(
    tx: Session, purpose: str, wanted: Sequence[tuple[str, int, int | None]], now: datetime
) -> dict[tuple[str, int], int]:
    """The slots of (phone, task, volunteer): those they have, or by the phone's next numbers."""
    known = tx.execute(
        _CODES,
        {
            "phones": [*{phone for phone, _, _ in wanted}],
            "task_ids": [*{task_id for _, task_id, _ in wanted}],
            "purpose": purpose,
        },
    )
    slots = {(row.phone, row.task_id): slot(row.number) for row in known}
    missing = [one for one in wanted if one[:2] not in slots]
    if not missing:
        return slots
    last = tx.execute(_LAST_CODES, {"phones": [*{phone for phone, _, _ in missing}]})
    numbers = {row.phone: row.last for row in last}
    new = []
    for phone, task_id, volunteer_id in missing:
        numbers[phone] = numbers.get(phone, -1) + 1
        slots[phone, task_id] = slot(numbers[phone])
        new.append(
            {
                "phone": phone, "number": numbers[phone], "purpose": purpose, "task_id": task_id,
                "volunteer_id": volunteer_id, "created_at": now,
            }
        )  # fmt: skip
    tx.execute(_NEW_CODES, new)
    return slots


def task_params(task: Task) -> dict[str, Any]:
    """What any text about `task` may need, and nothing that isn't to be told before accepting."""
    campus = task.campus
    return {
        "category": task.category,
        "campus": {"zh": campus.name_zh, "en": campus.name_en},
        "urgency": task.shown_urgency,
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
    params: dict[str, Any], now: datetime, not_before: datetime | None = None,
) -> None:  # fmt: skip
    if request is not None and request.told_on_call:
        return
    if retiree.mobile is None:
        # New words are a new item: "called them" on the old one mustn't tick off these.
        attention.superseded(tx, task, now)
        because = "stopped" if retiree.wants_no_sms else "landline"
        attention.raise_(tx, "call_retiree", now, task, retiree, kind=kind, words=params, because=because)
        return
    if kind == "delivered":
        here = _slots(tx, "check", [(retiree.mobile, task.id, None)], now)[retiree.mobile, task.id]
        params |= {"well": f"{here}1", "problem": f"{here}2"}
        if not _others_waiting(tx, retiree.mobile, task):
            # A bare digit is enough, and easier, while nothing else waits on this phone.
            params |= {"well": "1", "problem": "2"}
    _queue(
        tx, kind, retiree.mobile, retiree.language, params, now, task, retiree_id=retiree.id,
        not_before=not_before,
    )  # fmt: skip


def _others_waiting(tx: Session, phone: str, task: Task) -> bool:
    """Whether anything else on this phone may still wait for an answer than the check of `task`."""
    return tx.scalars(_OTHERS_WAITING, {"phone": phone, "task_id": task.id}).first() is not None


def _queue(
    tx: Session,
    kind: str,
    phone: str,
    language: str,
    params: dict[str, Any],
    now: datetime,
    task: Task | None = None,
    offer_id: int | None = None,
    volunteer_id: int | None = None,
    retiree_id: int | None = None,
    not_before: datetime | None = None,
) -> None:
    row = {
        "direction": "out",
        "kind": kind,
        "params": params,
        "language": language,
        "phone": phone,
        "state": str(MessageState.QUEUED),
        "created_at": now,
        "wake_at": not_before or now + GRACE,
        "not_before": not_before,
        "task_id": task.id if task else None,
        "offer_id": offer_id,
        "volunteer_id": volunteer_id,
        "retiree_id": retiree_id,
    }
    can_wait = task is not None and kind in CAN_WAIT and not task.is_urgent
    write_last(tx, _write, (row, can_wait))


def _write(tx: Session, queued: list[tuple[dict[str, Any], bool]]) -> None:
    """Write messages in the order in which they were queued, and note their wake-ups."""
    # In which order their ids come back isn't said; those of one kind about one task wait alike.
    can_wait = {(row["kind"], row["task_id"]): waits for row, waits in queued}
    for row in tx.execute(_INSERT, [row for row, _ in queued]):
        if row.not_before is None:  # what waits is found by the sweep when its time has come
            wake(tx, "send", row.id, can_wait=can_wait[row.kind, row.task_id])
