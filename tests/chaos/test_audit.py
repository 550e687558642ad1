"""The audit finds what it is there to find: each kind of broken promise, planted in a small database."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import NullPool

from devtools.chaos.audit import Disturbance, Findings, audit
from dispatcher.database import Base
from dispatcher.models import (
    Assignment,
    Attention,
    Campus,
    Event,
    HelpRequest,
    Message,
    MessageReceipt,
    Offer,
    Retiree,
    Task,
    Volunteer,
)

T = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return T + timedelta(seconds=seconds)


class Story:
    """A request of two tasks, told as it should be: the first is done, the second is on the list.

    `record` is what the gateway has, `ledger` what the operator knows.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine, self._connection = engine, engine.connect()
        self.record: list[dict[str, Any]] = []
        self.ledger = [{"form_key": "k1", "wanted": ["medicine", "other"], "told": True, "request_id": 1}]
        self.add(Campus, id=1, code="a", name_zh="甲", name_en="A", reachable=True)
        self.add(Retiree, id=1, name="王秀兰", campus_id=1, sex="f")
        for n in (1, 2):
            self.add(Volunteer, id=n, name=f"志愿者{n}", phone=f"+861363500000{n}", campus_id=1)
        self.add(HelpRequest, id=1, retiree_id=1, form_key="k1", created_at=T)
        self.task(1, "closed", ended_at=at(50), assigned_at=at(10), delivered_at=at(40))
        self.task(2, "open", look_again_at=at(60))
        self.add(Attention, reason="too_long", subject="task:2", task_id=2, raised_at=at(30))
        for n, state in ((1, "accepted"), (2, "withdrawn")):
            self.add(
                Offer, id=n, task_id=1, volunteer_id=n, wave=1, ring=0, chance=0.4, why=[], state=state,
                created_at=at(1), sent_at=at(2), expires_at=at(90), answered_at=at(10) if n == 1 else None,
            )  # fmt: skip
            self.sms(n, "offer", 1, at(1), volunteer_id=n, offer_id=n)
        self.add(
            Assignment, id=1, task_id=1, volunteer_id=1, created_at=at(10), ended_at=at(50),
            end_reason="closed",
        )  # fmt: skip
        self.sms(3, "assigned", 1, at(10), volunteer_id=1)
        self.sms(4, "taken", 1, at(10), volunteer_id=2, offer_id=2)
        self.sms(5, "delivered", 1, at(40), retiree_id=1)
        self.history(1, "opened", "wave", "accepted", "underway", "delivered", "all_well")
        self.history(2, "opened", "attention")

    def add(self, model: type[Base], **values: Any) -> None:
        self._connection.execute(model.__table__.insert().values(**values))  # type: ignore[attr-defined]

    def sql(self, statement: str) -> None:
        self._connection.execute(text(statement))

    def task(self, task_id: int, state: str, **values: Any) -> None:
        self.add(
            Task, id=task_id, request_id=1, retiree_id=1, campus_id=1, category="medicine", urgency="soon",
            items=[], waiting={}, state=state, code_word="tea", created_at=T, opened_at=T, **values,
        )  # fmt: skip

    def history(self, task_id: int, *kinds: str) -> None:
        for number, kind in enumerate(kinds):
            self.add(Event, at=at(number), kind=kind, actor="system", task_id=task_id, params={})

    def sms(self, message_id: int, kind: str, task_id: int, moment: datetime, **about: int) -> None:
        """A message that was sent, delivered, and is on the phone."""
        self.add(
            Message, id=message_id, direction="out", kind=kind, params={}, phone="+8613635000001",
            state="delivered", task_id=task_id, created_at=moment, attempts=1, claimed_at=moment,
            sent_at=moment, ended_at=moment, gateway_id=f"SM{message_id}", **about,
        )  # fmt: skip
        self.add(
            MessageReceipt, message_id=message_id, gateway_id=f"SM{message_id}", status="delivered",
            payload={}, received_at=moment,
        )  # fmt: skip
        self.text(message_id, moment)

    def text(self, message_id: int, moment: datetime, sid: str = "") -> None:
        """The gateway takes a message."""
        self.record.append(
            {
                "direction": "to_phone",
                "sid": sid or f"SM{message_id}",
                "status": "delivered",
                "status_callback": f"http://127.0.0.1:8000/sms/status?m={message_id}",
                "at": moment.isoformat(timespec="milliseconds"),
            }
        )

    def close(self) -> None:
        self._connection.close()

    def audit(self, *disturbances: Disturbance) -> Findings:
        self._connection.commit()
        return audit(self.engine, self.record, self.ledger, disturbances)


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    engine = create_engine(f"sqlite:///{tmp_path / 'story.db'}", poolclass=NullPool)
    Base.metadata.create_all(engine)
    told = Story(engine)
    yield told
    told.close()
    engine.dispose()


