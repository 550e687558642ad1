"""Logging in and out, and who may see what."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    g,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_limiter import RequestLimit
from flask_login import current_user, login_required, login_user, logout_user

from dispatcher.clock import utcnow
from dispatcher.extensions import limiter, login_manager
from dispatcher.models import ADMINISTRATOR, COORDINATOR, OPERATOR, Staff
from dispatcher.services import accounts, hashing
from dispatcher.web import origin, turnstile
from dispatcher.web.errors import can_be_sent_again, send_again
from dispatcher.web.language import safe_next

blueprint = Blueprint("auth", __name__)


@login_manager.user_loader
def _load(value: str) -> Staff | None:
    return accounts.by_session(value, utcnow())


@login_manager.unauthorized_handler
def _unauthorized() -> ResponseReturnValue:
    if request.headers.get("HX-Request") or request.path.endswith("/stream"):
        # A part of a page was asked for, maybe by a clock: the page stays, with all that is typed into it.
        return render_template("auth/logged_out.html"), 401
    if can_be_sent_again():
        return send_again()
    target = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("auth.login", next=target))


def roles(*allowed: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Only for these roles (an administrator may do everything)."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        @login_required
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if current_user.role not in (*allowed, ADMINISTRATOR):
                abort(403)
            return view(*args, **kwargs)

        return guarded

    return decorate


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """To each the page they work on."""
    if not current_user.is_authenticated:
        return redirect(url_for("auth.login"))
    return redirect(url_for("hotline.desk" if current_user.role == OPERATOR else "board.overview"))


@blueprint.get("/login")
def login() -> ResponseReturnValue:
    """The login form."""
    if current_user.is_authenticated:
        return redirect(url_for("auth.index"))
    return render_template("auth/login.html", error="", values={})


def _username() -> str:
    return request.form.get("username", "").strip()


def _is_regular() -> bool:
    """Whether this person has logged in from this address before: strangers can't lock them out there."""
    if "is_regular" not in g:
        g.is_regular = accounts.logs_in_from(_username(), origin.address_hash())
    return bool(g.is_regular)


def _not_logged_in(error: str, code: int) -> Response:
    """The form once more, with the name that was typed."""
    return make_response(render_template("auth/login.html", error=error, values=_typed()), code)


def _typed() -> dict[str, str]:
    return {"username": request.form.get("username", ""), "next": request.form.get("next", "")}


def _too_many(_limit: RequestLimit) -> Response:
    return _not_logged_in(_("Too many tries in a short time. Please wait a minute."), 429)


def _limited(setting: str, key: Callable[[], str], regulars: bool) -> Callable[[Any], Any]:
    """Limit failed logins that share `key`; unless `regulars`, only those of people who are new there."""
    return limiter.limit(
        lambda: current_app.config[setting],
        key_func=lambda: origin.keyed_hash(f"{setting} {key()}"),
        deduct_when=lambda response: response.status_code == 401,
        exempt_when=None if regulars else _is_regular,
        on_breach=_too_many,
    )


@blueprint.post("/login")
@_limited("LOGIN_RATE", lambda: f"{origin.address()} {_username().casefold()}", regulars=True)
@_limited("LOGIN_RATE_ADDRESS", origin.address, regulars=False)
@_limited("LOGIN_RATE_NAME", lambda: _username().casefold(), regulars=False)
@_limited("LOGIN_RATE_ALL", str, regulars=False)
def log_in() -> ResponseReturnValue:
    """Log in. Failed tries are limited; right ones aren't."""
    here = accounts.Origin(origin.address_hash(), current_app.permanent_session_lifetime)
    try:
        person = accounts.log_in(_username(), request.form.get("password", ""), utcnow(), here)
    except hashing.Busy:
        return turnstile.busy(_typed())
    if person is None:
        return _not_logged_in(_("That name and password don't fit together. Please try again."), 401)
    language = session.get("language")
    session.clear()
    if language:
        session["language"] = language
    session.permanent = True
    login_user(person)
    target = safe_next(request.form.get("next") or request.args.get("next"))
    answer = make_response(redirect(target or url_for("auth.index")))
    turnstile.know(current_app, answer)
    return answer


@blueprint.post("/logout")
@login_required
def log_out() -> ResponseReturnValue:
    """End this login, wherever its cookie may have been copied to."""
    accounts.log_out(current_user.get_id())
    return _out()


@blueprint.post("/logout/everywhere")
@login_required
def log_out_everywhere() -> ResponseReturnValue:
    """End all logins of one's account."""
    accounts.log_out_everywhere(current_user)
    return _out()


def _out() -> ResponseReturnValue:
    logout_user()
    session.clear()
    return redirect(url_for("auth.login"))


@blueprint.get("/account")
@login_required
def account() -> ResponseReturnValue:
    """Where one is logged in, and the way to end it."""
    logins = accounts.standing(current_user, utcnow())
    here = accounts.key_hash(current_user.get_id())
    return render_template("auth/account.html", logins=logins, here=here)


STAFF = (OPERATOR, COORDINATOR)
COORDINATORS = (COORDINATOR,)
