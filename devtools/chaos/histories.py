"""Replays what is written of each task, offer and message against the tables of lives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dispatcher.rules.lifecycle import (
    LIVE_OFFER,
    MessageState,
    OfferState,
    TaskState,
    final,
    may,
)

Row = Mapping[str, Any]

STEPS = {
    "accepted": TaskState.ASSIGNED,
    "assigned": TaskState.ASSIGNED,
    "underway": TaskState.UNDERWAY,
    "delivered": TaskState.DELIVERED,
    "handed_back": TaskState.OPEN,
    "reopened": TaskState.OPEN,
    "cancelled": TaskState.CANCELLED,
    "closed": TaskState.CLOSED,
}
"""Which lines of a task's history move it, and where to. `all_well` moves it unless a complaint stands."""

UNDONE: Mapping[TaskState | None, tuple[TaskState, ...]] = {
    TaskState.UNDERWAY: (TaskState.ASSIGNED,),
    TaskState.DELIVERED: (TaskState.ASSIGNED, TaskState.UNDERWAY),
}
"""Which states a volunteer may take back, and to what."""

STARTS, ENDS = ("accepted", "assigned"), ("handed_back", "reopened")
RECORDED = {
    "delivered": MessageState.DELIVERED,
    "undelivered": MessageState.UNDELIVERED,
    "failed": MessageState.FAILED,
}
"""How the gateway's record says that a message has ended, in our words."""


def task_faults(task: Row, events: Sequence[Row], assignments: Sequence[Row]) -> Iterator[str]:
    """What is impossible in one task's history. `events`, `assignments`: its own, in the order of ids."""
    state = None
    complained = False
    for event in events:
        kind = event["kind"]
        if kind == "opened":
            if state is not None:
                yield "opened twice"
            state = TaskState.OPEN
            continue
        after = STEPS.get(kind)
        if kind == "undone":
            # One step back, to where it says.
            after = TaskState(event["params"]["to"])
            if after not in UNDONE.get(state, ()):
                yield f"{state} undone to {after}"
                state = after
                continue
        complained = (complained or kind == "problem") and kind not in ("assigned", "reopened")
        if kind == "all_well" and not (complained and state == TaskState.DELIVERED):
            after = TaskState.CLOSED
        if after is None:
            continue
        if state is None:
            yield f"{kind} before it was opened"
        elif kind == "assigned" and state != TaskState.OPEN:
            # By hand, from one to another: through open, in one transaction.
            if not may(state, TaskState.OPEN):
                yield f"{state} → {kind}"
        elif not may(state, after):
            yield f"{state} → {kind}"
        state = after
    if state is None:
        yield "no line says that it was opened"
    elif state != task["state"]:
        yield f"its history ends as {state}, the task is {task['state']}"
    starts = sum(event["kind"] in STARTS for event in events)
    if starts != len(assignments):
        yield f"{starts} lines of acceptance, {len(assignments)} assignments"
    held = task["state"] in (TaskState.ASSIGNED, TaskState.UNDERWAY, TaskState.DELIVERED)
    standing = sum(one["ended_at"] is None for one in assignments)
    if held != bool(standing):
        yield f"{task['state']} with {standing} standing assignments"
    over = final(TaskState(task["state"]))
    if over != (task["ended_at"] is not None):
        yield f"{task['state']}, ended at {task['ended_at']}"
    if over and task["look_again_at"] is not None:
        yield f"{task['state']}, yet something is due"


def offer_faults(offer: Row, task_state: str, messages: Sequence[Row]) -> Iterator[str]:
    """What is impossible in an offer. `messages`: those that told of it, at least its own SMS."""
    state = OfferState(offer["state"])
    own = [message for message in messages if message["kind"] == "offer"]
    if len(own) != 1:
        yield f"{len(own)} messages put it to the volunteer"
    if state in LIVE_OFFER and task_state != TaskState.OPEN:
        yield f"still {state} though the task is {task_state}"
    if state == OfferState.SENT and offer["sent_at"] is None:
        yield "sent at no time"
    if state in (OfferState.ACCEPTED, OfferState.DECLINED) and offer["answered_at"] is None:
        yield f"{state} at no time"


def message_faults(message: Row, receipts: Sequence[str], carried: Sequence[Row]) -> Iterator[str]:
    """What is impossible in an outgoing message.

    `receipts`: the gateway's words that came for it. `carried`: the gateway's record of it, one entry
    for each time that it was taken.
    """
    state = MessageState(message["state"])
    tried = message["attempts"] > 0
    if tried != (message["claimed_at"] is not None):
        yield f"{message['attempts']} tries, claimed at {message['claimed_at']}"
    if state in (MessageState.SENT, MessageState.DELIVERED, MessageState.UNDELIVERED):
        if not tried:
            yield f"{state} without a try"
        if not message["gateway_id"] or message["sent_at"] is None:
            yield f"{state} without the gateway's id and a time"
    if final(state) != (message["ended_at"] is not None):
        yield f"{state}, ended at {message['ended_at']}"
    if state == MessageState.SENT:
        missed = [word for word in receipts if word in RECORDED]
        if missed:
            yield f"still sent, though the gateway has said {missed[-1]}"
    for entry in carried:
        ended = RECORDED.get(entry["status"])
        if ended is not None and final(state) and entry["sid"] == message["gateway_id"] and ended != state:
            yield f"{state} here, {ended} at the gateway"
