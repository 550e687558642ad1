"""A reply by SMS: stored whole, understood if it can be, answered at most once if it can't."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import and_, bindparam, func, select
from sqlalchemy.orm import Session

from dispatcher.database import transaction, use_case, wake
from dispatcher.models import Assignment, Message, Offer, ReplyCode, Retiree, RetireePhone, Task, Volunteer
from dispatcher.rules import replies
from dispatcher.rules.lifecycle import (
    HELD,
    LIVE_OFFER,
    WELCOME_OFFER,
    MessageState,
    OfferState,
    TaskState,
    final,
)
from dispatcher.rules.replies import Intent, NotUnderstood, Stage, Thread, Unclear, Understood
from dispatcher.services import (
    attention,
    dispatching,
    hearing,
    history,
    outbox,
    own_page,
    progress,
    responding,
    steps,
)
from dispatcher.services.responding import Answer
from dispatcher.services.states import move
from dispatcher.sms.gateway import Incoming

ONE_ANSWER_IN = timedelta(hours=6)
"""A phone that sends what we can't read gets one helpful answer in this time, so that two machines
can't talk to each other for ever."""

_RECENT_CODES = 60
_SHOWN = {Stage.OFFERED: "10", Stage.HELD: "23", Stage.CHECK: "12"}
"""Which answers are offered again to somebody whose reply could mean several tasks."""

_STOP_WORDS = {"stop", "stopall", "unsubscribe", "end", "quit", "revoke", "optout", "td", "t", "退订"}
_START_WORDS = {"start", "unstop", "恢复"}


_SAME = select(Message.id).where(Message.gateway_id == bindparam("gateway_id"))
_SENDER = select(Volunteer).where(Volunteer.phone == bindparam("phone"))
_LANGUAGE = select(Retiree.language).join(RetireePhone).where(RetireePhone.number == bindparam("phone"))
_CODES = (
    select(
        ReplyCode, Task.state.label("task"), Assignment.volunteer_id.label("holder"),
        Offer.state.label("offer"),
    )
    .join(Task, Task.id == ReplyCode.task_id)
    .outerjoin(Assignment, and_(Assignment.task_id == Task.id, Assignment.ended_at.is_(None)))
    .outerjoin(Offer, and_(Offer.task_id == Task.id, Offer.volunteer_id == ReplyCode.volunteer_id))
    .order_by(ReplyCode.number.desc())
    .limit(_RECENT_CODES)
)  # fmt: skip
_CODES_OF_PHONE = _CODES.where(ReplyCode.phone == bindparam("phone"))
_ONE_CODE = _CODES.where(ReplyCode.id == bindparam("code_id"))


@use_case
def receive(sms: Incoming, now: datetime) -> None:
    """Take in one incoming SMS. The same one again (same gateway id) changes nothing."""
    phone, body = sms.phone, sms.body
    with transaction() as tx:
        if tx.scalars(_SAME, {"gateway_id": sms.gateway_id}).first() is not None:
            return
        volunteer = tx.scalars(_SENDER, {"phone": phone}).first()
        message = Message(
            direction="in", kind="reply", phone=phone, state=MessageState.RECEIVED, body=body,
            language=_language(tx, volunteer, phone), gateway_id=sms.gateway_id, created_at=now,
            volunteer_id=volunteer.id if volunteer else None,
        )  # fmt: skip
        tx.add(message)
        tx.flush()
        wish = _opt(body, sms.opt_out)
        if volunteer is not None and volunteer.is_phone_lost and wish != "STOP":
            # Whoever has the phone now may have written it: nothing is done or answered, and somebody looks.
            _shown(tx, message, body, "phone_lost", now, volunteer=volunteer)
            return
        if wish is not None:
            _opted(tx, wish, volunteer, phone, now)
            return
        if (
            volunteer is not None
            and replies.asks_for_page(body)
            and own_page.send_link(tx, volunteer, now) != "unreachable"
        ):
            return
        codes = _stages(tx.execute(_CODES_OF_PHONE, {"phone": phone}))
        threads = [Thread(code.slot, stage, code.id) for code, stage in codes]
        meant = replies.understand(body, threads)
        by_id = {code.id: (code, stage) for code, stage in codes}
        if isinstance(meant, Understood):
            code, stage = by_id[meant.ref]
            message.task_id = code.task_id
            _act(tx, code, stage, meant, message, now)
        else:
            named = by_id[meant.ref][0] if meant.ref is not None else None
            message.task_id = named.task_id if named else None
            live = ["/".join(f"{t.slot}{d}" for d in _SHOWN[t.stage]) for t in threads if t.stage in _SHOWN]
            _unclear(tx, message, meant, named, live, now)


