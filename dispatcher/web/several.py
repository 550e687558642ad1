"""One act on several tasks: shown first, then done to each that still stands as it was shown."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from dispatcher.clock import utcnow
from dispatcher.database import db
from dispatcher.services import board, choosing, coordinating, several
from dispatcher.services.coordinating import Edit
from dispatcher.web import refused
from dispatcher.web.auth import COORDINATORS, roles
from dispatcher.web.forms import row_id

log = logging.getLogger(__name__)
blueprint = Blueprint("several", __name__, url_prefix="/board/several")

ACTS = {"assign": "assigned", "notify": "still_looking", "cancel": "cancelled"}
"""What may be done to several tasks, and the event that it leaves behind."""

_PRESSED_TWICE = timedelta(minutes=1)


@blueprint.get("")
@roles(*COORDINATORS)
def confirm() -> ResponseReturnValue:
    """Which tasks were marked, and what would be done to them."""
    act = request.args.get("act", "")
    if act not in ACTS:
        return redirect(url_for("board.overview"))
    return _form(act, _ids("task_id"))


@blueprint.post("/<any(assign,notify,cancel):act>")
@roles(*COORDINATORS)
def do(act: str) -> ResponseReturnValue:
    """Do it to each; then say to how many it was done, and to which it wasn't."""
    now = utcnow()
    seen = _seen()
    volunteer_id = request.form.get("volunteer_id", type=row_id)
    said = request.form.get("said", "").strip()[:500]
    if not seen:
        return _form(act, [])
    if act == "assign" and volunteer_id is None:
        return _form(act, [*seen], {"volunteer_id": _("Please choose a volunteer.")}), 422
    if act == "cancel" and not said:
        return _form(act, [*seen], {"said": refused.words("reason_missing")}), 422
    how: dict[str, Callable[[Edit], Any]] = {
        "assign": lambda edit: coordinating.assign(edit, volunteer_id or 0),
        "notify": coordinating.still_looking,
        "cancel": lambda edit: coordinating.cancel(edit, said),
    }
    edits = several.edits(seen, current_user, now)
    came = several.each(edits, how[act], ACTS[act], now - _PRESSED_TWICE)
    log.info("acted", extra={"staff_id": current_user.id, "what": f"several.{act}", "tasks": len(came)})
    said_of = {code: [i for i, c in came.items() if c == code] for code in sorted({*came.values()})}
    query: list[tuple[str, Any]] = [("act", act)]
    for code, ids in said_of.items():
        query += [(code or "done", i) for i in ids]
    return redirect(url_for("several.result", **_many(query)), 303)


@blueprint.get("/<any(assign,notify,cancel):_act>")
@roles(*COORDINATORS)
def acted(_act: str) -> ResponseReturnValue:
    """The address of a button, opened again."""
    return redirect(url_for("board.overview"))


@blueprint.get("/result")
@roles(*COORDINATORS)
def result() -> ResponseReturnValue:
    """To how many it was done, and to which it wasn't and why. All of it stands in the address."""
    act = request.args.get("act", "")
    if act not in ACTS:
        return redirect(url_for("board.overview"))
    undone = {
        code: board.rows(db.session(), _ids(code), utcnow())
        for code in sorted(request.args)
        if code not in ("act", "done")
    }
    return _page(
        act=act, done=len(_ids("done")), undone={c: r for c, r in undone.items() if r}, words=refused.words
    )  # fmt: skip


def _ids(name: str) -> list[int]:
    found = dict.fromkeys(request.values.getlist(name, type=row_id))
    return [*found][: several.MOST]


def _many(query: list[tuple[str, Any]]) -> dict[str, Any]:
    args: dict[str, Any] = {}
    for name, value in query:
        args.setdefault(name, []).append(value)
    return args


def _seen() -> dict[int, int]:
    """The marked tasks with the last event that was on the page, as the form says them: "7:123"."""
    found: dict[int, int] = {}
    for pair in request.form.getlist("seen"):
        task_id, _colon, event_id = pair.partition(":")
        try:
            found[row_id(task_id)] = row_id(event_id)
        except ValueError:
            abort(400)
    return dict([*found.items()][: several.MOST])


def _form(act: str, task_ids: list[int], errors: dict[str, str] | None = None) -> str:
    session, now = db.session(), utcnow()
    rows = board.rows(session, task_ids, now)
    ranked = choosing.ranked(session, rows[0].task, now) if act == "assign" and rows else []
    seen = several.seen(session, [row.task.id for row in rows])
    if request.method == "POST":
        seen |= {i: e for i, e in _seen().items() if i in seen}  # what they decided by stays what they saw
    return _page(act=act, rows=rows, seen=seen, ranked=ranked, errors=errors or {}, values=request.form)


def _page(**known: Any) -> str:
    drawer = bool(request.headers.get("HX-Request"))
    return render_template("board/_several.html" if drawer else "board/several.html", **known)
