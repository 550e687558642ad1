"""The table of lives: final states are final, and nouns never mix."""

import pytest

from dispatcher.rules.lifecycle import LIVES, MessageState, OfferState, State, TaskState, final, may, sources

EVERY: list[State] = [*TaskState, *OfferState, *MessageState]


def test_every_state_has_a_life() -> None:
    for noun, life in LIVES.items():
        assert set(life) == set(noun)


@pytest.mark.parametrize(
    "state",
    [
        TaskState.CLOSED, TaskState.CANCELLED, OfferState.ACCEPTED, OfferState.DECLINED,
        OfferState.WITHDRAWN, MessageState.DELIVERED, MessageState.UNDELIVERED, MessageState.FAILED,
        MessageState.RECEIVED,
    ],
)  # fmt: skip
def test_a_final_state_never_moves(state: TaskState | OfferState | MessageState) -> None:
    assert final(state)
    assert not any(may(state, after) for after in EVERY)


def test_equal_words_of_different_nouns_never_follow_each_other() -> None:
    assert str(TaskState.DELIVERED) == str(MessageState.DELIVERED)
    assert not may(MessageState.SENT, TaskState.DELIVERED)
    assert all(isinstance(s, TaskState) for s in sources(TaskState.DELIVERED))
    assert all(isinstance(s, MessageState) for s in sources(MessageState.DELIVERED))
    assert {type(s) for s in sources(OfferState.SENT)} == {OfferState}


def test_no_task_goes_from_cancelled_to_anything_but_every_open_one_can_be_cancelled() -> None:
    assert sources(TaskState.CANCELLED) == {
        TaskState.OPEN, TaskState.ASSIGNED, TaskState.UNDERWAY, TaskState.DELIVERED,
    }  # fmt: skip


def test_a_message_is_queued_again_only_when_certainly_not_taken() -> None:
    assert sources(MessageState.QUEUED) == {MessageState.SENDING, MessageState.UNKNOWN}


def test_an_expired_offer_can_still_be_accepted() -> None:
    assert may(OfferState.EXPIRED, OfferState.ACCEPTED)
    assert not may(OfferState.WITHDRAWN, OfferState.ACCEPTED)
