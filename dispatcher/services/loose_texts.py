"""Texts that nothing was done with, and those that call for help: one item for each phone, with whose it is
and what it may be about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from dispatcher.database import transaction, use_case
from dispatcher.models import Attention, Message, Staff, Task
from dispatcher.rules import replies
from dispatcher.rules.lifecycle import TaskState, final
from dispatcher.rules.order import CALL_FOR_HELP, UNCLEAR_REPLY, Sender
from dispatcher.services import attention, history, senders
from dispatcher.services.senders import Known

KEPT = 5
"""So many different texts are kept in the item of a phone; all stay as messages."""

KEPT_CHARACTERS = 300
"""So much of each of them. The newest is kept whole."""

MOST = 100
"""So many are dismissed at once at most."""

_STANDING = (
    select(Attention)
    .where(
        Attention.subject == bindparam("subject"),
        Attention.resolved_at.is_(None),
        Attention.sender.is_not(None),
    )
    .with_for_update()
    .execution_options(populate_existing=True)
)
_THESE = (
    select(Attention)
    .where(Attention.id.in_(bindparam("ids", expanding=True)))
    .order_by(Attention.id)
    .with_for_update()
    .execution_options(populate_existing=True)
)


@dataclass(frozen=True)
class Dismissed:
    """What came of dismissing several: how many are off the list, and those that got a new text meanwhile."""

    done: int
    changed: Sequence[int]


def show(
    tx: Session, message: Message, said: str, why: str, now: datetime, named: Task | None = None
) -> Attention:
    """Put a text that nothing was done with before the coordinators, in the one item of its phone.

    `named`: the task that it names by its code. What sounds like a call for help makes the item one of its
    own kind, and it stays one.
    """
    known = senders.of(tx, message)
    task = _about(tx, known, named)
    history.record(tx, "unclear_reply", history.SYSTEM, now, named or task, said=said)
    return _stand(tx, message, known, said, why, now, task, replies.calls_for_help(message.body or ""))


def call_for_help(tx: Session, message: Message, said: str, now: datetime, named: Task | None = None) -> None:
    """Put a text that calls for help before the coordinators, though something was done with it.

    `named`: the task that it was about. It stands where the other texts of its phone do, as :func:`show` has
    it.
    """
    known = senders.of(tx, message)
    _stand(tx, message, known, said, CALL_FOR_HELP, now, _about(tx, known, named), help_wanted=True)


def _about(tx: Session, known: Known, named: Task | None) -> Task | None:
    """The task that a text is about: the one that it names while that is open, else the likely one."""
    still_open = named is not None and not final(TaskState(named.state))
    return named if still_open else senders.likely_task(tx, known)


def _stand(
    tx: Session, message: Message, known: Known, said: str, why: str, now: datetime, task: Task | None,
    help_wanted: bool,
) -> Attention:  # fmt: skip
    """Add a text to the one item of its phone."""
    message.retiree_id = known.retiree.id if known.retiree else None
    standing = tx.scalars(_STANDING, {"subject": known.subject}).first()
    if standing is None:
        standing = _begin(tx, known, CALL_FOR_HELP if help_wanted else UNCLEAR_REPLY, task, now)
    elif help_wanted and standing.reason != CALL_FOR_HELP:
        # Whoever saw to the texts before it may not look again: it is news.
        standing.reason, standing.raised_at = CALL_FOR_HELP, now
        standing.claimed_by_id = standing.claimed_at = None
        history.record(tx, "attention", history.SYSTEM, now, task, reason=CALL_FOR_HELP, message_kind="")
    standing.sender = str(known.kind)
    standing.message_id = message.id
    standing.task_id = task.id if task else None
    standing.retiree_id = message.retiree_id
    standing.volunteer_id = message.volunteer_id
    before = standing.params
    standing.params = _with(before, message, said, now) | {
        "phone": known.given, "why": why, "people": known.named(),
        "help": said if help_wanted else before.get("help", ""),
    }  # fmt: skip
    tx.flush()
    return standing


def _begin(tx: Session, known: Known, reason: str, task: Task | None, now: datetime) -> Attention:
    begun = Attention(reason=reason, subject=known.subject, sender=str(known.kind), params={}, raised_at=now)
    tx.add(begun)
    history.record(tx, "attention", history.SYSTEM, now, task, reason=reason, message_kind="")
    return begun


def _with(before: Mapping[str, Any], message: Message, said: str, now: datetime) -> dict[str, Any]:
    """What the item says once one more text has come: the newest whole, the others in short, all counted."""
    pictures = len(message.params.get("pictures", ()))
    newest = {"said": said[:KEPT_CHARACTERS], "pictures": pictures, "times": 1, "at": now.isoformat()}
    others = []
    for text in before.get("texts", ()):
        if (text["said"], text["pictures"]) == (newest["said"], pictures):
            newest["times"] = text["times"] + 1
        else:
            others.append(text)
    return {
        "said": said,
        "pictures": pictures,
        "count": before.get("count", 0) + 1,
        "last_at": now.isoformat(),
        "texts": [newest, *others][:KEPT],
    }


def thanked(tx: Session, message: Message, now: datetime) -> None:
    """Note thanks in the history of the task that they are for, or with whoever says them. Nobody need do
    anything about them; those of a stranger stay a message."""
    known = senders.of(tx, message)
    if known.kind is Sender.STRANGER:
        return
    task = senders.last_task(tx, known, now)
    message.task_id = task.id if task else None
    message.retiree_id = known.retiree.id if known.retiree else None
    if known.volunteer is not None:
        actor = history.volunteer(known.volunteer)
    elif known.retiree is not None and known.kind is Sender.RETIREE:
        actor = history.retiree(known.retiree)
    else:
        actor = history.SYSTEM
    history.record(tx, "thanks", actor, now, task, said=message.body, retiree_id=message.retiree_id)


@use_case
def dismiss(seen: Mapping[int, int], by: Staff, now: datetime) -> Dismissed:
    """Take several off the list in one act. `seen`: their ids with the newest message that was shown of each.

    What has got a new text since stays, for nobody has read that. Dismissed already, by whomever, is done.
    """
    chosen = dict(sorted(seen.items())[:MOST])
    with transaction() as tx:
        done, changed = 0, []
        for item in tx.scalars(_THESE, {"ids": [*chosen]}).all():
            if item.resolved_at is not None:
                done += 1
            elif (item.message_id or 0) != chosen[item.id]:
                changed.append(item.id)
            else:
                done += 1
                actor = history.staff(by)
                history.record(tx, "seen_to", actor, now, item.task, reason=item.reason, said="")
                attention.resolve(tx, item.id, now, actor, "dismissed")
        return Dismissed(done, changed)
