"""A volunteer's own page: their tasks, their hours, when they may be asked. By link, as a task's page.

The tasks on it are opened by :mod:`dispatcher.web.volunteer`. Here too are the two buttons by which the staff
send the link, and end all links of somebody who has lost their phone.
"""

from datetime import date
from typing import Any

from babel.dates import format_skeleton
from flask import Blueprint, current_app, flash, g, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user

from dispatcher.clock import utcnow
from dispatcher.extensions import csrf
from dispatcher.rules import availability
from dispatcher.services import own_page
from dispatcher.web.auth import COORDINATORS, roles
from dispatcher.web.language import LANGUAGES
from dispatcher.web.volunteer import asked_language, unknown_link

blueprint = Blueprint("own_page", __name__, url_prefix="/v")
csrf.exempt(blueprint)
for_staff = Blueprint("volunteer_links", __name__, url_prefix="/board/volunteers")

ACTS = ("pause", "resume", "free", "settings")
_ACT = f"<any({','.join(ACTS)}):act>"


@blueprint.get("/<token>")
def show(token: str) -> ResponseReturnValue:
    """The page."""
    return _show(token)


@blueprint.get(f"/<token>/{_ACT}")
def acted(token: str, act: str) -> ResponseReturnValue:
    """The address of a button, opened again: back to the page."""
    return redirect(url_for("own_page.show", token=token, lang=asked_language()))


@blueprint.post(f"/<token>/{_ACT}")
def act(token: str, act: str) -> ResponseReturnValue:
    """A button of the page."""
    form, now = request.form, utcnow()
    errors: dict[str, Any] = {}
    try:
        match act:
            case "pause":
                until = availability.paused_until(
                    form.get("until", ""), _day(form.get("day", "")), now, current_app.config["ZONE"]
                )
                if until is None:
                    errors["pause"] = _l("Please choose until when. A day must lie ahead, within a year.")
                else:
                    own_page.pause(token, until, now)
            case "resume":
                own_page.resume(token, now)
            case "free":
                hours = form.get("hours", -1, type=int)
                if hours not in (0, *own_page.FREE_HOURS):
                    errors["free"] = _l("Please choose for how long.")
                else:
                    own_page.free(token, hours, now)
            case "settings":
                capacity = form.get("capacity", 0, type=int)
                if capacity not in own_page.CAPACITIES or form.get("language") not in LANGUAGES:
                    errors["settings"] = _l("Please choose a language, and from 1 to 5 tasks.")
                else:
                    own_page.settle_on(token, form["language"], capacity, now)
    except own_page.UnknownLink:
        return unknown_link()
    if errors:
        return _show(token, errors, 422)
    return redirect(url_for("own_page.show", token=token, lang=asked_language(), done=act), 303)


@blueprint.get("/<token>/manifest.webmanifest")
def manifest(token: str) -> ResponseReturnValue:
    """What a phone needs to put the page on its home screen."""
    try:
        page = own_page.page(token, utcnow(), asked_language())
    except own_page.UnknownLink:
        return unknown_link()
    g.language = page.language
    icons = [
        {"src": url_for("static", filename=f"icons/{n}.png"), "sizes": f"{n}x{n}", "type": "image/png"}
        for n in (192, 512)
    ]
    response = jsonify(
        name=_("Volunteers for our retired colleagues"), short_name=_("Volunteering"),
        lang="zh-Hans" if page.language == "zh" else "en", start_url=url_for("own_page.show", token=token),
        scope=f"/v/{token}", display="standalone", icons=icons,
    )  # fmt: skip
    response.mimetype = "application/manifest+json"
    return response


@for_staff.post("/<int(max=2147483647):volunteer_id>/page")
@roles(*COORDINATORS)
def send(volunteer_id: int) -> ResponseReturnValue:
    """Send a volunteer the link to their own page."""
    match own_page.send_by_staff(volunteer_id, current_user, utcnow()):
        case "sent":
            flash(_("The link to their own page is being sent by SMS."), "ok")
        case "lately":
            flash(_("The link was sent a few minutes ago already."), "info")
        case _:
            flash(_("No SMS may go to this volunteer."), "error")
    return redirect(url_for("people.person", volunteer_id=volunteer_id), 303)


@for_staff.post("/<int(max=2147483647):volunteer_id>/lost")
@roles(*COORDINATORS)
def links_lost(volunteer_id: int) -> ResponseReturnValue:
    """Their phone is lost."""
    if own_page.links_lost(volunteer_id, current_user, utcnow()):
        flash(
            _(
                "All links sent to them have ended, and no SMS goes to that phone. What they hold is still "
                "theirs: please call them, or find somebody else."
            ),
            "ok",
        )
    return redirect(url_for("people.person", volunteer_id=volunteer_id), 303)


@for_staff.get("/<int(max=2147483647):volunteer_id>/<any(page,lost):step>")
@roles(*COORDINATORS)
def opened(volunteer_id: int, step: str) -> ResponseReturnValue:
    """The address of a button, opened again: back to the volunteer."""
    return redirect(url_for("people.person", volunteer_id=volunteer_id))


def _month_name(month: tuple[int, int]) -> str:
    """2026年11月; November 2026."""
    return str(format_skeleton("yMMMM", date(*month, 1), locale=get_locale()))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _show(token: str, errors: dict[str, Any] | None = None, code: int = 200) -> ResponseReturnValue:
    try:
        page = own_page.page(token, utcnow(), asked_language())
    except own_page.UnknownLink:
        return unknown_link()
    g.language = page.language
    done = request.args.get("done", "")
    body = render_template(
        "volunteer/own.html", page=page, home=url_for("own_page.show", token=token), token=token,
        errors=errors or {}, values=request.form, done=done if done in ACTS else "",
        hours=own_page.FREE_HOURS, own_counts=[(n, n) for n in own_page.CAPACITIES], month_name=_month_name,
    )  # fmt: skip
    return body, code
