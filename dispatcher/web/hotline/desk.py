"""The desk, ready for the next call; and the search over everything."""

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from dispatcher.clock import utcnow
from dispatcher.database import db
from dispatcher.models import HelpRequest
from dispatcher.rules import phones
from dispatcher.services import board, calls, drafts, finding, search
from dispatcher.web import forms
from dispatcher.web.auth import STAFF, roles
from dispatcher.web.hotline.blueprint import blueprint

RECENT = 8


@blueprint.get("")
@roles(*STAFF)
def desk() -> ResponseReturnValue:
    """The desk, ready for the next call."""
    query = _query()
    saved, recent = _saved(), calls.taken(db.session(), current_user.id, RECENT)
    tasks = calls.tasks(db.session(), [call.id for call in (*recent, *filter(None, [saved]))])
    return render_template(
        "hotline/desk.html",
        query=query,
        matches=_matches(query),
        too_short=_too_short(query),
        saved=saved,
        saved_tasks=tasks[saved.id] if saved else [],
        recent=[(call, tasks[call.id]) for call in recent],
        unfinished=drafts.unfinished(db.session(), current_user.id),
    )


@blueprint.get("/matches")
@roles(*STAFF)
def matches() -> ResponseReturnValue:
    """The matches alone, while the operator types."""
    query = _query()
    return render_template(
        "hotline/_matches.html", query=query, matches=_matches(query), too_short=_too_short(query)
    )


@blueprint.get("/find")
@roles(*STAFF)
def find() -> ResponseReturnValue:
    """Retirees, volunteers, tasks and messages, whatever was typed."""
    query, now = _query(), utcnow()
    found = finding.find(db.session(), query, now)
    texts = {letter.message.id: board.as_sent(letter.message, now) for letter in found.messages}
    return render_template("hotline/find.html", query=query, found=found, texts=texts)


def _query() -> str:
    return request.args.get("q", "").strip()[:60]


def _matches(query: str) -> list[search.Match]:
    return search.find(db.session(), query) if query else []


def _too_short(query: str) -> bool:
    """Whether these are so few digits that everybody would be found."""
    digits = phones.search_digits(query)
    return digits is not None and len(digits) < phones.SHORTEST_HEAD and not phones.search_terms(query)


def _saved() -> HelpRequest | None:
    """The request just saved, to show what became of it."""
    saved = request.args.get("saved", type=forms.row_id)
    return db.session.get(HelpRequest, saved) if saved else None
