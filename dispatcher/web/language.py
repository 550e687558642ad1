"""Which language a page speaks: the person's own, else the switch, else the browser's, else zh."""

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, g, redirect, request, session
from flask_login import current_user
from werkzeug.wrappers import Response

from dispatcher.services import accounts

LANGUAGES = ("zh", "en")

blueprint = Blueprint("language", __name__)


def select() -> str:
    """The language of this page, "zh" or "en"."""
    chosen = g.get("language")
    if chosen is None and current_user and current_user.is_authenticated:
        chosen = current_user.language
    chosen = chosen or (session.get("language") if _may_use_cookies() else None)
    if chosen in LANGUAGES:
        return str(chosen)
    return request.accept_languages.best_match(LANGUAGES) or "zh"


def _may_use_cookies() -> bool:
    return request.blueprint not in ("volunteer", "own_page")


@blueprint.post("/language")
def switch() -> Response:
    """Remember a language: with the account, or for this browser."""
    wanted: Any = request.form.get("language")
    if wanted in LANGUAGES:
        session["language"] = wanted
        if current_user.is_authenticated:
            accounts.set_language(current_user, wanted)
    return redirect(safe_next(request.form.get("next")) or "/")


def safe_next(target: str | None) -> str | None:
    """`target` if it is a path of this site."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return None
    if any(ord(ch) < 32 for ch in target):
        return None
    parts = urlsplit(target)
    return None if parts.scheme or parts.netloc else target
