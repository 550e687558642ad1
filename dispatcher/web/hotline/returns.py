"""Calls to return: noted, claimed by one operator, made, ended."""

from datetime import datetime, time, timedelta

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from dispatcher.clock import utcnow
from dispatcher.database import db
from dispatcher.models import Retiree
from dispatcher.rules import phones
from dispatcher.services import returning
from dispatcher.services.returning import Promise
from dispatcher.web import forms, refused, wording
from dispatcher.web.auth import STAFF, roles
from dispatcher.web.hotline.blueprint import blueprint

WHEN = {"15": timedelta(minutes=15), "30": timedelta(minutes=30), "60": timedelta(hours=1)}
_ID = "<int(max=2147483647):call_id>"


@blueprint.get("/calls")
@roles(*STAFF)
def calls() -> ResponseReturnValue:
    """The calls to return, and the form for another."""
    retiree = _retiree(request.args.get("retiree", type=forms.row_id))
    query = request.args.get("q", "").strip()[:60]
    name = request.args.get("name", "").strip()[:80]
    by_digits = phones.search_digits(query) is not None
    phone = retiree.phones[0].number if retiree and retiree.phones else query if by_digits else ""
    values = {
        "retiree_id": str(retiree.id) if retiree else "",
        "phone": phones.dialled(phone) if retiree else phone,
        "name": retiree.name if retiree else name or ("" if by_digits else query),
    }
    return _page(values, {}, retiree)


@blueprint.get("/calls/list")
@roles(*STAFF)
def calls_list() -> ResponseReturnValue:
    """The list alone, for a page that stays open."""
    return render_template("hotline/_calls.html", calls=returning.open_calls(db.session()), **_rules())


@blueprint.get("/calls/due")
@roles(*STAFF)
def calls_due() -> ResponseReturnValue:
    """How many are due, for the navigation."""
    return render_template("hotline/_due.html")


@blueprint.post("/calls")
@roles(*STAFF)
def note_call() -> ResponseReturnValue:
    """Note a call to return."""
    values, now = request.form.to_dict(), utcnow()
    retiree = _retiree(request.form.get("retiree_id", type=forms.row_id))
    errors: dict[str, str] = {}
    phone = ""
    try:
        phone = phones.parse(values.get("phone", ""), current_app.config["AREA_CODE"]).number
    except phones.BadPhone as bad:
        errors["phone"] = refused.phone(bad.reason, current_app.config["AREA_CODE"])
    due_at = _due(values, errors, now)
    for field, longest in (("name", 80), ("notes", 500)):
        if len(values.get(field, "").strip()) > longest:
            errors[field] = _("Please shorten this to %(n)d characters.", n=longest)
    if errors or due_at is None:
        return _page(values, errors, retiree), 422
    wanted = Promise(
        phone=phone,
        due_at=due_at,
        retiree_id=retiree.id if retiree else None,
        name=values.get("name", "").strip() or (retiree.name if retiree else ""),
        notes=values.get("notes", "").strip(),
    )
    returning.promise(wanted, current_user, now)
    flash(_("Noted: a call to return %(when)s.", when=wording.duetime(due_at)), "ok")
    return redirect(url_for("hotline.calls"), 303)


@blueprint.post(f"/calls/{_ID}/claim")
@roles(*STAFF)
def claim(call_id: int) -> ResponseReturnValue:
    """This operator makes the call."""
    if not returning.claim(call_id, current_user, utcnow()):
        _too_late(call_id)
    return _back(call_id)


@blueprint.post(f"/calls/{_ID}/release")
@roles(*STAFF)
def release(call_id: int) -> ResponseReturnValue:
    """Somebody else may make it."""
    returning.release(call_id, current_user, utcnow())
    return _back(call_id)


@blueprint.post(f"/calls/{_ID}/not-reached")
@roles(*STAFF)
def not_reached(call_id: int) -> ResponseReturnValue:
    """Nobody answered; once more, later."""
    if returning.not_reached(call_id, current_user, utcnow()):
        flash(_("Noted: nobody answered. It is listed again for in 30 minutes."), "ok")
    else:
        _too_late(call_id)
    return _back()


@blueprint.post(f"/calls/{_ID}/settled")
@roles(*STAFF)
def settled(call_id: int) -> ResponseReturnValue:
    """Nothing more to do."""
    if returning.settled(call_id, current_user, utcnow()):
        flash(_("Noted: settled by phone."), "ok")
    else:
        _too_late(call_id)
    return _back()


def _too_late(call_id: int) -> None:
    """A colleague was first, and who."""
    call = returning.one(call_id)
    who = (call.done_by or call.claimed_by) if call else None
    if call and call.done_at and who:
        words = _("%(name)s has made this call already.", name=who.name)
    elif who:
        words = _("%(name)s is making this call already. Thank you!", name=who.name)
    else:
        words = _("This call isn't on the list any more.")
    flash(words, "info")


def _back(call_id: int | None = None) -> ResponseReturnValue:
    anchor = f"call-{call_id}" if call_id else None
    return redirect(url_for("hotline.calls", _anchor=anchor), 303)


def _due(values: dict[str, str], errors: dict[str, str], now: datetime) -> datetime | None:
    """When the call is due: in so many minutes, or at a time of day, the next time it comes."""
    when = values.get("when", "")
    if when in WHEN:
        return now + WHEN[when]
    if when != "at":
        errors["when"] = _("Please choose when.")
        return None
    try:
        clock = time.fromisoformat(values.get("at", ""))
    except ValueError:
        errors["at"] = _("Please give a time, such as 15:30.")
        return None
    local = now.astimezone(current_app.config["ZONE"])
    due_at = datetime.combine(local.date(), clock.replace(tzinfo=None), local.tzinfo)
    return due_at if due_at > local else due_at + timedelta(days=1)


def _retiree(retiree_id: int | None) -> Retiree | None:
    return db.session.get(Retiree, retiree_id) if retiree_id else None


def _rules() -> dict[str, object]:
    return {"is_stale": returning.is_stale}


def _page(values: dict[str, str], errors: dict[str, str], retiree: Retiree | None) -> str:
    session = db.session()
    return render_template(
        "hotline/calls.html",
        calls=returning.open_calls(session),
        ended=returning.ended(session),
        values=values,
        errors=errors,
        retiree=retiree,
        **_rules(),
    )
