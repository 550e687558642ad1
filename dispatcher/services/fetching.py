"""Fetching the replies that nobody told us of: sent while the web server was down.

The gateway tries its webhook again for seconds only, and then forgets. So its list of incoming messages is
read from time to time, and what isn't here yet is taken in as if the webhook had come. Whatever comes twice
counts once, by the gateway's id.

How far the list was read is remembered by the process that reads it. One that has just started doesn't know,
and reads from before the newest incoming message, and three days at least: nothing has to be written, and
no board is woken, when nothing was missed.
"""

import logging
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, select
from sqlalchemy.exc import OperationalError

from dispatcher import logs, metrics
from dispatcher.database import db
from dispatcher.models import Message
from dispatcher.services import inbound
from dispatcher.services.messaging import PASSING
from dispatcher.sms.gateway import Gateway, Incoming

log = logging.getLogger(__name__)

OVERLAP = timedelta(minutes=15)
"""By so much each reading begins before the end of the last one: clocks differ, and lists lag."""

LOOK_BACK = timedelta(days=3)
"""So far back a process reads that has just started: over a weekend."""

FURTHEST_BACK = timedelta(days=30)

_AT_ONCE = 500

_MACHINE = (OperationalError, OSError, MemoryError)
"""Errors that say nothing about the one reply at which they came: the database is away, the disk is full."""

_NEWEST_IN = select(func.max(Message.created_at)).where(Message.direction == "in")
_FIRST = select(func.min(Message.created_at))
_KNOWN = select(Message.gateway_id).where(Message.gateway_id.in_(bindparam("gateway_ids", expanding=True)))

_reading = threading.Lock()
_read_until: datetime | None = None
_gateway = logs.Outage(log, "the gateway's list of incoming messages")


def fetch(gateway: Gateway, now: datetime) -> int:
    """Take in what was sent to us and isn't here yet, in the order in which it was sent; how many that were.

    Nothing while another thread of this process is at it, or while the gateway can't be asked: then the next
    one reads from where the last one ended.
    """
    global _read_until
    if not _reading.acquire(blocking=False):
        return 0
    try:
        since = _since(now)
        db.session.remove()  # no session is open over a network call
        if since is None:
            return 0
        found = gateway.received_since(since)
        if found is None:
            metrics.FETCHES.labels("failed").inc()
            _gateway.away("no answer")
            return 0
        metrics.FETCHES.labels("done").inc()
        _gateway.back()
        taken, passing = _take_in(_missing(found), now)
        if not passing:
            _read_until = now
        return taken
    finally:
        _reading.release()


def _take_in(missing: Sequence[Incoming], now: datetime) -> tuple[int, bool]:
    """Take in what is missing, each by itself: how many that were, and whether any couldn't be for a reason
    that passes, so that it must be read again."""
    taken, passing = 0, False
    for sms in missing:
        try:
            inbound.receive(sms, now)
        except PASSING as error:
            log.error("a fetched reply can't be taken in now: %s", type(error).__name__)
            passing = True
            if isinstance(error, _MACHINE):
                break  # the next ones would meet the same
        except Exception as error:  # noqa: BLE001 (whatever it says, those behind it must come in)
            log.error("a fetched reply can't be taken in: %s", type(error).__name__)
        else:
            taken += 1
            metrics.FETCHED.inc()
            log.warning("a reply was fetched of which no webhook had told")
    return taken, passing


def _since(now: datetime) -> datetime | None:
    """From when on to read; None as long as nothing was ever written or received here."""
    if _read_until is not None:
        return min(_read_until, now) - OVERLAP
    first = db.session.scalar(_FIRST)
    if first is None:
        return None  # an office that has just begun: what the number got before is none of its business
    newest = db.session.scalar(_NEWEST_IN) or now
    return max(min(newest - OVERLAP, now - LOOK_BACK), now - FURTHEST_BACK, first - OVERLAP)


def _missing(found: Sequence[Incoming]) -> list[Incoming]:
    """Those that aren't here yet."""
    known: set[str | None] = set()
    for start in range(0, len(found), _AT_ONCE):
        ids = [sms.gateway_id for sms in found[start : start + _AT_ONCE]]
        known |= {*db.session.scalars(_KNOWN, {"gateway_ids": ids})}
    db.session.remove()
    return [sms for sms in found if sms.gateway_id not in known]
