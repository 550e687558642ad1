"""Pages for when something can't be done: kind, in the reader's language, never a stack trace."""

from flask import Flask, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from dispatcher.correlation import correlation_id


def init_app(app: Flask) -> None:
    """Register the error pages."""
    app.register_error_handler(CSRFError, _stale_form)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(500, _broken)


def _words(code: int) -> tuple[str, str]:
    if code == 403:
        return _("Not for this account"), _("Please ask an administrator if you need this page.")
    if code == 404:
        return _("Nothing here"), _("The address may be mistyped, or what was here is over.")
    if code == 405:
        return _("Please use the buttons"), _("This address can't be opened directly.")
    if code == 413:
        return _("Too much at once"), _("What was sent is too large. Please shorten it.")
    if code == 429:
        return _("One moment please"), _("Too many tries in a short time. Please wait a minute.")
    if code >= 500:
        return (
            _("Something went wrong on our side"),
            _("What was saved before is safe. Please try again, or call the hotline."),
        )
    return _("That didn't work"), _("Please go back and try again.")


def _page(code: int, heading: str, text: str) -> ResponseReturnValue:
    if request.blueprint in ("webhooks", "health", "seeing"):
        return heading, code, {"Content-Type": "text/plain; charset=utf-8"}
    # Whoever tells of an error of ours can name it: the log has this number at each of its lines.
    number = correlation_id.get() if code >= 500 else None
    page = render_template("errors/error.html", code=code, heading=heading, text=text, number=number)
    return page, code


def _http(error: HTTPException) -> ResponseReturnValue:
    code = error.code or 500
    if code < 400 or error.response is not None:
        return error.get_response()
    return _page(code, *_words(code))


def _broken(_error: Exception) -> ResponseReturnValue:
    return _page(500, *_words(500))


def _stale_form(_error: CSRFError) -> ResponseReturnValue:
    if can_be_sent_again():
        return send_again()
    return _page(400, _("This form is too old"), _("Please go back, reload the page and send it again."))


def can_be_sent_again() -> bool:
    """Whether what was posted is a form of ours, as the browser says: what another site had sent is never
    offered. No password and no file is written into a page."""
    is_ours = request.headers.get("Origin") == f"{request.scheme}://{request.host}"
    return is_ours and request.method == "POST" and request.blueprint != "auth" and not request.files


def send_again() -> ResponseReturnValue:
    """Whoever has been logged out, or has logged in anew, while a form was open can still send it, by one
    more press."""
    if current_user.is_authenticated:
        text = _("You have logged in anew since it was opened. Nothing you typed is lost.")
    else:
        text = _(
            "You have been logged out. Nothing you typed is lost: log in again, then press the button here."
        )
    fields = [pair for pair in request.form.items(multi=True) if pair[0] != "csrf_token"]
    here = request.full_path.rstrip("?")
    page = render_template(
        "errors/stale_form.html",
        code=400, heading=_("This form is too old"), text=text, fields=fields, here=here,
    )  # fmt: skip
    return page, 400
