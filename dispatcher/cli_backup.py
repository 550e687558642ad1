"""`flask backup`: a copy of the SQLite database, while everything runs, for nobody else to read."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import click
from flask.cli import with_appcontext

from dispatcher.database import db


@click.command("backup")
@click.argument("target", type=click.Path(path_type=Path))
@with_appcontext
def backup(target: Path) -> None:
    """Copy the SQLite database to the new file TARGET, whole and readable by its owner only.

    It may run at any time. The file appears when it is complete.
    """
    url = db.engine.url
    if url.get_backend_name() != "sqlite" or not url.database:
        raise click.ClickException("This is for SQLite. For PostgreSQL: umask 077; pg_dump --format=custom …")
    if not Path(url.database).is_file():
        raise click.ClickException(f"There is no file {url.database}.")
    if target.exists():
        raise click.ClickException(f"There is a file {target} already; nothing was changed.")
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        os.close(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        with closing(sqlite3.connect(url.database)) as here, closing(sqlite3.connect(draft)) as there:
            here.backup(there)
            # Alone it needs no side files.
            there.execute("PRAGMA journal_mode = DELETE")
        draft.rename(target)
    except (OSError, sqlite3.Error) as error:
        raise click.ClickException(f"Nothing was backed up: {error}") from error
    finally:
        draft.unlink(missing_ok=True)
    click.echo(f"Backed up to {target}.")
