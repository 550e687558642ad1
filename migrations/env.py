"""How Alembic reaches the database: through the application, with its models and its settings."""

import click
from alembic import context
from alembic.migration import MigrationContext
from flask import current_app
from sqlalchemy import Connection

from dispatcher.database import db
from dispatcher.services import indexing


def run(connection: Connection) -> None:
    """Migrate on this connection.

    SQLite can't alter a table in place, so changes are made as a copy ("batch").
    """
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    raise SystemExit("Migrations need the database: an SQL script can't know what is in it.")
given = context.config.attributes.get("connection")
if given is not None:  # in a transaction of its owner's, who commits
    run(given)
else:
    with current_app.app_context(), db.engine.connect() as connection:
        run(connection)
        connection.commit()
        newest = (
            MigrationContext.configure(connection).get_current_revision() == context.script.get_current_head()
        )
        connection.close()
        if newest and indexing.bring_up_to_date():
            click.echo("The search keys of people on the roster are up to date.")
