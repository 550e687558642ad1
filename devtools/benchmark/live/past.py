"""A long past: closed tasks by the million, with what each of them leaves behind, written by the database.

Each closed task has its request, two offers, an assignment, three lines of history, two messages, a link
and a reply code: twelve rows. In life it has more (the gateway's receipts, further messages), of tables
that none of the measured reads goes through without an index.
"""

from sqlalchemy import text
from sqlalchemy.orm import Session

from devtools.benchmark.live.people import Size, free_ids
from dispatcher.models import Assignment, Event, HelpRequest, LinkToken, Message, Offer, ReplyCode, Task

AT_ONCE = 100_000
YEARS_S = 2 * 365 * 86_400
"""The past is spread evenly over so long."""

# {at}: the moment of task n. {first} and {second}: who was asked; the first held it.
_STATEMENTS = (
    """INSERT INTO help_request (id, retiree_id, operator_id, form_key, callback_phone, notes, life_danger,
         told_on_call, created_at)
       SELECT n, n % :retirees + 1, 1, 'past' || n, '', '', FALSE, FALSE, {at} FROM numbers""",
    """INSERT INTO task (id, request_id, retiree_id, campus_id, category, urgency, items, notes, remote,
         state, code_word, created_at, opened_at, assigned_at, delivered_at, ended_at, waiting)
       SELECT n, n, n % :retirees + 1, n % :campuses + 1, 'medicine', 'soon', '[]', '', FALSE, 'closed',
         'hai', {at}, {at}, {at}, {at}, {at}, '{{}}' FROM numbers""",
    """INSERT INTO offer (id, task_id, volunteer_id, wave, ring, chance, why, urgent, state,
         created_at, sent_at, expires_at, answered_at, decline_reason, said)
       SELECT 2 * n - 1, n, {first}, 1, 0, 0.4, '[]', FALSE, 'accepted', {at}, {at}, {at}, {at}, '', ''
         FROM numbers""",
    """INSERT INTO offer (id, task_id, volunteer_id, wave, ring, chance, why, urgent, state,
         created_at, sent_at, expires_at, decline_reason, said)
       SELECT 2 * n, n, {second}, 1, 0, 0.4, '[]', FALSE, 'withdrawn', {at}, {at}, {at}, '', ''
         FROM numbers""",
    """INSERT INTO assignment (id, task_id, volunteer_id, created_at, ended_at, end_reason)
       SELECT n, n, {first}, {at}, {at}, 'closed' FROM numbers""",
    """INSERT INTO event (id, at, kind, actor, actor_name, task_id, request_id, params)
       SELECT 3 * n - 2 + k, {at}, CASE k WHEN 0 THEN 'opened' WHEN 1 THEN 'accepted' ELSE 'closed' END,
         'system', '', n, n, '{{}}'
         FROM numbers CROSS JOIN (SELECT 0 AS k UNION SELECT 1 UNION SELECT 2) ks""",
    """INSERT INTO message (id, direction, kind, params, language, phone, state, task_id, offer_id,
         volunteer_id, created_at, attempts, claimed_at, lookups, sent_at, ended_at, gateway_id,
         error_code, body_hash, segments)
       SELECT 2 * n - 1 + k, 'out', CASE k WHEN 0 THEN 'offer' ELSE 'assigned' END, '{{}}', 'zh', '+86136',
         'delivered', n, 2 * n - 1, {first}, {at}, 1, {at}, 0, {at}, {at}, 'SMpast' || (2 * n + k), '', '', 2
         FROM numbers CROSS JOIN (SELECT 0 AS k UNION SELECT 1) ks""",
    """INSERT INTO link_token (id, token_hash, task_id, volunteer_id, created_at, expires_at)
       SELECT n, 'past' || n, n, {first}, {at}, {at} FROM numbers""",
    """INSERT INTO reply_code (id, phone, number, purpose, task_id, volunteer_id, created_at)
       SELECT n, '+86136' || ({first}), n, 'help', n, {first}, {at} FROM numbers""",
)


def load(tx: Session, size: Size, tasks: int, now_s: float) -> None:
    """Write so many closed tasks into a database with the people of `size` and no tasks yet.

    `now_s`: Unix time at which the past ends.
    """
    postgresql = tx.get_bind().dialect.name == "postgresql"
    moment = ":begin + n * :step"
    at = (
        f"to_timestamp({moment})"
        if postgresql
        else f"strftime('%Y-%m-%d %H:%M:%f000', {moment}, 'unixepoch')"
    )
    if postgresql:
        # Consistent by its making; checking each reference would take longer than writing.
        tx.execute(text("SET LOCAL session_replication_role = replica"))
    else:
        tx.execute(text("PRAGMA cache_size = -500000"))  # kB: the indexes fit into memory
    for start in range(0, tasks, AT_ONCE):
        last = min(start + AT_ONCE, tasks)
        for statement in _STATEMENTS:
            filled = statement.format(
                at=at,
                first="n % :volunteers + 1",
                second="(n + :campuses) % :volunteers + 1",
            )
            insert, select, rest = filled.partition("SELECT ")
            numbers = (
                "WITH RECURSIVE numbers(n) AS (SELECT {} UNION ALL SELECT n + 1 FROM numbers WHERE n < {})"
            )
            tx.execute(
                text(f"{insert} {numbers.format(start + 1, last)} {select}{rest}"),
                {"begin": now_s - YEARS_S, "step": YEARS_S / tasks, "retirees": size.retirees,
                 "campuses": size.campuses, "volunteers": size.volunteers},
            )  # fmt: skip
    free_ids(tx, HelpRequest, Task, Offer, Assignment, Event, Message, LinkToken, ReplyCode)
