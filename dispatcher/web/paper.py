"""The board on paper, for when SMS or power is down."""

import logging

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import select

from dispatcher.clock import utcnow
from dispatcher.database import db
from dispatcher.models import Campus
from dispatcher.services import paper
from dispatcher.web.auth import COORDINATORS, roles

log = logging.getLogger(__name__)
blueprint = Blueprint("paper", __name__, url_prefix="/board")

HAND_LINES = 24
"""Blank lines for what happens while there is only paper."""


@blueprint.get("/paper")
@roles(*COORDINATORS)
def sheets() -> ResponseReturnValue:
    """Open tasks, phone tree and duty list, to be printed; of one campus with `campus`."""
    campus = request.args.get("campus", "")[:40]
    # Addresses and phones leave the house: who has had them is kept in the log.
    log.info("paper", extra={"staff_id": current_user.id})
    return render_template(
        "board/paper.html",
        paper=paper.paper(db.session(), campus, utcnow()),
        campus=campus,
        campuses=db.session.scalars(select(Campus).where(Campus.reachable).order_by(Campus.id)).all(),
        hand_lines=HAND_LINES,
    )
