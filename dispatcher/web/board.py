"""The coordinator's board: every open task, live, and what can be done to each."""

import logging
from collections.abc import Callable
from typing import Any

from flask import (
    Blueprint,
    abort,
    current_app,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user
from sqlalchemy import select

from dispatcher.clock import utcnow
from dispatcher.database import db
from dispatcher.models import ADMINISTRATOR, COORDINATOR, Campus
from dispatcher.rules.settings import CATEGORIES, URGENCIES
from dispatcher.services import board, coordinating
from dispatcher.services.coordinating import Conflict, Edit, Refused
from dispatcher.web import wording
from dispatcher.web.auth import COORDINATORS, STAFF, roles
from dispatcher.web.forms import row_id
from dispatcher.web.live import Changes

log = logging.getLogger(__name__)
blueprint = Blueprint("board", __name__, url_prefix="/board")

STATES = ("attention", "open", "assigned", "underway", "delivered")


@blueprint.get("")
@roles(*STAFF)
def overview() -> ResponseReturnValue:
    """The board."""
    return render_template("board/board.html", **_context())


@blueprint.get("/rows")
@roles(*STAFF)
def rows() -> ResponseReturnValue:
    """What changes on the board, alone; 304 when nothing has."""
    response = make_response(render_template("board/_rows.html", **_context()))
    response.add_etag()
    return response.make_conditional(request)


@blueprint.get("/stream")
@roles(*STAFF)
def stream() -> ResponseReturnValue:
    """Says "changed" whenever something has, and with `rows` sends what the board shows, at once and then.

    204: no thread to spare, please poll.
    """
    changes: Changes = current_app.extensions["changes"]
    if "rows" not in request.args:
        response = changes.stream()
    else:
        # What the rows depend on, besides the database. Nothing in them is one person's own.
        key = (wording.language(), current_user.role in (COORDINATOR, ADMINISTRATOR), _wanted())
        response = changes.stream(key, lambda: render_template("board/_rows.html", **_context()))
    db.session.remove()  # a stream may last for minutes; it must not hold a connection
    return response or ("", 204)


@blueprint.get("/tasks/<int(max=2147483647):task_id>")
@roles(*STAFF)
def task(task_id: int) -> ResponseReturnValue:
    """One task in full: as a page, or as a drawer over the board."""
    return _task(task_id)


@blueprint.get("/tasks/<int(max=2147483647):task_id>/live")
@roles(*STAFF)
def task_live(task_id: int) -> ResponseReturnValue:
    """What changes in one task, alone, so that half-typed text beside it stays."""
    detail = board.detail(db.session(), task_id, utcnow())
    if detail is None:
        abort(404)
    response = make_response(render_template("board/_task_live.html", detail=detail))
    response.add_etag()
    return response.make_conditional(request)


@blueprint.get("/volunteers")
@roles(*STAFF)
def volunteers() -> ResponseReturnValue:
    """Who is on duty, holds what, was asked when, and who wants no SMS."""
    return render_template("board/volunteers.html", roster=board.roster(db.session(), utcnow()))


@blueprint.post("/tasks/<int(max=2147483647):task_id>/assign")
@roles(*COORDINATORS)
def assign(task_id: int) -> ResponseReturnValue:
    """Give the task to a volunteer by hand."""
    volunteer_id = request.form.get("volunteer_id", type=row_id)
    if volunteer_id is None:
        return _task(task_id, {"volunteer_id": _("Please choose a volunteer.")}), 422
    return _do(task_id, lambda edit: coordinating.assign(edit, volunteer_id), _("Assigned, and told by SMS."))


@blueprint.post("/tasks/<int(max=2147483647):task_id>/ask")
@roles(*COORDINATORS)
def ask(task_id: int) -> ResponseReturnValue:
    """Ask more people now."""

    def act(edit: Edit) -> str:
        asked = coordinating.ask_more(edit)
        if not asked:
            raise Refused("nobody_left")
        return ngettext("Asked %(num)d more volunteer.", "Asked %(num)d more volunteers.", asked)

    return _do(task_id, act)


@blueprint.post("/tasks/<int(max=2147483647):task_id>/urgency")
@roles(*COORDINATORS)
def urgency(task_id: int) -> ResponseReturnValue:
    """Change how urgent it is."""
    wanted = request.form.get("urgency", "")
    return _do(task_id, lambda edit: coordinating.change_urgency(edit, wanted), _("Urgency changed."))


@blueprint.post("/tasks/<int(max=2147483647):task_id>/cancel")
@roles(*COORDINATORS)
def cancel(task_id: int) -> ResponseReturnValue:
    """Cancel, with a reason."""
    return _do(
        task_id, lambda edit: coordinating.cancel(edit, _said()),
        _("Cancelled; everybody concerned is being told."),
    )  # fmt: skip


@blueprint.post("/tasks/<int(max=2147483647):task_id>/close")
@roles(*COORDINATORS)
def close(task_id: int) -> ResponseReturnValue:
    """Close as done."""
    return _do(task_id, lambda edit: coordinating.close(edit, _said()), _("Closed."))


@blueprint.post("/tasks/<int(max=2147483647):task_id>/reopen")
@roles(*COORDINATORS)
def reopen(task_id: int) -> ResponseReturnValue:
    """Look for somebody again."""
    return _do(
        task_id, lambda edit: coordinating.reopen_task(edit, _said()),
        _("Open again; we are asking volunteers."),
    )  # fmt: skip


@blueprint.post("/tasks/<int(max=2147483647):task_id>/note")
@roles(*STAFF)
def note(task_id: int) -> ResponseReturnValue:
    """Add a note."""
    return _do(task_id, lambda edit: coordinating.note(edit, _said()), _("Note added."))


@blueprint.post("/attention/<int(max=2147483647):attention_id>/done")
@roles(*COORDINATORS)
def attention_done(attention_id: int) -> ResponseReturnValue:
    """Somebody has seen to it."""
    if not coordinating.resolve(attention_id, current_user, _said(), utcnow()):
        flash(_("This has been seen to already, or has changed meanwhile."), "info")
    return _back()


@blueprint.get("/tasks/<int(max=2147483647):task_id>/<any(assign,ask,urgency,cancel,close,reopen,note):_act>")
@roles(*STAFF)
def acted(task_id: int, _act: str) -> ResponseReturnValue:
    """The address of a button, opened again: back to its task."""
    return redirect(url_for("board.task", task_id=task_id))


def _said() -> str:
    return request.form.get("said", "").strip()[:500]


def _do(task_id: int, act: Callable[[Edit], Any], done: str = "") -> ResponseReturnValue:
    """One act on a task; what stands in its way is said kindly, and what was typed is kept."""
    edit = Edit(task_id, current_user, request.form.get("seen", 0, type=row_id), utcnow())
    try:
        said = act(edit)
    except Conflict as conflict:
        return _task(task_id, {}, conflict.news), 409
    except Refused as refused:
        if refused.code == "no_such_task":
            abort(404)
        return _task(task_id, {_field(refused.code): _refusal(refused.code)}), 422
    log.info("acted", extra={"task_id": task_id, "staff_id": current_user.id, "what": request.endpoint})
    flash(said if isinstance(said, str) else done, "ok")
    return _back()


def _field(code: str) -> str:
    return {
        "reason_missing": "cancel_said",
        "note_missing": "note_said",
        "no_such_volunteer": "volunteer_id",
        "no_such_urgency": "urgency",
        "nobody_left": "ask",
    }.get(code, "task")


def _refusal(code: str) -> str:
    words = {
        "over": _("This task is over; nothing more can be done to it."),
        "not_open": _("Somebody holds this task, or it needs a coordinator's call instead."),
        "reason_missing": _("Please give a reason; it is kept in the history."),
        "note_missing": _("Please write the note first."),
        "no_such_volunteer": _("This volunteer can't be given tasks."),
        "no_such_urgency": _("Please choose how urgent it is."),
        "nobody_left": _("Nobody is left to ask just now. You can assign by hand."),
    }
    return words.get(code, _("That can't be done any more."))


def _back() -> ResponseReturnValue:
    """Back to where the button was."""
    task_id = request.form.get("task_id", type=row_id)
    if task_id is not None:
        return redirect(url_for("board.task", task_id=task_id), 303)
    return redirect(url_for("board.overview"), 303)


def _task(task_id: int, errors: dict[str, str] | None = None, news: list[Any] | None = None) -> str:
    detail = board.detail(db.session(), task_id, utcnow())
    if detail is None:
        abort(404)
    drawer = bool(request.headers.get("HX-Request"))
    return render_template(
        "board/_task.html" if drawer else "board/task.html",
        detail=detail,
        errors=errors or {},
        news=news or [],
        values=request.form,
        urgencies=URGENCIES,
    )


def _wanted() -> board.Filter:
    args = request.args
    return board.Filter(
        campus=args.get("campus", "")[:40],
        category=args.get("category", "") if args.get("category") in CATEGORIES else "",
        state=args.get("state", "") if args.get("state") in STATES else "",
        page=args.get("page", 1, type=row_id) or 1,
    )


def _context() -> dict[str, Any]:
    wanted = _wanted()
    return {
        "board": board.overview(db.session(), wanted, utcnow()),
        "wanted": wanted,
        "campuses": db.session.scalars(select(Campus).where(Campus.reachable).order_by(Campus.id)).all(),
        "categories": CATEGORIES,
        "states": STATES,
    }
