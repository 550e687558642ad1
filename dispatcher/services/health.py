"""Is everything that help depends on working? Read by people and by watchdogs."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import redis
from flask import current_app
from sqlalchemy import case, func, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from dispatcher import broker, logs
from dispatcher.database import db
from dispatcher.models import Message, Stoppage, Task
from dispatcher.rules.lifecycle import MessageState
from dispatcher.services import refusals, stoppages, storage

log = logging.getLogger(__name__)
_database = logs.Outage(log, "the database")

TICK_LATE_S = 15.0
MESSAGE_LATE_S = 120.0
TASK_LATE_S = 60.0
_BEAT_KEY = "dispatcher:alive:"
_IMPATIENT = text(
    "SELECT set_config('lock_timeout', '500ms', true), set_config('statement_timeout', '800ms', true)"
)

_SINCE = case(
    (Message.released_at.is_not(None), Message.released_at),
    (Message.attempts == 0, func.coalesce(Message.not_before, Message.created_at)),
    else_=Message.created_at,
)
"""Since when a message has waited to be sent: one that was written ahead of its time, since that; one that
something of ours had kept back, since that was mended."""


@dataclass(frozen=True)
class Health:
    """Seconds are None when they can't be known (no broker) or nothing waits. `writable`: the database takes
    what is written; `disk_free_mb`: room left on this machine, and `disk_low`: little; `webhooks_refused`:
    the gateway's requests are refused, so replies come late; `gateway_refuses`: the settings of ours because
    of which SMS can't leave: "sender", "region:JP"; `everybody_waits`: one of them concerns everybody, not
    a region abroad alone."""

    database: bool
    writable: bool
    broker: bool
    worker: bool
    sms_worker: bool
    last_tick_s: float | None
    oldest_unsent_s: float | None
    oldest_overdue_s: float | None
    disk_free_mb: int | None
    disk_low: bool
    webhooks_refused: bool | None
    gateway_refuses: list[str] = field(default_factory=list)
    everybody_waits: bool = False

    @property
    def ready(self) -> bool:
        """Whether a call that came now would be answered as promised."""
        return (
            self.database
            and self.writable
            and self.broker
            and self.worker
            and self.sms_worker
            and not self.everybody_waits
            and (self.oldest_unsent_s or 0) < MESSAGE_LATE_S
            and (self.oldest_overdue_s or 0) < TASK_LATE_S
        )


def heartbeat(role: str, now: datetime) -> None:
    """Note that a worker of `role` ("tick" or "sweep") has just done its round.

    Kept at the broker, not in the database: a write each second would wake every board.
    """
    with broker.client(current_app) as client:
        client.set(_BEAT_KEY + role, now.timestamp(), ex=timedelta(hours=1))


def queue_lengths() -> dict[str, int]:
    """How many jobs wait at the broker in each queue; nothing when it doesn't answer."""
    try:
        with broker.client(current_app) as client, client.pipeline(transaction=False) as pipe:
            lists = [(queue, name) for queue in broker.QUEUES for name in broker.lists(queue)]
            for _, name in lists:
                pipe.llen(name)
            lengths = dict.fromkeys(broker.QUEUES, 0)
            for (queue, _), length in zip(lists, pipe.execute(), strict=True):
                lengths[queue] += length
    except redis.RedisError as error:
        logs.BROKER.away(type(error).__name__)
        return {}
    logs.BROKER.back()
    return lengths


def check(now: datetime) -> Health:
    """Look at everything; takes well under a second even when the broker hangs."""
    ticked, swept, broker_ok = None, None, False
    try:
        with broker.client(current_app) as client:
            values = client.mget(_BEAT_KEY + "tick", _BEAT_KEY + "sweep")
        ticked, swept = (now.timestamp() - float(v) if v else None for v in values)
        broker_ok = True
        logs.BROKER.back()
    except redis.RedisError as error:
        logs.BROKER.away(type(error).__name__)
    free = storage.free_bytes()
    room: dict[str, Any] = {
        "disk_free_mb": None if free is None else free // 1_000_000,
        "disk_low": free is not None and free < storage.LOW_BYTES,
    }
    try:
        return Health(
            database=True,
            broker=broker_ok,
            worker=ticked is not None and ticked < TICK_LATE_S,
            sms_worker=swept is not None and swept < TICK_LATE_S,
            last_tick_s=ticked,
            **room,
            **_of_database(db.session(), now),
        )
    except SQLAlchemyError as error:
        _database.away(type(getattr(error, "orig", error)).__name__)
        return Health(
            database=False, writable=False, broker=broker_ok, worker=False, sms_worker=False,
            last_tick_s=ticked, oldest_unsent_s=None, oldest_overdue_s=None, webhooks_refused=None, **room,
        )  # fmt: skip
    finally:
        db.session.rollback()  # and with it the impatience


def _unsent_since(session: Session, stopping: Sequence[Stoppage], now: datetime) -> datetime | None:
    """Since when the oldest message has waited to be sent; those to a region abroad to which nothing leaves
    aside, for they keep nobody else waiting."""
    unsent = (Message.state.in_([str(MessageState.QUEUED), str(MessageState.SENDING)]), now >= _SINCE)
    regions = [stoppage for stoppage in stopping if stoppage.scope not in stoppages.EVERYBODY]
    if not regions:
        oldest: datetime | None = session.scalar(select(func.min(_SINCE)).where(*unsent))
        return oldest
    by_phone = select(Message.phone, func.min(_SINCE)).where(*unsent).group_by(Message.phone)
    waits = (since for phone, since in session.execute(by_phone) if stoppages.over(regions, phone) is None)
    return min(waits, default=None)


def _of_database(session: Session, now: datetime) -> dict[str, Any]:
    """What the database knows, in well under a second: rather nothing than after a long wait for a lock."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(_IMPATIENT)
    stopping = stoppages.standing(session)
    unsent = _unsent_since(session, stopping, now)
    overdue = session.scalar(select(func.min(Task.look_again_at)).where(Task.look_again_at <= now))
    refused = refusals.standing()
    refuses = [":".join(filter(None, (s.setting, s.scope))) for s in stopping]
    _database.back()
    return {
        "oldest_unsent_s": (now - unsent).total_seconds() if unsent else None,
        "oldest_overdue_s": (now - overdue).total_seconds() if overdue else None,
        "webhooks_refused": refused,
        "gateway_refuses": refuses,
        "everybody_waits": any(stoppage.scope in stoppages.EVERYBODY for stoppage in stopping),
        "writable": storage.writable(session),
    }
