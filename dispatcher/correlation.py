"""One id for everything that comes of one call: from the operator's save to the last receipt.

A web request begins with an id of its own. A saved call keeps the id of the request that saved it, so
that whatever deals with the call later (a job that the tick found, hours after; a volunteer's answer; a
callback of the gateway) finds it in the database and goes on under it.
"""

import secrets
from contextvars import ContextVar

#: The correlation id of the request, or of the job, being served: it travels with every wake-up.
correlation_id: ContextVar[str | None] = ContextVar("correlation_id", default=None)


def fresh() -> str:
    """A new id: short enough to be read out on the telephone."""
    return secrets.token_hex(6)
