"""Status callbacks of the gateway: each kept whole, applied if it is news and no step back.

There are two or three for every message, so those that meet share a transaction, and what nearly all
of them say (it has left; it has arrived) is written for all at once.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from dispatcher.clock import utcnow
from dispatcher.database import insert_new, transaction, use_case
from dispatcher.models import HelpRequest, Message, MessageReceipt, Offer, Task, Volunteer
from dispatcher.rules.lifecycle import MessageState, TaskState
from dispatcher.services import outcomes, steps, stoppages
from dispatcher.services.states import move_all
from dispatcher.services.together import Gathered, Together
from dispatcher.sms.gateway import Fault
from dispatcher.sms.twilio import STATUSES
from dispatcher.sms.twilio_codes import undelivered

log = logging.getLogger(__name__)


_ABOUT = (
    select(
        Message.id, Message.gateway_id, Message.direction, Message.state, Message.kind, Message.task_id,
        Message.offer_id, Message.volunteer_id, HelpRequest.correlation_id.label("call"),
    )
    .outerjoin(Task, Task.id == Message.task_id)
    .outerjoin(HelpRequest, HelpRequest.id == Task.request_id)
    .where(
        or_(
            Message.gateway_id.in_(bindparam("gateway_ids", expanding=True)),
            Message.id.in_(bindparam("message_ids", expanding=True)),
        )
    )
)  # fmt: skip


@dataclass(frozen=True)
class Receipt:
    """One callback. `message_id`: ours, from the address it was sent to."""

    message_id: int | None
    gateway_id: str
    status: str
    payload: dict[str, Any]
    received_at: datetime

    @property
    def code(self) -> str:
        """Why it didn't arrive, as the gateway says it; "" if it doesn't."""
        return str(self.payload.get("ErrorCode", ""))[:20]


@use_case
def _take_in_all(gathered: Gathered[Receipt]) -> list[None]:
    with transaction() as tx:
        receipts = gathered()
        about, addressed = _messages(tx, receipts)
        rows = [
            {
                "message_id": message.id if message is not None else whose,
                "gateway_id": receipt.gateway_id,
                "status": receipt.status,
                "payload": receipt.payload,
                "received_at": receipt.received_at,
            }
            for receipt, message, whose in zip(receipts, about, addressed, strict=True)
        ]
        new = {tuple(key) for key in insert_new(tx, MessageReceipt, rows, "gateway_id", "status")}
        fresh = []
        for receipt, message in zip(receipts, about, strict=True):
            if (receipt.gateway_id, receipt.status) not in new:
                continue
            new.remove((receipt.gateway_id, receipt.status))  # the same one twice in one go
            if message is None or message.direction != "out":
                log.warning("receipt for a message we don't know")
                continue
            fresh.append((receipt, message))
            steps.receipt(tx, message, receipt.status, message.call)
        _apply(tx, fresh)
        return [None] * len(receipts)


def _messages(tx: Session, receipts: Sequence[Receipt]) -> tuple[list[Any], list[int | None]]:
    """The message of each receipt: by the gateway's id, or by ours if it has none yet. And the message
    that it was addressed to, by id, which an echo of an earlier try isn't applied to."""
    found: Sequence[Any] = tx.execute(
        _ABOUT,
        {
            "gateway_ids": [receipt.gateway_id for receipt in receipts],
            "message_ids": [receipt.message_id for receipt in receipts if receipt.message_id],
        },
    ).all()
    by_gateway = {row.gateway_id: row for row in found}
    # Another gateway id: it was sent again under a new one, and this is the old one's echo.
    by_id = {row.id: row for row in found if row.gateway_id is None}
    ids = {row.id for row in found}
    addressed = [r.message_id if r.message_id in ids else None for r in receipts]
    return [by_gateway.get(r.gateway_id) or by_id.get(r.message_id or 0) for r in receipts], addressed


def _apply(tx: Session, fresh: Sequence[tuple[Receipt, Any]]) -> None:
    times = Counter(message.id for _, message in fresh)
    arrived, others = [], []
    for receipt, message in fresh:
        says, alone = STATUSES.get(receipt.status), times[message.id] == 1
        if alone and message.state == MessageState.SENT and says is MessageState.SENT:
            continue  # known already
        if alone and message.state == MessageState.SENT and says is MessageState.DELIVERED:
            arrived.append({"id": message.id, "ended_at": receipt.received_at, "wake_at": None})
            steps.ended(tx, message, "delivered", "", message.call)
        else:
            others.append((receipt, message))
    _hold(tx, others)
    arrived.sort(key=lambda row: row["id"])
    # The end of a stoppage takes tasks and offers: before these messages.
    stoppages.delivered(tx, [row["id"] for row in arrived], utcnow())
    move_all(tx, Message, MessageState.SENT, MessageState.DELIVERED, arrived)
    for receipt, message in others:
        outcomes.apply(
            tx, tx.get_one(Message, message.id), receipt.gateway_id, receipt.status, receipt.code,
            receipt.received_at,
        )  # fmt: skip


def _hold(tx: Session, others: Sequence[tuple[Receipt, Any]]) -> None:
    """Take all that these receipts may change, until the end of the transaction: tasks before offers, offers
    before messages, and of each kind in the order of their ids. Two batches that took them as they came would
    wait for each other. SQLite has one writer."""
    if not others or tx.get_bind().dialect.name != "postgresql":
        return
    lost = [
        (receipt, message) for receipt, message in others if STATUSES.get(receipt.status) in outcomes.LOST
    ]
    tasks: ColumnElement[bool] = Task.id.in_({message.task_id for _, message in lost} - {None})
    ours = any(undelivered(receipt.code).fault is Fault.OURS for receipt, _ in lost)
    if ours and not stoppages.standing(tx):
        tasks = or_(tasks, Task.state == str(TaskState.OPEN))  # they are looked at anew when it begins
    held: list[tuple[InstrumentedAttribute[int], ColumnElement[bool]]] = [
        (Offer.id, Offer.id.in_({message.offer_id for _, message in others} - {None})),
        (Message.id, Message.id.in_({message.id for _, message in others})),
    ]
    if lost:
        volunteers = {message.volunteer_id for _, message in lost} - {None}
        held = [(Task.id, tasks), *held, (Volunteer.id, Volunteer.id.in_(volunteers))]
    for key, which in held:
        tx.execute(select(key).where(which).order_by(key).with_for_update(key_share=True))


take_in = Together(_take_in_all, linger_s=0.1, enough=32)
"""Take in one receipt, together with those that come a moment later: nobody waits for it, and the gateway
gives it fifteen seconds."""
