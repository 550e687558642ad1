"""Commands of the house: `flask demo load`, `flask staff add`, and those of the other `cli_` modules."""

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from sqlalchemy import func, select

from dispatcher import cli_metrics
from dispatcher.cli_backup import backup
from dispatcher.cli_check import check_rows
from dispatcher.cli_copy import copy_data
from dispatcher.cli_forecast import simulate_roster
from dispatcher.database import db, transaction
from dispatcher.models import ROLES, Campus, Retiree, Staff
from dispatcher.services import accounts, indexing


def init_app(app: Flask) -> None:
    """Register the commands."""
    app.cli.add_command(demo)
    app.cli.add_command(staff)
    app.cli.add_command(simulate_roster)
    app.cli.add_command(cli_metrics.group)
    app.cli.add_command(copy_data)
    app.cli.add_command(reindex)
    app.cli.add_command(backup)
    app.cli.add_command(check_rows)


@click.group()
def demo() -> None:
    """An invented roster to try everything on."""


@demo.command("load")
def demo_load() -> None:
    """Load the demo roster into an empty database, and write down its accounts."""
    from devtools.roster.load import load  # not part of the product; only this command needs it

    if db.session.scalar(select(func.count()).select_from(Retiree)):
        click.echo("There is a roster already; nothing was changed.")
        return
    click.echo(load(current_app.config["DATA_DIR"]))


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
    password = accounts.hashed(password)  # before the transaction, for which others wait
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
    password = accounts.hashed(password)
    with transaction() as tx:
        person = tx.scalars(select(Staff).where(Staff.username == username)).first()
        if person is None:
            raise click.ClickException(f"There is no account {username}.")
        accounts.set_password(person, password)
    click.echo(f"New password for {username}.")


@staff.command("close")
@click.argument("username")
def staff_close(username: str) -> None:
    """Close an account; every session of it ends. What it did stays in the history."""
    with transaction() as tx:
        person = tx.scalars(select(Staff).where(Staff.username == username)).first()
        if person is None:
            raise click.ClickException(f"There is no account {username}.")
        person.active = False
        accounts.end_sessions(person)
    click.echo(f"Closed {username}.")


@click.command("reindex")
@with_appcontext
def reindex() -> None:
    """Write everybody's search keys anew. `flask db upgrade` does so whenever it is needed; this is for after
    people were written into the database by other means. The system may run meanwhile."""
    indexing.outdate()
    click.echo(f"Wrote the search keys of {indexing.bring_up_to_date()} people.")


def _check_password(password: str) -> None:
    if len(password) < 10:
        raise click.ClickException("A password needs at least 10 characters.")