@pytest.mark.parametrize(
    ("undone", "sound"),
    [
        (["underway"], True),
        (["assigned"], True),
        (["underway", "assigned"], True),
        (["open"], False),
        (["assigned", "assigned"], False),
    ],
)
def test_a_step_is_taken_back_to_where_one_can_have_been(
    story: Story, undone: list[str], sound: bool
) -> None:
    story.sql("DELETE FROM event WHERE task_id = 1")
    story.history(1, "opened", "wave", "accepted", "underway", "delivered")
    for to in undone:
        story.add(
            Event, at=at(6), kind="undone", actor="volunteer", task_id=1, params={"step": "", "to": to}
        )  # fmt: skip
    story.history(1, "delivered", "all_well")
    assert (story.audit().broken["impossible_transitions"] == []) is sound


def test_a_sound_story_breaks_nothing(story: Story) -> None:
    findings = story.audit()
    assert not any(findings.broken.values()), findings.broken
    assert (findings.requests, findings.tasks, findings.messages, findings.texts) == (1, 2, 5, 5)
    assert findings.ok


def _a_saved_call_is_gone(story: Story) -> None:
    story.ledger.append({"form_key": "k2", "wanted": ["other"], "told": True, "request_id": 2})


def _one_kind_of_help_is_gone(story: Story) -> None:
    story.ledger[0]["wanted"] = ["medicine", "groceries", "other"]


def _the_operator_was_told_of_another(story: Story) -> None:
    story.ledger[0]["request_id"] = 7


def _a_task_is_on_nobodys_list(story: Story) -> None:
    story.sql("UPDATE attention SET resolved_at = raised_at")


def _two_assignments_stand(story: Story) -> None:
    story.sql("DROP INDEX uq_assignment_standing")
    story.sql("UPDATE task SET state = 'assigned', ended_at = NULL WHERE id = 1")
    story.sql("UPDATE assignment SET ended_at = NULL, end_reason = ''")
    story.sql("DELETE FROM event WHERE kind IN ('underway', 'delivered', 'all_well')")
    story.add(Assignment, task_id=1, volunteer_id=2, created_at=at(12))


def _two_assignments_overlapped(story: Story) -> None:
    story.add(
        Assignment, task_id=1, volunteer_id=2, created_at=at(30), ended_at=at(50), end_reason="closed"
    )  # fmt: skip


def _two_are_told_that_it_is_theirs(story: Story) -> None:
    story.sql("UPDATE task SET state = 'delivered', ended_at = NULL WHERE id = 1")
    story.sql("UPDATE assignment SET ended_at = NULL, end_reason = ''")
    story.sql("DELETE FROM event WHERE kind = 'all_well'")
    story.sms(6, "assigned", 1, at(20), volunteer_id=2)


def _an_sms_arrives_twice(story: Story) -> None:
    story.text(3, at(25), "SMother")


def _a_message_is_stuck(story: Story) -> None:
    story.add(
        Message, id=9, direction="out", kind="coming", params={}, phone="+8613935000001", state="queued",
        task_id=1, created_at=at(10),
    )  # fmt: skip


def _a_message_failed_for_no_reason(story: Story) -> None:
    story.add(
        Message, id=9, direction="out", kind="coming", params={}, phone="+8613935000001", state="failed",
        task_id=1, created_at=at(10), ended_at=at(11),
    )  # fmt: skip


def _a_message_says_sent_and_nobody_has_it(story: Story) -> None:
    story.record[:] = [entry for entry in story.record if entry["sid"] != "SM3"]


def _a_message_was_given_up_and_arrived(story: Story) -> None:
    story.add(
        Message, id=9, direction="out", kind="coming", params={}, phone="+8613935000001", state="failed",
        error_code="not_needed", task_id=1, created_at=at(10), ended_at=at(11),
    )  # fmt: skip
    story.text(9, at(12))


def _a_text_of_no_message(story: Story) -> None:
    story.text(77, at(12))


def _a_step_that_no_life_allows(story: Story) -> None:
    story.history(1, "underway")


