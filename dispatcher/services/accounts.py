"""Accounts of staff: making them, checking who logs in, and the logins, which end."""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import bindparam, delete, false, select, update
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session, object_session
from werkzeug.security import check_password_hash, generate_password_hash

from dispatcher.database import db, transaction, use_case
from dispatcher.models import ROLES, LoginSession, Staff
from dispatcher.services import hashing

ADDRESS_KNOWN_FOR = timedelta(days=90)
"""So long after a login has ended its network address still counts as one that the person logs in from."""

_BY_ID = select(Staff).where(Staff.id == bindparam("id"))
_STANDS = (LoginSession.ended == false(), LoginSession.expires_at > bindparam("now"), Staff.active)
_BY_KEY = (
    select(Staff)
    .join(LoginSession, LoginSession.staff_id == Staff.id)
    .where(LoginSession.key_hash == bindparam("key_hash"), *_STANDS)
)


@dataclass(frozen=True)
class Origin:
    """Where somebody logs in from, as a keyed hash, and how long a login lasts."""

    address_hash: str
    lasts: timedelta


class PasswordHash(str):
    """A password as it is kept."""

    __slots__ = ()


def hashed(password: str) -> PasswordHash:
    """The hash of a new password. It takes a tenth of a second: outside a transaction, please."""
    return password if isinstance(password, PasswordHash) else PasswordHash(generate_password_hash(password))


@cache
def _nobody() -> str:
    """Checked when there is no such account, so that a wrong name takes as long as a wrong password.

    Made by the first login: a worker, which never has one, starts so much sooner.
    """
    return generate_password_hash(secrets.token_hex(16))


def add(
    tx: Session, username: str, name: str, role: str, password: str, campus_id: int | None = None
) -> Staff:
    """Make an account. `password`: as typed, or :func:`hashed` before.

    Raises:
        ValueError: no such role.
    """
    if role not in ROLES:
        raise ValueError(f"no such role: {role}")
    person = Staff(
        username=username,
        name=name,
        role=role,
        campus_id=campus_id,
        password_hash=hashed(password),
        session_key=secrets.token_hex(8),
        active=True,
    )
    tx.add(person)
    return person


def set_password(person: Staff, password: str) -> None:
    """Set a new password, as typed or :func:`hashed` before, and end every login of the account."""
    person.password_hash = hashed(password)
    end_sessions(person)


def end_sessions(person: Staff) -> None:
    """Whoever is logged in with this account is logged out at their next click. Inside a transaction."""
    person.session_key = secrets.token_hex(8)
    tx = object_session(person)
    if tx is not None and person.id is not None:
        standing = update(LoginSession).where(
            LoginSession.staff_id == person.id, LoginSession.ended == false()
        )
        tx.execute(standing.values(ended=True))


def log_in(username: str, password: str, now: datetime, origin: Origin) -> Staff | None:
    """The account with a login of its own, if name and password fit and it is in use.

    No connection of the database is held while the password is hashed.

    Raises:
        dispatcher.services.hashing.Busy: too many are logging in just now.
    """
    found = db.session.execute(
        select(Staff.id, Staff.password_hash).where(Staff.username == username.strip())
    ).first()
    db.session.rollback()
    fits = hashing.run(lambda: _fits(found.password_hash if found else None, password))
    return _begin(found.id, found.password_hash, now, origin) if found is not None and fits else None


def _fits(kept: str | None, password: str) -> bool:
    nobody = _nobody()  # whether or not it is needed: the first login of a process makes it
    return check_password_hash(kept or nobody, password) and kept is not None


@use_case
def _begin(staff_id: int, checked: str, now: datetime, origin: Origin) -> Staff | None:
    """Note a login, unless the password that was checked has been changed or the account closed meanwhile."""
    with transaction() as tx:
        person = tx.scalars(_BY_ID.with_for_update(), {"id": staff_id}).first()
        if person is None or not person.active or person.password_hash != checked:
            return None
        key = open_login(tx, person, now, origin)
    return by_session(key, now)


def open_login(tx: Session, person: Staff, now: datetime, origin: Origin) -> str:
    """Note a login of somebody who has shown who they are; its key, for their browser."""
    key = secrets.token_urlsafe(24)
    person.last_login_at = now
    tx.execute(delete(LoginSession).where(LoginSession.expires_at < now - ADDRESS_KNOWN_FOR))
    tx.add(
        LoginSession(
            key_hash=key_hash(key), staff_id=person.id, address_hash=origin.address_hash,
            created_at=now, expires_at=now + origin.lasts, ended=False,
        )
    )  # fmt: skip
    return key


def logs_in_from(username: str, address_hash: str) -> bool:
    """Whether this person has logged in from there before, of late."""
    known = (
        select(LoginSession.id)
        .join(Staff, Staff.id == LoginSession.staff_id)
        .where(Staff.username == username.strip(), LoginSession.address_hash == address_hash)
    )
    return db.session.scalars(known.limit(1)).first() is not None


def by_session(key: str, now: datetime) -> Staff | None:
    """The account behind the key of a login that has neither ended nor lasted too long."""
    # Asked with every page.
    person = db.session.scalars(_BY_KEY, {"key_hash": key_hash(key), "now": now}).first()
    if person is not None:
        person.login_key = key
    return person


def key_hash(key: str) -> str:
    """What is kept of the key of a login."""
    return hashlib.sha256(key.encode()).hexdigest()


def roles_of(connection: Connection, key_hashes: Collection[str], now: datetime) -> dict[str, str]:
    """Of these logins those that stand, with the role of each one's account, in one query."""
    query = (
        select(LoginSession.key_hash, Staff.role)
        .join(Staff, Staff.id == LoginSession.staff_id)
        .where(LoginSession.key_hash.in_(key_hashes), *_STANDS)
    )
    rows: Any = connection.execute(query, {"now": now})
    return {row.key_hash: row.role for row in rows}


def standing(person: Staff, now: datetime) -> list[LoginSession]:
    """The logins of this account that stand, the newest first."""
    query = (
        select(LoginSession)
        .join(Staff, Staff.id == LoginSession.staff_id)
        .where(LoginSession.staff_id == person.id, *_STANDS)
        .order_by(LoginSession.id.desc())
    )
    return list(db.session.scalars(query, {"now": now}))


@use_case
def log_out(key: str) -> None:
    """End this login."""
    with transaction() as tx:
        tx.execute(update(LoginSession).where(LoginSession.key_hash == key_hash(key)).values(ended=True))


@use_case
def log_out_everywhere(person: Staff) -> None:
    """End all logins of this account."""
    with transaction() as tx:
        end_sessions(tx.get_one(Staff, person.id))


def hold(tx: Session, person: Staff) -> None:
    """Let nobody else act by this account until `tx` ends."""
    tx.scalars(_BY_ID.with_for_update(key_share=True), {"id": person.id}).one()


@use_case
def set_language(person: Staff, language: str) -> None:
    """Remember the language a member of staff reads."""
    with transaction() as tx:
        tx.get_one(Staff, person.id).language = language
