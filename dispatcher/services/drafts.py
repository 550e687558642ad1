"""Forms that operators have open: what is typed is kept as it is typed, and colleagues see each other."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, bindparam, delete, exists, or_, select
from sqlalchemy.orm import Session, joinedload

from dispatcher.database import insert_new, transaction, use_case
from dispatcher.models import Draft, HelpRequest, Retiree, Staff

PRESENT = timedelta(seconds=45)
"""So long after its last word a form counts as open: three of the words that it sends."""

KEPT = timedelta(days=7)
"""So long an unfinished call is kept."""

LONGEST = 60_000
"""Characters of one draft. The longest form that can be saved has about 35,000."""

EMPTY = "[]"
TYPED_AT = "typed_at"
_NOT_KEPT = {"csrf_token", "form_key", "operator", "retiree_id", "closing", "read_back"}
"""What belongs to the page or to the moment: whoever takes a call up again reads it back again."""

_CHOSEN_FOR_THEM = {TYPED_AT, "new_language", "return_call"}
"""Fields that have a value before anybody has typed anything, besides urgencies."""

Fields = Sequence[tuple[str, str]]

_SAVED = select(HelpRequest.id).where(HelpRequest.form_key == bindparam("form_key"))
_IS_SAVED = exists().where(HelpRequest.form_key == Draft.form_key)
_MINE = select(Draft).where(
    Draft.operator_id == bindparam("operator_id"), Draft.form_key == bindparam("form_key")
)
_END = delete(Draft).where(
    Draft.operator_id == bindparam("operator_id"), Draft.form_key == bindparam("form_key")
)
_UNFINISHED = (
    select(Draft)
    .where(
        Draft.operator_id == bindparam("operator_id"),
        Draft.typed != EMPTY,
        ~Draft.thrown_away,
        ~_IS_SAVED,
    )
    .options(joinedload(Draft.retiree))
    .order_by(Draft.seen_at.desc())
    .limit(20)
)
_OTHERS = (
    select(Draft)
    .where(
        Draft.retiree_id == bindparam("retiree_id"),
        Draft.seen_at > bindparam("since"),
        Draft.operator_id != bindparam("operator_id"),
        ~Draft.thrown_away,
        ~_IS_SAVED,
    )
    .options(joinedload(Draft.operator, innerjoin=True))
    .order_by(Draft.created_at)
)


@dataclass(frozen=True)
class OpenForm:
    """A form as it stands in a browser.

    `fields`: all of its fields as they would be sent. `typed_at`: when something was last typed into it,
    in milliseconds since 1970 by the browser's clock; the newest wins. `closing`: it is being left.
    """

    form_key: str
    retiree_id: int | None
    fields: Fields
    typed_at: int = 0
    closing: bool = False


class TooLong(ValueError):
    """More was typed than a draft can hold; the browser's own copy has it."""


@use_case
def keep(form: OpenForm, operator: Staff, now: datetime) -> bool:
    """Keep what is typed and note that the form is open; False when its call has been saved already.

    An older copy never takes the place of a newer one, nor of one that was thrown away. What is too old goes
    on the way.

    Raises:
        TooLong: nothing was kept.
    """
    operator_id, typed = operator.id, _as_text(form)
    of = {"operator_id": operator_id, "form_key": form.form_key}
    with transaction() as tx:
        if saved(tx, form.form_key) is not None:
            tx.execute(_END, of)
            return False
        if form.closing and typed == EMPTY and form.typed_at == 0:
            tx.execute(_END.where(~Draft.thrown_away), of)  # looked at, and left
            return True
        retiree_id = _known(tx, form.retiree_id)
        row = of | {
            "retiree_id": retiree_id, "typed": typed, "created_at": now, "seen_at": now,
            "thrown_away": False,
        }  # fmt: skip
        if insert_new(tx, Draft, [row], "operator_id", "form_key"):
            _clear(tx, now)  # and this one, if its call was saved in this very moment
            return saved(tx, form.form_key) is None
        draft = tx.scalars(_MINE.with_for_update(), of).one()
        if draft.thrown_away:
            if form.typed_at <= typed_at(draft):
                return True
            draft.thrown_away, draft.retiree_id = False, retiree_id  # somebody goes on typing
        if draft.seen_at < now - PRESENT:
            draft.created_at = now  # taken up again: colleagues are told since when it is open now
        draft.seen_at = now
        if form.typed_at and form.typed_at >= typed_at(draft):
            draft.typed = typed
        return True


