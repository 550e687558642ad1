"""Unfinished calls: kept while they are typed, taken up again, or thrown away."""

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.datastructures import MultiDict

from dispatcher.clock import utcnow
from dispatcher.database import db
from dispatcher.models import Draft
from dispatcher.services import drafts
from dispatcher.services.drafts import OpenForm
from dispatcher.web import forms
from dispatcher.web.auth import STAFF, roles
from dispatcher.web.hotline import call
from dispatcher.web.hotline.blueprint import blueprint

_LATEST_MS = 2**53


@blueprint.post("/drafts")
@roles(*STAFF)
def keep() -> ResponseReturnValue:
    """Keep what is typed; the answer says who else has the card open. 409: the call is saved already."""
    form_key = request.form.get("form_key", "")[:40]
    if not form_key:
        abort(400)
    call.check_whose()
    now = utcnow()
    retiree_id = request.form.get("retiree_id", type=forms.row_id)
    form = OpenForm(
        form_key=form_key,
        retiree_id=retiree_id,
        fields=[*request.form.items(multi=True)],
        typed_at=_moment(request.form.get(drafts.TYPED_AT, "")),
        closing="closing" in request.form,
    )
    try:
        kept = drafts.keep(form, current_user, now)
    except drafts.TooLong:
        return "", 413
    if not kept:
        return "", 409
    return render_template("hotline/_others.html", others=call.others(retiree_id))


@blueprint.get("/drafts")
@roles(*STAFF)
def unfinished() -> ResponseReturnValue:
    """The unfinished calls alone, after the browser has sent those that the server didn't have."""
    return render_template(
        "hotline/_unfinished.html", unfinished=drafts.unfinished(db.session(), current_user.id)
    )


@blueprint.get("/drafts/<int(max=2147483647):draft_id>")
@roles(*STAFF)
def draft(draft_id: int) -> ResponseReturnValue:
    """An unfinished call, as it was left."""
    found = drafts.own(db.session(), draft_id, current_user.id)
    if found is None:
        flash(_("This call isn't unfinished any more: it has been saved or thrown away."), "info")
        return redirect(url_for("hotline.desk"))
    saved = drafts.saved(db.session(), found.form_key)
    if saved is not None:
        return redirect(url_for("hotline.desk", saved=saved))
    return call.form(_values(found), found.retiree_id)


@blueprint.post("/drafts/thrown-away")
@roles(*STAFF)
def throw_away() -> ResponseReturnValue:
    """This call isn't needed any more."""
    form_key = request.form.get("form_key", "")[:40]
    if form_key:
        typed_until = _moment(request.form.get(drafts.TYPED_AT, ""))
        drafts.throw_away(form_key, current_user, utcnow(), typed_until)
    return redirect(url_for("hotline.desk"), 303)


def _values(found: Draft) -> MultiDict[str, str]:
    values = MultiDict(drafts.fields(found))
    values["form_key"] = found.form_key
    return values


def _moment(text: str) -> int:
    """Milliseconds since 1970; 0 for what can't be."""
    value = int(text) if text.isascii() and text.isdigit() and len(text) < 17 else 0
    return value if value < _LATEST_MS else 0
