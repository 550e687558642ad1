"""The ways to change a state: conditional UPDATEs, allowed by the table of lives."""

from collections.abc import Collection, Sequence
from typing import Any, cast

from sqlalchemy import CursorResult, Table, bindparam, update
from sqlalchemy.orm import Session

from dispatcher.models import Message, Offer, Task
from dispatcher.rules import lifecycle


def move(
    tx: Session,
    row: Task | Offer | Message,
    after: lifecycle.State,
    only_from: Collection[lifecycle.State] | None = None,
    **values: Any,
) -> bool:
    """Move `row` to `after` if it still is in a state that allows it; whether it was this call.

    Two workers may both try: the database lets one win. `only_from` narrows the states that the
    table of lives allows. `values` are written in the same UPDATE. The row is fresh afterwards.
    """
    allowed = lifecycle.sources(after)
    if only_from is not None:
        allowed = allowed & frozenset(only_from)
    model = type(row)
    tx.flush()
    result = tx.execute(
        update(model)
        .where(model.id == row.id, model.state.in_([str(state) for state in allowed]))
        .values(state=str(after), **values)
        .execution_options(synchronize_session=False)
    )
    tx.refresh(row)
    return cast("CursorResult[Any]", result).rowcount == 1


def move_all(
    tx: Session,
    model: type[Task | Offer | Message],
    before: lifecycle.State,
    after: lifecycle.State,
    rows: Sequence[dict[str, Any]],
) -> None:
    """Move many rows that are in `before` to `after`, in one go.

    `rows`: for each its `id` and what is written with the state, the same columns in all. Rows that
    are no longer in `before` stay as they are; objects of the session don't learn of it.

    Raises:
        ValueError: `after` may not follow `before`.
    """
    if not lifecycle.may(before, after):
        raise ValueError(f"{after} may not follow {before}")
    if not rows:
        return
    table = cast(Table, model.__table__)
    change = (
        update(table)
        .where(table.c.id == bindparam("row_id"), table.c.state == str(before))
        .values(state=str(after), **{name: bindparam(f"new_{name}") for name in rows[0] if name != "id"})
    )
    tx.connection().execute(
        change, [{"row_id" if name == "id" else f"new_{name}": row[name] for name in row} for row in rows]
    )
