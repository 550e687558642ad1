"""Jobs: what Celery runs. Each loads by id, calls a service, and is a no-op when its work is done.

Jobs carry ids only. No due time lives in the broker: the tick and the sweep find what is due.
"""

from tasks.jobs import fetch, look, send, settle, sweep, tick, watch

TICK_S = 1.0
FETCH_S = 30.0
WATCH_S = 60.0

SCHEDULE = {
    "tick": {"task": "tick", "schedule": TICK_S, "options": {"expires": 2 * TICK_S}},
    "sweep": {"task": "sweep", "schedule": TICK_S, "options": {"expires": 2 * TICK_S}},
    "watch": {"task": "watch", "schedule": WATCH_S, "options": {"expires": WATCH_S}},
    "fetch": {"task": "fetch", "schedule": FETCH_S, "options": {"expires": 2 * FETCH_S}},
}
"""What beat publishes. A tick that waited longer than two periods has been overtaken: it expires."""

__all__ = ["SCHEDULE", "fetch", "look", "send", "settle", "sweep", "tick", "watch"]
