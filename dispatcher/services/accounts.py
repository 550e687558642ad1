"""Accounts of staff: making them, and checking who logs in."""

import secrets
from datetime import datetime
from functools import cache

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash, generate_password_hash

from dispatcher.database import db, transaction, use_case
from dispatcher.models import ROLES, Staff

_BY_ID = select(Staff).where(Staff.id == bindparam("id"))


@cache
def _nobody() -> str:
    """Checked when there is no such account, so that a wrong name takes as long as a wrong password.

    Made by the first login: a worker, which never has one, starts so much sooner.
    """
    return generate_password_hash(secrets.token_hex(16))


def add(
    tx: Session, username: str, name: str, role: str, password: str, campus_id: int | None = None
) -> Staff:
    """Make an account.

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
        password_hash=generate_password_hash(password),
        session_key=secrets.token_hex(8),
        active=True,
    )
    tx.add(person)
    return person


def set_password(person: Staff, password: str) -> None:
    """Set a new password and end every session of the account."""
    person.password_hash = generate_password_hash(password)
    end_sessions(person)


def end_sessions(person: Staff) -> None:
    """Whoever is logged in with this account is logged out at their next click."""
    person.session_key = secrets.token_hex(8)


@use_case
def log_in(username: str, password: str, now: datetime) -> Staff | None:
    """The account, if name and password fit and it is in use."""
    person = db.session.scalars(select(Staff).where(Staff.username == username.strip())).first()
    nobody = _nobody()  # whether or not it is needed: the first login of a process makes it
    fits = check_password_hash(person.password_hash if person else nobody, password)
    if person is None or not fits or not person.active:
        return None
    with transaction() as tx:
        tx.get_one(Staff, person.id).last_login_at = now
    return db.session.get(Staff, person.id)


def by_session(value: str) -> Staff | None:
    """The account behind a session value, unless its session key has changed since."""
    person_id, _, key = value.partition(".")
    if not person_id.isdigit():
        return None
    person = db.session.scalars(_BY_ID, {"id": int(person_id)}).first()  # asked with every page
    return person if person is not None and secrets.compare_digest(person.session_key, key) else None


def hold(tx: Session, person: Staff) -> None:
    """Let nobody else act by this account until `tx` ends."""
    tx.scalars(_BY_ID.with_for_update(key_share=True), {"id": person.id}).one()


@use_case
def set_language(person: Staff, language: str) -> None:
    """Remember the language a member of staff reads."""
    with transaction() as tx:
        tx.get_one(Staff, person.id).language = language
