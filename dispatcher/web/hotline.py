"""The operator's desk: find the caller, see the card, enter what is asked, save once."""

import secrets
from collections.abc import Sequence

from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from dispatcher.clock import utcnow
from dispatcher.database import db
from dispatcher.models import Campus, HelpRequest, RepeatCall, Task
from dispatcher.rules import phones
from dispatcher.services import intake, search
from dispatcher.sms import texts
from dispatcher.web import forms, wording
from dispatcher.web.auth import STAFF, roles

blueprint = Blueprint("hotline", __name__, url_prefix="/hotline")


@blueprint.get("")
@roles(*STAFF)
def desk() -> ResponseReturnValue:
    """The desk, ready for the next call."""
    query = request.args.get("q", "").strip()[:60]
    saved, recent = _saved(), _recent()
    tasks = _tasks([call.id for call in (*recent, *filter(None, [saved]))])
    return render_template(
        "hotline/desk.html",
        query=query,
        matches=_matches(query),
        saved=saved,
        saved_tasks=tasks[saved.id] if saved else [],
        recent=[(call, tasks[call.id]) for call in recent],
    )


@blueprint.get("/matches")
@roles(*STAFF)
def matches() -> ResponseReturnValue:
    """The matches alone, while the operator types."""
    query = request.args.get("q", "").strip()[:60]
    return render_template("hotline/_matches.html", query=query, matches=_matches(query))


@blueprint.get("/people/<int(max=2147483647):retiree_id>")
@roles(*STAFF)
def person(retiree_id: int) -> ResponseReturnValue:
    """A retiree's card with the form beside it."""
    return _form(_blank(), retiree_id)


@blueprint.get("/new")
@roles(*STAFF)
def new_person() -> ResponseReturnValue:
    """The form for a caller who isn't on the roster."""
    values = _blank()
    query = request.args.get("q", "").strip()[:60]
    values["new_phone" if phones.search_digits(query) else "new_name"] = query
    return _form(values, None)


@blueprint.post("/requests")
@roles(*STAFF)
def save() -> ResponseReturnValue:
    """Save a call. Whatever is wrong, nothing that was typed is lost."""
    config = current_app.config
    values: MultiDict[str, str] = request.form
    retiree_id = values.get("retiree_id", type=forms.row_id)
    # Only a new caller has to be given a place.
    campuses = {} if retiree_id else {c.code: c for c in db.session.scalars(select(Campus))}
    form = forms.read(values, campuses, utcnow(), config["ZONE"], config["AREA_CODE"])
    _known_number(form)
    if form.call is None or form.errors:
        # All that is missing is said at once; whether it is the same need comes first, for then
        # nothing else has to be typed.
        return _form(values, retiree_id, _unsaid(values, retiree_id) | form.errors), 422
    try:
        request_id = intake.save(form.call, current_user, utcnow())
    except intake.NobodyKnown:
        abort(404)
    except intake.OpenTaskOfSameKind:
        return _form(values, retiree_id, _unsaid(values, retiree_id)), 422
    except intake.SameNeedIsOver as over:
        asked_anew = MultiDict(values)
        for category in over.categories:
            asked_anew.poplist(f"{category}-repeat")
        words = _(
            "The task you meant has ended meanwhile. If help is still needed, please fill it in as new."
        )
        return _form(asked_anew, retiree_id, {"want": words}), 422
    return redirect(url_for("hotline.desk", saved=request_id), 303)


def _known_number(form: forms.CallForm) -> None:
    """A new caller's number that is on the roster: most likely they are, too; the operator decides."""
    new = form.call.new_person if form.call else None
    if new is None or form.values.get("new_anyway"):
        return
    known = [m.retiree for m in search.find(db.session(), new.phone.number) if m.by == "phone"]
    # Their number is on the roster as well when this very form has been saved already.
    if known and intake.saved(db.session(), form.values["form_key"][:40]) is None:
        names = "、".join(f"{r.name} ({r.campus.name(wording.language())})" for r in known)
        form.errors["new_phone"] = _("This number is on the roster: %(names)s.", names=names)
        form.errors["new_anyway"] = _("Look them up, or tick that this is somebody else.")


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
    return MultiDict({"form_key": secrets.token_urlsafe(18)})


def _form(values: MultiDict[str, str], retiree_id: int | None, errors: dict[str, str] | None = None) -> str:
    card = None
    existing: dict[str, Task] = {}
    if retiree_id:
        card = search.card(db.session(), retiree_id)
        if card is None:
            abort(404)
        existing = intake.newest_of_kind(card.open_tasks)
    return render_template(
        "hotline/call.html",
        card=card,
        existing=existing,
        form=forms.CallForm(values, errors or {}),
        campuses=db.session.scalars(select(Campus).order_by(Campus.id)).all(),
        greeting=_greeting(card),
    )


def _greeting(card: search.Card | None) -> str:
    if card is None:
        return ""
    r = card.retiree
    return texts.greeting(r.name, r.title_zh, r.sex, r.language)


def _matches(query: str) -> list[search.Match]:
    return search.find(db.session(), query) if query else []


def _saved() -> HelpRequest | None:
    """The request just saved, to show what became of it."""
    saved = request.args.get("saved", type=forms.row_id)
    return db.session.get(HelpRequest, saved) if saved else None


def _recent() -> Sequence[HelpRequest]:
    """The last calls this operator took."""
    return db.session.scalars(
        select(HelpRequest)
        .where(HelpRequest.operator_id == current_user.id)
        .order_by(HelpRequest.id.desc())
        .limit(8)
    ).all()


def _tasks(call_ids: list[int]) -> dict[int, list[Task]]:
    """What became of each call: the tasks it made, and those open before that it was linked to."""
    tasks: dict[int, list[Task]] = {call_id: [] for call_id in call_ids}
    made = select(Task).where(Task.request_id.in_(call_ids)).order_by(Task.id)
    for task in db.session.scalars(made):
        tasks[task.request_id].append(task)
    linked = select(RepeatCall.request_id, Task).join(Task, Task.id == RepeatCall.task_id)
    for call_id, task in db.session.execute(linked.where(RepeatCall.request_id.in_(call_ids))):
        tasks[call_id].append(task)
    return tasks
