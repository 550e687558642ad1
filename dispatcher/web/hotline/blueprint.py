"""Where all pages of the hotline are registered."""

from typing import Any

from flask import Blueprint

from dispatcher.clock import utcnow
from dispatcher.database import db
from dispatcher.models import Draft
from dispatcher.services import drafts, returning

blueprint = Blueprint("hotline", __name__, url_prefix="/hotline")


@blueprint.context_processor
def _for_the_navigation() -> dict[str, Any]:
    # A function: asked only by pages that show it.
    return {"calls_due": lambda: returning.due(db.session(), utcnow())}


@blueprint.app_template_filter("draft_fields")
def _fields(draft: Draft) -> list[tuple[str, str]]:
    return drafts.fields(draft)
