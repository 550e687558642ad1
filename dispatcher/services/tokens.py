"""Links in SMS: random tokens, minted when a message is rendered, kept only as hashes."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from dispatcher.models import LinkToken

# No 0/O, 1/l/I: a token may be typed from one phone into another.
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz"
LENGTH = 12
"""Characters of a token: 56^12 possibilities are about 2^70."""

OFFER_LIFE = timedelta(days=2)
TASK_LIFE = timedelta(days=14)
PAGE_LIFE = timedelta(days=180)

YOUR_PAGE = "your_page"
"""The kind of message that carries a link to a volunteer's own page."""


_LIVE = select(LinkToken).where(
    LinkToken.token_hash == bindparam("hash"),
    LinkToken.expires_at > bindparam("now"),
    LinkToken.revoked_at.is_(None),
)

_REVOKE_ALL = (
    update(LinkToken)
    .where(LinkToken.volunteer_id == bindparam("whose"), LinkToken.revoked_at.is_(None))
    .values(revoked_at=bindparam("at"))
    .execution_options(synchronize_session=False)
)


class UnknownLink(LookupError):
    """A guess, an expired or a revoked link: nobody outside can tell which."""


def digest(text: str) -> str:
    """SHA-256 in hex. Tokens are random enough to need no salt or stretching."""
    return hashlib.sha256(text.encode()).hexdigest()


def mint(kind: str, task_id: int | None, volunteer_id: int, now: datetime) -> tuple[str, dict[str, Any]]:
    """A fresh token for the page of a task and a volunteer, or for their own page, and its row, which the
    caller writes.

    `kind`: of the message that carries it.
    """
    life = {"offer": OFFER_LIFE, YOUR_PAGE: PAGE_LIFE}.get(kind, TASK_LIFE)
    token = "".join(secrets.choice(_ALPHABET) for _ in range(LENGTH))
    return token, {
        "token_hash": digest(token),
        "task_id": None if kind == YOUR_PAGE else task_id,
        "volunteer_id": volunteer_id,
        "created_at": now,
        "expires_at": now + life,
    }


def find(session: Session, token: str, now: datetime) -> LinkToken | None:
    """The live link of `token`. A guess, an expired and a revoked token all give None."""
    return session.scalars(_LIVE, {"hash": digest(token), "now": now}).first()


def revoke(tx: Session, task_id: int, volunteer_id: int, now: datetime) -> None:
    """Make every link of this volunteer to this task useless from now on."""
    tx.execute(
        update(LinkToken)
        .where(
            LinkToken.task_id == task_id,
            LinkToken.volunteer_id == volunteer_id,
            LinkToken.revoked_at.is_(None),
        )
        .values(revoked_at=now)
        .execution_options(synchronize_session=False)
    )


def revoke_all(tx: Session, volunteer_id: int, now: datetime) -> None:
    """Make every link of this volunteer useless from now on: their phone is in other hands."""
    tx.execute(_REVOKE_ALL, {"whose": volunteer_id, "at": now})
