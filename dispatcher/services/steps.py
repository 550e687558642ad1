"""The steps of a call, told to whoever looks after the system: a line of log, and the figures.

Everything is told after the commit: what was rolled back hasn't happened. The lines of one call carry one
correlation id, whoever takes the step and however late. They hold ids, kinds and codes: never names,
numbers, addresses, texts or tokens.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from prometheus_client import Histogram
from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from dispatcher import metrics
from dispatcher.correlation import correlation_id
from dispatcher.database import after_commit
from dispatcher.models import HelpRequest, Message, Task
from dispatcher.sms.gateway import Outcome, Refused, Unknown
from dispatcher.sms.twilio import STATUSES

log = logging.getLogger(__name__)


# The first offer of a task is the one that was written first, whichever of a wave arrives first.
_FIRST = (
    select(func.min(Message.id).label("id"))
    .where(Message.task_id.in_(bindparam("task_ids", expanding=True)), Message.kind == "offer")
    .group_by(Message.task_id)
    .subquery()
)
_FIRST_OF = (
    select(Task.category, Task.urgency, HelpRequest.created_at)
    .join(Message, Message.task_id == Task.id)
    .join(HelpRequest, HelpRequest.id == Task.request_id)
    .where(Message.id.in_(bindparam("message_ids", expanding=True)), Message.id.in_(select(_FIRST.c.id)))
)


def follow(session: Session, about: HelpRequest | Task | Message | None) -> None:
    """Go on under the id of the call that this is about, if it has one."""
    known = _call(session, about)
    if known:
        correlation_id.set(known)


def saved(tx: Session, request: HelpRequest, opened: Sequence[Task], repeated: Sequence[Task]) -> None:
    """A call has been saved; `repeated`: open tasks that it was about as well."""
    _tell(
        tx, request.correlation_id, "saved", request_id=request.id,
        task_ids=[task.id for task in opened], repeats=[task.id for task in repeated],
    )  # fmt: skip
    for task in repeated:
        _tell(tx, task.request.correlation_id, "called again", task_id=task.id, request_id=request.id)


def looked(tx: Session, seen: Sequence[tuple[Task, str, int]]) -> None:
    """Somebody has looked at tasks: what each waits for now, and how many were asked."""
    for task, found, asked in seen:
        _tell(tx, task.request.correlation_id, "looked", task_id=task.id, found=found, asked=asked)


@dataclass(frozen=True)
class Sending:
    """A message in the hands of a worker; `call`: the id of the call it belongs to, or empty."""

    message_id: int
    task_id: int | None
    kind: str
    attempt: int
    call: str


def claimed(sending: Sending) -> None:
    """A message is about to be handed to the gateway. Called after the commit."""
    if sending.call:
        correlation_id.set(sending.call)
    log.info("claimed", extra=_about(sending) | {"attempt": sending.attempt})


def put_back(sending: Sending) -> None:
    """A message was claimed too long ago to be handed over now; it will be claimed anew. After the commit."""
    metrics.MESSAGES.labels(_gateway(), "put_back", "").inc()
    log.info("put back", extra=_about(sending) | {"attempt": sending.attempt})


def sent(sending: Sending, outcome: Outcome, took_s: float) -> None:
    """The gateway was called, for `took_s` seconds, and this came of it. Called after the commit."""
    word, code = type(outcome).__name__.lower(), ""
    if isinstance(outcome, Refused | Unknown):
        code = metrics.code(outcome.code)
        metrics.MESSAGES.labels(_gateway(), word, code).inc()
    metrics.GATEWAY.labels(_gateway(), word).observe(took_s)
    said = {"outcome": word, "code": code, "took_s": round(took_s, 3)}
    log.info("sent", extra=_about(sending) | said)


def taken(tx: Session, messages: Sequence[Any], now: datetime) -> None:
    """The gateway has these messages, as it says now or as turned out later."""
    count(tx, "accepted", number=len(messages))
    offers = [message for message in messages if message.kind == "offer"]
    if not offers:
        return
    of = {"task_ids": [*{m.task_id for m in offers}], "message_ids": [m.id for m in offers]}
    for row in tx.execute(_FIRST_OF, of).all():
        _time(tx, metrics.FIRST_OFFER, row, now - row.created_at)


def ended(tx: Session, message: Any, outcome: str, code: str = "", call: str | None = None) -> None:
    """What became of a message: "delivered", "undelivered", "failed", or "given_up" before it left.

    `message`: it, or a row of its `id`, `task_id` and `kind`, with the id of its `call`.
    """
    count(tx, outcome, code)
    _tell(
        tx, _call(tx, message) if isinstance(message, Message) else call, "ended", message_id=message.id,
        task_id=message.task_id, kind=message.kind, outcome=outcome, code=metrics.code(code),
    )  # fmt: skip


def count(tx: Session, outcome: str, code: str = "", number: int = 1) -> None:
    """Count messages."""
    labels = (_gateway(), outcome, metrics.code(code))
    if number:
        after_commit(tx, lambda: metrics.MESSAGES.labels(*labels).inc(number))


def receipt(tx: Session, message: Any, status: str, call: str | None) -> None:
    """The gateway has called back about a message: a row of its `id` and `task_id`."""
    said = status if status in STATUSES else "other"
    _tell(tx, call, "receipt", message_id=message.id, task_id=message.task_id, status=said)


def asked_back(tx: Session, message: Message, found: str) -> None:
    """The gateway was asked about a message whose outcome wasn't known."""
    _tell(
        tx, _call(tx, message), "asked back", message_id=message.id, task_id=message.task_id, found=found
    )  # fmt: skip


def answered(tx: Session, task: Task, what: str, by: str, outcome: str) -> None:
    """A volunteer or a retiree has said something of a task; `by`: "link" or "sms"."""
    _tell(tx, task.request.correlation_id, "answered", task_id=task.id, what=what, by=by, outcome=outcome)


def accepted(tx: Session, task: Task, now: datetime) -> None:
    """A volunteer has won a task."""
    _time(tx, metrics.ACCEPTANCE, task, now - task.opened_at)


def _gateway() -> str:
    return str(current_app.extensions["gateway"].name)


def _call(session: Session, about: HelpRequest | Task | Message | None) -> str:
    """The id under which the call was saved that this is about."""
    if isinstance(about, Message):
        about = session.get(Task, about.task_id) if about.task_id else None
    if isinstance(about, Task):
        about = about.request
    return about.correlation_id if about is not None else ""


def _about(sending: Sending) -> dict[str, Any]:
    return {
        "message_id": sending.message_id, "task_id": sending.task_id, "kind": sending.kind,
        "correlation": sending.call or correlation_id.get(),
    }  # fmt: skip


def _time(tx: Session, histogram: Histogram, about: Any, took: timedelta) -> None:
    labels = (about.category, about.urgency)
    after_commit(tx, lambda: histogram.labels(*labels).observe(took.total_seconds()))


def _tell(tx: Session, call: str | None, step: str, **fields: str | int | list[int] | None) -> None:
    """Log a step of this call, and not of the one that this process is busy with: they may share a
    transaction."""
    extra = {**fields, "correlation": call or None}
    after_commit(tx, lambda: log.info(step, extra=extra))
