"""A pause: whoever pauses is asked nothing, by their own word or because they have told the office."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from dispatcher.models import Volunteer
from dispatcher.services import history


def pause(
    tx: Session, volunteer: Volunteer, until: datetime, actor: history.Actor, now: datetime, /, **said: Any
) -> None:
    """Ask them nothing before `until` (of :func:`dispatcher.rules.availability.paused_until`). It ends their
    being free. What they hold or were asked for stays.

    `volunteer` is held by the caller; `said`: what else the line of history says.
    """
    if volunteer.paused_until != until:
        volunteer.paused_until, volunteer.free_until = until, None
        history.record(tx, "paused", actor, now, until=until.isoformat(), **said)


def resume(tx: Session, volunteer: Volunteer, actor: history.Actor, now: datetime, /, **said: Any) -> None:
    """They may be asked again; as :func:`pause`."""
    if volunteer.paused_until is not None and volunteer.paused_until > now:
        volunteer.paused_until = None
        history.record(tx, "resumed", actor, now, **said)
