"""What the machine itself answers to an SMS: each reply once, and never two machines for ever.

An answer names the sender's own live codes, if there are any, and nobody else's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from dispatcher.models import Message, ReplyCode, Task
from dispatcher.rules.lifecycle import NOT_NEEDED, MessageState
from dispatcher.rules.replies import Stage, slot
from dispatcher.services import outbox

WITHIN = timedelta(hours=6)

MOST = 6
"""A phone gets so many answers in :data:`WITHIN`, so that two machines can't talk to each other for ever."""

SAID_JUST_NOW = timedelta(minutes=2)
"""What a phone has been told so lately isn't said again: one press that was sent twice has one answer."""

AUTOMATIC = (
    "reply_help", "reply_help_many", "reply_help_retiree", "reply_help_nothing", "reply_seen", "taken",
    "thanked", "will_call", "reply_urgent",
)  # fmt: skip

_REFUSED = (MessageState.FAILED, MessageState.UNDELIVERED)

MOST_CODES = 3
"""The codes of so many tasks fit into one SMS; the others are in the texts that asked."""

_LATELY = (
    select(
        Message.kind, Message.params, Message.task_id, Message.created_at, Message.state, Message.error_code
    )
    .where(
        Message.phone == bindparam("phone"),
        Message.direction == "out",
        Message.created_at > bindparam("since"),
    )
    .order_by(Message.created_at.desc(), Message.id.desc())
    .limit(100)
)


@dataclass(frozen=True)
class Waiting:
    """A task that waits for an answer from the phone, and for which one."""

    code: ReplyCode
    stage: Stage
    category: str


class Answers:
    """The answers to one incoming SMS. `waiting`: what waits on its phone, the newest first. To one that
    calls for help there is a single answer, whatever else it says."""

    def __init__(
        self, tx: Session, message: Message, waiting: Sequence[Waiting], now: datetime, calls_for_help: bool
    ) -> None:
        self._tx, self._message, self._now = tx, message, now
        self._calls_for_help = calls_for_help
        self._said: set[str] = set()  # what this transaction writes can't be read before its end
        self._waiting = [one for one in waiting if one.stage is not Stage.OVER]

    def how_to_reply(self) -> None:
        """It wasn't understood: which digits say what, or that somebody will see to it."""
        if self._waiting:
            several = len(self._waiting) > 1
            asks = [
                {"stage": str(one.stage), "slot": slot(one.code.number), "category": one.category}
                for one in self._waiting[:MOST_CODES]
            ]
            self._say("reply_help_many" if several else "reply_help", asks=asks)
        elif self._message.volunteer_id is None:
            self._say("reply_help_retiree")
        else:
            self._say("reply_seen")

    def urgent(self) -> None:
        """It calls for help: whom to ring in danger, and that somebody calls."""
        self._say("reply_urgent")

    def taken(self, task: Task) -> None:
        """Somebody else has it."""
        self._say("taken", task, **outbox.task_params(task))

    def over(self, task: Task) -> None:
        """It has ended, and nothing more is to be answered."""
        self._say("reply_help_nothing", task)

    def thanks(self, task: Task) -> None:
        """All is well: thank you."""
        self._say("thanked", task)

    def will_call(self, task: Task) -> None:
        """Something is wrong: somebody calls."""
        self._say("will_call", task)

    def just_assigned(self, task: Task) -> bool:
        """Whether the phone has been told just now that `task` is theirs, and what comes next."""
        return any(
            row.kind.startswith("assigned") and row.task_id == task.id for row in self._lately(SAID_JUST_NOW)
        )

    def noted_already(self, task: Task, step: str) -> bool:
        """Whether this step of `task` has been confirmed to the phone just now."""
        return any(
            row.kind == "noted" and row.task_id == task.id and row.params.get("step") == step
            for row in self._lately(SAID_JUST_NOW)
        )

    def _say(self, kind: str, task: Task | None = None, **params: Any) -> None:
        if self._calls_for_help and kind != "reply_urgent":
            return
        params |= {"hotline": current_app.config["HOTLINE_PHONE"], "about": task.id if task else None}
        lately = self._lately(WITHIN)
        just_now = [row for row in lately if row.created_at > self._now - SAID_JUST_NOW]
        this = f"{kind} {params['about']}"
        if this in self._said or any(_same(row, kind, params) for row in just_now):
            return
        self._said.add(this)
        answers = [row for row in lately if row.kind in AUTOMATIC and row.task_id is None]
        if kind == "reply_urgent" and not any(_was_refused(row) for row in answers):
            answers = [row for row in answers if row.kind == kind]  # the others don't use up its share
        # A phone that takes no SMS from us is not tried again with each text that it sends.
        if len(answers) < MOST and not any(_was_refused(row) for row in answers):
            message = self._message
            outbox.to_phone(self._tx, kind, message.phone, message.language, self._now, **params)

    def _lately(self, within: timedelta) -> Sequence[Any]:
        return self._tx.execute(_LATELY, {"phone": self._message.phone, "since": self._now - within}).all()


def _was_refused(row: Any) -> bool:
    return row.state in _REFUSED and row.error_code != NOT_NEEDED


def _same(row: Any, kind: str, params: dict[str, Any]) -> bool:
    """Whether a message that was written before says this: as an answer, or as word of the same task."""
    if row.kind == kind and row.task_id is None:
        return bool(row.params == params)
    told = {"taken": ("taken", "cancelled_volunteer", "closed_volunteer", "released")}
    return row.task_id is not None and row.task_id == params["about"] and row.kind in told.get(kind, ())
