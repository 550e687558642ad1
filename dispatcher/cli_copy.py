"""`flask copy-data`: move an installation from SQLite to PostgreSQL."""

import click
from flask import current_app
from flask.cli import with_appcontext

from dispatcher.database import db

NOT_COPIED, DIFFERENT = 1, 3
"""Exit codes: nothing was copied; what was copied is not the same."""


class _Failure(click.ClickException):
    def __init__(self, words: str, exit_code: int) -> None:
        super().__init__(words)
        self.exit_code = exit_code  # type: ignore[misc]  # click's own way to say it


@click.command("copy-data")
@click.option("--to", "target", required=True, metavar="postgresql://USER@HOST/DATABASE")
@with_appcontext
def copy_data(target: str) -> None:
    """Copy everything from the SQLite database of DATABASE_URL to an empty PostgreSQL database.

    Stop the system first. The target gets the tables if it has none. Exit code 0: all was copied, read
    back and found the same; 1: nothing was copied; 3: the copy was not the same and has been removed.
    """
    # Only this command needs it; at the top it would take a tenth of a second of each process's start.
    from dispatcher.copying import Different, NotCopied, copy

    url = db.engine.url
    db.engine.dispose()
    try:
        count = copy(url, target, current_app.extensions["migrate"].migrate.get_config(), click.echo)
    except NotCopied as problem:
        raise _Failure(f"Nothing was copied. {problem}", NOT_COPIED) from problem
    except Different as problem:
        raise _Failure(f"The copy is not good and must not be used. {problem}", DIFFERENT) from problem
    click.echo(f"Copied and compared {count} rows. You can set DATABASE_URL to the new database now.")