def _stages(found: Iterable[Any]) -> list[tuple[ReplyCode, Stage]]:
    """Codes, newest first, and what the task of each waits for from its phone now."""
    return [(row.ReplyCode, _stage(row.ReplyCode, row)) for row in found]


def _stage(code: ReplyCode, row: Any) -> Stage:
    """What a task waits for from the phone of `code`, by a row of the states of the `task` and the `offer`
    and of its `holder`."""
    if code.purpose == "check":
        return Stage.CHECK if row.task == TaskState.DELIVERED else Stage.OVER
    if row.holder is not None and row.holder == code.volunteer_id:
        return Stage.HELD if row.task in HELD else Stage.OVER
    welcome = row.offer in WELCOME_OFFER and row.task == TaskState.OPEN
    return Stage.OFFERED if welcome else Stage.OVER


def _act(
    tx: Session, code: ReplyCode, before: Stage, meant: Understood, message: Message, now: datetime
) -> None:
    """Do what the reply asks for, and confirm what the sender can't see otherwise. `before`: what the task
    waited for when the reply was read."""
    task = dispatching.lock(tx, code.task_id)
    if task is None:
        raise LookupError("a reply code without its task")
    steps.follow(tx, task)
    if _stages(tx.execute(_ONE_CODE, {"code_id": code.id})) != [(code, before)]:
        steps.answered(tx, task, meant.intent.value, "sms", Answer.OVER)
        _too_late(tx, message, task, message.body or "", now)  # it moved while this was being read
        return
    if code.purpose == "check":
        if meant.intent is Intent.ALL_WELL:
            progress.all_well(tx, task, now, meant.text)
        else:
            progress.problem(tx, task, now, meant.text)
        steps.answered(tx, task, meant.intent.value, "sms", Answer.NOTED)
        return
    answer = _volunteer_says(tx, task, tx.get_one(Volunteer, code.volunteer_id), meant, message, now)
    steps.answered(tx, task, meant.intent.value, "sms", answer)


def _volunteer_says(
    tx: Session, task: Task, volunteer: Volunteer, meant: Understood, message: Message, now: datetime
) -> Answer:
    match meant.intent:
        case Intent.ACCEPT:
            answer = responding.accept(tx, task, volunteer, now, meant.text)
            if answer in (Answer.TAKEN, Answer.OVER):
                _once(tx, "taken", message, now, **outbox.task_params(task))
        case Intent.DECLINE:
            answer = responding.decline(tx, task, volunteer, "", meant.text, now)
        case Intent.UNDERWAY:
            answer = progress.underway(tx, task, volunteer, now, meant.text)
            _noted(tx, task, volunteer, "underway", now, answer)
        case Intent.DELIVERED:
            answer = progress.delivered(tx, task, volunteer, now, meant.text)
            _noted(tx, task, volunteer, "delivered", now, answer)
        case Intent.HAND_BACK:
            answer = progress.hand_back(tx, task, volunteer, "", meant.text, now)
            _noted(tx, task, volunteer, "hand_back", now, answer)
        case _:
            raise ValueError(f"no volunteer says {meant.intent}")
    return answer


def _noted(tx: Session, task: Task, volunteer: Volunteer, step: str, now: datetime, answer: Answer) -> None:
    """Confirm a step reported by SMS: a phone shows no page that would."""
    if answer is Answer.NOTED:
        outbox.to_volunteer(
            tx, "noted", volunteer, now, task, step=step, **outbox.retiree_params(task.retiree)
        )


def _unclear(
    tx: Session, message: Message, meant: NotUnderstood, named: ReplyCode | None,
    live: list[str], now: datetime,
) -> None:  # fmt: skip
    """Keep it for the coordinator, and answer once."""
    task = tx.get(Task, named.task_id) if named else None
    if named is not None and task is not None and meant.why is Unclear.NOTHING_LIVE:
        check = named.purpose == "check"
        if check and not meant.late_all_well:
            _complaint(tx, message, task, meant.text, now)
            return
        if check or not meant.words:
            _too_late(tx, message, task, meant.text, now)
            return
    volunteer = tx.get(Volunteer, message.volunteer_id) if message.volunteer_id else None
    sharing = tx.scalars(
        select(Retiree).join(RetireePhone).where(RetireePhone.number == message.phone).limit(2)
    ).all()
    # On a shared number nobody knows who wrote: the number stands for them.
    retiree = sharing[0] if len(sharing) == 1 and volunteer is None else None
    _shown(tx, message, meant.text, str(meant.why), now, task, retiree, volunteer)
    if volunteer is not None:
        hearing.heard_by_sms(tx, volunteer, now)
    hotline = current_app.config["HOTLINE_PHONE"]
    if live and meant.why is not Unclear.NOT_UNDERSTOOD:
        _once(tx, "reply_help_many", message, now, codes=" ".join(live), hotline=hotline)
    elif volunteer is None:
        _once(tx, "reply_help_retiree", message, now, hotline=hotline)
    elif meant.why is Unclear.NOTHING_LIVE:
        _once(tx, "reply_help_nothing", message, now, hotline=hotline)
    else:
        _once(tx, "reply_help", message, now, hotline=hotline)


