"""Where all pages of the hotline are registered."""

from typing import Any

from flask import Blueprint

from dispatcher.clock import utcnow
from dispatcher.database import db
from dispatcher.services import returning

blueprint = Blueprint("hotline", __name__, url_prefix="/hotline")


@blueprint.context_processor
def _for_the_navigation() -> dict[str, Any]:
    # A function: asked only by pages that show it.
    return {"calls_due": lambda: returning.due(db.session(), utcnow())}
