"""Looking after the machine itself, so that a person hears of what will stop it before it does."""

from datetime import datetime

from dispatcher.database import db, transaction, use_case
from dispatcher.services import attention, storage

_SUBJECT, _REASON = "disk", "disk_low"


def watch(now: datetime) -> None:
    """Tell a person when this machine has little room left, and take it back when it has enough."""
    free = storage.free_bytes()
    if free is None:
        return
    low = free < storage.LOW_BYTES
    stands = attention.find(db.session(), _SUBJECT, _REASON) is not None
    if low != stands:
        _tell(low, free, now)


@use_case
def _tell(low: bool, free: int, now: datetime) -> None:
    with transaction() as tx:
        if low:
            attention.raise_(tx, _REASON, now, subject=_SUBJECT, free_mb=free // 1_000_000)
        else:
            attention.known(tx, _SUBJECT, _REASON, now)
