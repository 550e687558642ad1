"""A call: the caller's card with the form beside it, saved once."""

import secrets
from collections.abc import Sequence

from flask import abort, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from dispatcher.clock import utcnow
from dispatcher.database import db
from dispatcher.models import Campus, Draft, Retiree, ReturnCall, Task
from dispatcher.rules import phones
from dispatcher.rules.roster import RosterError
from dispatcher.services import drafts, intake, returning, search
from dispatcher.sms import texts
from dispatcher.web import forms, wording
from dispatcher.web.auth import STAFF, roles
from dispatcher.web.hotline.blueprint import blueprint
from dispatcher.web.words import ROSTER_PROBLEM

_FIELDS = {"phones": "new_phone", "language": "new_language"}
"""The fields of a new person, by those of the roster's rules; else the name."""


@blueprint.get("/people/<int(max=2147483647):retiree_id>")
@roles(*STAFF)
def person(retiree_id: int) -> ResponseReturnValue:
    """A retiree's card with the form beside it; `again`: filled in as last time."""
    values = _blank()
    again = request.args.getlist("again")
    return form(values, retiree_id, again=[kind for kind in search.TO_BUY if kind in again])


@blueprint.get("/new")
@roles(*STAFF)
def new_person() -> ResponseReturnValue:
    """The form for a caller who isn't on the roster."""
    values = _blank()
    query = request.args.get("q", "").strip()[:60]
    values["new_phone" if phones.search_digits(query) else "new_name"] = query
    returned = _returned(values)
    if returned is not None and not query:
        values["new_phone"], values["new_name"] = phones.dialled(returned.phone), returned.name
    return form(values, None)


@blueprint.post("/requests")
@roles(*STAFF)
def save() -> ResponseReturnValue:
    """Save a call. Whatever is wrong, nothing that was typed is lost."""
    check_whose()
    config = current_app.config
    values: MultiDict[str, str] = request.form
    retiree_id = values.get("retiree_id", type=forms.row_id)
    # Only a new caller has to be given a place.
    campuses = {} if retiree_id else {c.code: c for c in db.session.scalars(select(Campus))}
    read = forms.read(values, campuses, utcnow(), config["ZONE"], config["AREA_CODE"])
    _known_number(read)
    if read.call is None or read.errors:
        # All that is missing is said at once; whether it is the same need comes first, for then
        # nothing else has to be typed.
        return form(values, retiree_id, _unsaid(values, retiree_id) | read.errors), 422
    try:
        request_id = intake.save(read.call, current_user, utcnow())
    except intake.NobodyKnown:
        abort(404)
    except RosterError as wrong:
        field = _FIELDS.get(wrong.field, "new_name")
        return form(values, retiree_id, {field: str(ROSTER_PROBLEM[wrong.code])}), 422
    except intake.LooksLikeSomebody as like:
        words = _("%(name)s is on the roster already. Is it the same person?", name=like.people[0].name)
        return form(values, None, {"new_same": words}, alike=like.people), 422
    except intake.OpenTaskOfSameKind:
        # Somebody who was taken for new is known: their card comes, and keeps the number to be added.
        known = retiree_id or forms.same_as(values)
        kept = MultiDict(values)
        if not retiree_id:
            kept["add_phone"] = values.get("new_phone", "")
        return form(kept, known, _unsaid(kept, known)), 422
    except intake.SameNeedIsOver as over:
        asked_anew = MultiDict(values)
        for category in over.categories:
            asked_anew.poplist(f"{category}-repeat")
        words = _(
            "The task you meant has ended meanwhile. If help is still needed, please fill it in as new."
        )
        return form(asked_anew, retiree_id, {"want": words}), 422
    return redirect(url_for("hotline.desk", saved=request_id), 303)


def check_whose() -> None:
    """A form belongs to whoever opened it, also when a colleague has logged in to the same browser since.

    Raises:
        Forbidden: it is a colleague's.
    """
    if request.form.get("operator", current_user.id, type=forms.row_id) != current_user.id:
        abort(403)


