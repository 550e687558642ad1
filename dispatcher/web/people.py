"""The volunteers: all of them page by page, and each on a page of their own."""

from datetime import date

from babel.dates import get_day_names
from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select

from dispatcher.clock import utcnow
from dispatcher.database import db
from dispatcher.models import Campus
from dispatcher.rules import availability
from dispatcher.services import opt_outs, people
from dispatcher.services.coordinating import Refused
from dispatcher.web import refused as refused_words
from dispatcher.web.auth import COORDINATORS, STAFF, roles
from dispatcher.web.forms import row_id

blueprint = Blueprint("people", __name__, url_prefix="/board/volunteers")

PAUSES = ("today", "week", "month")
"""Of the pauses those that are one press away."""


@blueprint.get("")
@roles(*STAFF)
def listing() -> ResponseReturnValue:
    """Who is on duty, holds what, was asked how often, and answered what."""
    args = request.args
    wanted = people.Wanted(
        search=args.get("q", "").strip()[:40],
        campus=args.get("campus", "")[:40],
        which=args.get("which", "") if args.get("which") in people.WHICH else "",
        page=args.get("page", 1, type=row_id) or 1,
    )
    return render_template(
        "board/volunteers.html",
        listing=people.listing(db.session(), wanted, utcnow()),
        wanted=wanted,
        campuses=db.session.scalars(select(Campus).where(Campus.reachable).order_by(Campus.id)).all(),
    )


@blueprint.get("/<int(max=2147483647):volunteer_id>")
@roles(*STAFF)
def person(volunteer_id: int) -> ResponseReturnValue:
    """One volunteer."""
    return _person(volunteer_id)


@blueprint.post("/<int(max=2147483647):volunteer_id>/pause")
@roles(*COORDINATORS)
def pause(volunteer_id: int) -> ResponseReturnValue:
    """Ask them nothing for so many days, or until a day."""
    choice = request.form.get("choice", "date")
    try:
        people.pause(volunteer_id, choice, _day(request.form.get("until", "")), current_user, utcnow())
    except Refused as refused:
        if refused.code == "no_such_volunteer":
            abort(404)
        return _person(volunteer_id, {"until": refused_words.words(refused.code)}), 422
    flash(_("Paused; they are asked nothing until then."), "ok")
    return redirect(url_for("people.person", volunteer_id=volunteer_id), 303)


@blueprint.post("/<int(max=2147483647):volunteer_id>/resume")
@roles(*COORDINATORS)
def resume(volunteer_id: int) -> ResponseReturnValue:
    """They may be asked again."""
    try:
        people.resume(volunteer_id, current_user, utcnow())
    except Refused:
        abort(404)
    flash(_("The pause is over; they may be asked again."), "ok")
    return redirect(url_for("people.person", volunteer_id=volunteer_id), 303)


@blueprint.post("/<int(max=2147483647):volunteer_id>/sms-again")
@roles(*COORDINATORS)
def sms_again(volunteer_id: int) -> ResponseReturnValue:
    """They have told the office that they want SMS again."""
    if opt_outs.volunteer_wants_again(volunteer_id, current_user, utcnow()):
        flash(_("SMS go to them again. If the gateway still blocks the number, they must send START."), "ok")
    return redirect(url_for("people.person", volunteer_id=volunteer_id), 303)


@blueprint.get("/<int(max=2147483647):volunteer_id>/<any(pause,resume,'sms-again'):act>")
@roles(*STAFF)
def acted(volunteer_id: int, act: str) -> ResponseReturnValue:
    """The address of a button, opened again."""
    return redirect(url_for("people.person", volunteer_id=volunteer_id))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _person(volunteer_id: int, errors: dict[str, str] | None = None) -> str:
    found = people.person(db.session(), volunteer_id, utcnow())
    if found is None:
        abort(404)
    return render_template(
        "board/volunteer.html",
        person=found,
        weekdays=get_day_names("wide", locale=get_locale()),
        pauses={choice: availability.PAUSES[choice] for choice in PAUSES},
        errors=errors or {},
        values=request.form,
    )
