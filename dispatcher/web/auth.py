"""Logging in and out, and who may see what."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, abort, current_app, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_limiter.util import get_remote_address
from flask_login import current_user, login_required, login_user, logout_user

from dispatcher.clock import utcnow
from dispatcher.extensions import limiter, login_manager
from dispatcher.models import ADMINISTRATOR, COORDINATOR, OPERATOR, Staff
from dispatcher.services import accounts
from dispatcher.web.errors import can_be_sent_again, send_again
from dispatcher.web.language import safe_next

blueprint = Blueprint("auth", __name__)


@login_manager.user_loader
def _load(value: str) -> Staff | None:
    return accounts.by_session(value)


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


def _who_tries() -> str:
    """Name and address: a colleague's slips at the next desk lock out nobody else."""
    return f"{get_remote_address()} {request.form.get('username', '').strip().casefold()[:60]}"


@blueprint.post("/login")
@limiter.limit(
    lambda: current_app.config["LOGIN_RATE"],
    key_func=_who_tries,
    deduct_when=lambda response: response.status_code == 401,
)
def log_in() -> ResponseReturnValue:
    """Log in. Failed tries are limited; right ones aren't."""
    username, password = request.form.get("username", ""), request.form.get("password", "")
    person = accounts.log_in(username, password, utcnow())
    if person is None:
        error = _("That name and password don't fit together. Please try again.")
        page = render_template("auth/login.html", error=error, values={"username": username})
        return page, 401
    language = session.get("language")
    session.clear()
    if language:
        session["language"] = language
    session.permanent = True
    login_user(person)
    target = safe_next(request.form.get("next") or request.args.get("next"))
    return redirect(target or url_for("auth.index"))


@blueprint.post("/logout")
@login_required
def log_out() -> ResponseReturnValue:
    """Log out."""
    logout_user()
    session.clear()
    return redirect(url_for("auth.login"))


STAFF = (OPERATOR, COORDINATOR)
COORDINATORS = (COORDINATOR,)
