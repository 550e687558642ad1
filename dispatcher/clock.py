"""The one place that reads the wall clock. Rules and services are handed `now`."""

from datetime import UTC, datetime


def utcnow() -> datetime:
    """The present moment, timezone-aware, in UTC."""
    return datetime.now(UTC)
