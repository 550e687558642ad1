"""Webhooks that were refused because their signature is wrong: told once, and put before a person.

Anyone on the internet may post to their addresses, as often as they like. So nothing is written for a
refused request, and the log gets a line each ten minutes at most. Only what looks like the gateway's own (it
knows our account) is put before a person: one item, written at most once in ten minutes by each process, that
resolves itself with the next valid request.
"""

import logging
import threading
import time
from datetime import datetime

from flask import current_app
from sqlalchemy.exc import SQLAlchemyError

from dispatcher import metrics
from dispatcher.database import db, transaction, use_case
from dispatcher.services import attention

log = logging.getLogger(__name__)

SELDOM_S = 600.0
"""A line of log, and a write, at most so often, in seconds."""

LOOK_EVERY_S = 60.0
"""So often, in seconds, a process that gets valid requests looks whether another one's item still stands."""

_SUBJECT, _REASON = "webhooks", "webhooks_refused"


class Refusals:
    """What one process knows of refused requests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._refused = {True: 0, False: 0}
        self._tell_at = {True: 0.0, False: 0.0}
        self._raise_at = 0.0
        self._look_at = 0.0

    def count(self, alike: bool, now: float) -> int:
        """Count a refused request; how many there were, if that is to be told now."""
        with self._lock:
            self._refused[alike] += 1
            if now < self._tell_at[alike]:
                return 0
            self._tell_at[alike] = now + SELDOM_S
            told, self._refused[alike] = self._refused[alike], 0
            return told

    def may_raise(self, now: float) -> bool:
        """Whether a person is to be told now; asked for a request that looks like the gateway's."""
        with self._lock:
            if now < self._raise_at:
                return False
            self._raise_at = now + SELDOM_S
            self._look_at = 0.0  # the next valid request takes it off again
            return True

    def may_look(self, now: float) -> bool:
        """Whether it is to be looked now for an item that a valid request resolves."""
        with self._lock:
            if now < self._look_at:
                return False
            self._look_at = now + LOOK_EVERY_S
            return True


def refused(alike: bool, now: datetime) -> None:
    """A request without a valid signature was refused. `alike`: it looks like the gateway's own."""
    known, moment = _known(), time.monotonic()
    metrics.REFUSED.labels("gateway" if alike else "other").inc()
    if number := known.count(alike, moment):
        advice = (
            ": check TWILIO_AUTH_TOKEN and PUBLIC_URL" if alike else ", by somebody else than the gateway"
        )
        log.warning("webhooks refused, %d since the last such line%s", number, advice)
    if alike and known.may_raise(moment):
        try:
            _raise(now)
        except SQLAlchemyError as error:
            log.error("refused webhooks can't be shown on the board: %s", type(error).__name__)


def accepted(now: datetime) -> None:
    """A request with a valid signature has come: whatever was wrong is mended."""
    if not _known().may_look(time.monotonic()):
        return
    try:
        if attention.find(db.session(), _SUBJECT, _REASON) is None:
            return
        _resolve(now)
    except SQLAlchemyError as error:  # what came with the request still has to be taken in
        db.session.rollback()
        log.error("refused webhooks can't be taken off the board: %s", type(error).__name__)
    else:
        log.warning("webhooks are valid again")


def standing() -> bool:
    """Whether a person is to see to refused webhooks."""
    return attention.find(db.session(), _SUBJECT, _REASON) is not None


@use_case
def _raise(now: datetime) -> None:
    with transaction() as tx:
        attention.raise_(tx, _REASON, now, subject=_SUBJECT)


@use_case
def _resolve(now: datetime) -> None:
    with transaction() as tx:
        attention.known(tx, _SUBJECT, _REASON, now)


def _known() -> Refusals:
    known: Refusals = current_app.extensions.setdefault("refusals", Refusals())
    return known
