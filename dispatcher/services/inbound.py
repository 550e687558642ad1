"""An incoming SMS: stored whole once, whoever sent it and however it came, then seen to.

STOP and START come first, then the word for one's own page, then what was asked
(:mod:`dispatcher.services.conversation`).
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

from dispatcher.database import transaction, use_case
from dispatcher.models import Message
from dispatcher.rules import opt_out, replies
from dispatcher.rules.lifecycle import MessageState
from dispatcher.rules.opt_out import Wish
from dispatcher.services import loose_texts, opt_outs, own_page, senders
from dispatcher.services.conversation import Conversation
from dispatcher.services.messaging import PASSING
from dispatcher.services.senders import Known
from dispatcher.sms.gateway import Incoming

log = logging.getLogger(__name__)

CLOCKS_DIFFER = timedelta(minutes=2)
"""By so much the gateway's clock may be behind ours."""

_SAME = select(Message.id).where(Message.gateway_id == bindparam("gateway_id"))
_SINCE = select(Message.body, Message.task_id).where(
    Message.phone == bindparam("phone"),
    Message.direction == "in",
    Message.created_at > bindparam("sent_at"),
    Message.id != bindparam("message_id"),
)


def receive(sms: Incoming, now: datetime) -> None:
    """Take in one incoming SMS. The same one again (same gateway id) changes nothing.

    The gateway may tell of it only once: one that can't be acted on is kept, and put before a person.
    """
    try:
        _receive(sms, now)
    except DataError as error:  # a character that the database can't hold
        log.error("an incoming message can't be stored as it is: %s", type(error).__name__)
        _keep(sms, now)
    except PASSING:
        raise
    except Exception as error:  # noqa: BLE001 (whatever it says, and whatever waits for it)
        log.error("an incoming message can't be acted on: %s", type(error).__name__)
        _keep(sms, now)


@use_case
def _keep(sms: Incoming, now: datetime) -> None:
    """Store an SMS with which nothing can be done, and put it before a person; without what no database can
    hold."""
    sms = replace(
        sms, phone=_storable(sms.phone), body=_storable(sms.body),
        pictures=tuple(_storable(address) for address in sms.pictures),
    )  # fmt: skip
    with transaction() as tx:
        message = _stored(tx, sms, senders.find(tx, sms.phone), now)
        if message is not None:
            loose_texts.show(tx, message, sms.body, "software", now)


def _storable(text: str) -> str:
    """`text` without NUL, and with "?" for each half of a character (a lone surrogate)."""
    return text.encode("utf-8", "replace").decode().replace("\0", "")


def _stored(tx: Session, sms: Incoming, sender: Known, now: datetime) -> Message | None:
    """The SMS as it came, with the addresses of its pictures, and the sender where that is no phone.

    None if it is here already.
    """
    if tx.scalars(_SAME, {"gateway_id": sms.gateway_id}).first() is not None:
        return None
    params: dict[str, Any] = {"pictures": [*sms.pictures]} if sms.pictures else {}
    if sender.kept != sender.given:
        params["from"] = sender.given
    message = Message(
        direction="in", kind="reply", phone=sender.kept, state=MessageState.RECEIVED, body=sms.body,
        params=params, language=sender.language, gateway_id=sms.gateway_id,
        created_at=min(sms.sent_at or now, now),
        volunteer_id=sender.volunteer.id if sender.volunteer else None,
        retiree_id=sender.retiree.id if sender.retiree else None,
    )  # fmt: skip
    tx.add(message)
    tx.flush()
    return message


@use_case
def _receive(sms: Incoming, now: datetime) -> None:
    with transaction() as tx:
        sender = senders.find(tx, sms.phone)
        volunteer = sender.volunteer
        message = _stored(tx, sms, sender, now)
        if message is None:
            return
        later = _later(tx, message, sms)
        wish = _wish(tx, sender, sms.body, sms.opt_out)
        if wish is not None and any(_wish(tx, sender, one.body or "") for one in later):
            _put_first(tx, message, now)
            return  # they have changed their mind since
        if volunteer is not None and volunteer.is_phone_lost and wish is not Wish.STOP:
            # Whoever has the phone now may have written it: nothing is done or answered, and somebody looks.
            loose_texts.show(tx, message, sms.body, "phone_lost", now)
        elif not sender.can_be_answered:
            loose_texts.show(tx, message, sms.body, "no_phone", now)
        elif wish is not None:
            opt_outs.honour(tx, wish, sender.number, now)
            _put_first(tx, message, now)
        elif (
            volunteer is None
            or not replies.asks_for_page(sms.body)
            or own_page.send_link(tx, volunteer, now) == "unreachable"
        ):
            # A bare "1" written hours ago answers nothing that was asked since.
            asked_by = sms.sent_at + CLOCKS_DIFFER if sms.sent_at is not None else None
            Conversation(tx, message, now, asked_by, {one.task_id for one in later}).take_in()


def _put_first(tx: Session, message: Message, now: datetime) -> None:
    """Put what was a STOP or START before a person if it calls for help as well: a gateway may find its word
    in any text."""
    if replies.calls_for_help(message.body or ""):
        loose_texts.call_for_help(tx, message, message.body or "", now)


def _wish(tx: Session, sender: Known, body: str, gateway_says: str = "") -> Wish | None:
    return opt_out.wish(body, gateway_says, opt_outs.has_stopped(tx, sender.volunteer, sender.number))


def _later(tx: Session, message: Message, sms: Incoming) -> Sequence[Any]:
    """What the same phone has sent since a message that was fetched; nothing for one that came at once."""
    if sms.sent_at is None:
        return ()
    return tx.execute(
        _SINCE, {"phone": message.phone, "sent_at": message.created_at, "message_id": message.id}
    ).all()
