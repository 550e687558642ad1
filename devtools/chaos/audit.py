"""The promises, checked from outside: the ledger and the phones against the database.

Three witnesses, none of which is the product: what operators were told (the ledger), what phones got (the
simulated gateway's record), and the rows as they are, read by our own SQL.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sqlalchemy import Engine, select

from devtools.chaos import histories
from dispatcher.database import Base
from dispatcher.models import (
    Assignment,
    Attention,
    Event,
    HelpRequest,
    Message,
    MessageReceipt,
    Offer,
    RepeatCall,
    Task,
)
from dispatcher.rules.lifecycle import NOT_NEEDED, MessageState, TaskState

PROMISES = (
    "lost",
    "double_assigned",
    "duplicate_sms",
    "unexplained_unsent",
    "contradictions",
    "impossible_transitions",
)
"""What is counted, each of which must be 0.

`lost`: a call that its operator was told of is not there whole, or a task reached nobody. `double_assigned`:
two volunteers held one task at a time. `duplicate_sms`: an SMS was taken twice by the gateway.
`unexplained_unsent`: a message has no definite end, or has failed for no reason given. `contradictions`:
database and gateway disagree on whether an SMS was sent, or how it ended. `impossible_transitions`: a
history with a gap or with a step that no life allows.
"""

Row = Mapping[str, Any]
_UNSETTLED = (MessageState.QUEUED, MessageState.SENDING, MessageState.UNKNOWN)
_ARRIVED = (MessageState.SENT, MessageState.DELIVERED, MessageState.UNDELIVERED)
_REACHED = tuple(state for state in TaskState if state is not TaskState.OPEN)


@dataclass(frozen=True)
class Disturbance:
    """A fault as it was: from when to when, in the right time."""

    kind: str
    begun: datetime
    ended: datetime


@dataclass
class Findings:
    """What was looked at, and what is wrong: `broken` by promise, one sentence each."""

    requests: int = 0
    tasks: int = 0
    messages: int = 0
    texts: int = 0
    states: dict[str, int] = field(default_factory=dict)
    broken: dict[str, list[str]] = field(default_factory=lambda: {promise: [] for promise in PROMISES})

    @property
    def ok(self) -> bool:
        """Whether every promise was kept."""
        return not any(self.broken.values())


@dataclass
class _Tables:
    """The rows, in the order of their ids."""

    requests: list[Row]
    tasks: list[Row]
    repeats: list[Row]
    offers: dict[int, list[Row]]
    assignments: dict[int, list[Row]]
    events: dict[int, list[Row]]
    messages: list[Row]
    receipts: dict[int, list[str]]
    attention: list[Row]

    @classmethod
    def read(cls, engine: Engine) -> _Tables:
        """All of them, at one moment."""
        with engine.connect() as connection:

            def rows(model: type[Base]) -> list[Row]:
                table = model.__table__
                return [
                    dict(row) for row in connection.execute(select(table).order_by(table.c.id)).mappings()
                ]

            receipts = defaultdict(list)
            for receipt in rows(MessageReceipt):
                receipts[receipt["message_id"]].append(receipt["status"])
            return cls(
                rows(HelpRequest), rows(Task), rows(RepeatCall), _by("task_id", rows(Offer)),
                _by("task_id", rows(Assignment)), _by("task_id", rows(Event)), rows(Message), receipts,
                rows(Attention),
            )  # fmt: skip


def _by(column: str, rows: Sequence[Row]) -> dict[int, list[Row]]:
    grouped: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row[column]].append(row)
    return grouped


def audit(
    engine: Engine,
    record: Sequence[Row],
    ledger: Sequence[Row],
    disturbances: Sequence[Disturbance] = (),
) -> Findings:
    """Compare the three witnesses.

    `record`: the simulator's `GET /api/messages`. `ledger`: see `staff.Ledger.as_json`. `disturbances`: to
    say what was under way when an SMS was sent twice.
    """
    tables = _Tables.read(engine)
    carried = texts_of(record)
    found = Findings(
        requests=len(tables.requests),
        tasks=len(tables.tasks),
        messages=sum(message["direction"] == "out" for message in tables.messages),
        texts=sum(map(len, carried.values())),
        states=dict(Counter(task["state"] for task in tables.tasks)),
    )
    found.broken["lost"] += [*_lost_calls(tables, ledger), *_lost_tasks(tables)]
    found.broken["double_assigned"] += [*_two_at_once(tables), *_two_told(tables, carried)]
    found.broken["duplicate_sms"] += _twice(tables, carried, disturbances)
    found.broken["unexplained_unsent"] += _unsent(tables)
    found.broken["contradictions"] += _contradictions(tables, carried)
    found.broken["impossible_transitions"] += _impossible(tables, carried)
    return found


def texts_of(record: Sequence[Row]) -> dict[int | None, list[Row]]:
    """The texts that the gateway took, by our message id, which it was given as part of the callback."""
    texts: dict[int | None, list[Row]] = defaultdict(list)
    for entry in record:
        if entry["direction"] == "to_phone":
            query = parse_qs(urlsplit(entry["status_callback"] or "").query)
            texts[int(query["m"][0]) if "m" in query else None].append(entry)
    return texts


# -- nothing is lost -----------------------------------------------------------------------------------


def _lost_calls(tables: _Tables, ledger: Sequence[Row]) -> Iterator[str]:
    saved = {request["form_key"]: request for request in tables.requests}
    made = Counter(task["request_id"] for task in tables.tasks)
    linked = Counter(repeat["request_id"] for repeat in tables.repeats)
    for entry in ledger:
        request = saved.get(entry["form_key"])
        if request is None:
            if entry["told"]:
                yield f"request {entry['request_id']}: the operator was told that it is saved, and it is not"
            continue
        if entry["told"] and entry["request_id"] != request["id"]:
            yield f"request {request['id']}: the operator was told that it is {entry['request_id']}"
        kept = made[request["id"]] + linked[request["id"]]
        if kept != len(entry["wanted"]):
            yield f"request {request['id']}: {len(entry['wanted'])} kinds of help asked for, {kept} kept"


def _lost_tasks(tables: _Tables) -> Iterator[str]:
    seen = {row["task_id"] for row in tables.attention if row["resolved_at"] is None}
    for task in tables.tasks:
        if task["state"] not in _REACHED and task["id"] not in seen:
            yield f"task {task['id']}: {task['state']}, with nobody, and on nobody's list"


# -- one volunteer a task ------------------------------------------------------------------------------


def _two_at_once(tables: _Tables) -> Iterator[str]:
    """By the rows: intervals [created_at, ended_at) of one task that overlap.

    A request notes the time at its begin, and may then wait for its turn; so where the times overlap, the
    order of the history, written in turn, decides whether the one had ended.
    """
    for task_id, assignments in tables.assignments.items():
        standing = [one for one in assignments if one["ended_at"] is None]
        if len(standing) > 1:
            yield f"task {task_id}: {len(standing)} assignments stand"
        for first, second in pairwise(assignments):
            overlap = first["ended_at"] is None or first["ended_at"] > second["created_at"]
            if overlap and not _handed_on(tables.events[task_id], assignments.index(second)):
                yield f"task {task_id}: assignments {first['id']} and {second['id']} overlap"


def _handed_on(events: Sequence[Row], number: int) -> bool:
    """Whether the history shows an end before the acceptance of that number (from 0), or is that end."""
    starts = [n for n, event in enumerate(events) if event["kind"] in histories.STARTS]
    if number >= len(starts):
        return False
    between = events[starts[number - 1] + 1 : starts[number]]
    return events[starts[number]]["kind"] == "assigned" or any(e["kind"] in histories.ENDS for e in between)


def _two_told(tables: _Tables, carried: Mapping[int | None, Sequence[Row]]) -> Iterator[str]:
    """By the phones: two people read "it is yours", and the first gave it back to nobody."""
    told: dict[int, list[Row]] = defaultdict(list)
    for message in tables.messages:
        if message["kind"] in ("assigned", "assigned_by_hand") and carried.get(message["id"]):
            told[message["task_id"]].append(message)
    for task_id, messages in told.items():
        for first, second in pairwise(messages):
            if first["volunteer_id"] == second["volunteer_id"]:
                continue
            held = [a for a in tables.assignments[task_id] if a["volunteer_id"] == first["volunteer_id"]]
            if not held or any(one["ended_at"] is None for one in held):
                yield f"task {task_id}: messages {first['id']} and {second['id']} give it to two people"


# -- once, and with a definite end ---------------------------------------------------------------------


def _twice(
    tables: _Tables, carried: Mapping[int | None, Sequence[Row]], disturbances: Sequence[Disturbance]
) -> Iterator[str]:
    messages = {message["id"]: message for message in tables.messages}
    for message_id, texts in carried.items():
        if message_id is None or len(texts) < 2:
            continue
        message = messages.get(message_id)
        what = f"{message['kind']}, {message['attempts']} tries" if message else "not in the database"
        moments = [datetime.fromisoformat(text["at"]) for text in texts]
        around = {
            one.kind
            for one in disturbances
            for moment in moments
            if one.begun - timedelta(seconds=15) <= moment <= one.ended + timedelta(seconds=15)
        }
        yield (
            f"message {message_id} ({what}): taken {' and '.join(f'{m:%H:%M:%S.%f}'[:-3] for m in moments)}; "
            f"about then: {', '.join(sorted(around)) or 'no fault'}"
        )


def _unsent(tables: _Tables) -> Iterator[str]:
    for message in tables.messages:
        if message["direction"] != "out":
            continue
        about = f"message {message['id']} ({message['kind']})"
        if message["state"] in _UNSETTLED:
            yield f"{about}: still {message['state']}"
        elif message["state"] == MessageState.FAILED and not message["error_code"]:
            yield f"{about}: failed for no reason given"


def _contradictions(tables: _Tables, carried: Mapping[int | None, Sequence[Row]]) -> Iterator[str]:
    known = set()
    for message in tables.messages:
        if message["direction"] != "out":
            continue
        known.add(message["id"])
        texts = carried.get(message["id"], ())
        about = f"message {message['id']} ({message['kind']})"
        if message["state"] in _ARRIVED and not texts:
            yield f"{about}: {message['state']}, and the gateway never had it"
        elif message["state"] == MessageState.FAILED and texts and message["gateway_id"] is None:
            why = "not needed" if message["error_code"] == NOT_NEEDED else "undeliverable"
            yield f"{about}: given up as {why}, and the gateway has it"
        if message["gateway_id"] is not None and message["gateway_id"] not in {t["sid"] for t in texts}:
            yield f"{about}: its gateway id is of no text of its own"
    for message_id in set(carried) - known:
        yield f"{len(carried[message_id])} texts of message {message_id}, which is not in the database"


# -- histories -----------------------------------------------------------------------------------------


def _impossible(tables: _Tables, carried: Mapping[int | None, Sequence[Row]]) -> Iterator[str]:
    states = {task["id"]: task["state"] for task in tables.tasks}
    by_offer = _by("offer_id", tables.messages)
    for task in tables.tasks:
        own = tables.events[task["id"]], tables.assignments[task["id"]]
        for fault in histories.task_faults(task, *own):
            yield f"task {task['id']}: {fault}"
        for offer in tables.offers[task["id"]]:
            for fault in histories.offer_faults(offer, states[task["id"]], by_offer[offer["id"]]):
                yield f"offer {offer['id']}: {fault}"
    for message in tables.messages:
        if message["direction"] == "out":
            texts = carried.get(message["id"], ())
            for fault in histories.message_faults(message, tables.receipts[message["id"]], texts):
                yield f"message {message['id']} ({message['kind']}): {fault}"
