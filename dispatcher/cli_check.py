"""`flask check-rows`: where the database holds what can't be read."""

import sys

import click
from flask.cli import with_appcontext

from dispatcher.database import db


@click.command("check-rows")
@with_appcontext
def check_rows() -> None:
    """List each value that can't be read or isn't of its column's kind: its table, column and key.

    The values themselves aren't shown, for they may be anybody's. Only reads; it may run at any time. Exit
    code 0: all can be read; 1: something can't.
    """
    # Only this command needs it; at the top it would take a tenth of a second of each process's start.
    from dispatcher.copying import spoilt

    found = 0
    with db.engine.connect() as connection:
        for where in spoilt(connection):
            click.echo(where)
            found += 1
    click.echo(f"{found} values can't be read." if found else "Everything can be read.")
    if found:
        sys.exit(1)
