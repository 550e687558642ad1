"""A volunteer's page for a task: no login, no cookies, no JavaScript needed.

It is behind the link in an SMS about that task (`/o/<token>`), and behind the link to the volunteer's own
page for every task of theirs (`/v/<token>/tasks/<id>`): one page, one set of buttons. GET shows, POST acts; a
second POST is harmless. The token is all the right there is, so there is no session for a forged request to
ride on, and no CSRF token.
"""

import re
import unicodedata
from decimal import Decimal
from typing import IO, Any

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
from werkzeug.exceptions import RequestEntityTooLarge

from dispatcher.clock import utcnow
from dispatcher.extensions import csrf, limiter
from dispatcher.services import amending, photos, volunteering
from dispatcher.services.responding import Answer
from dispatcher.web.language import LANGUAGES

blueprint = Blueprint("volunteer", __name__)
csrf.exempt(blueprint)

STEPS = (
    "accept", "decline", "underway", "delivered", "handback", "undo", "later", "problem", "receipt", "page",
)  # fmt: skip
TOLD = ("undo", "receipt", "page")
"""Steps after which the page says that it was done, because it would look the same otherwise."""

_STEP = f"<any({','.join(STEPS)}):step>"
_TASK = "/v/<token>/tasks/<int(max=2147483647):task_id>"
_MOST_YUAN = 100_000
_MOST_UPLOADED = 32_000_000
"""Bytes of a form with a picture: more than a picture may have, so that it can be said kindly."""

# Lazily: the page decides its language only once it knows whose it is.
_NO_AMOUNT = _l("Please write the amount in yuan, such as 35.50")
_TOO_LARGE = _l("This picture is larger than 12 MB. Please send a smaller one.")
_BAD_PICTURE = {
    "no_picture": _l("This can't be read as a picture. Please take a photo (JPEG or PNG) and send that."),
    "too_many_pixels": _l("This picture is too large to be worked on. Please send a smaller one."),
    "too_many_bytes": _TOO_LARGE,
}
_BUSY = _l("Other pictures are being worked on just now. Please try again in a moment.")
_REFUSED = {
    "undo": _l("It is too late to take this back: the minute is over. Please call the hotline."),
    "later": _l("You have asked for two hours already. Please call the hotline if you need longer."),
    "receipt": _l("Six pictures are kept for this task already. Please show the office any others."),
    "page": _l(
        "We sent you the link a few minutes ago, or the office has to send it. Please look at your"
        " messages, or call the hotline."
    ),
}
_UNREACHABLE = _l(
    "We may not send SMS to your number: STOP was sent from it, or you are no longer on our list. "
    "Please call the hotline."
)


@blueprint.get("/o/<token>")
@blueprint.get(_TASK)
def task(token: str, task_id: int | None = None) -> ResponseReturnValue:
    """The page. Fetched by previewers and scanners too: it changes nothing."""
    return _show(token, task_id)


@blueprint.get("/o/<token>/stage")
@blueprint.get(f"{_TASK}/stage")
def stage(token: str, task_id: int | None = None) -> ResponseReturnValue:
    """Where it stands, in a few bytes: an open page asks whether it is still true."""
    try:
        page = volunteering.page(token, utcnow(), asked_language(), task_id)
    except volunteering.UnknownLink:
        return unknown_link()
    return {"stage": page.stage, "mark": page.mark}


@blueprint.get(f"/o/<token>/{_STEP}")
@blueprint.get(f"{_TASK}/{_STEP}")
def acted(token: str, step: str, task_id: int | None = None) -> ResponseReturnValue:
    """The address of a button, opened again: back to its page."""
    return redirect(url_for("volunteer.task", token=token, task_id=task_id, lang=asked_language()))


@blueprint.post(f"/o/<token>/{_STEP}")
@blueprint.post(f"{_TASK}/{_STEP}")
def act(token: str, step: str, task_id: int | None = None) -> ResponseReturnValue:
    """A button of the page."""
    if step == "receipt":
        # Much is taken in only for a link that there is.
        if not volunteering.may_open(token, utcnow(), task_id):
            return unknown_link()
        request.max_content_length = _MOST_UPLOADED
    try:
        said, errors = _read(step)
    except RequestEntityTooLarge:
        if step != "receipt":
            raise
        return _show(token, task_id, {"photo": _TOO_LARGE}, 413, typed={})
    except photos.Busy:
        return _show(token, task_id, {"photo": _BUSY}, 503)
    if errors and "picture" in said:
        # The picture is good: on a bad line it isn't sent twice for the sake of the amount.
        del said["spent_fen"]
        volunteering.answer(token, step, utcnow(), **said, task_id=task_id)
    if errors:
        return _show(token, task_id, errors, 422)
    try:
        outcome = volunteering.answer(token, step, utcnow(), **said, task_id=task_id)
    except volunteering.UnknownLink:
        return unknown_link()
    if outcome is Answer.REFUSED:
        return _show(token, task_id, code=409, refused=_REFUSED[step])
    if outcome is Answer.UNREACHABLE:
        return _show(token, task_id, code=409, refused=_UNREACHABLE)
    # `lang` is None unless it was asked for, and then it isn't in the address at all.
    done = step if step in TOLD and outcome is Answer.NOTED else None
    where = url_for("volunteer.task", token=token, task_id=task_id, lang=asked_language(), done=done)
    return redirect(where, 303)


