"""Pictures of receipts, for the staff."""

from flask import Blueprint, abort, make_response
from flask.typing import ResponseReturnValue

from dispatcher.database import db
from dispatcher.services import photos
from dispatcher.web.auth import STAFF, roles

blueprint = Blueprint("receipts", __name__, url_prefix="/board/tasks")


@blueprint.get("/<int(max=2147483647):task_id>/receipts/<int(min=1, max=99):number>")
@roles(*STAFF)
def photo(task_id: int, number: int) -> ResponseReturnValue:
    """The picture of that number (from 1) of a task, as it was drawn anew when it came."""
    jpeg = photos.jpeg(db.session(), task_id, number)
    if jpeg is None:
        abort(404)
    response = make_response(jpeg)
    response.headers["Content-Type"] = "image/jpeg"
    response.headers["Content-Disposition"] = f'inline; filename="{task_id}-{number}.jpg"'
    # Nothing in it may run or load anything, whatever a browser takes it for.
    # The browser's own style fits it into the window.
    response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return response