def _a_gap_in_a_history(story: Story) -> None:
    story.sql("DELETE FROM event WHERE kind = 'accepted'")


def _a_state_that_no_history_tells(story: Story) -> None:
    story.sql("UPDATE task SET state = 'cancelled' WHERE id = 1")


def _an_offer_outlives_its_task(story: Story) -> None:
    story.sql("UPDATE offer SET state = 'sent' WHERE id = 2")


def _an_offer_without_its_message(story: Story) -> None:
    story.sql("UPDATE message SET offer_id = NULL WHERE id = 2")


def _a_message_ended_otherwise_at_the_gateway(story: Story) -> None:
    story.record[2]["status"] = "undelivered"


def _a_receipt_without_effect(story: Story) -> None:
    story.sql("UPDATE message SET state = 'sent', ended_at = NULL WHERE id = 3")


PLANTED: dict[Callable[[Story], None], tuple[str, str]] = {
    _a_saved_call_is_gone: ("lost", "is not"),
    _one_kind_of_help_is_gone: ("lost", "3 kinds of help asked for, 2 kept"),
    _the_operator_was_told_of_another: ("lost", "told that it is 7"),
    _a_task_is_on_nobodys_list: ("lost", "task 2: open, with nobody"),
    _two_assignments_stand: ("double_assigned", "2 assignments stand"),
    _two_assignments_overlapped: ("double_assigned", "assignments 1 and 2 overlap"),
    _two_are_told_that_it_is_theirs: ("double_assigned", "messages 3 and 6 give it to two people"),
    _an_sms_arrives_twice: (
        "duplicate_sms",
        "message 3 (assigned, 1 tries): taken 08:00:10.000 and 08:00:25",
    ),
    _a_message_is_stuck: ("unexplained_unsent", "message 9 (coming): still queued"),
    _a_message_failed_for_no_reason: ("unexplained_unsent", "failed for no reason given"),
    _a_message_says_sent_and_nobody_has_it: ("contradictions", "the gateway never had it"),
    _a_message_was_given_up_and_arrived: ("contradictions", "given up as not needed"),
    _a_text_of_no_message: ("contradictions", "message 77, which is not in the database"),
    _a_step_that_no_life_allows: ("impossible_transitions", "closed → underway"),
    _a_gap_in_a_history: ("impossible_transitions", "open → underway"),
    _a_state_that_no_history_tells: ("impossible_transitions", "the task is cancelled"),
    _an_offer_outlives_its_task: ("impossible_transitions", "still sent though the task is closed"),
    _an_offer_without_its_message: ("impossible_transitions", "0 messages put it to the volunteer"),
    _a_message_ended_otherwise_at_the_gateway: ("impossible_transitions", "undelivered at the gateway"),
    _a_receipt_without_effect: ("impossible_transitions", "the gateway has said delivered"),
}


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__.strip("_"))
def test_it_is_found(story: Story, plant: Callable[[Story], None]) -> None:
    plant(story)
    promise, words = PLANTED[plant]
    findings = story.audit()
    assert not findings.ok
    assert any(words in said for said in findings.broken[promise]), findings.broken


def test_a_task_handed_on_is_not_assigned_twice(story: Story) -> None:
    """Times are noted before a request waits for its turn: they may cross where the history does not."""
    story.sql("DELETE FROM event WHERE task_id = 1")
    story.sql("UPDATE assignment SET ended_at = '2026-03-01 08:00:20.5', end_reason = 'handed_back'")
    story.add(
        Assignment, task_id=1, volunteer_id=2, created_at=at(20), ended_at=at(50), end_reason="closed"
    )  # fmt: skip
    story.sms(6, "assigned", 1, at(21), volunteer_id=2)
    story.history(1, "opened", "accepted", "handed_back", "accepted", "underway", "delivered", "all_well")
    assert story.audit().ok, story.audit().broken


def test_an_explanation_names_what_was_under_way(story: Story) -> None:
    _an_sms_arrives_twice(story)
    near = Disturbance("sms-killed", at(24), at(24))
    far = Disturbance("valkey-down", at(-500), at(-490))
    [said] = story.audit(near, far).broken["duplicate_sms"]
    assert said.endswith("about then: sms-killed")


def test_what_nobody_was_told_of_may_be_missing(story: Story) -> None:
    story.ledger.append({"form_key": "k2", "wanted": ["other"], "told": False, "request_id": None})
    assert story.audit().ok
