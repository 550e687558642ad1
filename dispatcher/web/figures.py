"""The figures of a period: the page, its pictures, and what can be taken away of them."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from threading import Lock
from typing import Any
from weakref import WeakValueDictionary

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    render_template,
    request,
    send_file,
    stream_with_context,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select

from dispatcher.clock import utcnow
from dispatcher.database import db
from dispatcher.models import ADMINISTRATOR, Campus
from dispatcher.rules.period import CHOICES, FROM_TO, MOST_DAYS, WEEK, BadPeriod, Period, chosen
from dispatcher.services.figures import Figures, of
from dispatcher.services.lately import known
from dispatcher.services.task_list import Line, lines
from dispatcher.web import charts, exports, figure_tables
from dispatcher.web.auth import COORDINATORS, roles
from dispatcher.web.exports import Sheet, Value
from dispatcher.web.figure_tables import Table
from dispatcher.web.wording import language
from dispatcher.web.words import CATEGORY, URGENCY

log = logging.getLogger(__name__)
blueprint = Blueprint("figures", __name__, url_prefix="/board/figures")

KEPT_S = 300.0
"""So long, in seconds, figures of very many tasks are kept: the page and its pictures ask for the same."""

_being_found: WeakValueDictionary[Period, Lock] = WeakValueDictionary()
"""Who asks for what somebody else is finding out waits for that: the pictures are asked for all at once."""

TASKS = "tasks"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@blueprint.get("")
@roles(*COORDINATORS)
def overview() -> ResponseReturnValue:
    """The page: what a period was like, in sentences, pictures and tables."""
    typed = {name: request.args.get(name, "").strip()[:20] for name in ("period", "from", "to")}
    typed["period"] = typed["period"] if typed["period"] in CHOICES else WEEK
    try:
        period = _period()
    except BadPeriod as bad:
        said = {field: _said(code) for field, code in bad.problems.items()}
        return _page(typed, None, said), 422
    figures = _figures(period)
    tables = [make(figures) for make in figure_tables.ALL.values()]
    return _page(typed, period, {}, tables=tables, headlines=_headlines(figures))


def _page(typed: dict[str, str], period: Period | None, errors: dict[str, str], **known: Any) -> str:
    return render_template(
        "board/figures.html", typed=typed, period=period, errors=errors, choices=CHOICES,
        cell=figure_tables.cell, query=_query(period),
        may_name=current_user.role == ADMINISTRATOR, **known,
    )  # fmt: skip


@blueprint.get("/<name>.svg")
@roles(*COORDINATORS)
def picture(name: str) -> ResponseReturnValue:
    """One picture, with a policy of its own: it has a style sheet inside, and may have nothing else."""
    svg = _table(name).draw()
    return Response(svg, mimetype="image/svg+xml", headers={"Content-Security-Policy": charts.POLICY})


@blueprint.get("/<name>.csv")
@roles(*COORDINATORS)
def as_csv(name: str) -> ResponseReturnValue:
    """One table, or the list of tasks, as CSV."""
    period = _asked()
    if name == TASKS:
        columns = [heading for heading, _width in _columns(_names())]
        rows: Iterable[Sequence[Value]] = _rows(period, _names())
    else:
        table = _table(name)
        columns, rows = list(table.columns), table.rows
    answer = Response(
        stream_with_context(exports.csv_lines(columns, rows)),
        mimetype="text/csv; charset=utf-8",
    )
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}-{period.first}-{period.last}.csv"'
    return answer


@blueprint.get("/export.xlsx")
@roles(*COORDINATORS)
def as_workbook() -> ResponseReturnValue:
    """All tables and the list of tasks as one workbook."""
    period = _asked()
    figures, names = _figures(period), _names()
    tables = [make(figures) for make in figure_tables.ALL.values()]
    sheets = [Sheet(table.title, [(column, 18) for column in table.columns], table.rows) for table in tables]
    sheets.append(Sheet(_("Tasks"), _columns(names), _rows(period, names)))
    name = f"figures-{period.first}-{period.last}.xlsx"
    return send_file(exports.workbook(sheets), _XLSX, as_attachment=True, download_name=name)


def _names() -> bool:
    """Whether names are asked for, which only an administrator may."""
    if request.args.get("names") != "1":
        return False
    if current_user.role != ADMINISTRATOR:
        abort(403)
    return True


def _columns(names: bool) -> list[tuple[str, int]]:
    people = [(_("Retiree"), 18), (_("Volunteer"), 18)] if names else []
    return [
        (_("Task number"), 10), (_("Campus"), 18), (_("Kind of help"), 14), (_("Hurry"), 10),
        (_("Opened"), 18), (_("Accepted"), 18), (_("Delivered"), 18), (_("Ended"), 18),
        (_("Minutes to accept"), 12), (_("Minutes to deliver"), 12), (_("How it ended"), 28),
        (_("SMS sent"), 10), *people,
    ]  # fmt: skip


def _rows(period: Period, names: bool) -> Iterator[list[Value]]:
    if names:
        log.warning("a list of tasks with names was exported", extra={"staff_id": current_user.id})
    zone = current_app.config["ZONE"]
    campuses = {c.id: c.name(language()) for c in db.session.scalars(select(Campus))}
    ended = {
        "by_retiree": _("Closed by the retiree's word"), "by_coordinator": _("Closed by a coordinator"),
        "by_phone": _("Settled by phone, out of reach"), "cancelled": _("Cancelled"),
        "still_open": _("Still open"),
    }  # fmt: skip

    def local(moment: datetime | None) -> datetime | None:
        return moment.astimezone(zone).replace(tzinfo=None, microsecond=0) if moment else None

    def minutes(line: Line, until: datetime | None) -> float | None:
        return round((until - line.opened_at).total_seconds() / 60, 1) if until else None

    for line in lines(db.session(), period, zone, names):
        yield [
            line.number, campuses.get(line.campus_id, ""), str(CATEGORY.get(line.category, line.category)),
            str(URGENCY.get(line.urgency, line.urgency)), local(line.opened_at), local(line.accepted_at),
            local(line.delivered_at), local(line.ended_at), minutes(line, line.accepted_at),
            minutes(line, line.delivered_at), ended[line.ended], line.sms,
            *([line.retiree, line.volunteer] if names else []),
        ]  # fmt: skip


def _table(name: str) -> Table:
    make = figure_tables.ALL.get(name)
    if make is None:
        abort(404)
    return make(_figures(_asked()))


def _period() -> Period:
    args = request.args
    return chosen(args.get("period", ""), args.get("from", ""), args.get("to", ""), _today())


def _asked() -> Period:
    """The period of a picture or a file: their addresses are ours, nobody types them."""
    try:
        return _period()
    except BadPeriod:
        abort(404)


def _today() -> Any:
    return utcnow().astimezone(current_app.config["ZONE"]).date()


def _figures(period: Period) -> Figures:
    """The figures of a period; of a large one those that were found a moment ago."""
    config = current_app.config

    def find() -> tuple[Figures, int]:
        found = of(db.session(), period, utcnow(), config["ZONE"], config["DISPATCH"])
        return found, found.endings.total

    lock = _being_found.setdefault(period, Lock())
    with lock:
        return known(f"figures of {period}", find, KEPT_S)


def _query(period: Period | None) -> dict[str, str]:
    """What an address says to mean this period, whatever day it is by then."""
    if period is None:
        return {}
    return {"period": FROM_TO, "from": period.first.isoformat(), "to": period.last.isoformat()}


def _said(code: str) -> str:
    match code:
        case "backwards":
            return _("The last day must not be before the first.")
        case "too_long":
            return _("Please choose at most %(most)d days.", most=MOST_DAYS)
    return _("Please give a date such as 2026-11-03.")


def _headlines(figures: Figures) -> list[tuple[str, str, str]]:
    """The few figures that say how it went: (figure, what it counts, compared with what)."""
    urgent, sent = figures.accepting["urgent"], figures.sms
    settled = figures.endings
    return [
        (str(sum(figures.hours)), _("requests for help"), ""),
        (
            "–" if urgent.share is None else f"{figure_tables.percent(urgent.share)}%",
            _("of urgent help accepted in time"),
            _("%(n)s of %(total)s", n=urgent.in_time, total=urgent.decided) if urgent.decided else "",
        ),
        (str(settled.still_open), _("tasks still open"), _("of %(total)s", total=settled.total)),
        (
            "–" if sent.share is None else f"{figure_tables.percent(sent.share)}%",
            _("of SMS arrived"),
            _("%(n)s did not", n=sent.lost) if sent.lost else "",
        ),
    ]  # fmt: skip
