"""The one way to change a state: a conditional UPDATE, allowed by the table of lives."""

from collections.abc import Collection
from typing import Any, cast

from sqlalchemy import CursorResult, update
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