def form(
    values: MultiDict[str, str],
    retiree_id: int | None,
    errors: dict[str, str] | None = None,
    again: Sequence[str] = (),
    alike: Sequence[Retiree] = (),
) -> str:
    """The page of a call, with `values` in its fields.

    `again`: kinds to fill in as last time; `alike`: who on the roster may be the new caller.
    """
    card = None
    existing: dict[str, Task] = {}
    if retiree_id:
        card = search.card(db.session(), retiree_id)
        if card is None:
            abort(404)
        existing = intake.newest_of_kind(card.open_tasks)
        for task in card.last_bought:
            if task.category in again:
                _fill(values, task)
    returned = _returned(values)
    campuses = db.session.scalars(select(Campus).order_by(Campus.id)).all()
    return render_template(
        "hotline/call.html",
        card=card,
        existing=existing,
        form=forms.CallForm(values, errors or {}),
        campuses=campuses,
        greeting=_greeting(card),
        alike=alike or ([] if card else _alike(values, campuses)),
        others=others(retiree_id),
        earlier=_earlier(values, retiree_id),
        returned=returned,
        line=forms.line,
    )


def others(retiree_id: int | None) -> Sequence[Draft]:
    """The colleagues who have the same card open."""
    return drafts.others(db.session(), retiree_id, current_user.id, utcnow()) if retiree_id else []


def _earlier(values: MultiDict[str, str], retiree_id: int | None) -> list[Draft]:
    """This operator's own unfinished calls of the same retiree, besides this one."""
    if not retiree_id:
        return []
    mine = drafts.unfinished(db.session(), current_user.id)
    return [d for d in mine if d.retiree_id == retiree_id and d.form_key != values.get("form_key")]


def _returned(values: MultiDict[str, str]) -> ReturnCall | None:
    """The call to return that this one is, if it hasn't been made yet."""
    call_id = values.get("return_call", type=forms.row_id)
    call = returning.one(call_id) if call_id else None
    return call if call is not None and call.done_at is None else None


def _fill(values: MultiDict[str, str], task: Task) -> None:
    """The lines and notes of an earlier task, as if typed."""
    values.add("want", task.category)
    for item in task.items:
        for name, text in forms.line(task.category, item).items():
            values.add(f"{task.category}-{name}", text)
    values[f"{task.category}-notes"] = task.notes


def _known_number(read: forms.CallForm) -> None:
    """A new caller's number that is on the roster: most likely they are, too; the operator decides."""
    new = read.call.new_person if read.call else None
    if new is None or new.same_as or read.values.get("new_anyway"):
        return
    known = [m.retiree for m in search.find(db.session(), new.phone.number) if m.by == "phone"]
    # Their number is on the roster as well when this very form has been saved already.
    if known and drafts.saved(db.session(), read.values["form_key"][:40]) is None:
        names = "、".join(f"{r.name} ({r.campus.name(wording.language())})" for r in known)
        read.errors["new_phone"] = _("This number is on the roster: %(names)s.", names=names)
        read.errors["new_anyway"] = _("Look them up, or tick that this is somebody else.")


def _alike(values: MultiDict[str, str], campuses: Sequence[Campus]) -> list[Retiree]:
    """Who may be the new caller, where that has been answered once: the answer can be changed."""
    if not values.get("new_same"):
        return []
    try:
        number = phones.parse(values.get("new_phone", ""), current_app.config["AREA_CODE"]).number
    except phones.BadPhone:
        number = ""
    campus_id = next((c.id for c in campuses if c.code == values.get("new_campus")), 0)
    name, address = values.get("new_name", "").strip(), values.get("new_address", "").strip()
    return search.alike(db.session(), name, campus_id, address, number)


def _unsaid(values: MultiDict[str, str], retiree_id: int | None) -> dict[str, str]:
    """The kinds asked for that are open already, where nobody has said whether it is the same need."""
    existing = intake.open_of_kind(db.session(), retiree_id) if retiree_id else {}
    answers = (intake.SAME_NEED, intake.NEW_NEED)
    return {
        f"{category}-repeat": _("There is an open task of this kind. Is it the same need?")
        for category in existing
        if category in values.getlist("want") and values.get(f"{category}-repeat") not in answers
    }


def _blank() -> MultiDict[str, str]:
    """An empty form; `call` in the address says which call to return it is for."""
    values = MultiDict({"form_key": secrets.token_urlsafe(18)})
    call_id = request.args.get("call", type=forms.row_id)
    if call_id:
        values["return_call"] = str(call_id)
    return values


def _greeting(card: search.Card | None) -> dict[str, str]:
    """How the caller is addressed, by language."""
    if card is None:
        return {}
    r = card.retiree
    return {language: texts.greeting(r.name, r.title_zh, r.sex, language) for language in texts.LANGUAGES}
