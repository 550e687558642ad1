"""Taking a call: one save makes a request of one or more tasks, links a repeat to what is open, or
takes in a caller who isn't on the roster, all in one transaction."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload

from dispatcher.correlation import correlation_id, fresh
from dispatcher.database import db, transaction, use_case, wake
from dispatcher.models import Campus, HelpRequest, RepeatCall, Retiree, Staff, Task
from dispatcher.rules import sameneed
from dispatcher.rules.lifecycle import HELD, TaskState
from dispatcher.rules.phones import Phone
from dispatcher.rules.settings import MEDICINE, URGENCIES, URGENT, URGENT_HELP
from dispatcher.services import (
    attention,
    coordinating,
    dispatching,
    drafts,
    history,
    outbox,
    progress,
    returning,
    roster,
    search,
    steps,
)

SAME_NEED, NEW_NEED = "same", "new"

_CALLER = (
    select(Retiree)
    .where(Retiree.id == bindparam("retiree_id"))
    .options(joinedload(Retiree.campus, innerjoin=True), joinedload(Retiree.phones))
    .with_for_update(of=Retiree, key_share=True)
)


@dataclass(frozen=True)
class Wanted:
    """One piece of help as the operator entered it.

    `repeat`: what the operator said of an open task of the same kind: SAME_NEED, NEW_NEED or "".
    """

    category: str
    urgency: str
    due_by: datetime | None
    items: list[dict[str, Any]] = field(default_factory=list)
    notes: str = ""
    repeat: str = ""


@dataclass(frozen=True)
class NewPerson:
    """A caller who isn't on the roster yet.

    `same_as`: whom of those who look like them the operator says they are; `surely_new`: none of those.
    """

    name: str
    phone: Phone
    campus_id: int
    area: str = ""
    address: str = ""
    language: str = "zh"
    same_as: int | None = None
    surely_new: bool = False


@dataclass(frozen=True)
class Call:
    """All that one save holds. `form_key` makes a double click harmless.

    `read_back`: what is to be bought was read to the caller, who said it was right. `return_call_id`: the
    call to return that this one was. `add_phone`: a number of `retiree_id` that the roster doesn't have yet.
    """

    form_key: str
    wanted: list[Wanted]
    retiree_id: int | None = None
    new_person: NewPerson | None = None
    add_phone: Phone | None = None
    callback_phone: str = ""
    notes: str = ""
    life_danger: bool = False
    script_given: bool = False
    told_on_call: bool = False
    read_back: bool = False
    return_call_id: int | None = None


class NobodyKnown(Exception):
    """There is no such retiree (any more)."""


class LooksLikeSomebody(Exception):
    """The operator has to say whether a new caller is one of `people`, who are on the roster."""

    def __init__(self, people: list[Retiree]) -> None:
        super().__init__("somebody like this is on the roster")
        self.people = people


class OpenTaskOfSameKind(Exception):
    """The operator has to say whether it is the same need; maps category to the open task's id."""

    def __init__(self, tasks: dict[str, int]) -> None:
        super().__init__("an open task of the same kind")
        self.tasks = tasks


class SameNeedIsOver(Exception):
    """The operator said "the same need", but that task has ended meanwhile: `categories`."""

    def __init__(self, categories: set[str]) -> None:
        super().__init__("the open task has ended")
        self.categories = categories


@use_case
def save(call: Call, operator: Staff, now: datetime) -> int:
    """Save a call; the id of its request. Saved twice (same form key), it is there once.

    Raises:
        NobodyKnown: it is about somebody who isn't on the roster.
        LooksLikeSomebody: it is about somebody new who may be on the roster, and the operator hasn't said.
        OpenTaskOfSameKind: an open task of the same kind, and the operator hasn't said which.
        SameNeedIsOver: the task that the operator meant has ended since the form was shown.
    """
    actor = history.staff(operator)  # before its row would have to be read again
    try:
        with transaction() as tx:
            return _save(tx, call, actor, now)
    except (LooksLikeSomebody, OpenTaskOfSameKind, SameNeedIsOver, IntegrityError):
        # The same form, sent twice: the first of the two is in the way of the second, by its key or by
        # its own task.
        known = drafts.saved(db.session(), call.form_key)
        if known is None:
            raise
        return known


def open_of_kind(session: Session, retiree_id: int) -> dict[str, Task]:
    """The newest open task of each category of a retiree."""
    return newest_of_kind(search.open_tasks(session, retiree_id))


def newest_of_kind(tasks: Iterable[Task]) -> dict[str, Task]:
    """The last of each category."""
    return {task.category: task for task in tasks}