def _read(step: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a form said, and what is wrong with it by field."""
    form, errors = request.form, {}
    reason = form.get("reason", "")
    known = (*volunteering.DECLINE_REASONS, *volunteering.HAND_BACK_REASONS)
    said: dict[str, Any] = {"said": form.get("said", "").strip()[:500]}
    if step in ("delivered", "receipt") and form.get("spent", "").strip():
        said["spent_fen"] = fen(form["spent"])
        if said["spent_fen"] is None:
            errors["spent"] = _NO_AMOUNT
    match step:
        case "receipt":
            stream = _uploaded("photo")
            if stream:
                try:
                    said["picture"] = photos.redrawn(stream)
                except photos.BadPicture as bad:
                    errors["photo"] = _BAD_PICTURE[bad.code]
            elif not stream and not errors and "spent_fen" not in said:
                errors["photo"] = _l("Please choose a picture, or write the amount.")
        case "problem":
            said["reason"] = reason
            if reason not in amending.TROUBLES:
                errors["trouble"] = _l("Please say what holds you up.")
            elif reason == "other" and not said["said"]:
                errors["trouble-said"] = _l("Please say in a few words what it is.")
        case "undo":
            said["undo"] = form.get("undo", "")
        case "later":
            said["seen_min"] = form.get("seen", -1, type=int)
        case _:
            said["reason"] = reason if reason in known else ""
    return said, errors


def _uploaded(name: str) -> IO[bytes] | None:
    """A file of the form, not read yet, unless there is nothing in it."""
    sent = request.files.get(name)
    if sent is None or not sent.stream.read(1):
        return None
    sent.stream.seek(0)
    return sent.stream


_AMOUNT = re.compile(r"\d{1,6}([.,]\d{1,2})?", re.ASCII)
_THOUSANDS = re.compile(r"\d{1,3}(,\d{3})+(\.\d{1,2})?", re.ASCII)


def fen(text: str) -> int | None:
    """Yuan as typed ("35.5", "35,50", "¥1,200", "35元", "３５块") in fen, or None when it isn't an amount."""
    bare = unicodedata.normalize("NFKC", text.strip()[:20]).replace("。", ".").strip("¥元块 ")
    if _THOUSANDS.fullmatch(bare):
        bare = bare.replace(",", "")
    if not _AMOUNT.fullmatch(bare):
        return None
    amount = Decimal(bare.replace(",", "."))
    return int(amount * 100) if amount <= _MOST_YUAN else None


def asked_language() -> str | None:
    """The language chosen on the page itself; there is no cookie to remember it in."""
    language = request.args.get("lang", "")
    return language if language in LANGUAGES else None


def _show(
    token: str, task_id: int | None, errors: dict[str, Any] | None = None, code: int = 200,
    refused: Any = "", typed: dict[str, Any] | None = None,
) -> ResponseReturnValue:  # fmt: skip
    """The page, after a form with what is wrong with it (`errors`), what was typed, and why not (`refused`).

    `typed`: in place of the form, when that can't be read.
    """
    asked = asked_language()
    try:
        page = volunteering.page(token, utcnow(), asked, task_id)
    except volunteering.UnknownLink:
        return unknown_link()
    g.language = page.language
    done = request.args.get("done", "")
    body = render_template(
        "volunteer/task.html", page=page, here=url_for("volunteer.task", token=token, task_id=task_id),
        home=url_for("own_page.show", token=token) if task_id else "", errors=errors or {},
        values=request.form if typed is None else typed,
        acted=(request.view_args or {}).get("step", ""), done=done if done in TOLD else "", refused=refused,
    )  # fmt: skip
    return body, code


def unknown_link() -> ResponseReturnValue:
    """The same for a guess and for a link that has expired.

    Only misses are limited: guessing is slowed down, while volunteers with good links, thousands of
    them behind one carrier's address, never get in each other's way.
    """
    g.language = asked_language()
    with limiter.shared_limit(current_app.config["LINK_RATE"], scope="links"):
        return render_template("volunteer/unknown.html"), 404


@blueprint.get("/o/")
def nothing() -> ResponseReturnValue:
    """The bare address, typed by hand."""
    abort(404)
