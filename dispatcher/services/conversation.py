"""A reply by SMS, read against what its phone was asked: acted on, answered, or shown to a person."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, select
from sqlalchemy.orm import Session

from dispatcher.models import Assignment, Message, Offer, ReplyCode, Task, Volunteer
from dispatcher.rules import replies
from dispatcher.rules.lifecycle import HELD, WELCOME_OFFER, TaskState, final
from dispatcher.rules.replies import (
    Intent,
    Meaning,
    NotUnderstood,
    Several,
    Stage,
    Thread,
    Unclear,
    Understood,
    slot,
)
from dispatcher.services import (
    attention,
    dispatching,
    hearing,
    history,
    loose_texts,
    outbox,
    progress,
    responding,
    steps,
)
from dispatcher.services.answers import Answers, Waiting
from dispatcher.services.responding import Answer

_RECENT_CODES = 60
_MOST_LOOKS = 3

_CODES_OF_PHONE = (
    select(
        ReplyCode, Task.category, Task.state.label("task"), Assignment.volunteer_id.label("holder"),
        Offer.state.label("offer"),
    )
    .join(Task, Task.id == ReplyCode.task_id)
    .outerjoin(Assignment, and_(Assignment.task_id == Task.id, Assignment.ended_at.is_(None)))
    .outerjoin(Offer, and_(Offer.task_id == Task.id, Offer.volunteer_id == ReplyCode.volunteer_id))
    .where(ReplyCode.phone == bindparam("phone"))
    .order_by(ReplyCode.number.desc())
    .limit(_RECENT_CODES)
)  # fmt: skip
_LATE = (Intent.ACCEPT, Intent.DECLINE, Intent.UNDERWAY, Intent.DELIVERED, Intent.HAND_BACK)
"""What needs no coordinator when it comes too late."""


class Conversation:
    """One reply, read against what its phone was asked: acted on, answered, or shown to a person."""

    def __init__(
        self,
        tx: Session,
        message: Message,
        now: datetime,
        asked_by: datetime | None,
        later: Collection[int | None],
    ) -> None:
        """`asked_by`: nothing that was asked since is answered by it; `later`: the tasks of which the same
        phone has said something since. Both only for one that was fetched afterwards."""
        self._tx, self._message, self._now = tx, message, now
        self._asked_by, self._later = asked_by, later
        self._text = (message.body or "").strip()
        self._is_shown = False
        self._calls_for_help = replies.calls_for_help(self._text)
        self._volunteer = tx.get(Volunteer, message.volunteer_id) if message.volunteer_id else None

    def take_in(self) -> None:
        """Do what the reply asks for, each of the things that it names. What calls for help is put before a
        person besides, whatever has become of its digits."""
        codes, meant = self._read()
        self._codes = {one.code.id: one for one in codes}
        self._answers = Answers(self._tx, self._message, codes, self._now, self._calls_for_help)
        parts = meant.parts if isinstance(meant, Several) else (meant,)
        for part in parts:
            if isinstance(part, Understood):
                self._act(part)
            else:
                self._not_acted_on(part)
        if self._calls_for_help:
            if not self._is_shown:
                task = self._tx.get(Task, self._message.task_id) if self._message.task_id else None
                loose_texts.call_for_help(self._tx, self._message, self._text, self._now, task)
            self._answers.urgent()

    def _read(self) -> tuple[list[Waiting], Meaning]:
        """What waits on the phone and what the reply means by it, with the tasks that it is about in hand.

        They are locked in the order of their ids. Where one has moved meanwhile, the text is read again.
        """
        codes, held = self._waiting(), set[int]()
        for _ in range(_MOST_LOOKS):
            threads = [Thread(slot(one.code.number), one.stage, one.code.id) for one in codes]
            meant = replies.understand(self._text, threads)
            by_id = {one.code.id: one.code.task_id for one in codes}
            parts = meant.parts if isinstance(meant, Several) else (meant,)
            named = {by_id[part.ref] for part in parts if isinstance(part, Understood)}
            if named <= held:
                break
            for task_id in sorted(named - held):
                dispatching.lock(self._tx, task_id)
            held |= named
            again = self._waiting()
            if again == codes:
                break
            codes = again
        return codes, meant

    def _waiting(self) -> list[Waiting]:
        """The recent codes of the phone, the newest first, and what the task of each waits for from it."""
        found = self._tx.execute(_CODES_OF_PHONE, {"phone": self._message.phone})
        return [
            Waiting(row.ReplyCode, _stage(row.ReplyCode, row), row.category)
            for row in found
            if self._asked_by is None or row.ReplyCode.created_at <= self._asked_by
        ]

    def _act(self, meant: Understood) -> None:
        """Do what the reply asks for, and confirm what the sender can't see otherwise."""
        tx, now, here = self._tx, self._now, self._codes[meant.ref]
        task = tx.get_one(Task, here.code.task_id)
        self._message.task_id = self._message.task_id or task.id
        steps.follow(tx, task)
        if task.id in self._later:
            # They have said something else of this task since: a person finds out what holds.
            self._show(task, "overtaken")
            return
        if here.code.purpose == "check":
            if meant.intent is Intent.ALL_WELL:
                progress.all_well(tx, task, now, meant.text)
            else:
                progress.problem(tx, task, now, meant.text)
            closed = task.state == TaskState.CLOSED
            self._answers.thanks(task) if closed else self._answers.will_call(task)
            answer = Answer.NOTED
        else:
            volunteer = tx.get_one(Volunteer, here.code.volunteer_id)
            answer = self._volunteer_says(task, volunteer, here.stage, meant)
        steps.answered(tx, task, meant.intent.value, "sms", answer)

    def _volunteer_says(self, task: Task, volunteer: Volunteer, stage: Stage, meant: Understood) -> Answer:
        tx, now = self._tx, self._now
        match meant.intent:
            case Intent.ACCEPT:
                answer = responding.accept(tx, task, volunteer, now, meant.text)
                if answer in (Answer.TAKEN, Answer.OVER):
                    self._answers.taken(task)
                elif stage is Stage.HELD and not self._answers.just_assigned(task):
                    self._answers.how_to_reply()  # they know that it is theirs; this is what comes next
            case Intent.DECLINE:
                answer = responding.decline(tx, task, volunteer, "", meant.text, now)
            case Intent.UNDERWAY:
                answer = progress.underway(tx, task, volunteer, now, meant.text)
                self._noted(task, volunteer, "underway", answer)
            case Intent.DELIVERED:
                answer = progress.delivered(tx, task, volunteer, now, meant.text)
                self._noted(task, volunteer, "delivered", answer)
            case Intent.HAND_BACK:
                answer = progress.hand_back(tx, task, volunteer, "", meant.text, now)
                self._noted(task, volunteer, "hand_back", answer)
            case _:
                raise ValueError(f"no volunteer says {meant.intent}")
        return answer

    def _noted(self, task: Task, volunteer: Volunteer, step: str, answer: Answer) -> None:
        """Confirm a step reported by SMS: a phone shows no page that would."""
        if self._calls_for_help:
            return  # which has an answer of its own
        if answer is Answer.NOTED and not self._answers.noted_already(task, step):
            outbox.to_volunteer(
                self._tx,
                "noted",
                volunteer,
                self._now,
                task,
                step=step,
                **outbox.retiree_params(task.retiree),
            )

    def _not_acted_on(self, meant: NotUnderstood) -> None:
        """Answer it, and keep it for the coordinator unless it needs nobody."""
        named = self._codes[meant.ref].code if meant.ref is not None else None
        task = self._tx.get(Task, named.task_id) if named else None
        self._message.task_id = self._message.task_id or (task.id if task else None)
        if named is not None and task is not None and meant.why is Unclear.NOTHING_LIVE:
            if named.purpose == "check":
                self._after_the_check(task, meant)
            else:
                self._after_the_offer(task, meant)
            return
        if not self._message.params.get("pictures") and replies.only_thanks(self._text):
            loose_texts.thanked(self._tx, self._message, self._now)
            if any(one.stage in (Stage.OFFERED, Stage.CHECK) for one in self._codes.values()):
                self._answers.how_to_reply()  # they may mean it for an answer
            return
        self._show(task, meant.why)
        self._answers.how_to_reply()

    def _after_the_check(self, task: Task, meant: NotUnderstood) -> None:
        """A retiree's word of a task that doesn't wait for it any more."""
        actor = history.retiree(task.retiree)
        if meant.says(Intent.ALL_WELL):
            history.record(self._tx, "late_reply", actor, self._now, task, said=self._text)
            self._answers.thanks(task)
            return
        # Something is wrong after all, though the task is closed: somebody calls.
        history.record(self._tx, "problem", actor, self._now, task, said=self._text)
        attention.raise_(self._tx, "retiree_problem", self._now, task, said=self._text)
        self._answers.will_call(task)

    def _after_the_offer(self, task: Task, meant: NotUnderstood) -> None:
        """A volunteer's word of a task that isn't theirs to answer any more: understood, only too late."""
        mine = (
            self._volunteer is not None
            and task.state == TaskState.DELIVERED
            and any(a.volunteer_id == self._volunteer.id and a.ended_at is None for a in task.assignments)
        )
        if mine and self._volunteer is not None and meant.says(Intent.DELIVERED):
            self._noted(task, self._volunteer, "delivered", Answer.NOTED)  # said twice, it is true once
        elif mine or not any(meant.says(intent) for intent in _LATE):
            self._show(task, meant.why)
            self._answers.how_to_reply()
        else:
            actor = history.volunteer(self._volunteer) if self._volunteer else history.SYSTEM
            history.record(self._tx, "late_reply", actor, self._now, task, said=self._text)
            over = final(TaskState(task.state))
            self._answers.over(task) if over else self._answers.taken(task)

    def _show(self, task: Task | None, why: str) -> None:
        """Put it before the coordinators; once, whatever it says of several tasks."""
        if self._is_shown:
            return
        self._is_shown = True
        loose_texts.show(self._tx, self._message, self._text, why, self._now, task)
        if self._volunteer is not None:
            hearing.heard_by_sms(self._tx, self._volunteer, self._now)


def _stage(code: ReplyCode, row: Any) -> Stage:
    """What a task waits for from the phone of `code`, by a row of the states of the `task` and the `offer`
    and of its `holder`."""
    if code.purpose == "check":
        return Stage.CHECK if row.task == TaskState.DELIVERED else Stage.OVER
    if row.holder is not None and row.holder == code.volunteer_id:
        return Stage.HELD if row.task in HELD else Stage.OVER
    welcome = row.offer in WELCOME_OFFER and row.task == TaskState.OPEN
    return Stage.OFFERED if welcome else Stage.OVER
