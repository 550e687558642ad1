"""The ways to change a state: conditional UPDATEs, allowed by the table of lives."""

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any, TypeVar, cast

from sqlalchemy import Select, Table, Update, bindparam, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from dispatcher.models import Message, Offer, Task
from dispatcher.rules import lifecycle

_Row = TypeVar("_Row", bound=Task | Offer | Message)


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
    return bool(move_these(tx, [row], after, only_from, **values))


def move_these(
    tx: Session,
    rows: Sequence[_Row],
    after: lifecycle.State,
    only_from: Collection[lifecycle.State] | None = None,
    **values: Any,
) -> list[_Row]:
    """As :func:`move`, for many rows of one kind in one UPDATE: those that this call has moved."""
    if not rows:
        return []
    allowed = lifecycle.sources(after)
    if only_from is not None:
        allowed = allowed & frozenset(only_from)
    table = cast(Table, rows[0].__table__)
    tx.flush()
    by_id = {row.id: row for row in rows}
    change = {
        "row_ids": [*by_id],
        "allowed": sorted(str(state) for state in allowed),
        "after": str(after),
        **{f"new_{name}": value for name, value in values.items()},
    }
    moved = {_refresh(by_id, fresh) for fresh in tx.execute(_change(table, (*values,)), change)}
    if missed := [row_id for row_id in by_id if row_id not in moved]:
        for fresh in tx.execute(_as_they_are(table), {"row_ids": missed}):
            _refresh(by_id, fresh)
    return [row for row in rows if row.id in moved]


@cache
def _change(table: Table, names: tuple[str, ...]) -> Update:
    return (
        update(table)
        .where(
            table.c.id.in_(bindparam("row_ids", expanding=True)),
            table.c.state.in_(bindparam("allowed", expanding=True)),
        )
        .values(state=bindparam("after"), **{name: bindparam(f"new_{name}") for name in names})
        .returning(*table.c)
    )


@cache
def _as_they_are(table: Table) -> Select[Any]:
    return select(table).where(table.c.id.in_(bindparam("row_ids", expanding=True)))


def _refresh(rows: dict[int, _Row], fresh: Any) -> int:
    """Give a row what the database holds in its columns; what it refers to stays as it was read."""
    row = rows[fresh.id]
    for name, value in fresh._mapping.items():
        set_committed_value(row, name, value)
    return row.id


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
    names = tuple(name for name in rows[0] if name != "id")
    moved = {"before": str(before), "after": str(after)}
    tx.connection().execute(
        _change_each(cast(Table, model.__table__), names),
        [{"row_id": row["id"], **moved, **{f"new_{name}": row[name] for name in names}} for row in rows],
    )


@cache
def _change_each(table: Table, names: tuple[str, ...]) -> Update:
    return (
        update(table)
        .where(table.c.id == bindparam("row_id"), table.c.state == bindparam("before"))
        .values(state=bindparam("after"), **{name: bindparam(f"new_{name}") for name in names})
    )
