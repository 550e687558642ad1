"""How Alembic reaches the database: through the application, with its models and its settings."""

from alembic import context
from flask import current_app

from dispatcher.database import db


def run() -> None:
    """Migrate on a connection of the application's own engine.

    SQLite can't alter a table in place, so changes are made as a copy ("batch").
    """
    with db.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            render_as_batch=connection.dialect.name == "sqlite",
            compare_type=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


if context.is_offline_mode():
    raise SystemExit("Migrations need the database: an SQL script can't know what is in it.")
with current_app.app_context():
    run()
