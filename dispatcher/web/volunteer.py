"""The page behind the link in a volunteer's SMS: no login, no cookies, no JavaScript needed.

GET shows, POST acts; a second POST is harmless. The token is all the right there is, so there is
no session for a forged request to ride on, and no CSRF token.
"""

from decimal import Decimal, InvalidOperation

from flask import (
    Blueprint,
    abort,
    current_app,
    g,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from dispatcher.clock import utcnow
from dispatcher.extensions import csrf, limiter
from dispatcher.services import volunteering
from dispatcher.web.language import LANGUAGES

blueprint = Blueprint("volunteer", __name__, url_prefix="/o")
csrf.exempt(blueprint)

STEPS = ("accept", "decline", "underway", "delivered", "handback")
_MOST_YUAN = 100_000


@blueprint.get("/<token>")
def task(token: str) -> ResponseReturnValue:
    """The page. Fetched by previewers and scanners too: it changes nothing."""
    return _show(token)


@blueprint.post("/<token>/<any(accept,decline,underway,delivered,handback):step>")
def act(token: str, step: str) -> ResponseReturnValue:
    """A button of the page."""
    form = request.form
    reason = form.get("reason", "")
    known = (*volunteering.DECLINE_REASONS, *volunteering.HAND_BACK_REASONS)
    spent_fen = None
    if step == "delivered" and form.get("spent", "").strip():
        spent_fen = fen(form["spent"])
        if spent_fen is None:
            # Lazily: the page decides its language only once it knows whose it is.
            errors = {"spent": _l("Please write the amount in yuan, such as 35.50")}
            return _show(token, errors, 422)
    try:
        volunteering.answer(
            token, step, utcnow(), reason if reason in known else "",
            form.get("said", "").strip()[:500], spent_fen,
        )  # fmt: skip
    except volunteering.UnknownLink:
        return _unknown()
    # `lang` is None unless it was asked for, and then it isn't in the address at all.
    return redirect(url_for("volunteer.task", token=token, lang=_asked_language()), 303)


def fen(text: str) -> int | None:
    """Yuan as typed ("35.5", "¥35.50", "35元") in fen, or None when it isn't an amount."""
    bare = text.strip()[:20].strip("¥￥元").replace(",", "").replace("。", ".").strip()
    try:
        amount = Decimal(bare)
    except InvalidOperation:
        return None
    if not amount.is_finite() or not 0 <= amount <= _MOST_YUAN:
        return None
    return int((amount * 100).to_integral_value())


def _asked_language() -> str | None:
    """The language chosen on the page itself; there is no cookie to remember it in."""
    language = request.args.get("lang", "")
    return language if language in LANGUAGES else None


def _show(token: str, errors: dict[str, str] | None = None, code: int = 200) -> ResponseReturnValue:
    asked = _asked_language()
    try:
        page = volunteering.page(token, utcnow(), asked)
    except volunteering.UnknownLink:
        return _unknown()
    g.language = page.language
    body = render_template(
        "volunteer/task.html", page=page, token=token, errors=errors or {}, values=request.form
    )
    return body, code


def _unknown() -> ResponseReturnValue:
    """The same for a guess and for a link that has expired.

    Only misses are limited: guessing is slowed down, while volunteers with good links, thousands of
    them behind one carrier's address, never get in each other's way.
    """
    g.language = _asked_language()
    with limiter.limit(current_app.config["LINK_RATE"], scope="links"):
        return render_template("volunteer/unknown.html"), 404


@blueprint.get("/")
def nothing() -> ResponseReturnValue:
    """The bare address, typed by hand."""
    abort(404)