@use_case
def throw_away(form_key: str, operator: Staff, now: datetime, typed_until: int = 0) -> None:
    """An operator doesn't need this any more. Thrown away twice, it is gone once.

    `typed_until`: when something was last typed into it, as far as the page knows, in milliseconds. What was
    typed until then and arrives later stays away, too.
    """
    of = {"operator_id": operator.id, "form_key": form_key}
    with transaction() as tx:
        row = of | {
            "retiree_id": None, "typed": _until(typed_until), "created_at": now, "seen_at": now,
            "thrown_away": True,
        }  # fmt: skip
        if insert_new(tx, Draft, [row], "operator_id", "form_key"):
            return
        draft = tx.scalars(_MINE.with_for_update(), of).one()
        draft.typed = _until(max(typed_until, typed_at(draft)))
        draft.thrown_away, draft.retiree_id = True, None


def end(tx: Session, operator_id: int | None, form_key: str) -> None:
    """The draft of a form that is no longer one: its call is being saved."""
    tx.execute(_END, {"operator_id": operator_id, "form_key": form_key})


def saved(session: Session, form_key: str) -> int | None:
    """The request that was saved from this form, if it has been."""
    return session.scalars(_SAVED, {"form_key": form_key}).first()


def unfinished(session: Session, operator_id: int) -> Sequence[Draft]:
    """The calls that an operator has begun and not saved, the newest first."""
    return session.scalars(_UNFINISHED, {"operator_id": operator_id}).all()


def own(session: Session, draft_id: int, operator_id: int) -> Draft | None:
    """A draft, if it is this operator's."""
    draft = session.get(Draft, draft_id)
    if draft is None or draft.operator_id != operator_id or draft.thrown_away:
        return None
    return draft


def others(session: Session, retiree_id: int, operator_id: int, now: datetime) -> Sequence[Draft]:
    """The open forms of colleagues about the same retiree, the longest open first."""
    of = {"retiree_id": retiree_id, "operator_id": operator_id, "since": now - PRESENT}
    return session.scalars(_OTHERS, of).all()


def fields(draft: Draft) -> list[tuple[str, str]]:
    """What was typed, field by field, in the order of the form."""
    return [(str(name), str(value)) for name, value in json.loads(draft.typed)]


def typed_at(draft: Draft) -> int:
    """When something was last typed into it, in milliseconds by the browser's clock; 0: not known."""
    said = dict(fields(draft)).get(TYPED_AT, "")
    return int(said) if said.isascii() and said.isdigit() else 0


def _until(typed_until: int) -> str:
    """All that is kept of what was thrown away."""
    return json.dumps([(TYPED_AT, str(typed_until))])


def _as_text(form: OpenForm) -> str:
    kept = [(name, value) for name, value in form.fields if name not in _NOT_KEPT and name != TYPED_AT]
    typed = form.typed_at and any(
        value.strip() and name not in _CHOSEN_FOR_THEM and not name.endswith("-urgency")
        for name, value in kept
    )
    if not typed:
        return EMPTY
    text = json.dumps([*kept, (TYPED_AT, str(form.typed_at))], ensure_ascii=False)
    if len(text) > LONGEST:
        raise TooLong
    return text


def _known(tx: Session, retiree_id: int | None) -> int | None:
    if retiree_id is None:
        return None
    return tx.scalars(select(Retiree.id).where(Retiree.id == retiree_id)).first()


def _clear(tx: Session, now: datetime) -> None:
    """The table holds what is unfinished, and no more."""
    left = and_(Draft.typed == EMPTY, Draft.seen_at < now - 2 * PRESENT)
    tx.execute(
        delete(Draft)
        .where(or_(Draft.seen_at < now - KEPT, left, _IS_SAVED))
        .execution_options(synchronize_session=False)
    )
