"""The place where a maintainer looks things up: every part that pages are made of, in every state."""

import re
from datetime import timedelta
from functools import cache
from pathlib import Path

from flask import Blueprint, current_app, render_template
from flask.typing import ResponseReturnValue

from dispatcher.clock import utcnow
from dispatcher.rules.lifecycle import MessageState, OfferState, TaskState
from dispatcher.web.auth import STAFF, roles

blueprint = Blueprint("design", __name__)


@blueprint.get("/design")
@roles(*STAFF)
def parts() -> ResponseReturnValue:
    """Colours, type, spacing and parts, drawn by the macros and style sheets that all pages use."""
    now = utcnow()
    return render_template(
        "design.html",
        colours=_colours(Path(str(current_app.static_folder)) / "css/tokens.css"),
        states={"task": list(TaskState), "offer": list(OfferState), "message": list(MessageState)},
        an_hour_ago=now - timedelta(minutes=72),
        soon=now + timedelta(minutes=18),
    )


@cache
def _colours(path: Path) -> dict[str, list[str]]:
    """The names of the colours in tokens.css by the comments above them."""
    light = path.read_text("utf-8").partition("@media")[0]
    groups: dict[str, list[str]] = {}
    group = ""
    for comment, name in re.findall(r"/\* (.+?)[.:]? \*/|--([\w-]+): #", light, re.DOTALL):
        if comment:
            group = comment
        else:
            groups.setdefault(group, []).append(name)
    return groups
