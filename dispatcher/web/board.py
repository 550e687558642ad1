"""The coordinator's board: every open task, live, and what can be done to each."""

import logging
from collections.abc import Callable
from dataclasses import replace
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
from dispatcher.models import ADMINISTRATOR, COORDINATOR, Campus, Volunteer
from dispatcher.rules.order import PRESSING, Place
from dispatcher.rules.settings import CATEGORIES, URGENCIES
from dispatcher.services import accounts, board, coordinating, opt_outs, resending, stoppages
from dispatcher.services.coordinating import Conflict, Edit, Refused
from dispatcher.web import refused as refused_words
from dispatcher.web import wording
from dispatcher.web.auth import COORDINATORS, STAFF, roles
from dispatcher.web.forms import row_id
from dispatcher.web.live import Changes, Listener

log = logging.getLogger(__name__)
blueprint = Blueprint("board", __name__, url_prefix="/board")

STATES = ("attention", "open", "assigned", "underway", "delivered")
ROWS = {"list": "board/_rows.html", "lanes": "board/_lanes.html", "wall": "board/_wall.html"}
"""What changes on the board, by the view."""


@blueprint.get("")
@roles(*STAFF)
def overview() -> ResponseReturnValue:
    """The board: as a list, or in lanes by state."""
    return render_template("board/board.html", **_context(_view()))


@blueprint.get("/wall")
@roles(*STAFF)
def wall() -> ResponseReturnValue:
    """What needs a person, to be read from across the room."""
    return render_template("board/wall.html", **_context("wall"))


@blueprint.get("/rows")
@roles(*STAFF)
def rows() -> ResponseReturnValue:
    """What changes on the board, alone; 304 when nothing has."""
    view = _view()
    response = make_response(render_template(ROWS[view], **_context(view)))
    response.add_etag()
    return response.make_conditional(request)


@blueprint.get("/stream")
@roles(*STAFF)
def stream() -> ResponseReturnValue:
    """Says "changed" whenever something has, and with `rows` sends what the board shows, at once and then.

    204: no thread to spare, please poll.
    """
    changes: Changes = current_app.extensions["changes"]
    listener = Listener(accounts.key_hash(current_user.get_id()), current_user.role)
    if "rows" not in request.args:
        response = changes.stream(listener)
    else:
        # What the rows depend on, besides the database. Nothing in them is one person's own.
        view = _view()
        can_act = current_user.role in (COORDINATOR, ADMINISTRATOR)
        key = (wording.language(), can_act, _wanted(), view, _lane())
        response = changes.stream(listener, key, lambda: render_template(ROWS[view], **_context(view)))
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


@blueprint.post("/tasks/<int(max=2147483647):task_id>/assign")
@roles(*COORDINATORS)
def assign(task_id: int) -> ResponseReturnValue:
    """Give the task to a volunteer by hand."""
    volunteer_id = request.form.get("volunteer_id", type=row_id)
    if volunteer_id is None:
        return _task(task_id, {"volunteer_id": _("Please choose a volunteer.")}), 422
    told = _("Assigned, and told by SMS.")
    volunteer = db.session.get(Volunteer, volunteer_id)
    if volunteer is not None and stoppages.over(stoppages.standing(db.session()), volunteer.phone):
        told = _("Assigned. SMS can't leave just now: please call them.")
    return _do(task_id, lambda edit: coordinating.assign(edit, volunteer_id), told)


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
    """Somebody has seen to it, as far as the message that their page showed with it."""
    seen = request.args.get("seen", type=row_id)
    if not coordinating.resolve(attention_id, current_user, _said(), utcnow(), seen):
        flash(_("This has been seen to already, or has changed meanwhile."), "info")
    return _back()


@blueprint.post("/attention/<int(max=2147483647):attention_id>/claim")
@roles(*COORDINATORS)
def claim(attention_id: int) -> ResponseReturnValue:
    """ "I'll see to it", or in place of the colleague whom the page named."""
    instead_of = request.form.get("instead_of", type=row_id)
    if not coordinating.see_to(attention_id, current_user, instead_of, utcnow()):
        flash(_("A colleague was quicker, or it has been seen to."), "info")
    return _back()


@blueprint.post("/attention/<int(max=2147483647):attention_id>/let-go")
@roles(*COORDINATORS)
def let_go(attention_id: int) -> ResponseReturnValue:
    """Not after all: somebody else may see to it."""
    if not coordinating.let_go(attention_id, current_user, utcnow()):
        flash(_("Only whoever sees to it can let go of it."), "info")
    return _back()


@blueprint.post("/attention/<int(max=2147483647):attention_id>/sms-again")
@roles(*COORDINATORS)
def sms_again(attention_id: int) -> ResponseReturnValue:
    """They have told the office that they want SMS again."""
    if not opt_outs.wanted_again(attention_id, current_user, utcnow()):
        flash(_("This has been seen to already, or has changed meanwhile."), "info")
    return _back()


@blueprint.post("/attention/<int(max=2147483647):attention_id>/try-gateway")
@roles(*COORDINATORS)
def try_gateway(attention_id: int) -> ResponseReturnValue:
    """Something has been mended, perhaps: have an SMS tried without waiting."""
    if stoppages.try_now(attention_id, utcnow()):
        flash(_("An SMS is being tried now. When it leaves, all others follow."), "ok")
    else:
        flash(_("This has been seen to already, or has changed meanwhile."), "info")
    return _back()


@blueprint.post("/messages/<int(max=2147483647):message_id>/resend")
@roles(*COORDINATORS)
def resend(message_id: int) -> ResponseReturnValue:
    """Send an SMS once more that didn't arrive."""
    try:
        task_id = resending.resend(message_id, current_user, utcnow())
    except Refused as refused:
        if refused.code == "no_such_message":
            abort(404)
        flash(refused_words.words(refused.code), "info")
        return _back()
    log.info("acted", extra={"task_id": task_id, "staff_id": current_user.id, "what": request.endpoint})
    flash(_("It is being sent again."), "ok")
    return redirect(url_for("board.task", task_id=task_id), 303)


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
        return _task(task_id, {refused_words.field(refused.code): refused_words.words(refused.code)}), 422
    log.info("acted", extra={"task_id": task_id, "staff_id": current_user.id, "what": request.endpoint})
    flash(said if isinstance(said, str) else done, "ok")
    return _back()


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


def _view() -> str:
    view = request.args.get("view", "")
    return view if view in ROWS else "list"


def _lane() -> str:
    """The lane that a phone shows."""
    lane = request.args.get("lane", "")
    return lane if lane in board.LANES else board.LANES[0]


def _context(view: str) -> dict[str, Any]:
    wanted = _wanted()
    if view == "wall":
        wanted = replace(wanted, category="", state="attention", page=1)
    return {
        "board": board.overview(db.session(), wanted, utcnow(), by_lane=view == "lanes"),
        "wanted": wanted,
        "view": view,
        "lane": _lane(),
        "campuses": db.session.scalars(select(Campus).where(Campus.reachable).order_by(Campus.id)).all(),
        "categories": CATEGORIES,
        "states": STATES,
        "PRESSING": PRESSING,
        "Place": Place,
    }
