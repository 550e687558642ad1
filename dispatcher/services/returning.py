"""Calls to return: promised or missed, claimed by one operator, made, and ended with what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, bindparam, func, or_, select, update
from sqlalchemy.orm import Session, joinedload

from dispatcher.database import db, transaction, use_case
from dispatcher.models import Retiree, ReturnCall, Staff
from dispatcher.services import accounts, history

REACHED, NOT_REACHED, SETTLED = "reached", "not_reached", "settled"
"""What came of a call: help was asked for and saved; nobody answered; nothing more to do."""

AGAIN_AFTER = timedelta(minutes=30)
STALE = timedelta(minutes=20)
"""Whoever has held a call for so long without an end may be off duty: a colleague may take it over."""

SAME = timedelta(minutes=2)
"""The same promise, entered twice within this time, is one promise."""

MOST = 200
"""So many calls are listed, the most overdue first."""

_LIST = (
    select(ReturnCall)
    .where(ReturnCall.done_at.is_(None))
    .options(
        joinedload(ReturnCall.retiree).joinedload(Retiree.campus),
        joinedload(ReturnCall.created_by, innerjoin=True),
        joinedload(ReturnCall.claimed_by),
    )
    .order_by(ReturnCall.due_at, ReturnCall.id)
    .limit(bindparam("most"))
)
_ENDED = (
    select(ReturnCall)
    .where(ReturnCall.done_at.is_not(None))
    .options(joinedload(ReturnCall.retiree), joinedload(ReturnCall.done_by))
    .order_by(ReturnCall.id.desc())
    .limit(8)
)
_DUE = select(func.count(ReturnCall.id)).where(
    ReturnCall.done_at.is_(None),
    or_(ReturnCall.claimed_by_id.is_(None), ReturnCall.claimed_at < bindparam("stale")),
    ReturnCall.due_at <= bindparam("now"),
)
_OPEN = update(ReturnCall).where(ReturnCall.id == bindparam("call_id"), ReturnCall.done_at.is_(None))
_FREE = or_(
    ReturnCall.claimed_by_id.is_(None),
    ReturnCall.claimed_by_id == bindparam("staff_id"),
    ReturnCall.claimed_at < bindparam("stale"),
)
_CLAIM = (
    _OPEN.where(_FREE)
    .values(claimed_by_id=bindparam("staff_id"), claimed_at=bindparam("now"))
    .execution_options(synchronize_session=False)
)
_RELEASE = (
    _OPEN.where(ReturnCall.claimed_by_id == bindparam("staff_id"))
    .values(claimed_by_id=None, claimed_at=None)
    .execution_options(synchronize_session=False)
)
_DONE = (
    _OPEN.where(_FREE)
    .values(
        done_by_id=bindparam("staff_id"),
        done_at=bindparam("now"),
        outcome=bindparam("how"),
        request_id=bindparam("request"),
    )
    .execution_options(synchronize_session=False)
)


@dataclass(frozen=True)
class Promise:
    """Whom to call, when, and what about. `phone`: E.164. Nobody need be known by it."""

    phone: str
    due_at: datetime
    retiree_id: int | None = None
    name: str = ""
    notes: str = ""


@use_case
def promise(wanted: Promise, operator: Staff, now: datetime) -> int:
    """Note a call to return; its id. Entered twice in a row, it is there once."""
    actor = history.staff(operator)
    with transaction() as tx:
        accounts.hold(tx, operator)  # of two that come at once the second sees the first
        known = wanted.retiree_id
        if known is not None and tx.get(Retiree, known) is None:
            known = None
        same = tx.scalars(
            select(ReturnCall.id).where(
                ReturnCall.done_at.is_(None),
                ReturnCall.phone == wanted.phone,
                ReturnCall.notes == wanted.notes,
                ReturnCall.due_at.between(wanted.due_at - SAME, wanted.due_at + SAME),
                ReturnCall.created_by_id == actor.id,
                ReturnCall.created_at > now - SAME,
            )
        ).first()
        if same is not None:
            return same
        return _add(tx, wanted, known, actor, now)


@use_case
def claim(call_id: int, operator: Staff, now: datetime) -> bool:
    """This operator makes the call; False when a colleague does, or it has been made."""
    actor = history.staff(operator)
    with transaction() as tx:
        of = {"call_id": call_id, "staff_id": actor.id, "now": now, "stale": now - STALE}
        won = _changed(tx, _CLAIM, of)
        if won:
            history.record(tx, "return_call", actor, now, step="claimed", call=call_id)
        return won


@use_case
def release(call_id: int, operator: Staff, now: datetime) -> None:
    """This operator doesn't make the call after all. Harmless when it isn't theirs."""
    actor = history.staff(operator)
    with transaction() as tx:
        if _changed(tx, _RELEASE, {"call_id": call_id, "staff_id": actor.id}):
            history.record(tx, "return_call", actor, now, step="released", call=call_id)


@use_case
def not_reached(call_id: int, operator: Staff, now: datetime) -> bool:
    """Nobody answered: this try has ended, and the next is due in :data:`AGAIN_AFTER`.

    False when a colleague has the call, or it has ended; then there is no other try.
    """
    actor = history.staff(operator)
    with transaction() as tx:
        if not _end(tx, call_id, NOT_REACHED, actor, now):
            return False
        call = tx.get_one(ReturnCall, call_id)
        again = Promise(call.phone, now + AGAIN_AFTER, call.retiree_id, call.name, call.notes)
        _add(tx, again, call.retiree_id, actor, now)
        return True


@use_case
def settled(call_id: int, operator: Staff, now: datetime) -> bool:
    """It was settled by phone; False when a colleague has the call, or it has ended."""
    actor = history.staff(operator)
    with transaction() as tx:
        return _end(tx, call_id, SETTLED, actor, now)


def reached(tx: Session, call_id: int, request_id: int, actor: history.Actor, now: datetime) -> None:
    """A call was saved from it. What a colleague holds or has ended stays as it is."""
    _end(tx, call_id, REACHED, actor, now, request_id)


def open_calls(session: Session) -> Sequence[ReturnCall]:
    """The calls still to be made, the most overdue first."""
    return session.scalars(_LIST, {"most": MOST}).all()


def due(session: Session, now: datetime) -> int:
    """How many calls are due that nobody has claimed."""
    return session.scalars(_DUE, {"now": now, "stale": now - STALE}).one()


def is_stale(call: ReturnCall, now: datetime) -> bool:
    """Whether a colleague may take over what somebody else has claimed."""
    return call.claimed_at is not None and call.claimed_at < now - STALE


def ended(session: Session) -> Sequence[ReturnCall]:
    """The last calls that have been made, the newest first."""
    return session.scalars(_ENDED).all()


def one(call_id: int) -> ReturnCall | None:
    """A call to return."""
    return db.session.get(ReturnCall, call_id)


def _add(tx: Session, wanted: Promise, retiree_id: int | None, actor: history.Actor, now: datetime) -> int:
    call = ReturnCall(
        retiree_id=retiree_id, name=wanted.name, phone=wanted.phone, notes=wanted.notes,
        due_at=wanted.due_at, created_by_id=actor.id, created_at=now,
    )  # fmt: skip
    tx.add(call)
    tx.flush()
    history.record(tx, "return_call", actor, now, step="added", call=call.id)
    return call.id


def _end(
    tx: Session, call_id: int, how: str, actor: history.Actor, now: datetime, request_id: int | None = None
) -> bool:
    of = {
        "call_id": call_id, "staff_id": actor.id, "now": now, "stale": now - STALE, "how": how,
        "request": request_id,
    }  # fmt: skip
    ended = _changed(tx, _DONE, of)
    if ended:
        history.record(tx, "return_call", actor, now, request_id=request_id, step=how, call=call_id)
    return ended


def _changed(tx: Session, statement: Any, of: dict[str, Any]) -> bool:
    return cast("CursorResult[Any]", tx.execute(statement, of)).rowcount == 1
