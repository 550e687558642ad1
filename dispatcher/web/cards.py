"""The card for beside the telephone: the hotline's number in large type, and how the code word works."""

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from dispatcher.database import db
from dispatcher.models import Retiree
from dispatcher.rules import names
from dispatcher.web.auth import STAFF, roles

blueprint = Blueprint("cards", __name__, url_prefix="/hotline")

SIZES = ("a5", "a4", "four")
"""One on A5, one on A4, four on A4."""


@blueprint.get("/card")
@roles(*STAFF)
def general() -> ResponseReturnValue:
    """A card with nobody's name."""
    return _card(None)


@blueprint.get("/people/<int(max=2147483647):retiree_id>/card")
@roles(*STAFF)
def personal(retiree_id: int) -> ResponseReturnValue:
    """A card for one retiree, in their language."""
    retiree = db.session.scalars(select(Retiree).where(Retiree.id == retiree_id)).one_or_none()
    if retiree is None:
        abort(404)
    return _card(retiree)


def _card(retiree: Retiree | None) -> str:
    asked = request.args.get("lang", "")
    lang = asked if asked in ("zh", "en") else (retiree.language if retiree else "zh")
    size = request.args.get("size", "")
    return render_template(
        "hotline/card.html",
        retiree=retiree,
        name=_name(retiree, lang) if retiree and request.args.get("name", "1") == "1" else "",
        lang=lang,
        size=size if size in SIZES else SIZES[0],
    )


def _name(retiree: Retiree, lang: str) -> str:
    """As it is written on an envelope."""
    return names.romanised(retiree.name) if lang == "en" else retiree.titled(lang)
