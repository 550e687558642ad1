"""What an operator's day came to, and what a shift leaves to the next."""

from datetime import datetime, time

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from dispatcher.clock import utcnow
from dispatcher.database import db
from dispatcher.services import calls as taken
from dispatcher.services import handover as handing_over
from dispatcher.web.auth import STAFF, roles
from dispatcher.web.hotline.blueprint import blueprint

LONGEST_NOTE = 1000


@blueprint.get("/mine")
@roles(*STAFF)
def mine() -> ResponseReturnValue:
    """The calls taken today, and how they ended; a shift that began before midnight sees all of its own."""
    local = utcnow().astimezone(current_app.config["ZONE"])
    start = min(datetime.combine(local.date(), time(), local.tzinfo), local - handing_over.SHIFT)
    return render_template("hotline/mine.html", calls=taken.since(db.session(), current_user.id, start))


@blueprint.get("/handover")
@roles(*STAFF)
def handover() -> ResponseReturnValue:
    """What the next shift must know."""
    return _handover("", "")


@blueprint.post("/handover")
@roles(*STAFF)
def tell() -> ResponseReturnValue:
    """Leave words to the next shift."""
    words = request.form.get("words", "").strip()
    if not words:
        return _handover(words, _("Please write what the next shift should know.")), 422
    if len(words) > LONGEST_NOTE:
        return _handover(words, _("Please shorten this to %(n)d characters.", n=LONGEST_NOTE)), 422
    handing_over.tell(words, current_user, utcnow())
    flash(_("Noted for the next shift."), "ok")
    return redirect(url_for("hotline.handover"), 303)


def _handover(words: str, error: str) -> str:
    return render_template(
        "hotline/handover.html",
        handover=handing_over.overview(db.session(), utcnow()),
        words=words,
        error=error,
        hours=int(handing_over.SHIFT.total_seconds() // 3600),
    )
