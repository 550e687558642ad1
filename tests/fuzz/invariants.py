"""What must be true of the database after every use case, whatever was asked for.

Each invariant is a query for the rows that break it, in SQL that every database understands.
"""

from sqlalchemy import Connection, String, text

from dispatcher.database import Base

_STANDS = "SELECT 1 FROM assignment a WHERE a.task_id = t.id AND a.ended_at IS NULL"
_ASKS = "SELECT 1 FROM attention n WHERE n.task_id = t.id AND n.resolved_at IS NULL"
_OVER = "('closed', 'cancelled')"

INVARIANTS = {
    "a request has its tasks, or says which open one it repeats": """
        SELECT r.id FROM help_request r
        WHERE NOT EXISTS (SELECT 1 FROM task t WHERE t.request_id = r.id)
        AND NOT EXISTS (SELECT 1 FROM repeat_call c WHERE c.request_id = r.id)""",
    "a task is for the retiree of its request": """
        SELECT t.id FROM task t JOIN help_request r ON r.id = t.request_id
        WHERE t.retiree_id <> r.retiree_id""",
    "a task that isn't over is due, or somebody was told of it": f"""
        SELECT t.id FROM task t
        WHERE t.state NOT IN {_OVER} AND t.look_again_at IS NULL AND NOT EXISTS ({_ASKS})""",
    "a task that is over is due no more, and says when it ended": f"""
        SELECT t.id FROM task t
        WHERE (t.state IN {_OVER}) <> (t.ended_at IS NOT NULL)
        OR (t.state IN {_OVER} AND t.look_again_at IS NOT NULL)""",
    "a task is held exactly while an assignment stands": f"""
        SELECT t.id FROM task t
        WHERE (t.state IN ('assigned', 'underway', 'delivered')) <> EXISTS ({_STANDS})""",
    "no task has two standing assignments": """
        SELECT task_id FROM assignment WHERE ended_at IS NULL GROUP BY task_id HAVING count(*) > 1""",
    "nobody is still asked for a task that isn't open": """
        SELECT o.id FROM offer o JOIN task t ON t.id = o.task_id
        WHERE o.state IN ('queued', 'sent') AND t.state <> 'open'""",
    "a task's history begins with its opening": """
        SELECT t.id FROM task t
        WHERE NOT EXISTS (SELECT 1 FROM event e WHERE e.task_id = t.id AND e.kind = 'opened')""",
    "every state has its line of history": f"""
        SELECT t.id FROM task t WHERE t.state IN {_OVER} AND NOT EXISTS (
            SELECT 1 FROM event e WHERE e.task_id = t.id
            AND e.kind IN ('closed', 'cancelled', 'all_well'))""",
    "an event belongs to something, unless it is about a person or their words": """
        SELECT id FROM event WHERE task_id IS NULL AND request_id IS NULL
        AND kind NOT IN ('stop', 'start', 'seen_to', 'unclear_reply', 'thanks', 'undelivered', 'attention',
            'paused', 'resumed', 'free', 'busy', 'settings', 'page_sent', 'links_lost')""",
    "an outgoing message belongs to somebody, or answers a phone by itself": """
        SELECT id FROM message WHERE direction = 'out'
        AND volunteer_id IS NULL AND retiree_id IS NULL
        AND kind NOT LIKE 'reply_%' AND kind NOT IN ('taken', 'thanked', 'will_call')""",
    "an outgoing message has ended, or was handed over, or somebody will see to it": """
        SELECT id FROM message WHERE direction = 'out'
        AND state IN ('queued', 'sending', 'unknown') AND wake_at IS NULL""",
    "an incoming message is whole": """
        SELECT id FROM message WHERE direction = 'in' AND (body IS NULL OR gateway_id IS NULL)""",
    "what needs a person is about something, unless it is about the whole office": """
        SELECT id FROM attention WHERE task_id IS NULL AND retiree_id IS NULL
        AND volunteer_id IS NULL AND message_id IS NULL
        AND reason NOT IN ('gateway_setting', 'webhooks_refused', 'disk_low', 'unworded')""",
    "a retiree can be called": """
        SELECT r.id FROM retiree r
        WHERE NOT EXISTS (SELECT 1 FROM retiree_phone p WHERE p.retiree_id = r.id)""",
    "a retiree can be found": """
        SELECT r.id FROM retiree r
        WHERE NOT EXISTS (SELECT 1 FROM search_key k WHERE k.retiree_id = r.id)""",
}


def broken(connection: Connection) -> dict[str, list[int]]:
    """The invariants that don't hold, with the ids of the rows that break them (or their number)."""
    found = {name: list(connection.scalars(text(query))) for name, query in INVARIANTS.items()}
    if connection.dialect.name == "sqlite":
        # What PostgreSQL would have refused, SQLite keeps: as strict here as there.
        found |= {where: list(connection.scalars(text(query))) for where, query in _SIZES.items()}
    return {name: ids for name, ids in found.items() if ids}


def _misfits() -> dict[str, str]:
    queries = {}
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, String):
                too_long = f"length({column.name}) > {column.type.length} OR " if column.type.length else ""
                queries[f"{table.name}.{column.name} fits and has no NUL"] = (
                    f"SELECT 1 FROM {table.name} WHERE {too_long}instr({column.name}, char(0)) > 0"
                )
    return queries


_SIZES = _misfits()