def _shown(
    tx: Session, message: Message, said: str, why: str, now: datetime,
    task: Task | None = None, retiree: Retiree | None = None, volunteer: Volunteer | None = None,
) -> None:  # fmt: skip
    """Put a reply that nothing was done with before the coordinators."""
    history.record(tx, "unclear_reply", history.SYSTEM, now, task, said=said)
    attention.raise_(
        tx, "unclear_reply", now, task if task and not final(TaskState(task.state)) else None,
        retiree, volunteer, message.id, subject=f"message:{message.id}",
        said=said, phone=message.phone, why=why,
    )  # fmt: skip


def _complaint(tx: Session, message: Message, task: Task, text: str, now: datetime) -> None:
    """Something is wrong after all, though the task is closed: somebody calls."""
    history.record(tx, "problem", history.retiree(task.retiree), now, task, said=text)
    attention.raise_(tx, "retiree_problem", now, task, said=text)
    _once(tx, "reply_help_retiree", message, now, hotline=current_app.config["HOTLINE_PHONE"])


def _too_late(tx: Session, message: Message, task: Task, text: str, now: datetime) -> None:
    """Digits alone for a task that is over for this phone: understood, only too late. That needs no
    coordinator, and those who were told already needn't be told again."""
    who = tx.get(Volunteer, message.volunteer_id) if message.volunteer_id else None
    actor = history.volunteer(who) if who else history.retiree(task.retiree)
    history.record(tx, "late_reply", actor, now, task, said=text)
    if who is None:
        return  # "all is well", said twice
    told = select(Message.id).where(
        Message.phone == message.phone,
        Message.task_id == task.id,
        Message.kind.in_(("taken", "cancelled_volunteer", "closed_volunteer", "released", "noted")),
    )
    if tx.scalars(told).first() is None:
        over = final(TaskState(task.state))
        kind = "reply_help_nothing" if over else "taken"
        params = {} if over else outbox.task_params(task)
        _once(tx, kind, message, now, hotline=current_app.config["HOTLINE_PHONE"], **params)


def _once(tx: Session, kind: str, message: Message, now: datetime, **params: object) -> None:
    """Answer, unless this phone has had an automatic answer lately."""
    kinds = ("reply_help", "reply_help_retiree", "reply_help_many", "reply_help_nothing", "taken")
    lately = tx.scalar(
        select(func.count())
        .select_from(Message)
        .where(
            Message.phone == message.phone,
            Message.direction == "out",
            Message.kind.in_(kinds),
            Message.task_id.is_(None),
            Message.created_at > now - ONE_ANSWER_IN,
        )
    )
    if not lately:
        outbox.to_phone(tx, kind, message.phone, message.language, now, **params)


def _language(tx: Session, volunteer: Volunteer | None, phone: str) -> str:
    if volunteer is not None:
        return volunteer.language
    return tx.scalars(_LANGUAGE, {"phone": phone}).first() or "zh"


def _opt(body: str, opt_out: str) -> str | None:
    """Whether this is STOP or START, by the gateway's reading or by ours."""
    word = body.strip().casefold().rstrip(".!。！")
    if opt_out == "STOP" or word in _STOP_WORDS:
        return "STOP"
    if opt_out == "START" or word in _START_WORDS:
        return "START"
    return None


def _opted(tx: Session, wish: str, volunteer: Volunteer | None, phone: str, now: datetime) -> None:
    """Honour STOP and START. The gateway itself confirms them to the sender."""
    if volunteer is not None:
        if wish == "START":
            volunteer.stopped_at = None
            attention.known(tx, f"volunteer:{volunteer.id}", "stopped", now)
            history.record(tx, "start", history.volunteer(volunteer), now)
            return
        volunteer.stopped_at = volunteer.stopped_at or now
        history.record(tx, "stop", history.volunteer(volunteer), now)
        live = select(Offer).where(Offer.volunteer_id == volunteer.id, Offer.is_live)
        for offer in tx.scalars(live).all():
            if move(tx, offer, OfferState.EXPIRED, LIVE_OFFER):
                offer.task.look_again_at = now
                wake(tx, "look", offer.task_id)
        attention.raise_(tx, "stopped", now, volunteer=volunteer)
        return
    for retiree in tx.scalars(select(Retiree).join(RetireePhone).where(RetireePhone.number == phone)):
        history.record(tx, wish.lower(), history.retiree(retiree), now)
        if wish == "STOP":
            attention.raise_(tx, "stopped", now, retiree=retiree)
