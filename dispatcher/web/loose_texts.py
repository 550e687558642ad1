"""All texts that nothing was done with, page by page, where several can be dismissed at once."""

import logging

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user

from dispatcher.clock import utcnow
from dispatcher.database import db
from dispatcher.services import loose_texts, standing
from dispatcher.web.auth import COORDINATORS, STAFF, roles
from dispatcher.web.forms import row_id

log = logging.getLogger(__name__)
blueprint = Blueprint("texts", __name__, url_prefix="/board/texts")

WHOSE = ("known", "strangers")


@blueprint.get("")
@roles(*STAFF)
def listing() -> ResponseReturnValue:
    """The texts of people whom we know, or those of numbers that nobody knows."""
    session, page = db.session(), request.args.get("page", 1, type=row_id) or 1
    who = request.args.get("who", "")
    known = standing.texts(session, False, page if who != "strangers" else 1)
    strangers = standing.texts(session, True, page if who == "strangers" else 1)
    if who not in WHOSE:
        who = "known" if known.total or not strangers.total else "strangers"
    return render_template(
        "board/texts.html", who=who, shown=known if who == "known" else strangers,
        totals={"known": known.total, "strangers": strangers.total},
    )  # fmt: skip


@blueprint.post("/dismiss")
@roles(*COORDINATORS)
def dismiss() -> ResponseReturnValue:
    """Take the ticked ones off the list, or all of the page; a newer text than was shown stays."""
    seen = _seen("shown" if request.form.get("which") == "all" else "seen")
    if not seen:
        flash(_("Nothing is ticked."), "error")
        return _back()
    came = loose_texts.dismiss(seen, current_user, utcnow())
    log.info("acted", extra={"staff_id": current_user.id, "what": request.endpoint, "texts": came.done})
    if came.done:
        flash(ngettext("%(num)d dismissed.", "%(num)d dismissed.", came.done), "ok")
    if came.changed:
        flash(
            ngettext(
                "%(num)d has got a new text since you opened the page. It is still here.",
                "%(num)d have got a new text since you opened the page. They are still here.",
                len(came.changed),
            ),
            "error",
        )
    return _back()


@blueprint.get("/dismiss")
@roles(*STAFF)
def dismissed() -> ResponseReturnValue:
    """The address of the button, opened again."""
    return redirect(url_for("texts.listing"))


def _seen(name: str) -> dict[int, int]:
    """The items with the newest message that the page showed of each, as the form says them: "7:123"."""
    found: dict[int, int] = {}
    for pair in request.form.getlist(name):
        item_id, _colon, message_id = pair.partition(":")
        try:
            found[row_id(item_id)] = row_id(message_id)
        except ValueError:
            abort(400)
    return dict([*found.items()][: loose_texts.MOST])


def _back() -> ResponseReturnValue:
    who = request.form.get("who", "")
    page = request.form.get("page", 1, type=row_id) or 1
    where = url_for("texts.listing", who=who if who in WHOSE else None, page=page if page > 1 else None)
    return redirect(where, 303)