def _save(tx: Session, call: Call, actor: history.Actor, now: datetime) -> int:
    retiree = _person(tx, call)
    existing = open_of_kind(tx, retiree.id)
    for wanted in call.wanted:
        if wanted.repeat == SAME_NEED and wanted.category in existing:
            task = dispatching.lock(tx, existing[wanted.category].id)
            if task is None or not task.is_open_ended:
                del existing[wanted.category]
    unsaid = {
        w.category: existing[w.category].id
        for w in call.wanted
        if w.category in existing and w.repeat not in (SAME_NEED, NEW_NEED)
    }
    if unsaid:
        raise OpenTaskOfSameKind(unsaid)
    over = {w.category for w in call.wanted if w.repeat == SAME_NEED} - set(existing)
    if over:
        raise SameNeedIsOver(over)
    request = HelpRequest(
        retiree=retiree,
        operator_id=actor.id,
        form_key=call.form_key,
        callback_phone=call.callback_phone,
        notes=call.notes,
        life_danger=call.life_danger,
        script_given_at=now if call.script_given else None,
        told_on_call=call.told_on_call,
        correlation_id=correlation_id.get() or fresh(),
        created_at=now,
    )
    made = [
        _task(request, retiree.campus, wanted, now) for wanted in call.wanted if wanted.repeat != SAME_NEED
    ]
    tx.add_all([request, *made])
    tx.flush()  # all together: now they have their ids
    if call.script_given:
        history.record(tx, "script_given", actor, now, request_id=request.id)
    for task in made:
        _opened(tx, request, task, actor, now)
        if call.read_back and task.category == MEDICINE:
            history.record(tx, "read_back", actor, now, task)
    repeated = []
    for wanted in call.wanted:
        if wanted.repeat == SAME_NEED:
            _link(tx, request, existing[wanted.category], wanted, actor, now)
            repeated.append(existing[wanted.category])
    if made:
        outbox.request_received(tx, request, made, now)
    if call.return_call_id is not None:
        returning.reached(tx, call.return_call_id, request.id, actor, now)
    drafts.end(tx, actor.id, call.form_key)
    steps.saved(tx, request, made, repeated)
    return request.id


def _person(tx: Session, call: Call) -> Retiree:
    if call.retiree_id is not None:
        return _known(tx, call.retiree_id, call.add_phone)
    if call.new_person is None:
        raise ValueError("a call is about somebody")
    new = call.new_person
    alike = [] if new.surely_new else search.alike(tx, new.name, new.campus_id, new.address, new.phone.number)
    if any(person.id == new.same_as for person in alike):
        return _known(tx, new.same_as, new.phone)
    if alike:
        raise LooksLikeSomebody(alike)
    return roster.add_retiree(
        tx,
        roster.RetireeData(
            name=new.name,
            campus_id=new.campus_id,
            area=new.area,
            address=new.address,
            phones=[new.phone],
            language=new.language,
        ),
    )


def _known(tx: Session, retiree_id: int | None, add_phone: Phone | None) -> Retiree:
    # Locked, so that two operators with the same retiree on the line see each other's tasks.
    person = tx.scalars(_CALLER, {"retiree_id": retiree_id}).unique().one_or_none()
    if person is None:
        raise NobodyKnown
    if add_phone is not None:
        roster.add_phone(tx, person, add_phone)
    return person


def _task(request: HelpRequest, campus: Campus, wanted: Wanted, now: datetime) -> Task:
    remote = not campus.reachable
    return Task(
        request=request,
        retiree=request.retiree,
        campus=campus,
        category=wanted.category,
        urgency=URGENT if wanted.category == URGENT_HELP else wanted.urgency,
        due_by=wanted.due_by,
        items=wanted.items,
        notes=wanted.notes,
        remote=remote,
        state=TaskState.OPEN,
        code_word=progress.new_code_word(),
        created_at=now,
        opened_at=now,
        look_again_at=None if remote else now,
        waiting={"code": "remote" if remote else "planning"},
    )


def _opened(tx: Session, request: HelpRequest, task: Task, actor: history.Actor, now: datetime) -> None:
    """A new task begins its life: somebody looks for help, or a coordinator hears of it."""
    history.record(tx, "opened", actor, now, task, callback=bool(request.callback_phone))
    if task.remote:
        attention.raise_(tx, "remote", now, task)
    else:
        wake(tx, "look", task.id)


def _link(
    tx: Session, request: HelpRequest, task: Task, wanted: Wanted,
    actor: history.Actor, now: datetime,
) -> None:  # fmt: skip
    """The same need again: kept whole, and taken more seriously if it has become worse."""
    before = task.urgency
    worse = URGENCIES.index(wanted.urgency) > URGENCIES.index(before)
    tx.add(
        RepeatCall(
            request_id=request.id,
            task_id=task.id,
            urgency_before=before,
            urgency_after=wanted.urgency if worse else before,
        )
    )
    said = "\n".join(filter(None, (wanted.notes, request.notes)))
    changes = []
    if wanted.due_by is not None and (task.due_by is None or wanted.due_by < task.due_by):
        task.due_by = wanted.due_by
        changes.append({"kind": "due", "due_at": wanted.due_by.isoformat()})
    task.items, more = sameneed.merge_items(task.items, wanted.items)
    task.notes, words = sameneed.add_notes(task.notes, said)
    changes += more + words
    history.record(
        tx, "repeat_call", actor, now, task, said=said, items=wanted.items, changes=changes,
        due=wanted.due_by.isoformat() if wanted.due_by else None,
    )  # fmt: skip
    if worse:
        coordinating.set_urgency(tx, task, wanted.urgency, actor, now, changes)
    else:
        coordinating.tell_holder(tx, task, now, changes)
    if worse or request.life_danger or task.state in HELD or task.state == TaskState.DELIVERED:
        # Somebody who calls again is often worse off than the first call said.
        attention.raise_(tx, "repeat_call", now, task, worse=worse, life_danger=request.life_danger)
