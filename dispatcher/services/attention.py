"""What needs a person: raised with its reason, resolved by a person or by events."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, Integer, bindparam, func, or_, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.util import identity_key

from dispatcher.models import Attention, Retiree, Task, Volunteer
from dispatcher.rules.order import CALL_FOR_HELP
from dispatcher.services import history

# What a standing attention of a task means once the task has moved on by itself.
OUTLIVED_BY_A_PLAN = (
    "nobody_left", "nobody_answered", "too_few", "too_long", "due_in_quiet_hours", "cannot_ask",
)  # fmt: skip
SETTLED_BY_ACCEPTING = (*OUTLIVED_BY_A_PLAN, "text_refused", "unworded")
SETTLED_BY_ASSIGNING = (
    *SETTLED_BY_ACCEPTING, "overdue", "remote", "volunteer_unreachable", "volunteer_problem",
    "retiree_problem", "no_word", "repeat_call",
)  # fmt: skip


_IS = select(Attention).where(
    Attention.subject == bindparam("subject"),
    Attention.reason == bindparam("reason"),
    Attention.resolved_at.is_(None),
)
_OF_TASK = select(Attention).where(Attention.task_id == bindparam("task_id"), Attention.resolved_at.is_(None))
_REASONS = select(Attention.task_id, Attention.reason).where(
    Attention.task_id.in_(bindparam("task_ids", expanding=True)), Attention.resolved_at.is_(None)
)

_RESOLVE = (
    update(Attention)
    .where(
        Attention.id == bindparam("attention_id"),
        Attention.resolved_at.is_(None),
        or_(bindparam("seen", type_=Integer).is_(None), Attention.message_id == bindparam("seen")),
    )
    .values(resolved_at=bindparam("now"), resolved_by=bindparam("by"), resolution=bindparam("how"))
    .execution_options(synchronize_session=False)
)
_CLAIM = (
    update(Attention)
    .where(
        Attention.id == bindparam("attention_id"),
        Attention.resolved_at.is_(None),
        func.coalesce(Attention.claimed_by_id, 0) == bindparam("before"),
    )
    .values(claimed_by_id=bindparam("after"), claimed_at=bindparam("at"))
    .execution_options(synchronize_session=False)
)


def raise_(
    tx: Session,
    reason: str,
    now: datetime,
    task: Task | None = None,
    retiree: Retiree | None = None,
    volunteer: Volunteer | None = None,
    message_id: int | None = None,
    subject: str = "",
    task_id: int | None = None,
    **params: Any,
) -> Attention:
    """Put something on the coordinators' list; the same thing for the same subject stands once.

    Raised again while it stands, it takes the newer parameters (the newer words to say) and keeps
    its age. `task_id`: of a task that can't be read, in place of `task`.
    """
    subject = subject or _subject(task, retiree, volunteer)
    standing = find(tx, subject, reason)
    if standing is not None:
        standing.params = params
        standing.message_id = message_id or standing.message_id
        return standing
    raised = Attention(
        reason=reason,
        subject=subject,
        params=params,
        task_id=task.id if task else task_id,
        retiree_id=retiree.id if retiree else (task.retiree_id if task else None),
        volunteer_id=volunteer.id if volunteer else None,
        message_id=message_id,
        raised_at=now,
    )
    tx.add(raised)
    tx.flush()
    history.record(
        tx, "attention", history.SYSTEM, now, task, reason=reason, message_kind=params.get("kind", "")
    )
    return raised


def find(session: Session, subject: str, reason: str) -> Attention | None:
    """What stands for `subject` for this reason."""
    return session.scalars(_IS, {"subject": subject, "reason": reason}).first()


def _subject(task: Task | None, retiree: Retiree | None, volunteer: Volunteer | None) -> str:
    """What an attention is about, as a key."""
    for noun, row in (("task", task), ("volunteer", volunteer), ("retiree", retiree)):
        if row is not None:
            return f"{noun}:{row.id}"
    raise ValueError("an attention needs a subject")


def settle(
    tx: Session, task: Task, now: datetime, actor: history.Actor, resolution: str,
    reasons: tuple[str, ...] | None = None,
) -> None:  # fmt: skip
    """Resolve the standing attention of `task` (only `reasons`, if given). A call for help outlasts every
    task: whoever sent it isn't helped by the medicine's being there."""
    for standing in tx.scalars(_OF_TASK, {"task_id": task.id}):
        if standing.reason in reasons if reasons is not None else standing.reason != CALL_FOR_HELP:
            resolve(tx, standing.id, now, actor, resolution)


def standing(tx: Session, task_ids: Sequence[int]) -> dict[int, set[str]]:
    """The reasons that stand for each of these tasks; tasks for which none does are left out."""
    found: dict[int, set[str]] = {}
    for task_id, reason in tx.execute(_REASONS, {"task_ids": task_ids}):
        if task_id is not None:
            found.setdefault(task_id, set()).add(reason)
    return found


def stands(tx: Session, task: Task, reason: str) -> bool:
    """Whether this stands for `task`."""
    return reason in standing(tx, [task.id]).get(task.id, ())


def found(session: Session, task: Task, reason: str) -> Attention | None:
    """What stands for `task` for this reason."""
    return find(session, _subject(task, None, None), reason)


def superseded(tx: Session, task: Task, now: datetime) -> None:
    """A call that was to say something older would now say something untrue."""
    settle(tx, task, now, history.SYSTEM, "superseded", ("call_retiree",))


def known(tx: Session, subject: str, reason: str, now: datetime) -> None:
    """What was in doubt has been settled by itself."""
    standing = find(tx, subject, reason)
    if standing is not None:
        resolve(tx, standing.id, now, history.SYSTEM, "settled")


def resolve(
    tx: Session, attention_id: int, now: datetime, actor: history.Actor, resolution: str,
    seen: int | None = None,
) -> bool:  # fmt: skip
    """Mark as seen to; False when somebody else already has. The database decides who was first.

    `seen`: the message that was shown with it; False if a newer one has come since.
    """
    how = {"now": now, "by": actor.name, "how": resolution[:200], "seen": seen}
    result = tx.execute(_RESOLVE, how | {"attention_id": attention_id})
    return _was_first(tx, result, attention_id)


def hand_over(tx: Session, attention_id: int, before: int | None, after: int | None, now: datetime) -> bool:
    """Let `after` see to it in place of `before`, members of staff by their ids or nobody; False when
    somebody else was quicker, or it is seen to. The database decides."""
    at = now if after is not None else None
    result = tx.execute(
        _CLAIM, {"attention_id": attention_id, "before": before or 0, "after": after, "at": at}
    )
    return _was_first(tx, result, attention_id)


def _was_first(tx: Session, result: Any, attention_id: int) -> bool:
    loaded = tx.identity_map.get(identity_key(Attention, attention_id))
    if loaded is not None:
        tx.expire(loaded)  # whoever has it in hand reads what is so now
    return cast("CursorResult[Any]", result).rowcount == 1
