"""The jobs themselves."""

import logging
from datetime import timedelta

from celery import shared_task
from flask import current_app

from dispatcher import metrics
from dispatcher.clock import utcnow
from dispatcher.services import dispatching, fetching, health, messaging, settling, sweeping, watching

log = logging.getLogger(__name__)


GRACE = timedelta(seconds=1)
"""How long the wake-up of a task gets before the tick sees to it: both at once would only wait for each
other."""


@shared_task(name="look")
def look(task_id: int) -> None:
    """See to one task that is due: the next wave, an expiry, a person told."""
    dispatching.look(task_id)


@shared_task(name="tick")
def tick() -> None:
    """See to every task that is due, in case its wake-up was lost or its time has come."""
    with metrics.ROUND.labels("tick").time():
        due = dispatching.due(utcnow() - GRACE)
        metrics.ROUND_FOUND.labels("tick").inc(len(due))
        for task_id in due:
            dispatching.look_or_set_aside(task_id)
    health.heartbeat("tick", utcnow())


@shared_task(name="send")
def send(message_id: int) -> None:
    """Send one message of the outbox."""
    messaging.send(message_id, current_app.extensions["gateway"])


@shared_task(name="settle")
def settle(message_id: int) -> None:
    """Ask the gateway what became of one message."""
    settling.settle(message_id, current_app.extensions["gateway"])


@shared_task(name="sweep")
def sweep() -> None:
    """Wake every message that is due, in case its wake-up was lost or its pause is over."""
    with metrics.ROUND.labels("sweep").time():
        metrics.ROUND_FOUND.labels("sweep").inc(
            sweeping.sweep(utcnow(), health.queue_lengths().get("sms", 0))
        )
    health.heartbeat("sweep", utcnow())


@shared_task(name="fetch")
def fetch() -> None:
    """Take in the replies of which the gateway couldn't tell us while the web server was down."""
    fetching.fetch(current_app.extensions["gateway"], utcnow())


@shared_task(name="watch")
def watch() -> None:
    """Tell a person of what will stop this machine."""
    watching.watch(utcnow())
