"""Commands of the house: `flask demo load`, `flask staff add`."""

import json
import os
import secrets
from pathlib import Path
from typing import Any

import click
from flask import Flask, current_app
from sqlalchemy import func, select

from dispatcher.database import db, transaction
from dispatcher.models import ROLES, Campus, CampusNeighbour, Retiree, Staff
from dispatcher.rules import phones
from dispatcher.rules.availability import Window
from dispatcher.services import accounts, roster


def init_app(app: Flask) -> None:
    """Register the commands."""
    app.cli.add_command(demo)
    app.cli.add_command(staff)


@click.group()
def demo() -> None:
    """An invented roster to try everything on."""


@demo.command("load")
def demo_load() -> None:
    """Load the demo roster into an empty database, and write down its accounts."""
    from devtools import roster as invented  # not part of the product; only this command needs it

    if db.session.scalar(select(func.count()).select_from(Retiree)):
        click.echo("There is a roster already; nothing was changed.")
        return
    people = invented.build()
    data_dir: Path = current_app.config["DATA_DIR"]
    account_list: list[dict[str, Any]] = []
    with transaction() as tx:
        campuses = {}
        for place in people.places:
            campuses[place.code] = Campus(
                code=place.code, name_zh=place.name_zh, name_en=place.name_en,
                reachable=place.reachable,
            )  # fmt: skip
        tx.add_all(campuses.values())
        tx.flush()
        for place in people.places:
            for rank, code in enumerate(place.neighbours, start=1):
                tx.add(
                    CampusNeighbour(
                        campus_id=campuses[place.code].id,
                        neighbour_id=campuses[code].id,
                        rank=rank,
                    )
                )
        for person in people.retirees:
            roster.add_retiree(
                tx,
                roster.RetireeData(
                    name=person.name,
                    campus_id=campuses[person.place_code].id,
                    phones=[phones.Phone(p.number, p.kind) for p in person.phones],
                    labels=[p.label for p in person.phones],
                    area=person.area,
                    address=person.address,
                    title_zh=person.honorific,
                    sex=person.sex,
                    birth_year=person.birth_year,
                    visit_notes=person.visit_notes,
                    health_notes=person.health_notes,
                    contact_name=person.contact_name,
                    contact_relation=person.contact_relation,
                    contact_phone=person.contact_phone,
                    language=person.language,
                ),
            )
        for helper in people.volunteers:
            roster.add_volunteer(
                tx,
                roster.VolunteerData(
                    name=helper.name,
                    phone=helper.phone,
                    campus_id=campuses[helper.place_code].id,
                    windows=[Window(w.weekday, w.start_min, w.end_min) for w in helper.windows],
                    language=helper.language,
                    role_note=helper.role_note,
                    capacity=helper.capacity,
                    night_ok=helper.night_ok,
                ),
            )
        for member in people.staff:
            password = secrets.token_urlsafe(9)
            place_id = campuses[member.place_code].id if member.place_code else None
            accounts.add(tx, member.username, member.name, member.role, password, place_id)
            account_list.append({"role": member.role, "username": member.username, "password": password})
        # Written before the commit: accounts nobody has the passwords of would lock everybody out.
        _write_private(data_dir / "demo-accounts.json", account_list)
        _write_private(data_dir / "phone-labels.json", invented.labels(people))
    click.echo(
        f"Loaded {len(people.retirees)} retirees, {len(people.volunteers)} volunteers "
        f"and {len(people.staff)} accounts."
    )


@click.group()
def staff() -> None:
    """Accounts of people who log in."""


@staff.command("add")
@click.argument("username")
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), required=True)
@click.option("--campus", "campus_code", default=None, help="Code of a coordinator's campus.")
@click.password_option()
def staff_add(username: str, name: str, role: str, campus_code: str | None, password: str) -> None:
    """Make an account; the password is asked for, not shown."""
    _check_password(password)
    with transaction() as tx:
        if tx.scalars(select(Staff).where(Staff.username == username)).first():
            raise click.ClickException(f"There is an account {username} already.")
        campus = tx.scalars(select(Campus).where(Campus.code == campus_code)).first()
        if campus_code and campus is None:
            raise click.ClickException(f"There is no campus {campus_code}.")
        accounts.add(tx, username, name, role, password, campus.id if campus else None)
    click.echo(f"Made {role} {username}.")


@staff.command("password")
@click.argument("username")
@click.password_option()
def staff_password(username: str, password: str) -> None:
    """Set a new password; every session of the account ends."""
    _check_password(password)
    with transaction() as tx:
        person = tx.scalars(select(Staff).where(Staff.username == username)).first()
        if person is None:
            raise click.ClickException(f"There is no account {username}.")
        accounts.set_password(person, password)
    click.echo(f"New password for {username}.")


def _check_password(password: str) -> None:
    if len(password) < 10:
        raise click.ClickException("A password needs at least 10 characters.")


def _write_private(path: Path, value: Any) -> None:
    """Write JSON that nobody else on the machine can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, indent=2)
    path.chmod(0o600)
